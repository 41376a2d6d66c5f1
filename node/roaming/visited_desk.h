#pragma once

#include "node/roaming/ledger_changes.h"
#include "node/roaming/roaming_context.h"
#include "node/roaming/session_table.h"
#include "node/roaming/token_directory.h"
#include "node/roaming/unmatched_charges.h"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace tally::node {

/// The visited operator's side: swipes and charges at our own chargers by drivers of others.
/// Carries out what visited_flow decides. Part of RoamingService: same loop, same turn.
class VisitedDesk {
public:
    VisitedDesk(RoamingContext& context, TokenDirectory& directory)
        : m_context{context},
          m_directory{directory},
          m_sessions{context.store},
          m_unmatched{context.store} {}

    void load() {
        m_sessions.load();
        m_unmatched.load();
    }
    /// After `load` and the replay of missed blocks: goes on with what was open.
    void resume();

    void on_bridge_connected(const std::string& bridge_id);
    void on_message(const std::string& bridge_id, const BridgeMessage& message);
    void on_denial(const PartyId& from, const Denial& denial);
    bool stop_charge(const SessionId& id);

    void on_final(const FinalTransaction& transaction);
    void on_own_result(const SubmissionOwner& owner, const FinalTransaction& transaction,
                       UnixMillis block_time);
    void on_expired(const Event& event);
    void on_time(UnixMillis block_time);

    [[nodiscard]] SessionView view(const VisitedSession& session) const;
    [[nodiscard]] const SessionTable<VisitedSession>& table() const noexcept { return m_sessions; }
    [[nodiscard]] UnmatchedCharges& unmatched() noexcept { return m_unmatched; }
    [[nodiscard]] const UnmatchedCharges& unmatched() const noexcept { return m_unmatched; }

private:
    void on(const std::string& bridge_id, const AuthorizeRequest& request);
    void on(const std::string& bridge_id, const ChargeStarted& started);
    void on(const std::string& bridge_id, const ChargeProgress& progress);
    void on(const std::string& bridge_id, const ChargeEnded& ended);
    void on(const std::string& bridge_id, const ApprovalUnused& unused);

    void swipe(const std::string& bridge_id, const AuthorizeRequest& request,
               const std::string& token, UnixMillis opened);
    /// A card whose operator is not in its number.
    void swipe_bare(const std::string& bridge_id, const AuthorizeRequest& request);
    void on_owner(const SessionId& session, const std::string& card, CardOwner owner);
    /// Why the charger cannot charge now, whoever pays.
    [[nodiscard]] std::string charger_problem(const AuthorizeRequest& request) const;
    [[nodiscard]] std::string refusal(const AuthorizeRequest& request, const PartyId& home) const;
    [[nodiscard]] std::string make_request(const AuthorizeRequest& swipe, const std::string& token,
                                           VisitedSession& session);
    [[nodiscard]] std::string offer_evses(const AuthorizeRequest& swipe, const PartyId& home,
                                          AuthorizationRequest& request) const;
    [[nodiscard]] std::optional<TariffRef> tariff_for(const std::string& evse_id,
                                                      const AgreementRecord& agreement) const;
    using TokenOf = std::function<std::string(const VisitedSession&)>;
    [[nodiscard]] const VisitedSession* find_running(const AuthorizeRequest& request,
                                                     const TokenOf& token) const;
    [[nodiscard]] bool answer_running(const AuthorizeRequest& request, const TokenOf& token);
    /// By its id, else by its authorization: a bridge that lost its data and was told of a running
    /// charge again knows it by another id.
    [[nodiscard]] VisitedSession* find_charge(const SessionId& id,
                                              const AuthorizationRef& authorization);
    /// What the ledger says of an open charge of ours as a session. Null when it does not know it
    /// as one (yet), when the EVSE's tariff is not certain, or when there is no room.
    VisitedSession* adopt(const std::string& bridge_id, const SessionId& id,
                          const AuthorizationRef& ref, const std::string& evse_id);
    /// A charge of ours that is recorded and that no session stands for: it may have to be claimed.
    void adopt_recorded(const Authorization& live);
    void adopt_all_recorded();
    VisitedSession& add_adopted(VisitedSession session);
    [[nodiscard]] VisitedSession session_of(const SessionId& id, const Authorization& live,
                                            const OfferedEvse& offer) const;
    [[nodiscard]] std::optional<OfferedEvse> approved_offer(const Authorization& authorization,
                                                            const std::string& evse_id) const;
    /// Nothing when the record is in a session or on the ledger now.
    [[nodiscard]] std::optional<UnmatchedReason> take_end(const std::string& bridge_id,
                                                          const ChargeEnded& ended);
    void look_at_unmatched();
    void ask_home(VisitedSession& session);
    void answer(const VisitedSession& session, const SessionId& asked);
    [[nodiscard]] AuthorizeResult accepted(const VisitedSession& session,
                                           const SessionId& asked) const;
    void refuse_unstored(const std::string& bridge_id, const SessionId& asked,
                         const std::string& reason);
    void acknowledge(const std::string& bridge_id, std::uint64_t sequence);
    void apply(VisitedSession& session, const visited::Event& event);
    void carry_out(VisitedSession& session, const visited::Effects& effects);
    void announce(const VisitedSession& session);
    void send_stop(const VisitedSession& session, const std::string& reason);
    void on_dispute_ended(const AuthorizationRef& authorization);
    [[nodiscard]] bool is_disputed(const VisitedSession& session) const;
    [[nodiscard]] bool is_evse_busy(const VisitedSession& session) const;
    void relay_progress(const VisitedSession& session);

    RoamingContext& m_context;
    TokenDirectory& m_directory;
    SessionTable<VisitedSession> m_sessions;
    UnmatchedCharges m_unmatched;
    std::chrono::microseconds m_next_look{0};
    /// The first number of each bridge that cannot be acknowledged; no later one is either.
    std::map<std::string, std::uint64_t> m_held_back;
    /// Sessions that are not finished, by station: who is charging where.
    std::map<std::string, std::set<SessionId>> m_by_station;
    std::map<SessionId, UnixMillis> m_progress_sent;
    /// Swipes whose card's operator is being asked for; forgotten by a restart: bridges repeat
    /// them.
    struct LookedUp {
        std::string bridge_id;
        AuthorizeRequest request;
        UnixMillis opened{0};
    };
    std::map<SessionId, LookedUp> m_looked_up;
    std::set<SessionId> m_stop_wanted;  ///< by the operator; told again when the bridge is back
};

}  // namespace tally::node
