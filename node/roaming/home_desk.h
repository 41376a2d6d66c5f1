#pragma once

#include "ledger/crypto/secp256k1.h"
#include "node/roaming/ledger_changes.h"
#include "node/roaming/roaming_context.h"
#include "node/roaming/session_table.h"

#include <map>
#include <set>
#include <utility>

namespace tally::node {

/// The home operator's side: our drivers at the chargers of others. Decides, reserves, settles.
/// Carries out what home_flow decides. Part of RoamingService: same loop, same turn.
class HomeDesk {
public:
    HomeDesk(RoamingContext& context, std::vector<SecretKey> link_secrets)
        : m_context{context}, m_link_secrets{std::move(link_secrets)}, m_sessions{context.store} {}

    void load();
    /// The keys that identities may be sealed to: the link key, and the one before or after it.
    void set_link_secrets(std::vector<SecretKey> secrets) { m_link_secrets = std::move(secrets); }

    /// `body` are the bytes that `from` signed.
    void on_request(const PartyId& from, const AuthorizationRequest& request, ByteView body);
    void on_progress(const PartyId& from, const Progress& progress);

    void on_final(const FinalTransaction& transaction);
    void on_own_result(const SubmissionOwner& owner, const FinalTransaction& transaction);
    /// Our decision did not become final while it could.
    void on_given_up(const SubmissionOwner& owner);
    void on_expired(const Event& event);
    /// Settles what waited for a review until now, a block's time.
    void on_time(UnixMillis block_time);

    [[nodiscard]] SessionView view(const HomeSession& session) const;
    [[nodiscard]] const SessionTable<HomeSession>& table() const noexcept { return m_sessions; }
    [[nodiscard]] const HomeSession* find(const SessionId& session) const;

private:
    struct Answer {
        std::optional<DenyReason> denied;
        Money amount{0};
        std::string token;
        std::vector<TariffRef> tariffs;
    };
    [[nodiscard]] bool is_acceptable(const PartyId& from,
                                     const AuthorizationRequest& request) const;
    [[nodiscard]] Answer decide(const AuthorizationRequest& request,
                                const AuthorizationRef& authorization);
    [[nodiscard]] std::vector<TariffRef> acceptable_tariffs(const AuthorizationRequest& request,
                                                            const AgreementRecord& theirs) const;
    [[nodiscard]] DecideAuthorization decision_of(const HomeSession& session) const;
    [[nodiscard]] std::optional<Identity> open(const AuthorizationRequest& request) const;
    void index(const HomeSession& session);
    void send_denial(const HomeSession& session, DenyReason reason);
    void apply(HomeSession& session, const home::Event& event);
    [[nodiscard]] bool needs_review(Money amount) const;
    void on_recorded(const RecordCharge& record);
    void wait_for_review(const HomeSession& session);
    void on_dispute_ended(const AuthorizationRef& authorization);
    [[nodiscard]] HomeSession* find_own(const AuthorizationRef& authorization);

    RoamingContext& m_context;
    std::vector<SecretKey> m_link_secrets;
    SessionTable<HomeSession> m_sessions;
    std::map<SessionId, TransactionId> m_by_session;
    /// Sessions at that stage, by the block time from which nobody is waited for any more.
    std::set<std::pair<UnixMillis, TransactionId>> m_in_review;
};

}  // namespace tally::node
