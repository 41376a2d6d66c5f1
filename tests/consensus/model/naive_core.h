#pragma once

#include "consensus/simplex/core.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace tally::consensus::model {

/// A second implementation of rules R0 to R7 for one validator in one epoch, written from the
/// specification (docs/protocol/consensus.md) and not from the production core: slow and obvious,
/// one function a rule. Nothing is ever pruned, cached or skipped: it keeps every vote, certificate
/// and proposal it was shown, checks every signature each time, and works out each answer from the
/// whole history.
///
/// Takes the events of the production core and answers with its effects, so that the same schedule
/// can be given to both. Who leads a view is given: that is not one of the rules.
class NaiveCore {
public:
    using LeaderOf = std::function<ValidatorIndex(View)>;

    NaiveCore(CoreOptions options, const CoreStart& start, LeaderOf leader);

    [[nodiscard]] Effects step(const Event& event, Time now);

    [[nodiscard]] View view() const { return m_view; }
    [[nodiscard]] View final_view() const { return m_final_view; }
    [[nodiscard]] const Hash& final_digest() const { return m_final_digest; }
    [[nodiscard]] Time delta() const { return m_delta; }
    [[nodiscard]] bool may_vote() const { return m_voting_allowed && !m_record_lost; }
    /// When something happens next if nothing else does.
    [[nodiscard]] std::optional<Time> next_due() const;
    [[nodiscard]] const QuorumCertificate* certificate(VoteKind kind, View view) const;
    /// Whether a quorum of the epoch's validators signed it.
    [[nodiscard]] bool certificate_holds(const QuorumCertificate& certificate) const;

private:
    using Key = std::pair<View, VoteKind>;
    /// A vote or proposal of a peer, of whatever worth.
    struct Spoken {
        ValidatorIndex peer{0};
        View view{0};
        View our_view{0};
        Time when{0};
    };

    // Events.
    void on(const Started& event);
    void on(const Tick& /*event*/) {}
    void on(const VotingAllowed& event);
    void on(const ProposalReceived& event) { r3_proposal(event); }
    void on(const VoteReceived& event);
    void on(const CertificateReceived& event);
    void on(const ValidatorHeard& event) { m_heard[event.validator] = m_now; }
    void on(const OwnVoteShown& event);
    void on(const BlockExamined& event);
    void on(const BlockBuilt& event);
    void on(const BuildFailed& event);
    void on(const VoteCast& event);
    void on(const PendingChanged& event) { m_pending = event.pending; }

    // R0: what may be signed, by everything that was ever asked for.
    [[nodiscard]] bool asked_since(VoteKind kind, View view) const;
    [[nodiscard]] bool r0_may_notarize(View view) const;
    [[nodiscard]] bool r0_may_nullify(View view) const;
    [[nodiscard]] bool r0_may_finalize(View view, const Hash& digest) const;
    void ask(const VoteStatement& statement, NullifyReason reason);

    void r1_enter(View view);

    void r2_propose();
    [[nodiscard]] std::optional<BuildBlock> r2_walk_down() const;

    void r3_proposal(const ProposalReceived& event);
    [[nodiscard]] bool r3_header_holds(const Proposal& proposal, const BlockMeta& meta) const;
    [[nodiscard]] bool r3_justification_fits(const Proposal& proposal, const BlockMeta& meta) const;
    [[nodiscard]] bool r3_justification_holds(const Justification& given) const;
    [[nodiscard]] bool r3_stands_on_final(const Proposal& proposal, const BlockMeta& meta) const;
    [[nodiscard]] bool r3_gap_is_nullified(View parent_view, View view) const;
    void r3_examine();
    void r3_notarize();

    void r4_collect(const Vote& vote);
    void r4_count(const VoteStatement& statement);
    void r4_find_evidence(const Vote& vote);

    void r5_certificate(const QuorumCertificate& certificate);
    void r5_notarization(const QuorumCertificate& certificate);
    void r5_nullification(const QuorumCertificate& certificate);
    void r5_finalization(const QuorumCertificate& certificate);

    void r6_timers();
    [[nodiscard]] Time r6_time_to_nullify() const;
    [[nodiscard]] bool r6_is_lost_from_the_start() const;
    [[nodiscard]] bool r6_is_silent(ValidatorIndex peer, Time when) const;
    [[nodiscard]] bool r6_leader_is_silent(Time when) const;
    [[nodiscard]] std::optional<QuorumCertificate> r6_entry_certificate() const;
    void r6_lengthen();

    void r7_help(ValidatorIndex peer, View their_view);

    // R8, as far as it is not the leader's: since when a block is waited for.
    void r8_note_reason();
    [[nodiscard]] Time r8_start() const;
    [[nodiscard]] bool r8_is_unfinalized() const;

    [[nodiscard]] std::size_t quorum() const;
    [[nodiscard]] bool signature_holds(ValidatorIndex signer, const VoteStatement& statement,
                                       const Signature& signature) const;
    [[nodiscard]] bool is_held_or_holds(const QuorumCertificate& given) const;
    [[nodiscard]] bool holds(VoteKind kind, View view) const;
    [[nodiscard]] std::vector<Vote> votes_of(const QuorumCertificate& certificate) const;
    [[nodiscard]] bool is_proposed() const;
    void look_for_own_vote(const QuorumCertificate& certificate);
    void note_spoken(ValidatorIndex peer, std::uint64_t epoch, View view);
    void note_own_vote(const VoteStatement& statement);

    CoreOptions m_options;
    ValidatorIndex m_self;
    LeaderOf m_leader;
    Effects m_effects;
    Time m_now{0};

    // What was ever seen and done.
    std::vector<VoteStatement> m_asked;
    std::vector<Vote> m_released;
    std::map<Key, std::map<ValidatorIndex, Vote>> m_votes;  ///< the first of each signer
    std::vector<Vote> m_all_votes;
    std::set<std::pair<View, ValidatorIndex>> m_convicted;
    std::map<Key, QuorumCertificate> m_certificates;
    std::map<View, ProposalReceived> m_proposals;  ///< the first of each leader that holds
    std::set<View> m_examined;
    std::map<View, bool> m_verdicts;
    std::set<View> m_built;     ///< building was asked for
    std::set<View> m_hopeless;  ///< no block, or an invalid one
    Time m_started{0};
    View m_start_view{0};
    std::vector<Spoken> m_spoken;
    std::map<ValidatorIndex, Time> m_heard;
    std::map<ValidatorIndex, Time> m_helped;

    bool m_voting_allowed{false};
    bool m_record_lost{false};
    View m_view{0};
    Time m_entered{0};
    bool m_pending{false};
    std::optional<Time> m_reason_since;
    Time m_retry_at{0};
    Time m_delta;
    std::uint64_t m_lost_views_in_a_row{0};
    View m_final_view{0};
    Hash m_final_digest;
};

}  // namespace tally::consensus::model
