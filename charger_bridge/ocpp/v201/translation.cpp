#include "charger_bridge/ocpp/v201/translation.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/schema_texts.h"
#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/ocpp/v201/messages.h"

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

namespace tally::bridge::v201 {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 37> our_actions{"CancelReservation",
                                                       "CertificateSigned",
                                                       "ChangeAvailability",
                                                       "ClearCache",
                                                       "ClearChargingProfile",
                                                       "ClearDisplayMessage",
                                                       "ClearVariableMonitoring",
                                                       "CostUpdated",
                                                       "CustomerInformation",
                                                       "DataTransfer",
                                                       "DeleteCertificate",
                                                       "GetBaseReport",
                                                       "GetChargingProfiles",
                                                       "GetCompositeSchedule",
                                                       "GetDisplayMessages",
                                                       "GetInstalledCertificateIds",
                                                       "GetLocalListVersion",
                                                       "GetLog",
                                                       "GetMonitoringReport",
                                                       "GetReport",
                                                       "GetTransactionStatus",
                                                       "GetVariables",
                                                       "InstallCertificate",
                                                       "RequestStartTransaction",
                                                       "RequestStopTransaction",
                                                       "ReserveNow",
                                                       "Reset",
                                                       "SendLocalList",
                                                       "SetChargingProfile",
                                                       "SetDisplayMessage",
                                                       "SetMonitoringBase",
                                                       "SetMonitoringLevel",
                                                       "SetNetworkProfile",
                                                       "SetVariableMonitoring",
                                                       "SetVariables",
                                                       "TriggerMessage",
                                                       "UnlockConnector"};
constexpr std::string_view update_firmware{"UpdateFirmware"};
/// CALLs of one round of asking for states; a station with more connectors tells the rest itself.
constexpr std::uint16_t triggers_max{8};
constexpr double units_per_currency{10'000};

/// Why a token was refused, as near as AuthorizationStatusEnumType comes to it.
const char* status_text(TagStatus status, std::string_view reason) {
    if (reason == "insufficient_balance" || reason == "minimum_approval" ||
        reason == "limit_exceeded") {
        return "NoCredit";
    }
    if (reason == "unknown_token") {
        return "Unknown";
    }
    if (reason == "token_expired") {
        return "Expired";
    }
    switch (status) {
        case TagStatus::accepted:
            return "Accepted";
        case TagStatus::blocked:
            return "Blocked";
        case TagStatus::invalid:
            return "Invalid";
        case TagStatus::concurrent_tx:
            return "ConcurrentTx";
    }
    return "Invalid";
}

/// `group` is the one by which a charger knows a master pass.
json::object token_info(TagStatus status, const std::string& reason,
                        const std::string& group = {}) {
    json::object info;
    if (!group.empty()) {
        json::object token;
        token["idToken"] = group;
        token["type"] = "Central";
        info["groupIdToken"] = std::move(token);
    }
    info["status"] = status == TagStatus::accepted ? "Accepted" : status_text(status, reason);
    if (status != TagStatus::accepted && !reason.empty()) {
        json::object message;
        message["format"] = "ASCII";
        message["content"] = reason;
        info["personalMessage"] = std::move(message);
    }
    return info;
}

/// A number of OCPP's; what is owed is never computed from it.
double cost_of(Money amount) { return static_cast<double>(amount) / units_per_currency; }

const SchemaBook& schemas() {
    static const SchemaBook book{schema_texts_v201()};
    return book;
}

class TranslationV201 final : public Translation {
public:
    std::string_view sub_protocol() const override { return "ocpp2.0.1"; }
    bool is_known_action(std::string_view action) const override {
        return schemas().is_known_action(action);
    }
    bool is_ours(std::string_view action) const override {
        return action == update_firmware ||
               std::find(our_actions.begin(), our_actions.end(), action) != our_actions.end();
    }
    std::optional<SchemaViolation> find_violation(std::string_view action, Direction direction,
                                                  const json::object& payload) const override {
        return schemas().find_violation(action, direction, payload);
    }
    ErrorCode spelled(ErrorCode code) const override {
        if (code == ErrorCode::formation_violation) {
            return ErrorCode::format_violation;
        }
        return code == ErrorCode::occurence_constraint_violation
                   ? ErrorCode::occurrence_constraint_violation
                   : code;
    }
    ErrorCode code_of(const FrameError& error) const override {
        if (error.code == ErrorCode::protocol_error) {
            return ErrorCode::message_type_not_supported;
        }
        return error.id == "-1" ? ErrorCode::rpc_framework_error : spelled(error.code);
    }

    std::optional<RequestBody> decode_request(std::string_view action,
                                              const json::object& payload) const override {
        return v201::decode_request(action, payload);
    }
    bool must_be_answered(std::string_view action, const json::object& payload) const override {
        return v201::must_be_answered(action, payload);
    }
    bool is_transaction_text(std::string_view text) const override {
        return text.substr(0, 128).find("\"TransactionEvent\"") != std::string_view::npos;
    }

    json::object boot_answer(const BootAnswer& answer) const override {
        json::object payload;
        payload["status"] = to_text(answer.status);
        payload["currentTime"] = time_to_text(answer.time);
        payload["interval"] = answer.interval.count();
        return payload;
    }
    json::object answer(const AnswerAuthorize& effect) const override {
        json::object payload;
        payload["idTokenInfo"] = token_info(effect.status, effect.reason, effect.master_group);
        return payload;
    }
    json::object answer(const AnswerStart& effect) const override {
        json::object payload;
        payload["idTokenInfo"] = token_info(effect.status, effect.reason);
        return payload;
    }
    json::object answer(const AnswerMeterValues& /*effect*/) const override { return {}; }
    json::object answer(const AnswerStop& /*effect*/) const override { return {}; }
    json::object answer(const AnswerReport& effect) const override {
        json::object payload;
        if (effect.status) {
            payload["idTokenInfo"] = token_info(*effect.status, effect.reason, effect.master_group);
        }
        if (effect.amount) {
            payload["totalCost"] = cost_of(*effect.amount);
        }
        return payload;
    }
    json::object notice_answer(std::string_view action) const override {
        // There is no authority here that signs certificates for chargers.
        return action == "SignCertificate" ? status_answer("Rejected") : json::object{};
    }

    std::vector<Command> trigger_status(std::uint16_t connectors) const override {
        std::vector<Command> commands;
        for (std::uint16_t id = 1; id <= std::min(connectors, triggers_max); ++id) {
            commands.push_back(trigger("StatusNotification", id));
        }
        return commands;
    }
    Command trigger(const std::string& message, std::uint16_t connector) const override {
        Command command{"TriggerMessage", {}, 0};
        command.payload["requestedMessage"] = message;
        if (connector != 0) {
            json::object evse;
            evse["id"] = std::int64_t{connector};
            if (message == "StatusNotification") {  // Asked of a connector only.
                evse["connectorId"] = 1;
            }
            command.payload["evse"] = std::move(evse);
        }
        return command;
    }
    Command remote_start(const RemoteStart& start) const override {
        json::object token;
        token["idToken"] = start.token;
        token["type"] = "Central";
        Command command{"RequestStartTransaction", {}, 0};
        command.payload["idToken"] = std::move(token);
        command.payload["remoteStartId"] = std::int64_t{start.number};
        if (start.connector != 0) {
            command.payload["evseId"] = std::int64_t{start.connector};
        }
        return command;
    }
    std::optional<Command> command(const AskPending& effect) const override {
        Command command{"GetTransactionStatus", {}, 0};
        command.payload["transactionId"] = effect.name;
        return command;
    }
    Command command(const RemoteStop& effect) const override {
        Command command{"RequestStopTransaction", {}, 0};
        command.payload["transactionId"] = effect.name;
        return command;
    }
    std::optional<Command> command(const UpdateCost& effect) const override {
        Command command{"CostUpdated", {}, 0};
        command.payload["transactionId"] = effect.name;
        command.payload["totalCost"] = cost_of(effect.amount);
        return command;
    }
    Command command(const UnlockConnector& effect) const override {
        Command command{"UnlockConnector", {}, 0};
        command.payload["evseId"] = std::int64_t{effect.connector};
        command.payload["connectorId"] = 1;
        return command;
    }
    Command command(const ResetStation& /*effect*/) const override {
        Command command{"Reset", {}, 0};
        command.payload["type"] = "Immediate";
        return command;
    }
};

}  // namespace

const Translation& translation() {
    static const TranslationV201 instance;
    return instance;
}

}  // namespace tally::bridge::v201
