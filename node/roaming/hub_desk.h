#pragma once

#include "node/roaming/ledger_changes.h"
#include "node/roaming/roaming_context.h"
#include "node/roaming/session_table.h"

namespace tally::node {

/// The hub's side: a backup of every charge it hears of, in a store of its own. Relaying itself is
/// in RoamingService. Part of RoamingService: same loop, same turn.
class HubDesk {
public:
    HubDesk(RoamingContext& context, KeyValueStore& backup)
        : m_context{context},
          m_store{backup, StagedStore::Durability::buffered},
          m_sessions{m_store} {}

    void load() { m_sessions.load(); }
    void commit() { m_store.commit(); }

    /// A message between two members passed through; its signature is checked.
    void on_relayed(const SignedMessage& message, const RoamingBody& body);
    void on_final(const FinalTransaction& transaction);
    void on_expired(const Event& event);
    void on_time(UnixMillis now);

    [[nodiscard]] SessionView view(const HubSession& session) const;
    [[nodiscard]] const SessionTable<HubSession>& table() const noexcept { return m_sessions; }

private:
    HubSession* find_or_add(const SignedMessage& message, const SessionId& session,
                            const std::string& station);
    void apply(HubSession& session, const hub::Event& event);
    void on_request(const SignedMessage& message, const AuthorizationRequest& request);
    template <typename Message>
    void on_live(const SignedMessage& message, const Message& content);
    void catch_up(HubSession& session);
    void on_dispute_ended(const AuthorizationRef& authorization, const std::string& reason);
    void move(const AuthorizationRef& authorization, SessionState state, Money amount,
              const std::string& reason);

    RoamingContext& m_context;
    StagedStore m_store;
    SessionTable<HubSession> m_sessions;
};

}  // namespace tally::node
