#pragma once

// Who gets which message of a charger that has another central system behind this bridge. Pure:
// texts and times in, texts out.

#include "charger_bridge/ocpp/frame.h"
#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/translation.h"
#include "charger_bridge/proxy/alias_map.h"
#include "charger_bridge/proxy/roaming_book.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t route_pending_max{8};    ///< CALLs of the charger not answered
inline constexpr std::size_t route_calls_max{16};     ///< CALLs of upstream that wait
inline constexpr std::size_t route_verdicts_max{32};  ///< tokens whose last verdict is remembered
/// Transactions without a token whose reports are remembered, and reports of each.
inline constexpr std::size_t route_early_transactions_max{8};
inline constexpr std::size_t route_early_texts_max{4};
inline constexpr std::uint32_t route_malformed_max{
    10};  ///< wrong frames of upstream on a connection
/// A charger's CALL that nobody answered for so long is forgotten.
inline constexpr std::chrono::seconds route_pending_timeout{60};
/// A charger whose upstream cannot be reached for so long is sent away to queue.
inline constexpr std::chrono::seconds route_patience{10};

/// What a step of a route asks for, in this order.
struct RouteOutput {
    /// A number of upstream's got another one: to be stored, synced, before the rest.
    std::optional<Bytes> aliases;
    std::vector<std::string> to_upstream;
    std::vector<std::string> to_charger;
    /// What upstream answers but the bridge has to know too.
    std::vector<std::variant<StatusFacts, BootFacts>> observed;
    /// A transaction of upstream's began there: what the bridge has open on it is over.
    std::optional<std::uint16_t> taken_connector;
    /// The bridge's own: for its sessions, through `Peer::receive`.
    std::vector<std::string> to_bridge;
    bool ask_status{false};  ///< of the charger: upstream has missed some
    std::string close;       ///< not empty: close the charger's connection, this is why
    std::string hang_up;     ///< not empty: close the connection to upstream, this is why
};

struct RouteConfig {
    /// With these, upstream says that it does not know a token.
    std::vector<std::string> unknown_statuses{"Invalid", "Unknown"};
    std::string own_prefix;  ///< begins the ids of all CALLs of this bridge; not empty
};

/// How a charger's CALL is dealt with:
/// - Authorize: upstream first; where it does not know the token, the bridge; where that refuses
///   too, the charger gets upstream's answer.
/// - A start of a token that nobody has been asked about: upstream is asked by an Authorize first,
///   and sees the start only if it knows the token or the bridge refuses it.
/// - What belongs to a transaction of the bridge, and DataTransfer `tally`: the bridge alone.
/// - All else: upstream alone, unchanged.
/// To the charger goes one CALL at a time, those of the bridge before those of upstream.
/// While upstream is away the charger is sent away, so that it queues; but while the bridge has a
/// charge there the connection is kept for that, and ended when something comes that upstream must
/// not miss. Errors: what upstream sends and nobody understands is dropped, and the connection to
/// it ended after `route_malformed_max`. One object per connection of a charger. Threads: one
/// owner.
class Route {
public:
    using Time = std::chrono::milliseconds;

    /// `translation`, `book` and `aliases` must outlive the route.
    Route(const Translation& translation, const RoamingBook& book, AliasMap& aliases,
          RouteConfig config, Time now);

    [[nodiscard]] RouteOutput from_charger(std::string_view text, Time now);
    [[nodiscard]] RouteOutput from_upstream(std::string_view text, Time now);
    /// What the bridge's `Peer` wants sent to the charger: an answer, or a CALL of its own.
    [[nodiscard]] RouteOutput from_bridge(std::string text, Time now);
    /// Whether a refusal of this CALL's token by the sessions goes to `refused`, instead of to the
    /// charger.
    [[nodiscard]] bool takes_back(const std::string& id) const;
    [[nodiscard]] RouteOutput refused(const std::string& id, Time now);
    [[nodiscard]] RouteOutput upstream_opened(Time now);
    /// Also when it could not be reached.
    [[nodiscard]] RouteOutput upstream_closed(Time now);
    [[nodiscard]] RouteOutput tick(Time now);

private:
    enum class Line : std::uint8_t { connecting, open, lost };
    enum class Stage : std::uint8_t {
        waiting,      ///< for upstream's connection
        at_upstream,  ///< which answers it
        asking,       ///< upstream whether it knows the token
        at_bridge,    ///< which answers it
    };
    enum class Verdict : std::uint8_t { own, roaming };
    struct Pending {
        std::string id;
        std::string action;
        boost::json::object payload;
        std::string text;
        std::optional<RequestBody> body;  ///< nothing: not understood, or not looked at
        Stage stage{Stage::waiting};
        bool is_begun_upstream{false};  ///< which has seen its transaction begin
        bool is_tried{false};           ///< at the bridge, which may refuse the token
        std::string asked_id;           ///< of our own Authorize, while asking
        std::string withheld;           ///< upstream's answer, in case the bridge refuses too
        Time since{0};
    };
    struct EarlyReport {
        std::string id;
        std::string text;
    };
    /// The charger's to a CALL; `renamed` gives it another message id.
    struct Answer {
        const std::string& id;
        std::string_view text;
        std::function<std::string(const std::string&)> renamed;
    };
    struct OutgoingCall {
        std::string id;    ///< as its sender knows it; empty: it does not wait any more
        std::string wire;  ///< as the charger knows it
        std::string text;
        bool of_bridge{false};
    };

    // The charger's CALLs
    void take_call(Call call, std::string_view text, RouteOutput& output);
    void place(Pending& pending, RouteOutput& output);
    [[nodiscard]] bool is_ours(const RequestBody& body) const;
    [[nodiscard]] std::optional<std::string> token_that_begins(const RequestBody& body) const;
    void place_start(Pending& pending, const std::string& token, RouteOutput& output);
    void give_bridge(Pending& pending, bool is_tried, RouteOutput& output);
    void give_upstream(Pending& pending, RouteOutput& output);
    /// What can be done about it without upstream. False: it must not be lost.
    [[nodiscard]] bool place_without_upstream(Pending& pending, RouteOutput& output);
    void remember_early(const Pending& pending);
    /// A token that the bridge tried is accepted.
    void accepted(const Pending& pending, RouteOutput& output);
    void end_upstream(const ReportFacts& report, RouteOutput& output);
    void forget(const std::string& id);
    [[nodiscard]] Pending* find(const std::string& id, Stage stage);

    // Upstream's answers and CALLs
    void on_upstream(Call call, std::string_view text, RouteOutput& output);
    void on_upstream(const CallResult& result, std::string_view text, RouteOutput& output);
    void on_upstream(const CallError& error, std::string_view text, RouteOutput& output);
    /// Upstream has said what it knows of the token of a start; empty: it could not say.
    void answered_ask(Pending& pending, const std::string& status, RouteOutput& output);
    void answered_authorize(Pending& pending, const std::string& status, std::string_view text,
                            RouteOutput& output);
    /// The answer as the charger gets it.
    [[nodiscard]] std::string with_alias(const CallResult& result, std::string_view text,
                                         RouteOutput& output);
    /// The CALL as the charger gets it.
    [[nodiscard]] OutgoingCall as_sent(Call call, std::string_view text);
    /// The answer that upstream's CALL gets from here; nothing: it is the charger's to answer.
    [[nodiscard]] std::optional<std::string> own_answer(const Call& call) const;
    void note_remote_start(const Call& call);
    [[nodiscard]] bool is_unknown(const std::string& status) const;

    // To the charger
    void send_next(RouteOutput& output);
    void on_charger_answer(const Answer& answer, RouteOutput& output);
    void judge(const std::string& token, Verdict verdict);
    [[nodiscard]] std::optional<Verdict> verdict_on(const std::string& token) const;
    void lose(RouteOutput& output);

    const Translation* m_translation;
    const RoamingBook* m_book;
    AliasMap* m_aliases;
    RouteConfig m_config;
    Line m_line{Line::connecting};
    Time m_now;
    Time m_connecting_since;
    std::deque<Pending> m_pending;  ///< oldest first
    std::deque<OutgoingCall> m_calls;
    std::optional<OutgoingCall> m_out;  ///< the charger has it
    Time m_out_since{0};
    std::deque<std::pair<std::string, Verdict>> m_verdicts;
    /// Reports of transactions that have no token yet, by transaction.
    std::deque<std::pair<std::string, std::vector<EarlyReport>>> m_early;
    std::vector<std::string> m_silenced;  ///< CALLs whose answer by the bridge nobody waits for
    std::uint64_t m_ids{0};
    std::uint32_t m_malformed{0};
    bool m_missed_status{false};
};

}  // namespace tally::bridge
