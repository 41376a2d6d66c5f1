// R5: what a certificate does, wherever it came from.

#include "consensus/planted_bug.h"
#include "consensus/simplex/core.h"

#include <algorithm>

namespace tally::consensus {

void Core::on(const CertificateReceived& event) {
    const VoteStatement& statement = event.certificate.statement;
    const bool is_ours =
        statement.epoch == m_options.epoch || planted(PlantedBug::old_epoch_replay);
    const bool is_new =
        !is_known(event.certificate) || planted(PlantedBug::certificates_checked_again);
    if (!is_ours || !is_new) {
        return;
    }
    const bool trusted =
        planted(PlantedBug::finalization_unverified) && statement.kind == VoteKind::finalize;
    if (!trusted && !verify(event.certificate)) {
        m_effects.push_back(RejectSender{"certificate does not hold"});
        return;
    }
    accept(event.certificate);
}

/// `certificate` holds; nothing happens when it is known.
void Core::accept(const QuorumCertificate& certificate) {
    if (is_known(certificate)) {
        return;
    }
    check_own_signature(certificate);
    switch (certificate.statement.kind) {
        case VoteKind::notarize:
            accept_notarization(certificate);
            break;
        case VoteKind::nullify:
            accept_nullification(certificate);
            break;
        case VoteKind::finalize:
            accept_finalization(certificate);
            break;
    }
    record_signatures(certificate);
}

void Core::accept_notarization(const QuorumCertificate& certificate) {
    const VoteStatement& statement = certificate.statement;
    if (!m_notarizations.emplace(statement.view, certificate).second) {
        return;
    }
    m_effects.push_back(KeepCertificate{certificate});
    if (statement.view < m_view && !planted(PlantedBug::enter_stale_view)) {
        return;
    }
    if (m_options.self && may_vote() &&
        (statement.view > m_nullify_view || planted(PlantedBug::finalize_after_nullify)) &&
        statement.view > m_finalize_view) {
        m_finalize_view = statement.view;
        m_effects.push_back(CastVote{{m_options.epoch, VoteKind::finalize, statement.view,
                                      statement.parent_view, statement.digest}});
    }
    if (statement.view == m_nullify_view) {
        back_off();  // we had given this view up: its timers were too short
    }
    enter(statement.view + 1);
}

/// A notarization of the same view stays: it may still be a parent.
void Core::accept_nullification(const QuorumCertificate& certificate) {
    const View view = certificate.statement.view;
    m_nullifications.emplace(view, certificate);
    m_effects.push_back(KeepCertificate{certificate});
    if (view >= m_view) {
        back_off();
        enter(view + 1);
    }
}

void Core::accept_finalization(const QuorumCertificate& certificate) {
    const VoteStatement& statement = certificate.statement;
    m_final_view = statement.view;
    m_final_digest = statement.digest;
    m_final = certificate;
    m_nullified_in_a_row = 0;
    m_delta = std::max(m_options.delta, m_delta / 2);
    m_effects.push_back(KeepCertificate{certificate});
    if (statement.view >= m_view) {
        enter(statement.view + 1);
    } else {
        prune();
    }
}

/// Our own signature under something that our record does not know: it was made by a copy of us,
/// or our record is older than we are.
void Core::check_own_signature(const QuorumCertificate& certificate) {
    const VoteStatement& statement = certificate.statement;
    if (!m_options.self || (certificate.bitmap >> *m_options.self & 1) == 0) {
        return;
    }
    const View asked = statement.kind == VoteKind::notarize  ? m_notarize_view
                       : statement.kind == VoteKind::nullify ? m_nullify_view
                                                             : m_finalize_view;
    const ReleasedVote& released = m_safety.of(statement.kind);
    if (statement.view > asked ||
        (statement.view == released.view && statement.digest != released.digest)) {
        m_lost_record = !planted(PlantedBug::restored_record_votes);
    }
}

}  // namespace tally::consensus
