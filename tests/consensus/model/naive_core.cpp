// Events, what was seen, and rules R0 to R2.

#include "tests/consensus/model/naive_core.h"

#include <algorithm>
#include <bit>

namespace tally::consensus::model {

NaiveCore::NaiveCore(CoreOptions options, const CoreStart& start, LeaderOf leader)
    : m_options{std::move(options)},
      m_self{*m_options.self},
      m_leader{std::move(leader)},
      m_delta{m_options.delta},
      m_final_view{start.final_view},
      m_final_digest{start.final_digest} {
    for (const VoteKind kind : {VoteKind::notarize, VoteKind::nullify, VoteKind::finalize}) {
        if (start.safety.of(kind).view > 0) {
            m_released.push_back(start.safety.vote(kind, m_self));
            m_asked.push_back(m_released.back().statement);
        }
    }
    if (start.final_certificate) {
        m_certificates[{start.final_certificate->statement.view,
                        start.final_certificate->statement.kind}] = *start.final_certificate;
    }
    for (const QuorumCertificate& certificate : start.certificates) {
        m_certificates[{certificate.statement.view, certificate.statement.kind}] = certificate;
    }
}

Effects NaiveCore::step(const Event& event, Time now) {
    m_now = now;
    m_effects.clear();
    std::visit([this](const auto& one) { on(one); }, event);
    r8_note_reason();
    // Whatever happened, every rule that waits for something looks again, until nothing changes.
    for (std::size_t before = m_effects.size() + 1; before != m_effects.size();) {
        before = m_effects.size();
        r3_examine();
        r3_notarize();
        r2_propose();
        r6_timers();
    }
    return m_effects;
}

/// The view after a start follows from the record and the certificates; own votes count again.
void NaiveCore::on(const Started& /*event*/) {
    View view = std::max<View>(m_final_view + 1, 1);
    for (const Vote& vote : m_released) {
        const bool leaves = vote.statement.kind == VoteKind::finalize;
        view = std::max(view, vote.statement.view + (leaves ? 1 : 0));
    }
    for (const auto& [key, certificate] : m_certificates) {
        view = std::max(view, key.first + 1);
    }
    for (ValidatorIndex peer = 0; peer < m_options.validators.size(); ++peer) {
        m_heard[peer] = m_now;
    }
    m_started = m_now;
    m_start_view = view;
    r1_enter(view);
    for (const Vote& vote : std::vector<Vote>{m_released}) {
        r4_collect(vote);
    }
    m_retry_at = m_now + m_options.retry_interval;
}

/// The timers begin when something may be done about them.
void NaiveCore::on(const VotingAllowed& /*event*/) {
    m_voting_allowed = true;
    m_entered = m_now;
    if (m_reason_since) {
        m_reason_since = m_now;
    }
}

void NaiveCore::note_spoken(ValidatorIndex peer, std::uint64_t epoch, View view) {
    m_heard[peer] = m_now;
    if (epoch == m_options.epoch && view <= m_view + 1) {
        m_spoken.push_back({peer, view, m_view, m_now});
    }
}

void NaiveCore::on(const VoteReceived& event) {
    const Vote& vote = event.vote;
    m_heard[event.from] = m_now;
    if (vote.signer != event.from || !is_well_formed(vote.statement)) {
        return;
    }
    note_spoken(event.from, vote.statement.epoch, vote.statement.view);
    if (vote.statement.epoch != m_options.epoch || vote.statement.view > m_view + 1) {
        return;
    }
    // A vote that ends the view is no sign that its signer lags, and FINALIZE is signed on leaving
    // the view. Help is harmless and rare: it needs no signature.
    const bool leaves = vote.statement.kind == VoteKind::finalize;
    r7_help(event.from, vote.statement.view + (leaves ? 1 : 0));
    if (signature_holds(vote.signer, vote.statement, vote.signature)) {
        r4_collect(vote);
    }
}

void NaiveCore::on(const CertificateReceived& event) {
    if (certificate_holds(event.certificate)) {
        r5_certificate(event.certificate);
    }
}

void NaiveCore::on(const OwnVoteShown& event) {
    const Vote& vote = event.vote;
    if (vote.signer == m_self && vote.statement.epoch == m_options.epoch &&
        signature_holds(m_self, vote.statement, vote.signature)) {
        note_own_vote(vote.statement);
    }
}

void NaiveCore::on(const BlockExamined& event) {
    const auto proposal = m_proposals.find(event.view);
    if (event.view != m_view || proposal == m_proposals.end() ||
        proposal->second.meta.digest != event.digest) {
        return;
    }
    m_verdicts[event.view] = event.valid;
    if (!event.valid) {
        m_hopeless.insert(event.view);
    }
}

void NaiveCore::on(const BlockBuilt& event) {
    if (event.view == m_view && may_vote() && r0_may_notarize(event.view)) {
        ask({m_options.epoch, VoteKind::notarize, event.view, event.parent_view, event.digest},
            NullifyReason::none);
    }
}

void NaiveCore::on(const BuildFailed& event) {
    if (event.view == m_view) {
        m_hopeless.insert(event.view);
    }
}

void NaiveCore::on(const VoteCast& event) {
    m_released.push_back(event.vote);
    if (event.vote.statement.kind == VoteKind::nullify) {
        m_retry_at = m_now + m_options.retry_interval;  // It leaves now.
    }
    r4_collect(event.vote);
}

/// A vote of ours that we do not know of: our record is an old copy.
void NaiveCore::note_own_vote(const VoteStatement& statement) {
    View newest{0};
    bool is_known{false};
    for (const Vote& vote : m_released) {
        if (vote.statement.kind == statement.kind) {
            newest = std::max(newest, vote.statement.view);
            is_known = is_known || vote.statement == statement;
        }
    }
    if (!is_known && statement.view >= newest) {
        m_record_lost = true;
    }
}

void NaiveCore::look_for_own_vote(const QuorumCertificate& certificate) {
    if ((certificate.bitmap >> m_self & 1U) != 0) {
        note_own_vote(certificate.statement);
    }
}

std::size_t NaiveCore::quorum() const {
    const std::size_t n = m_options.validators.size();
    std::size_t faults{0};
    while (3 * (faults + 1) + 1 <= n) {
        ++faults;
    }
    return n - faults;
}

bool NaiveCore::signature_holds(ValidatorIndex signer, const VoteStatement& statement,
                                const Signature& signature) const {
    if (signer >= m_options.validators.size()) {
        return false;
    }
    return m_options.check_signature(m_options.validators[signer],
                                     statement.signing_digest(m_options.chain_id), signature);
}

std::vector<Vote> NaiveCore::votes_of(const QuorumCertificate& certificate) const {
    std::vector<Vote> votes;
    for (ValidatorIndex signer = 0; signer < validators_max; ++signer) {
        if ((certificate.bitmap >> signer & 1U) != 0) {
            votes.push_back({certificate.statement, signer, certificate.signatures[votes.size()]});
        }
    }
    return votes;
}

bool NaiveCore::certificate_holds(const QuorumCertificate& certificate) const {
    const auto signers = static_cast<std::size_t>(std::popcount(certificate.bitmap));
    if (certificate.statement.epoch != m_options.epoch || !is_well_formed(certificate.statement) ||
        signers < quorum() || signers != certificate.signatures.size()) {
        return false;
    }
    const std::vector<Vote> votes = votes_of(certificate);
    return std::all_of(votes.begin(), votes.end(), [this](const Vote& vote) {
        return signature_holds(vote.signer, vote.statement, vote.signature);
    });
}

/// Which of two certificates of one statement is shown makes no difference: the one that is held
/// already is not verified again.
bool NaiveCore::is_held_or_holds(const QuorumCertificate& given) const {
    const QuorumCertificate* held = certificate(given.statement.kind, given.statement.view);
    const bool is_final = given.statement.view == m_final_view && m_final_view > 0 &&
                          given.statement.digest == m_final_digest;
    return is_final || (held != nullptr && held->statement == given.statement) ||
           certificate_holds(given);
}

bool NaiveCore::holds(VoteKind kind, View view) const {
    return m_certificates.contains({view, kind});
}

const QuorumCertificate* NaiveCore::certificate(VoteKind kind, View view) const {
    const auto found = m_certificates.find({view, kind});
    return found == m_certificates.end() ? nullptr : &found->second;
}

bool NaiveCore::asked_since(VoteKind kind, View view) const {
    return std::any_of(m_asked.begin(), m_asked.end(), [&](const VoteStatement& asked) {
        return asked.kind == kind && asked.view >= view;
    });
}

bool NaiveCore::r0_may_notarize(View view) const {
    return view == m_view && !asked_since(VoteKind::notarize, view) &&
           !asked_since(VoteKind::nullify, view);
}

bool NaiveCore::r0_may_nullify(View view) const {
    return view == m_view && !asked_since(VoteKind::nullify, view) &&
           !asked_since(VoteKind::finalize, view);
}

bool NaiveCore::r0_may_finalize(View view, const Hash& digest) const {
    const QuorumCertificate* notarization = certificate(VoteKind::notarize, view);
    return notarization != nullptr && notarization->statement.digest == digest && view >= m_view &&
           !asked_since(VoteKind::nullify, view) && !asked_since(VoteKind::finalize, view);
}

void NaiveCore::ask(const VoteStatement& statement, NullifyReason reason) {
    m_asked.push_back(statement);
    m_effects.emplace_back(CastVote{statement, reason});
}

void NaiveCore::r1_enter(View view) {
    m_view = view;
    m_entered = m_now;
    m_pending = false;
    m_reason_since.reset();
    m_effects.emplace_back(EnterView{view});
    r8_note_reason();
}

void NaiveCore::r2_propose() {
    if (m_leader(m_view) != m_self || !may_vote() || !r0_may_notarize(m_view) ||
        m_built.contains(m_view) || m_now < r8_start()) {
        return;
    }
    if (const std::optional<BuildBlock> build = r2_walk_down()) {
        m_built.insert(m_view);
        m_effects.emplace_back(*build);
    }
}

/// From the view below ours down to the first that has a block; nothing when a view in between is
/// not nullified.
std::optional<BuildBlock> NaiveCore::r2_walk_down() const {
    BuildBlock build;
    build.view = m_view;
    for (View view = m_view - 1;; --view) {
        if (view == m_final_view) {
            build.parent_view = view;
            build.parent = m_final_digest;
            const QuorumCertificate* finalization = certificate(VoteKind::finalize, view);
            const QuorumCertificate* notarization = certificate(VoteKind::notarize, view);
            if (finalization != nullptr) {
                build.justification.parent = *finalization;
            } else if (notarization != nullptr) {
                build.justification.parent = *notarization;
            }
            break;
        }
        if (const QuorumCertificate* notarization = certificate(VoteKind::notarize, view)) {
            build.parent_view = view;
            build.parent = notarization->statement.digest;
            build.justification.parent = *notarization;
            break;
        }
        const QuorumCertificate* nullification = certificate(VoteKind::nullify, view);
        if (nullification == nullptr) {
            return std::nullopt;
        }
        if (build.justification.nullifications.size() < inline_nullifications_max) {
            build.justification.nullifications.insert(build.justification.nullifications.begin(),
                                                      *nullification);
        }
    }
    return build;
}

}  // namespace tally::consensus::model
