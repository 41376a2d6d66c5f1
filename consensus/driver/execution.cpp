// Executes, builds and commits blocks. Every function here looks at what is the case and does what
// is possible, so it does not matter in which order bodies, parents and certificates arrive.

#include "consensus/driver/driver_impl.h"
#include "consensus/planted_bug.h"
#include "ledger/base/check.h"

#include <algorithm>

namespace tally::consensus {
namespace {

/// Blocks still given by digest after they became final: others may be one certificate behind.
constexpr std::size_t recent_final_max{16};
/// How often a leader looks whether those who have used up their allowance may go on.
constexpr Time pending_check_interval{10'000};
/// And the others, who only expect its block.
constexpr Time expectation_interval{50'000};

/// In its own epoch nothing comes after a block that seals it.
bool follows(const BlockMeta& meta, const BlockMeta& parent) {
    const std::uint64_t epoch = parent.seals_epoch ? parent.epoch + 1 : parent.epoch;
    return meta.height == parent.height + 1 && meta.time > parent.time && meta.epoch == epoch;
}

}  // namespace

void Driver::Impl::progress() {
    execute_ready();
    examine();
    build();
    commit();
}

void Driver::Impl::execute_ready() {
    if (m_halted) {
        return;
    }
    for (TreeBlock* block : m_tree.by_height()) {
        // The application may forget what it executed, the oldest first; the block's parent is then
        // not there either, which makes no block invalid.
        block->executed = block->executed && m_application.has_executed(block->meta.digest);
        if (block->is_complete() && !block->executed && executed_meta(block->meta.parent)) {
            execute(*block);
        }
    }
}

void Driver::Impl::execute(TreeBlock& block) {
    const std::optional<BlockMeta> parent = executed_meta(block.meta.parent);
    const bool fits = parent && follows(block.meta, *parent) &&
                      m_application.body_matches(block.header, block.hashes);
    block.executed = fits && m_application.execute(block.header, block.envelopes);
    block.invalid = !block.executed;
}

std::optional<BlockMeta> Driver::Impl::executed_meta(const Hash& digest) const {
    if (const TreeBlock* block = m_tree.find(digest)) {
        return block->executed ? std::optional{block->meta} : std::nullopt;
    }
    const BlockMeta final = m_application.last_final();
    return final.digest == digest ? std::optional{final} : std::nullopt;
}

/// Whether the header already says that the block cannot follow its parent, as far as the parent is
/// known. Such a block would wait in the tree for nothing.
bool Driver::Impl::is_misplaced(const BlockMeta& meta) const {
    if (const TreeBlock* parent = m_tree.find(meta.parent)) {
        return !follows(meta, parent->meta);
    }
    const BlockMeta final = m_application.last_final();
    return final.digest == meta.parent && !follows(meta, final);
}

/// Answers the core's ExamineBlock as soon as the answer is certain. A block from the future is
/// neither valid nor invalid: it waits, and the view's timer may decide.
void Driver::Impl::examine() {
    if (!m_examination) {
        return;
    }
    const TreeBlock* block = m_tree.find(m_examination->digest);
    if (block == nullptr || (!block->executed && !block->invalid)) {
        return;
    }
    if (block->invalid) {
        ++m_counters.proposals_rejected;
        feed(BlockExamined{m_examination->view, m_examination->digest, false});
        m_examination.reset();
        return;
    }
    const std::optional<BlockMeta> parent = executed_meta(block->meta.parent);
    const UnixMillis ahead = block->meta.time - m_ports.clock.now();
    const bool is_again = block->meta.view != m_examination->view;  // a quorum let its time pass
    if (!is_again && ahead > m_options.clock_tolerance.count() && parent &&
        block->meta.time != parent->time + 1) {
        const Time wait = std::chrono::milliseconds{ahead} - m_options.clock_tolerance;
        if (!m_clock_wait) {
            m_clock_wait = now() + std::min<Time>(wait, std::chrono::seconds{1});
        }
        return;
    }
    feed(BlockExamined{m_examination->view, m_examination->digest, true});
    m_examination.reset();
}

void Driver::Impl::build() {
    if (!m_build || m_halted) {
        return;
    }
    const std::optional<BlockMeta> parent = executed_meta(m_build->parent);
    if (!parent) {
        return;
    }
    const BuildBlock work = std::move(*m_build);
    m_build.reset();
    if (const TreeBlock* block = m_tree.find(work.parent); block && block->meta.seals_epoch) {
        if (planted(PlantedBug::seal_not_proposed_again)) {
            feed(BuildFailed{work.view});
            return;
        }
        propose_again(work, *block);
        return;
    }
    BuildRequest request;
    request.parent = work.parent;
    request.epoch = m_epoch.epoch;
    request.view = work.view;
    request.parent_view = work.parent_view;
    request.time = std::max(m_ports.clock.now(), parent->time + 1);
    request.proposer = *m_self;
    std::vector<Bytes> envelopes;
    std::map<Hash, const Bytes*> by_hash;
    for (const VerifiedEnvelope* envelope : m_mempool.pack(
             m_options.block_limits, m_tree.envelopes_of_chain(work.parent), request.time)) {
        envelopes.push_back(envelope->bytes);
        by_hash.emplace(envelope->hash, &envelope->bytes);
    }
    std::optional<BuiltBlock> built = m_application.build(request, envelopes);
    if (!built && !envelopes.empty()) {
        built = m_application.build(request, {});  // rather than no block because of one envelope
    }
    if (!built) {
        feed(BuildFailed{work.view});
        return;
    }
    TreeBlock& block = m_tree.insert(built->meta, built->header, built->envelopes);
    for (const Hash& hash : built->envelopes) {
        m_tree.offer(hash, *by_hash.at(hash));
    }
    m_mempool.drop(built->left_out);
    block.executed = true;
    OwnBlock own;
    own.view = work.view;
    own.digest = built->meta.digest;
    own.proposal = {m_epoch.epoch,    work.view,          work.parent_view, built->header,
                    built->envelopes, work.justification, Signature{}};
    m_own_block = std::move(own);
    feed(BlockBuilt{work.view, work.parent_view, built->meta.digest});
}

/// A block that seals the epoch is notarized and not final: nothing but the same block may follow.
void Driver::Impl::propose_again(const BuildBlock& work, const TreeBlock& block) {
    const Hash& digest = block.meta.digest;
    const auto& final = m_core->finalization();
    if (final && final->statement.digest == digest) {
        return;  // the epoch is over
    }
    OwnBlock own;
    own.view = work.view;
    own.digest = digest;
    own.proposal = {m_epoch.epoch, work.view,          work.parent_view, block.header,
                    block.hashes,  work.justification, Signature{}};
    m_own_block = std::move(own);
    feed(BlockBuilt{work.view, work.parent_view, digest});
}

/// Commits the chain up to the newest finalization, when all of it is executed and each block has
/// a certificate of its own; otherwise `repair` fetches what is lacking.
void Driver::Impl::commit() {
    const std::optional<QuorumCertificate> target = m_core->finalization();
    const BlockMeta final = final_block();
    if (!target || m_halted || target->statement.view <= final.view) {
        return;
    }
    const auto path = m_tree.path(final.digest, target->statement.digest);
    if (!path) {
        return;
    }
    for (const TreeBlock* block : *path) {
        if (block->invalid) {
            halt("consensus: a final block does not execute here: " + to_hex(block->meta.digest));
            return;
        }
        if (!block->executed || m_tree.certificate(block->meta.digest) == nullptr) {
            return;
        }
    }
    if (!planted(PlantedBug::final_before_sync)) {
        sync_journal();  // a vote of this very turn may be part of the finalization
        if (m_halted) {
            return;
        }
    }
    std::vector<std::pair<BlockMeta, std::vector<FinalEnvelope>>> committed;
    for (const TreeBlock* block : *path) {
        if (planted(PlantedBug::commit_without_ancestors) && block != path->back()) {
            continue;
        }
        m_application.commit(block->meta.digest, *m_tree.certificate(block->meta.digest));
        committed.emplace_back(block->meta, final_envelopes(*block));
    }
    for (const auto& [meta, envelopes] : committed) {
        finish_commit(meta, envelopes);
    }
    if (committed.back().first.seals_epoch) {
        begin_epoch();
    }
}

std::vector<FinalEnvelope> Driver::Impl::final_envelopes(const TreeBlock& block) const {
    std::vector<FinalEnvelope> envelopes;
    envelopes.reserve(block.hashes.size());
    for (std::size_t i = 0; i < block.hashes.size(); ++i) {
        const Bytes& bytes = block.envelopes[i];
        envelopes.push_back(
            {block.hashes[i], m_application.signer_of_envelope(bytes), bytes.size()});
    }
    return envelopes;
}

void Driver::Impl::finish_commit(const BlockMeta& meta,
                                 const std::vector<FinalEnvelope>& envelopes) {
    m_mempool.remove_final(envelopes, meta.time);
    m_tree.prune(meta);
    m_recent_final.emplace_back(meta.digest, meta.height);
    if (m_recent_final.size() > recent_final_max) {
        m_recent_final.pop_front();
    }
    ++m_counters.blocks_committed;
    if (m_core->has_pending() && m_mempool.size() == 0) {
        feed(PendingChanged{false});
    } else if (!m_core->has_pending() && is_pending()) {
        feed(PendingChanged{true});
    }
}

/// Whether there is something for the next block. The others look at a time that no clock within
/// the tolerance is behind of. A leader looks at its own clock as well, and owes a block, if only
/// an empty one, for whatever they may be waiting for: what was packable a moment ago need not be
/// now, for envelopes expire.
bool Driver::Impl::is_pending() const {
    if (m_mempool.size() == 0) {
        return false;
    }
    const std::set<Hash> included = m_tree.envelopes_of_chain(m_core->tip());
    const UnixMillis final_time = m_mempool.block_time();
    const UnixMillis clock = m_ports.clock.now();
    const UnixMillis expected = std::max(final_time, clock - m_options.clock_tolerance.count());
    return m_mempool.has_packable(included, final_time) ||
           m_mempool.has_packable(included, expected) ||
           (leads() && m_mempool.has_packable(included, std::max(clock, final_time + 1)));
}

bool Driver::Impl::leads() const { return m_self && m_core->leader(m_core->view()) == *m_self; }

/// When to look again whether the allowances of those who have envelopes waiting suffice.
std::optional<Time> Driver::Impl::next_pending_check() const {
    if (m_mempool.size() == 0 || m_core->has_pending() || !m_self) {
        return std::nullopt;
    }
    return now() + (leads() ? pending_check_interval : expectation_interval);
}

void Driver::Impl::fill_from_mempool(TreeBlock& block) {
    const std::map<Hash, std::size_t> missing = block.missing;
    for (const auto& [hash, position] : missing) {
        if (const VerifiedEnvelope* held = m_mempool.find(hash)) {
            m_tree.offer(hash, held->bytes);
        } else if (const Bytes* arrived = m_arrivals.find(hash)) {
            m_tree.offer(hash, *arrived);
        }
    }
}

}  // namespace tally::consensus
