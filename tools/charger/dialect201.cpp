// OCPP 2.0.1.

#include "tools/charger/dialect.h"
#include "tools/charger/meter_seal.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

const char* state_text(ConnectorState state) {
    switch (state) {
        case ConnectorState::available:
            return "Available";
        case ConnectorState::preparing:
        case ConnectorState::charging:
        case ConnectorState::suspended:
        case ConnectorState::finishing:
            return "Occupied";
        case ConnectorState::faulted:
            return "Faulted";
        case ConnectorState::unavailable:
            return "Unavailable";
    }
    return "";
}

/// Why the transaction stopped, and what caused the message that says so.
struct Stopped {
    const char* reason;
    const char* trigger;
};

Stopped stopped(StopReason reason) {
    switch (reason) {
        case StopReason::local:
            return {"Local", "StopAuthorized"};
        case StopReason::remote:
            return {"Remote", "RemoteStop"};
        case StopReason::car:
            return {"EVDisconnected", "EVDeparted"};
        case StopReason::power_loss:
            return {"PowerLoss", "AbnormalCondition"};
        case StopReason::reset:
            return {"ImmediateReset", "ResetCommand"};
        case StopReason::unlock:
            return {"Other", "UnlockCommand"};
        case StopReason::refused:
            return {"DeAuthorized", "Deauthorized"};
    }
    return {"", ""};
}

const char* context_text(ReadingContext context) {
    switch (context) {
        case ReadingContext::begin:
            return "Transaction.Begin";
        case ReadingContext::periodic:
            return "Sample.Periodic";
        case ReadingContext::end:
            return "Transaction.End";
    }
    return "";
}

json::object id_token(const std::string& token) {
    return {{"idToken", token}, {"type", "ISO14443"}};
}

std::string text_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::uint32_t number_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? static_cast<std::uint32_t>(value->get_int64())
                                                 : 0;
}

/// One result for each variable that was asked for, all unknown here.
json::array unknown_variables(const json::object& payload, const char* list_key) {
    json::array results;
    const json::value* list = payload.if_contains(list_key);
    if (list == nullptr || !list->is_array()) {
        return results;
    }
    for (const json::value& asked : list->get_array()) {
        if (!asked.is_object() || !asked.get_object().contains("component") ||
            !asked.get_object().contains("variable")) {
            continue;
        }
        results.emplace_back(json::object{{"attributeStatus", "UnknownVariable"},
                                          {"component", asked.get_object().at("component")},
                                          {"variable", asked.get_object().at("variable")}});
    }
    return results;
}

class Dialect201 final : public Dialect {
public:
    explicit Dialect201(SealFacts seal) : m_seal{std::move(seal)} {}

    [[nodiscard]] const char* protocol() const override { return "ocpp2.0.1"; }

    [[nodiscard]] OutgoingCall boot(bool after_power_loss) const override {
        OutgoingCall call;
        call.action = "BootNotification";
        call.payload = {{"reason", after_power_loss ? "Watchdog" : "PowerUp"},
                        {"chargingStation",
                         json::object{{"model", "Simulated"}, {"vendorName", "Tallystick"}}}};
        return call;
    }

    [[nodiscard]] OutgoingCall status(std::uint32_t connector, ConnectorState state,
                                      UnixMillis time) const override {
        OutgoingCall call;
        call.action = "StatusNotification";
        call.payload = {{"timestamp", utc_text(time)},
                        {"connectorStatus", state_text(state)},
                        {"evseId", connector},
                        {"connectorId", connector == 0 ? 0 : 1}};
        return call;
    }

    [[nodiscard]] OutgoingCall authorize(const std::string& token) const override {
        OutgoingCall call;
        call.action = "Authorize";
        call.payload = {{"idToken", id_token(token)}};
        return call;
    }

    [[nodiscard]] OutgoingCall start(const SharedCharge& charge, bool offline) const override {
        OutgoingCall call = event("Started", "Authorized", charge, charge->first);
        call.payload["offline"] = offline;
        call.payload["idToken"] = id_token(charge->token);
        call.payload["evse"] = json::object{{"id", charge->connector}, {"connectorId", 1}};
        call.payload["transactionInfo"].as_object()["chargingState"] = "Charging";
        return call;
    }

    [[nodiscard]] OutgoingCall sample(const SharedCharge& charge, const MeterReading& reading,
                                      bool offline) const override {
        OutgoingCall call = event("Updated", "MeterValuePeriodic", charge, reading);
        call.payload["offline"] = offline;
        return call;
    }

    [[nodiscard]] OutgoingCall stop(const SharedCharge& charge, const MeterReading& reading,
                                    StopReason reason, bool offline) const override {
        const Stopped why = stopped(reason);
        OutgoingCall call = event("Ended", why.trigger, charge, reading);
        call.payload["offline"] = offline;
        if (reason == StopReason::local) {
            call.payload["idToken"] = id_token(charge->token);
        }
        call.payload["transactionInfo"].as_object()["stoppedReason"] = why.reason;
        return call;
    }

    [[nodiscard]] CentralCommand understand(const IncomingCall& call) const override {
        CentralCommand command;
        command.transaction = text_in(call.payload, "transactionId");
        command.connector = number_in(call.payload, "evseId");
        if (call.action == "RequestStopTransaction") {
            command.kind = CommandKind::remote_stop;
        } else if (call.action == "RequestStartTransaction") {
            command.kind = CommandKind::remote_start;
            if (const json::value* token = call.payload.if_contains("idToken");
                token != nullptr && token->is_object()) {
                command.token = text_in(token->get_object(), "idToken");
            }
        } else if (call.action == "TriggerMessage") {
            command.kind = CommandKind::trigger;
            command.what = text_in(call.payload, "requestedMessage");
        } else if (call.action == "Reset") {
            command.kind = CommandKind::reset;
        } else if (call.action == "UnlockConnector") {
            command.kind = CommandKind::unlock;
        } else if (call.action == "CostUpdated" || call.action == "DataTransfer") {
            command.kind = CommandKind::cost;
        } else if (call.action == "GetVariables" || call.action == "SetVariables") {
            command.kind = CommandKind::setting;
        }
        return command;
    }

    [[nodiscard]] std::optional<json::object> reply(const IncomingCall& call,
                                                    bool accepted) const override {
        if (call.action == "CostUpdated") {
            return json::object{};
        }
        if (call.action == "GetVariables") {
            return json::object{
                {"getVariableResult", unknown_variables(call.payload, "getVariableData")}};
        }
        if (call.action == "SetVariables") {
            return json::object{
                {"setVariableResult", unknown_variables(call.payload, "setVariableData")}};
        }
        if (call.action == "UnlockConnector") {
            return json::object{{"status", accepted ? "Unlocked" : "UnlockFailed"}};
        }
        if (call.action == "TriggerMessage") {
            return json::object{{"status", accepted ? "Accepted" : "NotImplemented"}};
        }
        if (call.action == "GetTransactionStatus") {
            return json::object{{"messagesInQueue", false}};
        }
        if (call.action == "GetBaseReport" || call.action == "GetReport") {
            return json::object{{"status", "NotSupported"}};
        }
        if (call.action == "ChangeAvailability" || call.action == "RequestStartTransaction" ||
            call.action == "RequestStopTransaction" || call.action == "Reset" ||
            call.action == "DataTransfer" || call.action == "ClearCache") {
            return json::object{{"status", accepted ? "Accepted" : "Rejected"}};
        }
        return std::nullopt;
    }

private:
    /// Numbers are given when something happens, not when it is sent.
    [[nodiscard]] OutgoingCall event(const char* type, const char* trigger,
                                     const SharedCharge& charge,
                                     const MeterReading& reading) const {
        OutgoingCall call;
        call.action = "TransactionEvent";
        call.of_transaction = true;
        call.payload = {{"eventType", type},
                        {"timestamp", utc_text(reading.time)},
                        {"triggerReason", trigger},
                        {"seqNo", charge->next_sequence++},
                        {"transactionInfo", json::object{{"transactionId", charge->id}}},
                        {"meterValue", json::array{meter_value(reading)}}};
        return call;
    }

    [[nodiscard]] json::object meter_value(const MeterReading& reading) const {
        json::object energy{{"value", reading.register_wh},
                            {"context", context_text(reading.context)},
                            {"measurand", "Energy.Active.Import.Register"},
                            {"unitOfMeasure", json::object{{"unit", "Wh"}}}};
        if (!reading.sealed.empty()) {
            energy["signedMeterValue"] =
                json::object{{"signedMeterData", base64_text(as_bytes(reading.sealed))},
                             {"signingMethod", m_seal.algorithm},
                             {"encodingMethod", "OCMF"},
                             {"publicKey", public_key_text(m_seal)}};
        }
        json::array values{std::move(energy)};
        if (reading.power_w) {
            values.emplace_back(json::object{{"value", *reading.power_w},
                                             {"context", context_text(reading.context)},
                                             {"measurand", "Power.Active.Import"},
                                             {"unitOfMeasure", json::object{{"unit", "W"}}}});
        }
        return {{"timestamp", utc_text(reading.time)}, {"sampledValue", std::move(values)}};
    }

    SealFacts m_seal;
};

}  // namespace

std::unique_ptr<Dialect> make_dialect201(SealFacts seal) {
    return std::make_unique<Dialect201>(std::move(seal));
}

}  // namespace tally::tools
