#pragma once

// The sessions of a site with their indices, their records on disk, and what is known of them only
// while the process runs. Pure: writes go into the caller's batch.

#include "charger_bridge/session/events.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tally::bridge {

/// Finished sessions remembered, so that a repeated Start or Stop is recognised; when there is one
/// more, the oldest goes of the station that has the most. Those that are kept are not counted.
inline constexpr std::size_t finished_sessions_max{20'000};
/// Sessions not finished. Beyond it a swipe is refused: far more than a site has connectors.
inline constexpr std::size_t open_sessions_max{10'000};
/// Requests of a charger that wait for the same answer.
inline constexpr std::size_t waiting_calls_max{4};

/// A request that is answered when the approval is final.
struct WaitingCall {
    CallKey call;
    bool is_start{false};
};

struct LiveSession {
    Session record;
    std::vector<WaitingCall> waiting;
    std::chrono::milliseconds ask_deadline{0};      ///< of the authorization, while authorizing
    std::chrono::milliseconds next_stop_at{0};      ///< when RemoteStop is repeated
    std::chrono::milliseconds stop_heard_since{0};  ///< asked to stop and connected; 0: not
    bool stop_pressed{false};                       ///< it did not listen, and was dealt with
    bool press_owed{false};                         ///< unlock or reset have not left yet
    std::uint32_t presses{0};                       ///< how often they were asked for
    std::chrono::milliseconds absent_since{0};      ///< station away, while approved; 0: present
    std::chrono::milliseconds sampled_at{0};        ///< as in the record
    std::chrono::milliseconds look_at{0};           ///< when the amount is estimated, or again
    bool look_put_off{false};                       ///< since then, for a charger that came back
    std::chrono::milliseconds next_cost_at{0};      ///< not before this is UpdateCost repeated
    Money cost_told{0};                             ///< by UpdateCost
    bool ask_again{false};                          ///< the node's answer was of no use
    std::string ledger_state;                       ///< last SessionNotice
    std::uint64_t order{0};                         ///< rises with creation
};

class SessionTable {
public:
    static constexpr std::uint8_t key_prefix{'s'};

    SessionTable() = default;
    ~SessionTable() = default;
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    /// False when the value is not a session: data of our own is wrong, the process must stop.
    [[nodiscard]] bool load(ByteView value);
    /// After the last `load`: puts the finished ones into order.
    void finish_loading();
    /// The next transaction id as stored, see `take_transaction`.
    [[nodiscard]] bool load_counter(ByteView value);
    [[nodiscard]] static Bytes counter_key();

    LiveSession& add(Session session);
    [[nodiscard]] LiveSession* find(const SessionId& id);
    [[nodiscard]] LiveSession* find_transaction(const std::string& station,
                                                std::int64_t transaction);
    [[nodiscard]] LiveSession* find_start(const Hash& facts);
    /// The session that a Stop without its transaction id ended.
    [[nodiscard]] LiveSession* find_stop(const Hash& facts);
    /// The session that holds, or has used, this approval.
    [[nodiscard]] LiveSession* find_authorization(const AuthorizationRef& authorization);
    /// Another transaction begins with the same facts: the old one gives them up.
    void retire_start(LiveSession& session, WriteBatch& batch);
    /// The open charge on a connector.
    [[nodiscard]] LiveSession* find_charging(const std::string& station, std::uint16_t connector);

    /// Sessions of a station that are not finished, oldest first.
    [[nodiscard]] std::vector<LiveSession*> open_of(const std::string& station);
    [[nodiscard]] std::vector<LiveSession*> open();
    [[nodiscard]] std::vector<const LiveSession*> all() const;
    [[nodiscard]] std::size_t open_count() const {
        return m_sessions.size() - m_is_finished.size();
    }

    /// Writes the record as it now is and keeps the indices right. A session that finished takes
    /// its place among those remembered, and the oldest of them may go.
    void save(LiveSession& session, WriteBatch& batch);
    /// A finished session that is not forgotten to make room, until it is let go: a late charge,
    /// which only its record can bill. No effect on one that is not known.
    void keep(const SessionId& id);
    void let_go(const SessionId& id);
    /// With the texts of its charge, unless they are found by the name of their evidence.
    void remove(const SessionId& id, WriteBatch& batch);

    /// From now on at least this one is given, 1 to 2^31 - 1; before `load_counter`. Far more are
    /// left from there on than sessions are remembered.
    void give_from(std::int32_t transaction) {
        m_first_transaction = transaction;
        m_next_transaction = transaction;
    }
    /// A number that no session has, as its transaction or for its review, at any station:
    /// positive, durable counter. After the greatest comes the first again.
    [[nodiscard]] std::int32_t take_transaction(WriteBatch& batch);

private:
    using TransactionKey = std::pair<std::string, std::int64_t>;
    void index(const LiveSession& session);
    void unindex(const LiveSession& session);
    void close(const LiveSession& session);

    std::map<SessionId, LiveSession> m_sessions;
    std::map<TransactionKey, SessionId> m_by_transaction;
    std::map<Hash, SessionId> m_by_start;
    std::map<Hash, SessionId> m_by_stop;
    std::map<AuthorizationRef, SessionId> m_by_authorization;
    std::map<std::string, std::vector<LiveSession*>> m_open_by_station;  ///< of `m_sessions`
    /// Takes it out of `m_finished`; false when it is not there.
    bool take_finished(const LiveSession& session);
    [[nodiscard]] std::deque<SessionId>& fullest();

    std::map<std::string, std::deque<SessionId>> m_finished;  ///< but for kept ones; none empty
    std::size_t m_finished_count{0};
    std::set<SessionId> m_kept;
    std::set<SessionId> m_is_finished;
    std::set<std::uint64_t> m_numbers;  ///< of transactions and reviews, all different
    std::int32_t m_first_transaction{1};
    std::int32_t m_next_transaction{1};
    std::uint64_t m_next_order{1};
};

}  // namespace tally::bridge
