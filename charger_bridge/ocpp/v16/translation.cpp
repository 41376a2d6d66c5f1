#include "charger_bridge/ocpp/v16/translation.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/schema_texts.h"
#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/ocpp/v16/messages.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

namespace tally::bridge::v16 {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 26> our_actions{"CancelReservation",
                                                       "CertificateSigned",
                                                       "ChangeAvailability",
                                                       "ChangeConfiguration",
                                                       "ClearCache",
                                                       "ClearChargingProfile",
                                                       "DataTransfer",
                                                       "DeleteCertificate",
                                                       "ExtendedTriggerMessage",
                                                       "GetCompositeSchedule",
                                                       "GetConfiguration",
                                                       "GetDiagnostics",
                                                       "GetInstalledCertificateIds",
                                                       "GetLocalListVersion",
                                                       "GetLog",
                                                       "InstallCertificate",
                                                       "RemoteStartTransaction",
                                                       "RemoteStopTransaction",
                                                       "ReserveNow",
                                                       "Reset",
                                                       "SendLocalList",
                                                       "SetChargingProfile",
                                                       "SignedUpdateFirmware",
                                                       "TriggerMessage",
                                                       "UnlockConnector",
                                                       "UpdateFirmware"};

const char* to_text(TagStatus status) {
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
    return "";
}

const SchemaBook& schemas() {
    static const SchemaBook book{schema_texts_v16()};
    return book;
}

class TranslationV16 final : public Translation {
public:
    std::string_view sub_protocol() const override { return "ocpp1.6"; }
    bool is_known_action(std::string_view action) const override {
        return schemas().is_known_action(action);
    }
    bool is_ours(std::string_view action) const override {
        return std::find(our_actions.begin(), our_actions.end(), action) != our_actions.end();
    }
    std::optional<SchemaViolation> find_violation(std::string_view action, Direction direction,
                                                  const json::object& payload) const override {
        return schemas().find_violation(action, direction, payload);
    }
    ErrorCode spelled(ErrorCode code) const override { return code; }
    ErrorCode code_of(const FrameError& error) const override { return error.code; }

    std::optional<RequestBody> decode_request(std::string_view action,
                                              const json::object& payload) const override {
        return v16::decode_request(action, payload);
    }
    bool must_be_answered(std::string_view action, const json::object& /*payload*/) const override {
        return v16::must_be_answered(action);
    }
    bool is_transaction_text(std::string_view text) const override {
        const std::string_view head = text.substr(0, 128);
        return head.find("\"StartTransaction\"") != std::string_view::npos ||
               head.find("\"StopTransaction\"") != std::string_view::npos;
    }

    json::object boot_answer(const BootAnswer& answer) const override {
        json::object payload;
        payload["status"] = to_text(answer.status);
        payload["currentTime"] = time_to_text(answer.time);
        payload["interval"] = answer.interval.count();
        return payload;
    }
    json::object answer(const AnswerAuthorize& effect) const override {
        // This version knows no master pass: what is accepted could begin a charge.
        const bool is_master = !effect.master_group.empty();
        return id_tag_answer(to_text(is_master ? TagStatus::blocked : effect.status));
    }
    json::object answer(const AnswerStart& effect) const override {
        json::object payload = id_tag_answer(to_text(effect.status));
        payload["transactionId"] = std::int64_t{effect.transaction};
        return payload;
    }
    json::object answer(const AnswerMeterValues& /*effect*/) const override { return {}; }
    json::object answer(const AnswerStop& effect) const override {
        return effect.with_tag ? id_tag_answer("Accepted") : json::object{};
    }

    json::object answer(const AnswerReport& /*effect*/) const override { return {}; }
    json::object notice_answer(std::string_view action) const override {
        // There is no authority here that signs certificates for chargers.
        return action == "SignCertificate" ? status_answer("Rejected") : json::object{};
    }

    std::vector<Command> trigger_status(std::uint16_t /*connectors*/) const override {
        return {trigger("StatusNotification", 0)};
    }
    Command trigger(const std::string& message, std::uint16_t connector) const override {
        Command command{"TriggerMessage", {}, 0};
        command.payload["requestedMessage"] = message;
        if (connector != 0) {
            command.payload["connectorId"] = std::int64_t{connector};
        }
        return command;
    }
    Command remote_start(const RemoteStart& start) const override {
        Command command{"RemoteStartTransaction", {}, 0};
        command.payload["idTag"] = start.token;
        if (start.connector != 0) {
            command.payload["connectorId"] = std::int64_t{start.connector};
        }
        return command;
    }
    std::optional<Command> command(const AskPending& /*effect*/) const override {
        return std::nullopt;
    }
    Command command(const RemoteStop& effect) const override {
        Command command{"RemoteStopTransaction", {}, 0};
        command.payload["transactionId"] = std::int64_t{effect.transaction};
        return command;
    }
    std::optional<Command> command(const UpdateCost& effect) const override {
        json::object data;
        data["transactionId"] = std::int64_t{effect.transaction};
        data["mc"] = money_to_text(effect.amount);
        Command command{"DataTransfer", {}, 0};
        command.payload["vendorId"] = "tally";
        command.payload["messageId"] = "Cost";
        command.payload["data"] = json::serialize(data);
        return command;
    }
    Command command(const UnlockConnector& effect) const override {
        Command command{"UnlockConnector", {}, 0};
        command.payload["connectorId"] = std::int64_t{effect.connector};
        return command;
    }
    Command command(const ResetStation& /*effect*/) const override {
        Command command{"Reset", {}, 0};
        command.payload["type"] = "Soft";
        return command;
    }
};

}  // namespace

const Translation& translation() {
    static const TranslationV16 instance;
    return instance;
}

json::object id_tag_answer(std::string_view status) {
    json::object info;
    info["status"] = as_json(status);
    json::object answer;
    answer["idTagInfo"] = std::move(info);
    return answer;
}

}  // namespace tally::bridge::v16
