#pragma once

// What can happen to the protocol core, and what it asks for in return.

#include "consensus/simplex/messages.h"

#include <chrono>
#include <variant>
#include <vector>

namespace tally::consensus {

/// The driver's monotonic time. The core only compares it.
using Time = std::chrono::microseconds;

// ---- events

/// First event after construction.
struct Started {};
/// Time passed; nothing else happened.
struct Tick {};
/// Enough peers have told what they saw of us: voting may begin.
struct VotingAllowed {};
struct ProposalReceived {
    Proposal proposal;
    BlockMeta meta;  ///< of proposal.header
    ValidatorIndex from{0};
};
/// From the authenticated connection of validator `from`.
struct VoteReceived {
    Vote vote;
    ValidatorIndex from{0};
};
/// From anybody.
struct CertificateReceived {
    QuorumCertificate certificate;
};
/// A validator said anything at all.
struct ValidatorHeard {
    ValidatorIndex validator{0};
};
/// A peer shows a vote that carries our name.
struct OwnVoteShown {
    Vote vote;
};
/// The block of an ExamineBlock effect was executed, or is invalid for good.
struct BlockExamined {
    View view{0};
    Hash digest;
    bool valid{false};
};
/// The block of a BuildBlock effect exists.
struct BlockBuilt {
    View view{0};
    View parent_view{0};
    Hash digest;
};
/// No block can be built for that view.
struct BuildFailed {
    View view{0};
};
/// The vote of a CastVote effect was signed and recorded.
struct VoteCast {
    Vote vote;
};
/// Whether an envelope waits that is in no unfinalized ancestor. The core takes it for false in
/// every new view until told.
struct PendingChanged {
    bool pending{false};
};

using Event = std::variant<Started, Tick, VotingAllowed, ProposalReceived, VoteReceived,
                           CertificateReceived, ValidatorHeard, OwnVoteShown, BlockExamined,
                           BlockBuilt, BuildFailed, VoteCast, PendingChanged>;

// ---- effects, to be carried out in order

/// A new view began. Answered with PendingChanged.
struct EnterView {
    View view{0};
};
/// Get body and parent of this block, execute it, answer with BlockExamined. Moot in a later view.
struct ExamineBlock {
    View view{0};
    Hash digest;
    ValidatorIndex leader{0};
    Bytes header;
    std::vector<Hash> envelopes;
};
/// Build on this parent, keep the block, answer with BlockBuilt or BuildFailed. Moot in a later
/// view.
struct BuildBlock {
    View view{0};
    View parent_view{0};
    Hash parent;
    Justification justification;
};
/// Why a validator gives a view up.
enum class NullifyReason : std::uint8_t {
    none,
    no_proposal,   ///< in 2 delta
    view_timeout,  ///< proposed, not notarized in 3 delta
    invalid_proposal,
    leader_nullified,  ///< the leader gave its own view up
    build_failed,      ///< we are the leader and cannot build a block
    leader_silent,     ///< not heard for skip_timeout, a quorum of the others was
};
[[nodiscard]] const char* to_text(NullifyReason reason);
/// Record and sign, answer with VoteCast, then send to all validators: a NOTARIZE for the block
/// we built goes inside its Proposal. Nothing may be sent before all this is synced.
struct CastVote {
    VoteStatement statement;
    NullifyReason reason{NullifyReason::none};  ///< of a NULLIFY
};
/// A new valid certificate: keep it durably, then send it to all, once.
struct KeepCertificate {
    QuorumCertificate certificate;
};
/// Send this to one validator that lags.
struct SendCertificate {
    ValidatorIndex to{0};
    QuorumCertificate certificate;
};
/// Send these to all validators again (durable since before).
struct RepeatVote {
    Vote vote;
    std::optional<QuorumCertificate> entry;
};
/// Two votes that one validator must not both have signed.
struct ReportEvidence {
    Vote first;
    Vote second;
};
/// The sender of the message being handled broke the protocol.
struct RejectSender {
    const char* reason{""};
};

using Effect = std::variant<EnterView, ExamineBlock, BuildBlock, CastVote, KeepCertificate,
                            SendCertificate, RepeatVote, ReportEvidence, RejectSender>;
using Effects = std::vector<Effect>;

}  // namespace tally::consensus
