#pragma once

// One charger's OCPP-J conversation on one connection: frames, ids, schemas, boot rule, one
// outstanding CALL towards the charger. Pure: texts and times in, texts and requests out.

#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/translation.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t peer_commands_max{16};     ///< CALLs waiting towards one charger
inline constexpr std::size_t peer_unanswered_max{8};    ///< requests of a charger in work
inline constexpr std::uint32_t peer_malformed_max{10};  ///< wrong frames before we hang up
inline constexpr std::chrono::seconds peer_call_timeout{30};

/// Begins the ids of all CALLs that a peer with this salt makes.
[[nodiscard]] std::string peer_id_prefix(std::uint64_t salt);

/// A charger's request that conforms to its schema, or a transaction message that breaks it and
/// still says what is billed (then `PeerOutput::refused` names the rule). Must be answered once
/// through `Peer::answer`.
struct Request {
    std::string id;
    std::string action;
    RequestBody body;
};

/// What became of a command: its result, or nothing when the charger refused, sent a result that
/// breaks the schema, or kept silent; then `failure` says which.
struct CommandReply {
    std::uint64_t tag{0};
    std::string action;
    std::optional<boost::json::object> result;
    std::string failure;
    bool was_sent{true};  ///< false: it was dropped before the charger could see it
};

/// What a step of a peer asks for, in this order.
struct PeerOutput {
    std::vector<std::string> send;
    std::optional<Request> request;
    std::vector<CommandReply> replies;
    /// Not empty: close the connection, this is why (a fixed text, fit for a metric label).
    std::string close;
    /// Not empty: the rule that a text breaks, and its code. For logs and metrics.
    std::string refused;
    ErrorCode refused_code{ErrorCode::generic_error};

    [[nodiscard]] bool is_empty() const {
        return send.empty() && !request && replies.empty() && close.empty() && refused.empty();
    }
};

/// Errors: a charger that breaks the protocol gets the CALLERROR that OCPP names; after
/// `peer_malformed_max` unreadable frames, or more than `peer_unanswered_max` requests at once, it
/// is cut off. Threads: one owner.
class Peer {
public:
    /// `booted`: this station had a BootNotification accepted before, on an earlier connection, and
    /// need not repeat it. `salt` keeps the ids of our CALLs apart from those before a restart.
    /// `translation` must outlive the peer.
    Peer(bool booted, std::uint64_t salt, const Translation& translation);

    [[nodiscard]] PeerOutput receive(std::string_view text);
    /// The text that answers a request; empty when there is no such request (any more). A payload
    /// that breaks our own schema is a defect of ours and becomes InternalError.
    [[nodiscard]] std::string answer(const std::string& id, const boost::json::object& payload);
    [[nodiscard]] std::string refuse(const std::string& id, ErrorCode code,
                                     std::string_view description);
    /// Queues a command, or sends it when none is outstanding. A full queue gives a failed reply.
    [[nodiscard]] PeerOutput command(Command command, std::chrono::milliseconds now);
    /// Gives up a command the charger did not answer in time.
    [[nodiscard]] PeerOutput tick(std::chrono::milliseconds now);
    /// Fails everything still queued; for a connection that ended.
    [[nodiscard]] std::vector<CommandReply> abandon();

    void set_booted(bool booted) { m_booted = booted; }
    [[nodiscard]] bool booted() const { return m_booted; }
    [[nodiscard]] const Translation& translation() const { return *m_translation; }

private:
    void on(Call call, PeerOutput& output);
    void on(CallResult result, PeerOutput& output);
    void on(const CallError& error, PeerOutput& output);
    void refuse_into(PeerOutput& output, const std::string& id, ErrorCode code,
                     const std::string& what) const;
    void send_next(PeerOutput& output, std::chrono::milliseconds now);
    void expect_messages(const Command& command);

    const Translation* m_translation;
    bool m_booted;
    /// What our commands made a station send that is not accepted yet.
    std::set<std::string> m_asked_for;
    std::uint64_t m_salt;
    std::uint64_t m_calls{0};
    std::uint32_t m_malformed{0};
    /// Requests not yet answered: id and action, because the answer's schema depends on it.
    std::vector<std::pair<std::string, std::string>> m_unanswered;
    std::deque<Command> m_commands;  ///< the first one is outstanding when `m_outstanding`
    std::string m_outstanding;       ///< id of our CALL, empty when none
    std::chrono::milliseconds m_sent_at{0};
    std::chrono::milliseconds m_last_now{0};
};

}  // namespace tally::bridge
