#pragma once

#include "consensus/simplex/events.h"
#include "consensus/simplex/leader.h"
#include "consensus/simplex/safety_record.h"

#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace tally::consensus {

/// Votes are kept for this many views behind the current one, also of final views: a contradiction
/// may show late.
inline constexpr View vote_window{64};

/// No view further than this past the last final one is given up: what is kept of unfinalized views
/// is bounded, and something is wrong that time does not heal.
inline constexpr View unfinalized_views_max{65'536};

struct CoreOptions {
    Hash chain_id;
    std::uint64_t epoch{0};
    Hash previous_seal{};                ///< zero in the first epoch; see LeaderSchedule
    std::vector<VerifyKey> validators;   ///< in index order
    std::optional<ValidatorIndex> self;  ///< nothing for a follower
    Time delta{50'000};
    Time delta_max{8'000'000};
    Time idle_interval{1'000'000};
    Time retry_interval{500'000};
    Time skip_timeout{2'000'000};
    SignatureCheck check_signature{};  ///< empty: VerifyKey::verify
};

/// What the core starts from: the last final block of the ledger and what the journal held.
struct CoreStart {
    View final_view{0};  ///< 0: the epoch's genesis
    Hash final_digest;
    std::optional<QuorumCertificate> final_certificate;
    SafetyRecord safety;
    std::vector<QuorumCertificate> certificates;
};

/// The rules of Simplex (docs/protocol/consensus.md), and nothing else: no clock, disk, network,
/// thread or randomness. Events go in one at a time, effects come out and are carried out in
/// order; the same events always give the same effects. Checking signatures is done here, because
/// it is a pure function; what was verified once is not verified again.
///
/// Safety: the core asks for votes that rules R0 to R5 allow; the SafetySigner that carries out
/// CastVote checks R0 again on its own record.
/// Bounds: votes of `vote_window` views up to view + 1, three of each signer; one proposal per
/// view; one certificate per view and kind.
/// Evidence: of the votes in that window, alone, in proposals or in certificates that are taken in,
/// in whatever order they come, a contradiction of one signer in one view is reported once.
class Core {
public:
    Core(CoreOptions options, CoreStart start);

    [[nodiscard]] Effects step(const Event& event, Time now);
    /// When Tick is needed next; nothing when only other events matter.
    [[nodiscard]] std::optional<Time> next_deadline() const;

    [[nodiscard]] View view() const noexcept { return m_view; }
    [[nodiscard]] View last_final_view() const noexcept { return m_final_view; }
    [[nodiscard]] const Hash& last_final_digest() const noexcept { return m_final_digest; }
    /// FINALIZE of the highest final view (NOTARIZE if only that is left after a crash); nothing
    /// while it is the genesis.
    [[nodiscard]] const std::optional<QuorumCertificate>& finalization() const noexcept {
        return m_final;
    }
    [[nodiscard]] ValidatorIndex leader(View view) const { return m_schedule.leader(view); }
    [[nodiscard]] Time delta() const noexcept { return m_delta; }
    [[nodiscard]] bool may_vote() const noexcept { return m_voting && !m_lost_record; }
    /// A vote or certificate with our signature is newer than our record.
    [[nodiscard]] bool has_lost_record() const noexcept { return m_lost_record; }
    [[nodiscard]] bool has_pending() const noexcept { return m_pending_told; }

    /// The block a leader would build on now: highest notarized, else the final one.
    [[nodiscard]] const Hash& tip() const;
    /// Whether any certificate is held that settles `view`.
    [[nodiscard]] bool is_settled(View view) const;
    /// Notarization, nullification or the highest finalization; whatever settles `view`.
    [[nodiscard]] std::optional<QuorumCertificate> settling_certificate(View view) const;
    [[nodiscard]] std::size_t vote_views() const noexcept { return m_rounds.size(); }
    [[nodiscard]] std::size_t certificates_held() const noexcept {
        return m_notarizations.size() + m_nullifications.size();
    }
    /// First and last view of (last_final_view, view) without any certificate.
    [[nodiscard]] std::optional<std::pair<View, View>> missing_views() const;
    /// Best certificate that brings a peer into our view.
    [[nodiscard]] std::optional<QuorumCertificate> entry_certificate() const;
    /// Newest vote of each kind that we have seen of a validator.
    [[nodiscard]] std::vector<Vote> newest_votes(ValidatorIndex validator) const;
    /// Nullifications and notarizations above the last final view.
    [[nodiscard]] std::vector<QuorumCertificate> unfinalized_certificates() const;
    /// Whether this very certificate is among them.
    [[nodiscard]] bool holds_unfinalized(const QuorumCertificate& certificate) const;
    /// Held already with the same content, or moot because a later view is final.
    [[nodiscard]] bool is_known(const QuorumCertificate& certificate) const;
    /// Whether a certificate is about this epoch and holds; signatures known from votes are not
    /// checked again.
    [[nodiscard]] bool verify(const QuorumCertificate& certificate) const;
    /// Notarization and nullification of a view above the last final one, as far as they are held.
    [[nodiscard]] std::vector<const QuorumCertificate*> certificates_of(View view) const;
    /// Whether a vote of that kind was heard of the validator in the current view.
    [[nodiscard]] bool has_vote(VoteKind kind, ValidatorIndex validator) const;
    [[nodiscard]] Time last_heard(ValidatorIndex validator) const { return m_heard[validator]; }
    /// A certificate that holds and is not fed as an event: a vote of ours in it that the safety
    /// record does not know ends voting.
    void note_certificate(const QuorumCertificate& certificate) {
        check_own_signature(certificate);
    }

private:
    enum class Verdict : std::uint8_t { unknown, valid, invalid };
    struct Offer {
        VoteStatement statement;
        Bytes header;
        std::vector<Hash> envelopes;
        Verdict verdict{Verdict::unknown};
        bool examining{false};
    };
    /// A vote about what is settled already is worth no signature check unless another one
    /// contradicts it.
    struct HeldVote {
        Vote vote;
        bool verified{false};
    };
    struct Round {
        std::optional<Offer> offer;
        std::array<std::vector<std::optional<HeldVote>>, 3> votes;  ///< by kind, then signer
        std::uint64_t reported{0};  ///< signers whose contradiction was reported, a bit each
    };

    /// When a validator last took part: voted in our view, or in a newer one than before.
    struct LastVote {
        Time at{0};
        View view{0};
    };

    // core.cpp
    void on(const Started& event);
    void on(const Tick& event);
    void on(const VotingAllowed& event);
    void on(const ValidatorHeard& event);
    void on(const OwnVoteShown& event);
    void on(const PendingChanged& event);
    void enter(View view);
    void prune();
    void note_activity();

    // propose.cpp (R2)
    void on(const BlockBuilt& event);
    void on(const BuildFailed& event);
    void try_propose();
    [[nodiscard]] bool may_notarize(View view) const;

    // proposal.cpp (R3)
    void on(const ProposalReceived& event);
    void on(const BlockExamined& event);
    [[nodiscard]] Vote leader_vote(const ProposalReceived& event) const;
    void take_offer(const ProposalReceived& event);
    void try_examine();
    void try_notarize();
    /// A sealing block that is notarized and not final is proposed again in a later view, as it is.
    [[nodiscard]] static bool is_again(const Proposal& proposal, const BlockMeta& meta) {
        return meta.seals_epoch && meta.view < proposal.view;
    }
    /// What the parent certificate must be about.
    [[nodiscard]] static const Hash& parent_of(const Proposal& proposal, const BlockMeta& meta) {
        return is_again(proposal, meta) ? meta.digest : meta.parent;
    }
    [[nodiscard]] const char* header_problem(const Proposal& proposal, const BlockMeta& meta) const;
    [[nodiscard]] const char* justification_problem(const Proposal& proposal,
                                                    const BlockMeta& meta) const;
    [[nodiscard]] bool justification_holds(const Justification& justification) const;
    [[nodiscard]] bool gap_is_nullified(View parent_view, View view) const;

    // collect.cpp (R4)
    void on(const VoteReceived& event);
    void on(const VoteCast& event);
    void record(const Vote& vote, bool verified);
    bool meets_held_vote(Round& round, const Vote& vote, bool verified);
    [[nodiscard]] bool confirm(std::optional<HeldVote>& held) const;
    void find_conflict(Round& round, const Vote& vote);
    void report(Round& round, const Vote& first, const Vote& second);
    void record_signatures(const QuorumCertificate& certificate);
    [[nodiscard]] bool is_in_window(View view) const;
    [[nodiscard]] bool is_settled_as(const VoteStatement& statement) const;
    void note_votes_of_others();
    /// `extra`: votes that a planted bug counts twice.
    void tally(const VoteStatement& statement, std::size_t extra = 0);
    [[nodiscard]] bool verify(const Vote& vote) const;
    [[nodiscard]] bool holds(ValidatorIndex signer, const Hash& digest,
                             const Signature& signature) const;
    Round& round(View view);
    [[nodiscard]] const Vote* find_vote(View view, VoteKind kind, ValidatorIndex signer) const;

    // certificates.cpp (R5)
    void on(const CertificateReceived& event);
    void accept(const QuorumCertificate& certificate);
    void accept_notarization(const QuorumCertificate& certificate);
    void accept_nullification(const QuorumCertificate& certificate);
    void accept_finalization(const QuorumCertificate& certificate);
    void check_own_signature(const QuorumCertificate& certificate);

    // timers.cpp (R6, R7, R8)
    void check_timers();
    void nullify(NullifyReason reason);
    [[nodiscard]] bool can_nullify() const;
    [[nodiscard]] NullifyReason reason_to_nullify() const;
    [[nodiscard]] bool is_silent(ValidatorIndex validator) const;
    [[nodiscard]] bool leader_is_silent() const;
    void note_vote(ValidatorIndex validator, View view);
    [[nodiscard]] Time start_of_round() const;
    void help(ValidatorIndex validator, View their_view);
    void back_off();

    CoreOptions m_options;
    LeaderSchedule m_schedule;
    std::size_t m_quorum;
    SafetyRecord m_safety;  ///< votes that were cast
    // Views of votes asked for; at least those of m_safety.
    View m_notarize_view{0};
    View m_nullify_view{0};
    View m_finalize_view{0};
    bool m_voting{false};
    bool m_lost_record{false};

    View m_view{0};
    Time m_now{0};
    Time m_entered{0};
    std::optional<Time> m_active_since;  ///< there is a reason for a block in this view
    bool m_pending_told{false};
    bool m_build_asked{false};
    NullifyReason m_must_nullify{NullifyReason::none};
    Time m_retry_at{0};
    Time m_delta;
    std::uint32_t m_nullified_in_a_row{0};

    View m_final_view{0};
    Hash m_final_digest;
    std::optional<QuorumCertificate> m_final;
    std::map<View, QuorumCertificate> m_notarizations;
    std::map<View, QuorumCertificate> m_nullifications;
    std::map<View, Round> m_rounds;
    std::vector<std::array<std::optional<HeldVote>, 3>> m_newest;  ///< by validator
    std::vector<Time> m_heard;                                     ///< by validator
    std::vector<LastVote> m_last_votes;                            ///< by validator
    std::vector<std::optional<Time>> m_helped;                     ///< by validator
    Effects m_effects;
};

}  // namespace tally::consensus
