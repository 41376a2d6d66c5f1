#include "tests/consensus/model/others.h"

#include "ledger/crypto/sha256.h"
#include "tests/consensus/support.h"

#include <algorithm>
#include <iterator>

namespace tally::consensus::model {

namespace {

constexpr std::uint32_t lie_permille{200};
constexpr std::uint32_t second_block_permille{300};
constexpr std::uint32_t invalid_block_permille{100};
constexpr std::uint32_t seal_permille{30};

}  // namespace

Signature stand_in_signature(const PublicKey& key, const Hash& digest) {
    const Hash first = sha256(key.view(), digest.view());
    Signature signature;
    std::copy(first.data.begin(), first.data.end(), signature.data.begin());
    std::copy(digest.data.begin(), digest.data.end(), signature.data.begin() + 32);
    return signature;
}

std::vector<VerifyKey> model_keys(std::size_t count) {
    static const std::vector<VerifyKey> all = testing::verify_keys(16);
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)};
}

Hash model_chain_id() {
    static const Hash id = testing::test_chain_id();
    return id;
}

VoteStatement statement_of(VoteKind kind, View view, View parent_view, const Hash& digest) {
    return {model_epoch, kind, view, parent_view, digest};
}

Others::Others(std::size_t count, ValidatorIndex self, std::function<ValidatorIndex(View)> leader,
               simulator::SimRandom& random)
    : m_count{count},
      m_self{self},
      m_leader{std::move(leader)},
      m_random{random},
      m_keys{model_keys(count)},
      m_genesis{testing::genesis_meta()} {
    for (const std::size_t liar : random.sample(count, faults_tolerated(count))) {
        if (liar != self) {
            m_liars.insert(static_cast<ValidatorIndex>(liar));
        }
    }
}

std::size_t Others::quorum() const { return m_count - (m_count - 1) / 3; }

Vote Others::sign(ValidatorIndex signer, const VoteStatement& statement) const {
    return {statement, signer,
            stand_in_signature(m_keys[signer].public_key(),
                               statement.signing_digest(model_chain_id()))};
}

bool Others::is_certified(const VoteStatement& statement) const {
    const auto votes = m_votes.find(statement);
    return votes != m_votes.end() && votes->second.size() >= quorum();
}

std::optional<VoteStatement> Others::certified(VoteKind kind, View view) const {
    for (const auto& [statement, signers] : m_votes) {
        if (statement.kind == kind && statement.view == view && signers.size() >= quorum()) {
            return statement;
        }
    }
    return std::nullopt;
}

/// The first view that no certificate has ended.
View Others::newest() const {
    View newest{1};
    for (const auto& [statement, signers] : m_votes) {
        if (signers.size() >= quorum()) {
            newest = std::max(newest, statement.view + 1);
        }
    }
    return newest;
}

View Others::near(View view) {
    const View low = view > 2 ? view - 2 : 1;
    return m_random.chance(600) ? view : m_random.between(low, view + 1);
}

bool Others::has_voted(ValidatorIndex signer, VoteKind kind, View view) const {
    return std::any_of(m_votes.begin(), m_votes.end(), [&](const auto& one) {
        return one.first.kind == kind && one.first.view == view && one.second.contains(signer);
    });
}

bool Others::is_justified(View parent_view, View view) const {
    const bool is_parent = parent_view == 0 || certified(VoteKind::notarize, parent_view);
    for (View between = parent_view + 1; between < view; ++between) {
        if (!certified(VoteKind::nullify, between)) {
            return false;
        }
    }
    return is_parent;
}

/// What an honest validator may sign: one NOTARIZE per view, never after a NULLIFY, never NULLIFY
/// and FINALIZE.
bool Others::may_sign(ValidatorIndex signer, const VoteStatement& statement) const {
    switch (statement.kind) {
        case VoteKind::notarize:
            return !has_voted(signer, VoteKind::notarize, statement.view) &&
                   !has_voted(signer, VoteKind::nullify, statement.view) &&
                   is_valid(statement.digest) &&
                   is_justified(statement.parent_view, statement.view);
        case VoteKind::nullify:
            return !has_voted(signer, VoteKind::finalize, statement.view);
        case VoteKind::finalize:
            return !has_voted(signer, VoteKind::nullify, statement.view) &&
                   is_certified(statement_of(VoteKind::notarize, statement.view,
                                             statement.parent_view, statement.digest));
    }
    return false;
}

void Others::cast(ValidatorIndex signer, const VoteStatement& statement) {
    if (signer != m_self && (is_liar(signer) || may_sign(signer, statement))) {
        m_votes[statement].insert(signer);
    }
}

/// Several sign the same thing, as they mostly do.
void Others::act() {
    const View view = near(newest());
    if (m_offers[view].empty() ||
        (m_random.chance(second_block_permille) && is_liar(m_leader(view)))) {
        offer(view);
    }
    VoteStatement statement = statement_of(VoteKind::nullify, view);
    const std::vector<OfferedBlock>& offers = m_offers[view];
    const std::uint64_t kind = m_random.between(0, 9);
    if (kind < 6 && !offers.empty()) {
        const OfferedBlock& block = m_random.pick(offers);
        statement = statement_of(VoteKind::notarize, view, block.parent_view, block.meta.digest);
    } else if (kind < 9) {
        const auto notarized = certified(VoteKind::notarize, view > 1 ? view - 1 : view);
        if (notarized) {
            statement = *notarized;
            statement.kind = VoteKind::finalize;
        }
    }
    for (ValidatorIndex signer = 0; signer < m_count; ++signer) {
        if (is_liar(signer) && m_random.chance(lie_permille)) {
            lie(signer, view);
        } else if (m_random.chance(700)) {
            cast(signer, statement);
        }
    }
}

/// Any of the blocks of the view, or one that nobody has, under any kind of vote.
void Others::lie(ValidatorIndex signer, View view) {
    const std::vector<OfferedBlock>& offers = m_offers[view];
    Hash digest = sha256(as_bytes("nobody's block"));
    View parent_view = view - 1;
    if (!offers.empty() && m_random.chance(800)) {
        const OfferedBlock& block = m_random.pick(offers);
        digest = block.meta.digest;
        parent_view = m_random.chance(50) ? 0 : block.parent_view;
    }
    const std::uint64_t kind = m_random.between(0, 2);
    if (kind == 0) {
        cast(signer, statement_of(VoteKind::nullify, view));
    } else {
        cast(signer, statement_of(kind == 1 ? VoteKind::notarize : VoteKind::finalize, view,
                                  parent_view, digest));
    }
}

std::optional<View> Others::some_parent(View view) {
    std::vector<View> parents;
    for (View below = view; below > 0; --below) {
        const View parent = below - 1;
        if (parent == 0 || certified(VoteKind::notarize, parent)) {
            parents.push_back(parent);
        }
        if (parent == 0 || !certified(VoteKind::nullify, parent)) {
            break;
        }
    }
    return parents.empty() ? std::nullopt : std::optional{m_random.pick(parents)};
}

OfferedBlock Others::make_block(View view, View parent_view, const Hash& parent,
                                ValidatorIndex proposer) {
    OfferedBlock block;
    block.view = view;
    block.parent_view = parent_view;
    block.meta.epoch = model_epoch;
    block.meta.parent = parent;
    block.meta.height = m_blocks.contains(parent) ? m_blocks.at(parent).meta.height + 1 : 1;
    block.meta.view = view;
    block.meta.parent_view = parent_view;
    block.meta.time = 1'000 + ++m_salt;
    block.meta.proposer = proposer;
    block.meta.seals_epoch = m_random.chance(seal_permille);
    block.header = testing::encode_header(block.meta, {});
    block.meta = *testing::decode_test_header(block.header);
    return block;
}

void Others::offer(View view) {
    const ValidatorIndex leader = m_leader(view);
    const std::optional<View> parent_view = some_parent(view);
    if (leader == m_self || !parent_view) {
        return;
    }
    Hash parent = m_genesis.digest;
    if (*parent_view > 0) {
        parent = certified(VoteKind::notarize, *parent_view)->digest;
    }
    const auto stands_on = m_blocks.find(parent);
    OfferedBlock block;
    if (stands_on != m_blocks.end() && stands_on->second.meta.seals_epoch) {
        block = stands_on->second;  // Only itself may follow.
        block.view = view;
        block.parent_view = *parent_view;
    } else {
        block = make_block(view, *parent_view, parent, leader);
        block.valid = !is_liar(leader) || !m_random.chance(invalid_block_permille);
    }
    m_blocks.emplace(block.meta.digest, block);
    m_offers[view].push_back(block);
}

OfferedBlock Others::build_own(const BuildBlock& build) {
    const auto parent = m_blocks.find(build.parent);
    OfferedBlock block;
    if (parent != m_blocks.end() && parent->second.meta.seals_epoch) {
        block = parent->second;
        block.view = build.view;
        block.parent_view = build.parent_view;
    } else {
        block = make_block(build.view, build.parent_view, build.parent, m_self);
    }
    m_blocks.emplace(block.meta.digest, block);
    m_offers[build.view].push_back(block);
    return block;
}

void Others::note_own(const Vote& vote) { m_votes[vote.statement].insert(m_self); }

bool Others::is_valid(const Hash& digest) const {
    const auto block = m_blocks.find(digest);
    return block != m_blocks.end() && block->second.valid;
}

QuorumCertificate Others::certificate(const VoteStatement& statement) {
    const std::set<ValidatorIndex>& signers = m_votes.at(statement);
    const std::vector<ValidatorIndex> all(signers.begin(), signers.end());
    std::vector<std::size_t> chosen =
        m_random.sample(all.size(), m_random.between(quorum(), all.size()));
    std::sort(chosen.begin(), chosen.end());
    QuorumCertificate made;
    made.statement = statement;
    for (const std::size_t one : chosen) {
        made.bitmap |= std::uint64_t{1} << all[one];
        made.signatures.push_back(sign(all[one], statement).signature);
    }
    return made;
}

std::optional<Vote> Others::some_vote(View view) {
    const View wanted = near(view);
    std::vector<Vote> votes;
    for (const auto& [statement, signers] : m_votes) {
        if (statement.view != wanted) {
            continue;
        }
        for (const ValidatorIndex signer : signers) {
            if (signer != m_self) {
                votes.push_back({statement, signer, {}});
            }
        }
    }
    if (votes.empty()) {
        return std::nullopt;
    }
    const Vote& vote = m_random.pick(votes);
    return sign(vote.signer, vote.statement);
}

std::optional<QuorumCertificate> Others::some_certificate(View view) {
    std::vector<VoteStatement> found;
    for (const auto& [statement, signers] : m_votes) {
        const bool is_near = statement.view + 3 >= view && statement.view <= view + 3;
        if (is_near && signers.size() >= quorum()) {
            found.push_back(statement);
        }
    }
    if (found.empty()) {
        return std::nullopt;
    }
    return certificate(m_random.pick(found));
}

Justification Others::justify(View parent_view, View view) {
    Justification given;
    if (parent_view > 0) {
        const auto notarized = certified(VoteKind::notarize, parent_view);
        VoteStatement parent = *notarized;
        parent.kind = VoteKind::finalize;
        const bool as_final = is_certified(parent) && m_random.chance(500);
        given.parent = certificate(as_final ? parent : *notarized);
    }
    for (View between = parent_view + 1; between < view; ++between) {
        given.nullifications.push_back(certificate(statement_of(VoteKind::nullify, between)));
    }
    return given;
}

std::optional<ProposalReceived> Others::some_proposal(View view) {
    const View wanted = m_random.chance(800) ? view : near(view);
    const std::vector<OfferedBlock>& offers = m_offers[wanted];
    if (offers.empty() || m_leader(wanted) == m_self) {
        return std::nullopt;
    }
    const OfferedBlock& block = m_random.pick(offers);
    ProposalReceived event;
    event.from = m_leader(wanted);
    event.meta = block.meta;
    event.proposal.epoch = model_epoch;
    event.proposal.view = wanted;
    event.proposal.parent_view = block.parent_view;
    event.proposal.header = block.header;
    event.proposal.justification = justify(block.parent_view, wanted);
    const VoteStatement vote =
        statement_of(VoteKind::notarize, wanted, block.parent_view, block.meta.digest);
    cast(event.from, vote);
    if (!m_votes[vote].contains(event.from)) {
        return std::nullopt;  // It has given up the view by now.
    }
    event.proposal.leader_signature = sign(event.from, vote).signature;
    return event;
}

}  // namespace tally::consensus::model
