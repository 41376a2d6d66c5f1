#pragma once

// One version of OCPP as the rest of the bridge sees it: messages into facts, answers and commands
// into messages. ocpp/v16 and ocpp/v201 have one each.

#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/schema.h"
#include "charger_bridge/session/facts.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tally::bridge {

/// A CALL to the charger; `tag` comes back with its reply.
struct Command {
    std::string action;
    boost::json::object payload;
    std::uint64_t tag{0};
};

/// What a charger's request says, whichever version it speaks.
using RequestBody = std::variant<BootFacts, HeartbeatFacts, StatusFacts, AuthorizeFacts, StartFacts,
                                 ValuesFacts, StopFacts, ReportFacts, TransferFacts, NoticeFacts>;

/// A charge that the operator at the site wants begun.
struct RemoteStart {
    std::string token;
    std::uint16_t connector{0};  ///< 0: the charger picks one
    std::int32_t number{0};      ///< of this request
};

/// Whether a charger may do anything else than boot.
enum class BootStatus : std::uint8_t { accepted, pending, rejected };
[[nodiscard]] constexpr const char* to_text(BootStatus status) {
    return status == BootStatus::accepted  ? "Accepted"
           : status == BootStatus::pending ? "Pending"
                                           : "Rejected";
}

struct BootAnswer {
    UnixMillis time{0};
    std::chrono::seconds interval{0};  ///< of heartbeats; of the next attempt, when not accepted
    BootStatus status{BootStatus::accepted};
};

/// Stateless; one object for all chargers of a version. Threads: any, but for `find_violation`
/// (schema.h).
class Translation {
public:
    virtual ~Translation() = default;

    /// As it is negotiated in the handshake.
    [[nodiscard]] virtual std::string_view sub_protocol() const = 0;
    /// Whether this action is spoken here at all (as a request of either side).
    [[nodiscard]] virtual bool is_known_action(std::string_view action) const = 0;
    /// Whether the central system may send it: what the site's API may call.
    [[nodiscard]] virtual bool is_ours(std::string_view action) const = 0;
    /// Checks against the schema of `action`, which must be known. Nothing when it conforms.
    [[nodiscard]] virtual std::optional<SchemaViolation> find_violation(
        std::string_view action, Direction direction, const boost::json::object& payload) const = 0;
    /// The code as this version spells it.
    [[nodiscard]] virtual ErrorCode spelled(ErrorCode code) const = 0;
    /// Of a text that is no frame.
    [[nodiscard]] virtual ErrorCode code_of(const FrameError& error) const = 0;

    /// Reads a payload that conforms to its action's schema, or one that must be answered. Nothing
    /// when the action is one that only the central system sends, or a number
    /// is out of range.
    [[nodiscard]] virtual std::optional<RequestBody> decode_request(
        std::string_view action, const boost::json::object& payload) const = 0;
    /// Whether this is a transaction message that is taken whatever is wrong with it: a charger
    /// discards, or repeats for ever, what is refused, and what was charged is lost with it.
    [[nodiscard]] virtual bool must_be_answered(std::string_view action,
                                                const boost::json::object& payload) const = 0;
    /// Whether losing this message loses money: what breaks it is kept for the operator. Looks at
    /// the first bytes only, for the text may be no message.
    [[nodiscard]] virtual bool is_transaction_text(std::string_view text) const = 0;

    // Answers to requests.
    [[nodiscard]] virtual boost::json::object boot_answer(const BootAnswer& answer) const = 0;
    [[nodiscard]] virtual boost::json::object answer(const AnswerAuthorize& effect) const = 0;
    [[nodiscard]] virtual boost::json::object answer(const AnswerStart& effect) const = 0;
    [[nodiscard]] virtual boost::json::object answer(const AnswerMeterValues& effect) const = 0;
    [[nodiscard]] virtual boost::json::object answer(const AnswerStop& effect) const = 0;
    [[nodiscard]] virtual boost::json::object answer(const AnswerReport& effect) const = 0;
    /// To a report that is only acknowledged.
    [[nodiscard]] virtual boost::json::object notice_answer(std::string_view action) const = 0;

    // Commands to chargers; nothing where the version has no such message.
    /// Asks a station with so many connectors for the state of each.
    [[nodiscard]] virtual std::vector<Command> trigger_status(std::uint16_t connectors) const = 0;
    /// `message` as the version names it; connector 0: of the whole station.
    [[nodiscard]] virtual Command trigger(const std::string& message,
                                          std::uint16_t connector) const = 0;
    [[nodiscard]] virtual Command remote_start(const RemoteStart& start) const = 0;
    [[nodiscard]] virtual std::optional<Command> command(const AskPending& effect) const = 0;
    [[nodiscard]] virtual Command command(const RemoteStop& effect) const = 0;
    [[nodiscard]] virtual std::optional<Command> command(const UpdateCost& effect) const = 0;
    [[nodiscard]] virtual Command command(const UnlockConnector& effect) const = 0;
    [[nodiscard]] virtual Command command(const ResetStation& effect) const = 0;
};

}  // namespace tally::bridge
