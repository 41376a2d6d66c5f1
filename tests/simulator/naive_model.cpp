#include "tests/simulator/naive_model.h"

#include <algorithm>
#include <utility>

namespace tally::consensus {

namespace {

/// n minus the largest f with 3f < n.
std::size_t quorum_by_counting_down(std::size_t nodes) {
    std::size_t faults = nodes;
    while (3 * faults >= nodes) {
        --faults;
    }
    return nodes - faults;
}

}  // namespace

NaiveModel::NaiveModel(std::size_t nodes, simulator::SimApplicationKind& kind,
                       std::set<std::size_t> liars)
    : m_kind{kind},
      m_quorum{quorum_by_counting_down(nodes)},
      m_liars{std::move(liars)},
      m_nodes(nodes) {
    const BlockMeta genesis = kind.genesis();
    m_blocks[genesis.digest] = {genesis.parent, 0, 0, 0, 0};
}

NaiveModel::Topic NaiveModel::topic(const VoteStatement& statement) {
    return {statement.kind, statement.view, statement.digest};
}

void NaiveModel::demand(bool holds, std::size_t node, const VoteStatement& vote, const char* rule) {
    if (!holds && !m_problem) {
        m_problem = "node " + std::to_string(node) + ", " + simulator::to_text(vote) + ": " + rule;
    }
}

/// Whether the node can hold a certificate: it heard one, or the votes of a quorum with its own.
bool NaiveModel::knows(std::size_t node, const Topic& topic) const {
    const Knowledge& mind = m_nodes[node];
    if (mind.certificates.contains(topic)) {
        return true;
    }
    const auto votes = mind.votes.find(topic);
    if (votes == mind.votes.end()) {
        return false;
    }
    const std::size_t own = votes->second.contains(node) ? 0 : 1;
    return votes->second.size() + own >= m_quorum;
}

void NaiveModel::learn_vote(std::size_t node, const VoteStatement& statement, std::size_t signer) {
    Knowledge& mind = m_nodes[node];
    mind.votes[topic(statement)].insert(signer);
    if (knows(node, topic(statement))) {
        mind.highest_certified = std::max(mind.highest_certified, statement.view);
    }
}

void NaiveModel::learn_certificate(std::size_t node, const QuorumCertificate& certificate) {
    Knowledge& mind = m_nodes[node];
    mind.certificates.insert(topic(certificate.statement));
    mind.highest_certified = std::max(mind.highest_certified, certificate.statement.view);
}

void NaiveModel::learn_proposal(std::size_t node, std::size_t from, const Proposal& proposal) {
    if (proposal.justification.parent) {
        learn_certificate(node, *proposal.justification.parent);
    }
    for (const QuorumCertificate& certificate : proposal.justification.nullifications) {
        learn_certificate(node, certificate);
    }
    const auto meta = m_kind.decode_header(proposal.header);
    if (!meta) {
        return;
    }
    m_nodes[node].proposed.insert({proposal.view, meta->digest});
    m_blocks.emplace(meta->digest, BlockFacts{meta->parent, meta->parent_view, meta->height,
                                              meta->view, meta->proposer});
    learn_vote(node,
               {.epoch = proposal.epoch,
                .kind = VoteKind::notarize,
                .view = proposal.view,
                .parent_view = proposal.parent_view,
                .digest = meta->digest},
               from);
}

void NaiveModel::learn_range(std::size_t node, const RangeResponse& range) {
    for (const FinalBlock& block : range.blocks) {
        learn_certificate(node, block.certificate);
    }
}

void NaiveModel::starting(simulator::NodeIndex node, const simulator::VoteRecord& recovered) {
    Knowledge& mind = m_nodes[node];
    for (const VoteStatement& vote : {recovered.notarize, recovered.nullify, recovered.finalize}) {
        mind.recovered.insert(vote);
    }
}

void NaiveModel::delivered(simulator::NodeIndex from, simulator::NodeIndex to,
                           const Message& message) {
    if (const auto* vote = std::get_if<Vote>(&message)) {
        learn_vote(to, vote->statement, from);
    } else if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        learn_certificate(to, *certificate);
    } else if (const auto* proposal = std::get_if<Proposal>(&message)) {
        learn_proposal(to, from, *proposal);
    } else if (const auto* found = std::get_if<CertificateResponse>(&message)) {
        for (const QuorumCertificate& one : found->certificates) {
            learn_certificate(to, one);
        }
    } else if (const auto* range = std::get_if<RangeResponse>(&message)) {
        learn_range(to, *range);
    } else if (const auto* status = std::get_if<Status>(&message)) {
        for (const Vote& shown : status->your_votes) {
            learn_vote(to, shown.statement, to);
        }
    }
}

void NaiveModel::sent(simulator::NodeIndex from, simulator::NodeIndex /*to*/,
                      const Message& message) {
    if (m_liars.contains(from)) {
        return;
    }
    if (const auto* vote = std::get_if<Vote>(&message)) {
        judge_vote(from, vote->statement);
    } else if (const auto* certificate = std::get_if<QuorumCertificate>(&message)) {
        judge_certificate(from, *certificate);
    } else if (const auto* proposal = std::get_if<Proposal>(&message)) {
        judge_proposal(from, *proposal);
    } else if (const auto* found = std::get_if<CertificateResponse>(&message)) {
        for (const QuorumCertificate& one : found->certificates) {
            judge_certificate(from, one);
        }
    }
}

/// R2: who leads, what the block stands on, and the leader's own vote.
void NaiveModel::judge_proposal(std::size_t node, const Proposal& proposal) {
    const auto meta = m_kind.decode_header(proposal.header);
    VoteStatement vote{.epoch = proposal.epoch,
                       .view = proposal.view,
                       .parent_view = proposal.parent_view,
                       .digest = {}};
    demand(meta.has_value(), node, vote, "proposes a header that does not decode");
    if (!meta) {
        return;
    }
    vote.digest = meta->digest;
    m_blocks[meta->digest] = {meta->parent, meta->parent_view, meta->height, meta->view,
                              meta->proposer};
    const auto [leader, first] = m_leaders.emplace(proposal.view % m_nodes.size(), node);
    demand(leader->second == node && meta->proposer == node, node, vote,
           "proposes in another one's view");
    demand(meta->view == proposal.view && meta->parent_view == proposal.parent_view, node, vote,
           "proposal and header differ");
    if (proposal.justification.parent) {
        judge_certificate(node, *proposal.justification.parent);
    }
    for (const QuorumCertificate& certificate : proposal.justification.nullifications) {
        judge_certificate(node, certificate);
    }
    m_nodes[node].proposed.insert({proposal.view, meta->digest});
    judge_vote(node, vote);
}

void NaiveModel::judge_certificate(std::size_t node, const QuorumCertificate& certificate) {
    ++m_certificates_judged;
    demand(knows(node, topic(certificate.statement)), node, certificate.statement,
           "lets out a certificate that it cannot have");
}

void NaiveModel::judge_vote(std::size_t node, const VoteStatement& vote) {
    Knowledge& mind = m_nodes[node];
    if (!mind.let_out.insert(vote).second) {
        return;
    }
    ++m_votes_judged;
    demand(vote.view <= mind.highest_certified + 1, node, vote, "cannot be in that view yet");
    switch (vote.kind) {
        case VoteKind::notarize:
            judge_notarize(node, vote);
            break;
        case VoteKind::nullify:
            break;
        case VoteKind::finalize:
            demand(knows(node, {VoteKind::notarize, vote.view, vote.digest}), node, vote,
                   "finalizes without a notarization");
            break;
    }
    learn_vote(node, vote, node);
}

/// R3: the parent is certified and every view in between is nullified.
void NaiveModel::judge_notarize(std::size_t node, const VoteStatement& vote) {
    if (m_nodes[node].recovered.contains(vote) && !m_blocks.contains(vote.digest)) {
        return;  // A leader whose vote survived a crash, but not the proposal around it.
    }
    demand(m_nodes[node].proposed.contains({vote.view, vote.digest}), node, vote,
           "notarizes what the leader did not propose to it");
    const auto block = m_blocks.find(vote.digest);
    if (block == m_blocks.end()) {
        demand(false, node, vote, "notarizes an unknown block");
        return;
    }
    const std::size_t proposer = block->second.proposer;
    const auto [leader, first] = m_leaders.emplace(vote.view % m_nodes.size(), proposer);
    demand(leader->second == proposer && block->second.view == vote.view, node, vote,
           "notarizes a block of another view or of another leader");
    const auto parent = m_blocks.find(block->second.parent);
    demand(parent != m_blocks.end() && parent->second.height + 1 == block->second.height, node,
           vote, "height does not follow the parent's");
    demand(vote.parent_view < vote.view && vote.parent_view == block->second.parent_view, node,
           vote, "parent view is wrong");
    if (vote.parent_view > 0) {
        const bool certified =
            knows(node, {VoteKind::notarize, vote.parent_view, block->second.parent}) ||
            knows(node, {VoteKind::finalize, vote.parent_view, block->second.parent});
        demand(certified, node, vote, "the parent has no certificate");
    } else {
        demand(block->second.height == 1, node, vote, "only the first block stands on the genesis");
    }
    for (View view = vote.parent_view + 1; view < vote.view; ++view) {
        demand(knows(node, {VoteKind::nullify, view, Hash{}}), node, vote,
               "a view in between is not nullified");
    }
}

void NaiveModel::committed(simulator::NodeIndex node, const simulator::FinalNotice& notice) {
    if (m_liars.contains(node)) {
        return;
    }
    ++m_certificates_judged;
    demand(knows(node, topic(notice.finalization.statement)), node, notice.finalization.statement,
           "commits without having heard the certificate");
}

}  // namespace tally::consensus
