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

namespace tally::bridge {

/// A CALL to the charger; `tag` comes back with its reply.
struct Command {
    std::string action;
    boost::json::object payload;
    std::uint64_t tag{0};
};

/// What a charger's request says, whichever version it speaks.
using RequestBody = std::variant<BootFacts, HeartbeatFacts, StatusFacts, AuthorizeFacts, StartFacts,
                                 ValuesFacts, StopFacts, TransferFacts, NoticeFacts>;

struct BootAnswer {
    UnixMillis time{0};
    std::chrono::seconds interval{0};
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
    /// Whether only the central system sends it.
    [[nodiscard]] virtual bool is_ours(std::string_view action) const = 0;
    /// Checks against the schema of `action`, which must be known. Nothing when it conforms.
    [[nodiscard]] virtual std::optional<SchemaViolation> find_violation(
        std::string_view action, Direction direction, const boost::json::object& payload) const = 0;
    /// The code as this version spells it.
    [[nodiscard]] virtual ErrorCode spelled(ErrorCode code) const = 0;
    /// Of a text that is no frame.
    [[nodiscard]] virtual ErrorCode code_of(const FrameError& error) const = 0;

    /// Reads a payload that conforms to its action's schema, or a transaction message with its
    /// money fields. Nothing when the action is one that only the central system sends, or a number
    /// is out of range.
    [[nodiscard]] virtual std::optional<RequestBody> decode_request(
        std::string_view action, const boost::json::object& payload) const = 0;
    /// Whether a payload is a transaction message whose fields that decide what is billed are there
    /// with their types, whatever else is wrong with it.
    [[nodiscard]] virtual bool has_money_fields(std::string_view action,
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

    // Commands to chargers; nothing where the version has no such message.
    [[nodiscard]] virtual Command trigger_status() const = 0;
    [[nodiscard]] virtual Command command(const RemoteStop& effect) const = 0;
    [[nodiscard]] virtual std::optional<Command> command(const UpdateCost& effect) const = 0;
    [[nodiscard]] virtual Command command(const UnlockConnector& effect) const = 0;
    [[nodiscard]] virtual Command command(const ResetStation& effect) const = 0;
};

}  // namespace tally::bridge
