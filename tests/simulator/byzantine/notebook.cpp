#include "tests/simulator/byzantine/notebook.h"

#include <algorithm>
#include <variant>

namespace tally::simulator {

using consensus::View;

void Notebook::begin_epoch(std::uint64_t epoch, std::size_t validators) {
    *this = Notebook{};
    m_epoch = epoch;
    m_validators = validators;
}

void Notebook::hear(const consensus::Message& message, const Check& check, const DigestOf& digest) {
    if (const auto* vote = std::get_if<consensus::Vote>(&message)) {
        hear_vote(vote->statement, vote->signer, vote->signature);
    } else if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        hear_certificate(*certificate, check);
    } else if (const auto* found = std::get_if<consensus::CertificateResponse>(&message)) {
        for (const QuorumCertificate& one : found->certificates) {
            hear_certificate(one, check);
        }
    } else if (const auto* range = std::get_if<consensus::RangeResponse>(&message)) {
        for (const consensus::FinalBlock& block : range->blocks) {
            hear_certificate(block.certificate, check);
        }
    } else if (const auto* proposal = std::get_if<consensus::Proposal>(&message)) {
        if (proposal->epoch != m_epoch || !digest(proposal->header)) {
            return;
        }
        if (proposal->justification.parent) {
            hear_certificate(*proposal->justification.parent, check);
        }
        for (const QuorumCertificate& one : proposal->justification.nullifications) {
            hear_certificate(one, check);
        }
        m_proposals[proposal->view] = *proposal;
        m_newest = std::max(m_newest, proposal->view);
        prune();
    }
}

void Notebook::hear_vote(const VoteStatement& statement, consensus::ValidatorIndex signer,
                         const Signature& signature) {
    if (statement.epoch != m_epoch || statement.view > m_newest + views_kept) {
        return;
    }
    m_votes[statement].emplace(signer, signature);
    m_newest = std::max(m_newest, statement.view);
    prune();
}

void Notebook::hear_certificate(const QuorumCertificate& certificate, const Check& check) {
    const VoteStatement& statement = certificate.statement;
    const bool known = statement.kind == VoteKind::notarize
                           ? notarization(statement.view) != nullptr
                       : statement.kind == VoteKind::nullify
                           ? nullification(statement.view) != nullptr
                           : m_finalization && m_finalization->statement.view >= statement.view;
    if (statement.epoch != m_epoch || known || !check(certificate)) {
        return;
    }
    m_newest = std::max(m_newest, statement.view);
    switch (statement.kind) {
        case VoteKind::notarize:
            m_notarizations.emplace(statement.view, certificate);
            break;
        case VoteKind::nullify:
            m_nullifications.emplace(statement.view, certificate);
            break;
        case VoteKind::finalize:
            m_finalization = certificate;
            break;
    }
    prune();
}

std::optional<QuorumCertificate> Notebook::assemble(const VoteStatement& statement) const {
    const auto found = m_votes.find(statement);
    if (found == m_votes.end() || found->second.size() < quorum(m_validators)) {
        return std::nullopt;
    }
    QuorumCertificate certificate;
    certificate.statement = statement;
    for (const auto& [signer, signature] : found->second) {
        if (signer < m_validators) {
            certificate.bitmap |= std::uint64_t{1} << signer;
            certificate.signatures.push_back(signature);
        }
    }
    return certificate;
}

const QuorumCertificate* Notebook::notarization(View view) const {
    const auto found = m_notarizations.find(view);
    return found == m_notarizations.end() ? nullptr : &found->second;
}

const QuorumCertificate* Notebook::nullification(View view) const {
    const auto found = m_nullifications.find(view);
    return found == m_nullifications.end() ? nullptr : &found->second;
}

std::vector<VoteStatement> Notebook::statements(View view) const {
    std::vector<VoteStatement> result;
    for (const auto& [statement, votes] : m_votes) {
        if (statement.view == view) {
            result.push_back(statement);
        }
    }
    return result;
}

const consensus::Proposal* Notebook::proposal(View view) const {
    const auto found = m_proposals.find(view);
    return found == m_proposals.end() ? nullptr : &found->second;
}

std::optional<Notebook::Ground> Notebook::ground(View view, const Hash& genesis) const {
    Ground ground;
    ground.parent = genesis;
    for (View parent = view - 1; parent > 0; --parent) {
        const QuorumCertificate* certificate = notarization(parent);
        if (certificate == nullptr && m_finalization && m_finalization->statement.view == parent) {
            certificate = &*m_finalization;
        }
        if (certificate != nullptr) {
            ground.parent_view = parent;
            ground.parent = certificate->statement.digest;
            ground.justification.parent = *certificate;
            break;
        }
        const QuorumCertificate* nothing = nullification(parent);
        if (nothing == nullptr) {
            return std::nullopt;
        }
        if (ground.justification.nullifications.size() < consensus::inline_nullifications_max) {
            ground.justification.nullifications.push_back(*nothing);
        }
    }
    std::reverse(ground.justification.nullifications.begin(),
                 ground.justification.nullifications.end());
    return ground;
}

void Notebook::prune() {
    const View oldest = m_newest > views_kept ? m_newest - views_kept : 0;
    m_notarizations.erase(m_notarizations.begin(), m_notarizations.lower_bound(oldest));
    m_nullifications.erase(m_nullifications.begin(), m_nullifications.lower_bound(oldest));
    m_proposals.erase(m_proposals.begin(), m_proposals.lower_bound(oldest));
    if (m_votes.size() > 6 * views_kept) {
        std::erase_if(m_votes, [&](const auto& entry) { return entry.first.view < oldest; });
    }
}

}  // namespace tally::simulator
