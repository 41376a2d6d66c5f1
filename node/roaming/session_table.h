#pragma once

#include "node/accounts/staged_store.h"
#include "node/roaming/flow/home_flow.h"
#include "node/roaming/flow/hub_flow.h"
#include "node/roaming/flow/visited_flow.h"
#include "node/roaming/roaming_options.h"
#include "node/roaming/session_view.h"

#include <deque>
#include <map>
#include <optional>
#include <set>

namespace tally::node {

/// What the tables of sessions need to know of each kind.
template <typename Session>
struct SessionTraits;

template <>
struct SessionTraits<VisitedSession> {
    static constexpr std::uint8_t kind{'v'};
    static SessionId key(const VisitedSession& session) { return session.id; }
    static std::optional<SessionState> state(const VisitedSession& session) {
        return session.state();
    }
    static std::optional<AuthorizationRef> authorization(const VisitedSession& session) {
        return session.authorization;
    }
    static std::optional<Hash> request(const VisitedSession& session) {
        return session.request_body.empty() ? std::nullopt
                                            : std::optional{request_hash(session.request_body)};
    }
    static auto decode(ByteView bytes) { return decode_visited_session(bytes); }
};

template <>
struct SessionTraits<HomeSession> {
    static constexpr std::uint8_t kind{'h'};
    static TransactionId key(const HomeSession& session) { return session.authorization.id; }
    static std::optional<SessionState> state(const HomeSession& session) { return session.state(); }
    static std::optional<AuthorizationRef> authorization(const HomeSession& session) {
        return session.authorization;
    }
    static std::optional<Hash> request(const HomeSession& session) { return session.request_hash; }
    static auto decode(ByteView bytes) { return decode_home_session(bytes); }
};

template <>
struct SessionTraits<HubSession> {
    static constexpr std::uint8_t kind{'b'};
    static SessionId key(const HubSession& session) { return session.session; }
    static std::optional<SessionState> state(const HubSession& session) { return session.state; }
    static std::optional<AuthorizationRef> authorization(const HubSession& session) {
        return session.authorization;
    }
    static std::optional<Hash> request(const HubSession& session) {
        return session.request_hash.is_zero() ? std::nullopt : std::optional{session.request_hash};
    }
    static auto decode(ByteView bytes) { return decode_hub_session(bytes); }
};

/// What all kinds show alike.
template <typename Session>
[[nodiscard]] SessionView view_of(const Session& session) {
    SessionView view;
    view.state = SessionTraits<Session>::state(session).value_or(SessionState::authorized);
    view.connector = session.connector;
    view.opened = session.opened;
    view.elapsed_s = session.elapsed_s;
    view.energy_wh = session.energy_wh;
    view.amount_so_far = session.amount_so_far;
    view.prepaid = session.prepaid;
    view.reference_power_w = session.reference_power_w;
    view.coefficient_permille = session.coefficient_permille;
    view.amount = session.amount;
    view.reason = session.reason;
    return view;
}

/// The sessions of one kind, in memory and staged in the store.
///
/// Bounds: the owner refuses new ones at `sessions_open_max`; finished ones are kept up to
/// `sessions_finished_max`, then the one that finished first is dropped.
/// Pointers stay valid until the session is dropped, so not over a `save` of another one.
template <typename Session>
class SessionTable {
public:
    using Traits = SessionTraits<Session>;
    using Key = decltype(Traits::key(std::declval<const Session&>()));

    explicit SessionTable(StagedStore& store) : m_store{store} {}

    void load() {
        constexpr std::size_t step{1'000};
        const Bytes prefix{'R', Traits::kind};
        Bytes from = prefix;
        for (bool more = true; more;) {
            const auto entries = m_store.scan(prefix, from, step);
            for (const auto& entry : entries) {
                auto session = Traits::decode(entry.value);
                ENSURE(session.has_value());
                index(*session);
                m_sessions.insert_or_assign(Traits::key(*session), std::move(*session));
                from = entry.key;
                from.push_back(0);
            }
            more = entries.size() == step;
        }
        std::set<std::pair<UnixMillis, Key>> finished;
        for (const auto& [key, session] : m_sessions) {
            if (session.is_finished()) {
                finished.emplace(session.opened, key);
            }
        }
        for (const auto& [opened, key] : finished) {
            m_finished_order.push_back(key);
            m_finished.insert(key);
        }
    }

    [[nodiscard]] Session* find(const Key& key) {
        const auto found = m_sessions.find(key);
        return found == m_sessions.end() ? nullptr : &found->second;
    }
    [[nodiscard]] Session* find(const AuthorizationRef& authorization) {
        const auto found = m_by_authorization.find(authorization);
        return found == m_by_authorization.end() ? nullptr : find(found->second);
    }
    [[nodiscard]] Session* find_request(const Hash& hash) {
        const auto found = m_by_request.find(hash);
        return found == m_by_request.end() ? nullptr : find(found->second);
    }

    /// Takes in a new session, staged.
    Session& add(Session session) {
        const Key key = Traits::key(session);
        Session& added = m_sessions.insert_or_assign(key, std::move(session)).first->second;
        save(added);
        return added;
    }
    /// Stages a session after a change; it must be one of this table.
    void save(const Session& session) {
        index(session);
        const Key key = Traits::key(session);
        m_store.put(store_key(key), encode(session));
        if (session.is_finished() && m_finished.insert(key).second) {
            m_finished_order.push_back(key);
        }
        while (m_finished_order.size() > sessions_finished_max) {
            const Key oldest = m_finished_order.front();
            m_finished_order.pop_front();
            drop(oldest);
        }
    }

    [[nodiscard]] const std::map<Key, Session>& all() const noexcept { return m_sessions; }
    [[nodiscard]] std::map<Key, Session>& all() noexcept { return m_sessions; }
    [[nodiscard]] std::size_t finished() const noexcept { return m_finished.size(); }
    [[nodiscard]] std::size_t open() const noexcept {
        return m_sessions.size() - m_finished.size();
    }
    [[nodiscard]] bool is_full() const noexcept { return open() >= sessions_open_max; }

private:
    static Bytes store_key(const Key& key) {
        Encoder encoder;
        encoder.u8('R').u8(Traits::kind).fixed(key);
        return std::move(encoder).take();
    }
    void index(const Session& session) {
        const Key key = Traits::key(session);
        if (const auto authorization = Traits::authorization(session)) {
            m_by_authorization[*authorization] = key;
        }
        if (const auto request = Traits::request(session)) {
            m_by_request[*request] = key;
        }
    }
    void drop(const Key& key) {
        const auto found = m_sessions.find(key);
        ENSURE(found != m_sessions.end());
        if (const auto authorization = Traits::authorization(found->second)) {
            m_by_authorization.erase(*authorization);
        }
        if (const auto request = Traits::request(found->second)) {
            m_by_request.erase(*request);
        }
        m_store.erase(store_key(key));
        m_finished.erase(key);
        m_sessions.erase(found);
    }

    StagedStore& m_store;
    std::map<Key, Session> m_sessions;
    std::map<AuthorizationRef, Key> m_by_authorization;
    std::map<Hash, Key> m_by_request;
    std::set<Key> m_finished;
    std::deque<Key> m_finished_order;
};

}  // namespace tally::node
