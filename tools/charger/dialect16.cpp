// OCPP 1.6J.

#include "tools/charger/dialect.h"
#include "tools/charger/meter_seal.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

const char* state_text(ConnectorState state) {
    switch (state) {
        case ConnectorState::available:
            return "Available";
        case ConnectorState::preparing:
            return "Preparing";
        case ConnectorState::charging:
            return "Charging";
        case ConnectorState::suspended:
            return "SuspendedEV";
        case ConnectorState::finishing:
            return "Finishing";
        case ConnectorState::faulted:
            return "Faulted";
        case ConnectorState::unavailable:
            return "Unavailable";
    }
    return "";
}

const char* reason_text(StopReason reason) {
    switch (reason) {
        case StopReason::local:
            return "Local";
        case StopReason::remote:
            return "Remote";
        case StopReason::car:
            return "EVDisconnected";
        case StopReason::power_loss:
            return "PowerLoss";
        case StopReason::reset:
            return "HardReset";
        case StopReason::unlock:
            return "UnlockCommand";
        case StopReason::refused:
            return "DeAuthorized";
    }
    return "";
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

std::string text_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::int64_t integer_in(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

class Dialect16 final : public Dialect {
public:
    explicit Dialect16(SealFacts seal) : m_seal{std::move(seal)} {}

    [[nodiscard]] const char* protocol() const override { return "ocpp1.6"; }

    [[nodiscard]] OutgoingCall boot(bool /*after_power_loss*/) const override {
        OutgoingCall call;
        call.action = "BootNotification";
        call.payload = {{"chargePointVendor", "Tallystick"}, {"chargePointModel", "Simulated"}};
        return call;
    }

    [[nodiscard]] OutgoingCall status(std::uint32_t connector, ConnectorState state,
                                      UnixMillis time) const override {
        OutgoingCall call;
        call.action = "StatusNotification";
        const bool faulted = state == ConnectorState::faulted;
        call.payload = {{"connectorId", connector},
                        {"errorCode", faulted ? "GroundFailure" : "NoError"},
                        {"status", state_text(state)},
                        {"timestamp", utc_text(time)}};
        return call;
    }

    [[nodiscard]] OutgoingCall authorize(const std::string& token) const override {
        OutgoingCall call;
        call.action = "Authorize";
        call.payload = {{"idTag", token}};
        return call;
    }

    [[nodiscard]] OutgoingCall start(const SharedCharge& charge, bool /*offline*/) const override {
        OutgoingCall call;
        call.action = "StartTransaction";
        call.of_transaction = true;
        call.payload = {{"connectorId", charge->connector},
                        {"idTag", charge->token},
                        {"meterStart", charge->first.register_wh},
                        {"timestamp", utc_text(charge->first.time)}};
        return call;
    }

    [[nodiscard]] OutgoingCall sample(const SharedCharge& charge, const MeterReading& reading,
                                      bool /*offline*/) const override {
        OutgoingCall call;
        call.action = "MeterValues";
        call.of_transaction = true;
        call.payload = {{"connectorId", charge->connector},
                        {"transactionId", -1},
                        {"meterValue", json::array{meter_value(reading)}}};
        call.complete = [charge](json::object& payload) { put_number(*charge, payload); };
        return call;
    }

    [[nodiscard]] OutgoingCall stop(const SharedCharge& charge, const MeterReading& reading,
                                    StopReason reason, bool /*offline*/) const override {
        OutgoingCall call;
        call.action = "StopTransaction";
        call.of_transaction = true;
        call.payload = {{"idTag", charge->token},
                        {"transactionId", -1},
                        {"meterStop", reading.register_wh},
                        {"timestamp", utc_text(reading.time)},
                        {"reason", reason_text(reason)}};
        if (!reading.sealed.empty()) {
            call.payload["transactionData"] =
                json::array{meter_value(charge->first), meter_value(reading)};
        }
        call.complete = [charge](json::object& payload) { put_number(*charge, payload); };
        return call;
    }

    [[nodiscard]] CentralCommand understand(const IncomingCall& call) const override {
        CentralCommand command;
        command.token = text_in(call.payload, "idTag");
        command.connector = static_cast<std::uint32_t>(integer_in(call.payload, "connectorId"));
        if (call.action == "RemoteStopTransaction") {
            command.kind = CommandKind::remote_stop;
            command.transaction = std::to_string(integer_in(call.payload, "transactionId"));
        } else if (call.action == "RemoteStartTransaction") {
            command.kind = CommandKind::remote_start;
        } else if (call.action == "TriggerMessage") {
            command.kind = CommandKind::trigger;
            command.what = text_in(call.payload, "requestedMessage");
        } else if (call.action == "Reset") {
            command.kind = CommandKind::reset;
        } else if (call.action == "UnlockConnector") {
            command.kind = CommandKind::unlock;
        } else if (call.action == "DataTransfer") {
            command.kind = CommandKind::cost;
        } else if (call.action == "GetConfiguration" || call.action == "ChangeConfiguration") {
            command.kind = CommandKind::setting;
        }
        return command;
    }

    [[nodiscard]] std::optional<json::object> reply(const IncomingCall& call,
                                                    bool accepted) const override {
        if (call.action == "GetConfiguration") {
            return settings(call.payload);
        }
        if (call.action == "ChangeConfiguration") {
            return json::object{{"status", "NotSupported"}};
        }
        if (call.action == "UnlockConnector") {
            return json::object{{"status", accepted ? "Unlocked" : "UnlockFailed"}};
        }
        if (call.action == "TriggerMessage") {
            return json::object{{"status", accepted ? "Accepted" : "NotImplemented"}};
        }
        if (call.action == "GetLocalListVersion") {
            return json::object{{"listVersion", 0}};
        }
        if (call.action == "ChangeAvailability" || call.action == "ReserveNow" ||
            call.action == "CancelReservation" || call.action == "RemoteStartTransaction" ||
            call.action == "RemoteStopTransaction" || call.action == "Reset" ||
            call.action == "DataTransfer" || call.action == "ClearCache") {
            return json::object{{"status", accepted ? "Accepted" : "Rejected"}};
        }
        return std::nullopt;
    }

private:
    static void put_number(const ChargeFacts& charge, json::object& payload) {
        payload["transactionId"] = charge.number_forgotten ? -1 : charge.number.value_or(-1);
    }

    static json::object settings(const json::object& payload) {
        json::array known;
        json::array unknown;
        known.emplace_back(
            json::object{{"key", "MeterValueSampleInterval"}, {"readonly", true}, {"value", "10"}});
        if (const json::value* keys = payload.if_contains("key"); keys != nullptr) {
            known.clear();
            if (const json::array* list = keys->if_array()) {
                unknown = *list;
            }
        }
        return {{"configurationKey", std::move(known)}, {"unknownKey", std::move(unknown)}};
    }

    [[nodiscard]] json::object meter_value(const MeterReading& reading) const {
        json::array values;
        values.emplace_back(json::object{{"value", std::to_string(reading.register_wh)},
                                         {"context", context_text(reading.context)},
                                         {"measurand", "Energy.Active.Import.Register"},
                                         {"unit", "Wh"}});
        if (reading.power_w) {
            values.emplace_back(json::object{{"value", std::to_string(*reading.power_w)},
                                             {"context", context_text(reading.context)},
                                             {"measurand", "Power.Active.Import"},
                                             {"unit", "W"}});
        }
        if (!reading.sealed.empty()) {
            const json::object sealed{{"signedMeterData", base64_text(as_bytes(reading.sealed))},
                                      {"signingMethod", m_seal.algorithm},
                                      {"encodingMethod", "OCMF"},
                                      {"publicKey", public_key_text(m_seal)}};
            values.emplace_back(json::object{{"value", json::serialize(sealed)},
                                             {"context", context_text(reading.context)},
                                             {"format", "SignedData"},
                                             {"measurand", "Energy.Active.Import.Register"}});
        }
        return {{"timestamp", utc_text(reading.time)}, {"sampledValue", std::move(values)}};
    }

    SealFacts m_seal;
};

}  // namespace

std::unique_ptr<Dialect> make_dialect16(SealFacts seal) {
    return std::make_unique<Dialect16>(std::move(seal));
}

}  // namespace tally::tools
