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
                       std::set<std::size_t> liars, bool records_last)
    : m_kind{kind}, m_liars{std::move(liars)}, m_records_last{records_last} {
    const BlockMeta genesis = kind.genesis();
    m_blocks[genesis.digest] = facts_of(genesis);
    EpochFacts& first = m_epochs[0];
    first.genesis = genesis.digest;
    for (std::size_t node = 0; node < nodes; ++node) {
        first.seats.push_back(node);
    }
}

NaiveModel::BlockFacts NaiveModel::facts_of(const BlockMeta& meta) {
    return {meta.parent,   meta.parent_view, meta.height,     meta.view,
            meta.proposer, meta.epoch,       meta.seals_epoch};
}

/// The machine that sits there; none for an epoch or index that does not exist.
std::size_t NaiveModel::seat_of(std::uint64_t epoch, std::uint32_t index) const {
    const auto known = m_epochs.find(epoch);
    const bool exists = known != m_epochs.end() && index < known->second.seats.size();
    return exists ? known->second.seats[index] : SIZE_MAX;
}

NaiveModel::Topic NaiveModel::topic(const VoteStatement& statement) {
    return {statement.epoch, statement.kind, statement.view, statement.digest};
}

void NaiveModel::demand(bool holds, std::size_t node, const VoteStatement& vote, const char* rule) {
    if (!holds && !m_problem) {
        m_problem = "node " + std::to_string(node) + ", " + simulator::to_text(vote) + ": " + rule;
    }
}

/// Whether the node can hold a certificate: it heard one, or the votes of a quorum with its own.
bool NaiveModel::knows(std::size_t node, const Topic& topic) const {
    const auto mind = m_nodes.find(node);
    const auto epoch = m_epochs.find(std::get<0>(topic));
    if (mind == m_nodes.end() || epoch == m_epochs.end()) {
        return false;
    }
    if (mind->second.certificates.contains(topic)) {
        return true;
    }
    const auto block = m_blocks.find(std::get<3>(topic));
    if (mind->second.has_proof && std::get<1>(topic) == VoteKind::finalize &&
        block != m_blocks.end() && block->second.seals) {
        return true;  // A proof that an epoch ended has it inside.
    }
    const auto votes = mind->second.votes.find(topic);
    if (votes == mind->second.votes.end()) {
        return false;
    }
    std::size_t signers{0};
    for (const std::size_t seat : epoch->second.seats) {
        signers += seat == node || votes->second.contains(seat) ? 1U : 0U;
    }
    return signers >= quorum_by_counting_down(epoch->second.seats.size());
}

void NaiveModel::learn_vote(std::size_t node, const VoteStatement& statement, std::size_t signer) {
    Knowledge& mind = m_nodes[node];
    mind.votes[topic(statement)].insert(signer);
    if (knows(node, topic(statement))) {
        View& highest = mind.highest_certified[statement.epoch];
        highest = std::max(highest, statement.view);
    }
}

void NaiveModel::learn_certificate(std::size_t node, const QuorumCertificate& certificate) {
    Knowledge& mind = m_nodes[node];
    mind.certificates.insert(topic(certificate.statement));
    View& highest = mind.highest_certified[certificate.statement.epoch];
    highest = std::max(highest, certificate.statement.view);
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
    m_nodes[node].proposed.insert({proposal.epoch, proposal.view, meta->digest});
    m_blocks.emplace(meta->digest, facts_of(*meta));
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
        for (const VoteStatement& out : mind.let_out) {
            const View remembered = out.epoch == vote.epoch ? vote.view : 0;
            const bool is_over = out.epoch < vote.epoch;
            if (!is_over && out.kind == vote.kind && out.view > remembered) {
                mind.observing.insert(out.epoch);
            }
        }
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
    } else if (const auto* proof = std::get_if<EpochProofResponse>(&message)) {
        m_nodes[to].has_proof = m_nodes[to].has_proof || !proof->proof.empty();
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
    m_blocks[meta->digest] = facts_of(*meta);
    const bool is_again = meta->seals_epoch && meta->view < proposal.view;
    const std::size_t seats = m_epochs[proposal.epoch].seats.size();
    demand(seats > 0, node, vote, "proposes in an epoch that has not begun");
    if (seats == 0) {
        return;
    }
    const auto [leader, first] =
        m_leaders.emplace(std::pair{proposal.epoch, proposal.view % seats}, node);
    demand(leader->second == node, node, vote, "proposes in another one's view");
    demand(is_again || (seat_of(proposal.epoch, meta->proposer) == node &&
                        meta->view == proposal.view && meta->parent_view == proposal.parent_view),
           node, vote, "proposal and header differ");
    if (proposal.justification.parent) {
        judge_certificate(node, *proposal.justification.parent);
    }
    for (const QuorumCertificate& certificate : proposal.justification.nullifications) {
        judge_certificate(node, certificate);
    }
    m_nodes[node].proposed.insert({proposal.epoch, proposal.view, meta->digest});
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
    const bool is_repeated = mind.recovered.contains(vote);
    demand(vote.view <= mind.highest_certified[vote.epoch] + 1, node, vote,
           "cannot be in that view yet");
    demand(is_repeated || !m_records_last || !mind.observing.contains(vote.epoch), node, vote,
           "votes without the record of what it voted before");
    switch (vote.kind) {
        case VoteKind::notarize:
            judge_notarize(node, vote);
            break;
        case VoteKind::nullify:
            break;
        case VoteKind::finalize:
            demand(knows(node, {vote.epoch, VoteKind::notarize, vote.view, vote.digest}), node,
                   vote, "finalizes without a notarization");
            break;
    }
    learn_vote(node, vote, node);
}

/// R3: the parent is certified and every view in between is nullified.
void NaiveModel::judge_notarize(std::size_t node, const VoteStatement& vote) {
    if (m_nodes[node].recovered.contains(vote) && !m_blocks.contains(vote.digest)) {
        return;  // A leader whose vote survived a crash, but not the proposal around it.
    }
    demand(m_nodes[node].proposed.contains({vote.epoch, vote.view, vote.digest}), node, vote,
           "notarizes what the leader did not propose to it");
    const auto block = m_blocks.find(vote.digest);
    if (block == m_blocks.end()) {
        demand(false, node, vote, "notarizes an unknown block");
        return;
    }
    demand(block->second.epoch == vote.epoch && vote.parent_view < vote.view, node, vote,
           "epoch or parent view is wrong");
    if (block->second.seals && block->second.view < vote.view) {
        judge_parent(node, vote, vote.digest);  // A sealing block stands on itself.
    } else {
        judge_new_block(node, vote, block->second);
    }
    for (View view = vote.parent_view + 1; view < vote.view; ++view) {
        demand(knows(node, {vote.epoch, VoteKind::nullify, view, Hash{}}), node, vote,
               "a view in between is not nullified");
    }
}

void NaiveModel::judge_new_block(std::size_t node, const VoteStatement& vote,
                                 const BlockFacts& block) {
    const std::size_t seats = std::max<std::size_t>(m_epochs[vote.epoch].seats.size(), 1);
    const std::size_t proposer = seat_of(vote.epoch, block.proposer);
    const auto [leader, first] =
        m_leaders.emplace(std::pair{vote.epoch, vote.view % seats}, proposer);
    demand(leader->second == proposer && block.view == vote.view, node, vote,
           "notarizes a block of another view or of another leader");
    demand(vote.parent_view == block.parent_view, node, vote, "parent view is wrong");
    const auto parent = m_blocks.find(block.parent);
    demand(parent != m_blocks.end() && parent->second.height + 1 == block.height, node, vote,
           "height does not follow the parent's");
    demand(parent == m_blocks.end() || !parent->second.seals ||
               parent->second.epoch + 1 == block.epoch,
           node, vote, "a block of the same epoch after the one that seals it");
    judge_parent(node, vote, block.parent);
}

void NaiveModel::judge_parent(std::size_t node, const VoteStatement& vote, const Hash& parent) {
    if (vote.parent_view == 0) {
        demand(parent == m_epochs[vote.epoch].genesis, node, vote,
               "only the first block of an epoch stands on its genesis");
        return;
    }
    demand(knows(node, {vote.epoch, VoteKind::notarize, vote.parent_view, parent}) ||
               knows(node, {vote.epoch, VoteKind::finalize, vote.parent_view, parent}),
           node, vote, "the parent has no certificate");
}

void NaiveModel::committed(simulator::NodeIndex node, const simulator::FinalNotice& notice) {
    m_blocks.emplace(notice.meta.digest, facts_of(notice.meta));
    if (notice.next && m_epochs[notice.next->epoch].seats.empty()) {
        EpochFacts& epoch = m_epochs[notice.next->epoch];
        epoch.genesis = notice.meta.digest;
        for (const EpochValidator& validator : notice.next->validators) {
            epoch.seats.push_back(simulator::machine_of(validator.member).value_or(SIZE_MAX));
        }
    }
    if (m_liars.contains(node)) {
        return;
    }
    ++m_certificates_judged;
    demand(knows(node, topic(notice.finalization.statement)), node, notice.finalization.statement,
           "commits without having heard the certificate");
}

}  // namespace tally::consensus
