#include "ledger/store/ledger.h"

#include "ledger/base/check.h"
#include "ledger/model/envelope.h"
#include "ledger/state/queries.h"
#include "ledger/store/block_contents.h"
#include "ledger/store/ledger_impl.h"

#include <algorithm>

namespace tally {
namespace {

constexpr std::chrono::seconds state_sync_interval{1};

/// The bytes of the transaction at `position` among all of the block's, counted over envelopes.
std::optional<Bytes> transaction_at(const Block& block, std::uint64_t position) {
    for (const Bytes& encoded : block.envelopes) {
        const Expected<Envelope, EnvelopeError> envelope = decode_envelope(encoded);
        if (!envelope) {
            return std::nullopt;
        }
        if (position < envelope->transactions.size()) {
            return envelope->transactions[static_cast<std::size_t>(position)];
        }
        position -= envelope->transactions.size();
    }
    return std::nullopt;
}

}  // namespace

Ledger::Impl::Impl(KeyValueStore& the_store, const Genesis& the_genesis,
                   SignatureChecker& signatures, const Clock& the_clock)
    : store{the_store},
      clock{the_clock},
      genesis{the_genesis},
      chain_id{genesis.chain_id()},
      executor{genesis, store, signatures},
      view{store},
      tiles{store},
      finished_pruner{store},
      history_pruner{store} {}

std::shared_ptr<ExecutedBlock> Ledger::Impl::find(const Hash& digest) const {
    if (digest == tip->digest) {
        return tip;
    }
    const auto found = executed.find(digest);
    return found == executed.end() ? nullptr : found->second.block;
}

/// Forgets the oldest block that no other kept one is built on, never `spared`: in one long chain
/// the only leaf is the parent of the block that needs the room. Then nothing goes; how long such
/// a chain gets is bounded by consensus.
void Ledger::Impl::evict_one(const Hash& spared) {
    std::set<Hash> parents{spared};
    for (const auto& [digest, kept] : executed) {
        parents.insert(kept.block->block.header.parent);
    }
    auto oldest = executed.end();
    for (auto at = executed.begin(); at != executed.end(); ++at) {
        const bool is_older = oldest == executed.end() || at->second.order < oldest->second.order;
        if (!parents.contains(at->first) && is_older) {
            oldest = at;
        }
    }
    if (oldest != executed.end()) {
        executed.erase(oldest);
    }
}

std::shared_ptr<const ExecutedBlock> Ledger::Impl::keep(ExecutedBlock block) {
    if (executed.size() >= speculative_blocks) {
        evict_one(block.block.header.parent);
    }
    auto kept = std::make_shared<ExecutedBlock>(std::move(block));
    executed.insert_or_assign(kept->digest, Kept{kept, next_order++});
    return kept;
}

void Ledger::Impl::apply(const std::shared_ptr<ExecutedBlock>& block,
                         const QuorumCertificate& finalization, const BlockPlace& place) {
    const std::uint64_t height = block->block.header.height;
    const bool finalized = finalization.statement.kind == VoteKind::finalize;
    WriteBatch batch;
    for (const auto& [key, value] : block->changes) {
        batch.operations.push_back({key, value});
    }
    const UnixMillis time = block->block.header.time;
    if (!finished_pruner.prune(block->changes, time, batch) ||
        !history_pruner.prune(block->changes, time, batch)) {
        stop_on_storage_error("cannot read what is finished from the state store");
    }
    for (const WriteBatch::Operation& operation : batch.operations) {
        if (!operation.value) {
            ++erased[operation.key.front()];
        }
    }
    std::vector<Hash> leaf_hashes;
    leaf_hashes.reserve(block->leaves.size());
    for (const Leaf& leaf : block->leaves) {
        leaf_hashes.push_back(leaf.leaf_hash());
    }
    tiles.append(leaf_hashes, batch);
    index_transactions(block->leaves, block->ids, batch);
    index_sublogs(block->sublogs, height, batch);
    if (const Event* seal = find_seal(block->events)) {
        const EpochProof proof{block->block.header, finalization, seal->validators};
        batch.put(ledger_index::epoch_proof_key(seal->epoch), proof.encode());
    }
    batch.put(ledger_index::block_key(height), ledger_index::encode({place, finalized}));
    batch.put(ledger_index::applied_key(),
              ledger_index::encode({chain_id, height, block->digest, block->log}));
    ++unsynced_blocks;
    const bool sync = unsynced_blocks >= state_sync_blocks ||
                      clock.monotonic() - last_sync >= state_sync_interval;
    if (!store.write(batch, sync)) {
        stop_on_storage_error("cannot write block " + std::to_string(height) +
                              " to the state store");
    }
    if (sync) {
        unsynced_blocks = 0;
        last_sync = clock.monotonic();
    }
    snapshots.expire_lease(clock.monotonic());
    window.add(block->ids);
    tip = block;
    tip->parent = nullptr;  // what it changed is in the store now
    epoch = find_epoch(view);
    if (block->block.header.seals_epoch) {
        previous_seal = block->digest;
    }
    last_finalization = finalization;
    if (finalized) {
        newest_finalized = height;
        const std::uint64_t due = snapshots.newest_height() / snapshot_interval + 1;
        if (block->block.header.seals_epoch || height >= due * snapshot_interval) {
            take_snapshot();
        }
    }
}

void Ledger::Impl::take_snapshot() {
    const std::uint64_t height = tip->block.header.height;
    if (height == 0 || last_finalization->statement.kind != VoteKind::finalize) {
        return;
    }
    const std::uint64_t base_height = height - window.block_count();
    BlockHeader base = executor.genesis_block().block.header;
    if (base_height > 0 && base_height == archive->base_height()) {
        base = *archive->base();
    } else if (base_height > 0) {
        const std::optional<FinalizedBlock> block = read_block(base_height);
        ENSURE(block.has_value());
        base = block->block.header;
    }
    snapshots.take(*tip, *last_finalization, base, tiles, store);
}

void Ledger::Impl::sync_store() {
    WriteBatch batch;
    batch.put(ledger_index::applied_key(),
              ledger_index::encode({chain_id, tip->block.header.height, tip->digest, tip->log}));
    if (!store.write(batch, true)) {
        stop_on_storage_error("cannot sync the state store");
    }
    unsynced_blocks = 0;
    last_sync = clock.monotonic();
}

/// Keeps only what descends from the tip. Parents are looked at before their children.
void Ledger::Impl::forget_others() {
    std::vector<Kept> by_height;
    for (const auto& [digest, kept] : executed) {
        by_height.push_back(kept);
    }
    std::sort(by_height.begin(), by_height.end(), [](const Kept& left, const Kept& right) {
        return left.block->block.header.height < right.block->block.header.height;
    });
    executed.clear();
    for (const Kept& kept : by_height) {
        const Hash& parent = kept.block->block.header.parent;
        if (parent == tip->digest || executed.contains(parent)) {
            executed.emplace(kept.block->digest, kept);
        }
    }
}

std::optional<ledger_index::BlockEntry> Ledger::Impl::entry(std::uint64_t height) const {
    const std::optional<Bytes> value = view.get(ledger_index::block_key(height));
    if (!value) {
        return std::nullopt;
    }
    const std::optional<ledger_index::BlockEntry> decoded =
        ledger_index::decode_block_entry(*value);
    if (!decoded) {
        stop_on_storage_error("the index entry of block " + std::to_string(height) +
                              " is damaged; rebuild the state from the segments");
    }
    return decoded;
}

std::optional<FinalizedBlock> Ledger::Impl::read_block(std::uint64_t height) const {
    const std::optional<ledger_index::BlockEntry> found = entry(height);
    if (!found) {
        return std::nullopt;
    }
    Expected<FinalizedBlock, SegmentFault> block = archive->read(found->place);
    if (!block && is_archived(found->place)) {
        return std::nullopt;  // the node does not depend on the archive: see why_unreadable
    }
    if (!block) {
        stop_on_storage_error("block " + std::to_string(height) + " in " + block.error().file +
                              " at byte " + std::to_string(block.error().offset) + ": " +
                              block.error().message);
    }
    return std::move(block).value();
}

bool Ledger::Impl::is_archived(const BlockPlace& place) const {
    return archive->folders().is_archived(segment_name(place.segment));
}

std::optional<TransactionLocation> Ledger::Impl::find_transaction(const TransactionRef& ref) const {
    const std::optional<Bytes> value = view.get(ledger_index::transaction_key(ref));
    return value ? ledger_index::decode_location(*value) : std::nullopt;
}

std::optional<Receipt> Ledger::Impl::receipt(const TransactionRef& ref) const {
    const std::optional<TransactionLocation> location = find_transaction(ref);
    if (!location || location->height > newest_finalized) {
        return std::nullopt;  // unknown, or its finalization is still to be written
    }
    const std::optional<FinalizedBlock> holder = read_block(location->height);
    const std::optional<FinalizedBlock> proven =
        location->height == newest_finalized ? holder : read_block(newest_finalized);
    if (!holder) {
        return std::nullopt;
    }
    ENSURE(proven);
    const std::uint64_t leaves = holder->events.size() + holder->results.size();
    const std::uint64_t first_transaction =
        holder->block.header.log_size - leaves + events_before_transactions(holder->events);
    ENSURE(location->leaf_index >= first_transaction);
    std::optional<Bytes> bytes =
        transaction_at(holder->block, location->leaf_index - first_transaction);
    ENSURE(bytes);
    Receipt receipt;
    receipt.transaction = std::move(*bytes);
    receipt.leaf = {location->leaf_index, location->height, location->transaction_hash, ref.signer,
                    location->result};
    receipt.path = inclusion_proof(
        location->leaf_index, proven->block.header.log_size,
        [this](std::uint32_t level, std::uint64_t index) { return tiles.subtree(level, index); });
    return prove_final(receipt, proven->block.header, proven->finalization)
               ? std::optional{std::move(receipt)}
               : std::nullopt;
}

bool Ledger::Impl::prove_final(FinalityProof& proof, const BlockHeader& header,
                               const QuorumCertificate& finalization) const {
    if (header.epoch > proven_epochs_max) {
        return false;
    }
    proof.header = header;
    proof.certificate = finalization;
    for (std::uint64_t ended = 0; ended < header.epoch; ++ended) {
        std::optional<EpochProof> epoch_end = epoch_proof(ended);
        ENSURE(epoch_end.has_value());
        proof.epochs.push_back(std::move(*epoch_end));
    }
    return true;
}

std::optional<StateReceipt> Ledger::Impl::tip_receipt() const {
    const std::uint64_t height = tip->block.header.height;
    StateReceipt receipt;
    const bool proven = height > 0 && height == newest_finalized &&
                        prove_final(receipt, tip->block.header, *last_finalization);
    return proven ? std::optional{std::move(receipt)} : std::nullopt;
}

std::optional<EpochProof> Ledger::Impl::epoch_proof(std::uint64_t ended) const {
    const std::optional<Bytes> value = view.get(ledger_index::epoch_proof_key(ended));
    return value ? EpochProof::decode(*value) : std::nullopt;
}

Ledger::Ledger(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
Ledger::~Ledger() = default;

const Genesis& Ledger::genesis() const { return m_impl->genesis; }
const Hash& Ledger::chain_id() const { return m_impl->chain_id; }
std::uint64_t Ledger::epoch() const { return m_impl->epoch.epoch; }
const std::vector<Validator>& Ledger::validators() const { return m_impl->epoch.validators; }
std::optional<std::uint32_t> Ledger::unknown_feature() const {
    return find_unknown_feature(m_impl->epoch.features, m_impl->known_features);
}
const Hash& Ledger::previous_seal() const { return m_impl->previous_seal; }
std::optional<EpochProof> Ledger::epoch_proof(std::uint64_t epoch) const {
    return m_impl->epoch_proof(epoch);
}

std::shared_ptr<const ExecutedBlock> Ledger::find_executed(const Hash& digest) const {
    return m_impl->find(digest);
}

std::shared_ptr<const ExecutedBlock> Ledger::build(const Hash& parent, const BlockContext& context,
                                                   const std::vector<Bytes>& envelopes,
                                                   std::vector<Hash>& left_out) {
    const std::shared_ptr<const ExecutedBlock> on = m_impl->find(parent);
    if (!on) {
        return nullptr;
    }
    Expected<ExecutedBlock, BlockError> block =
        m_impl->executor.build(on, m_impl->window, context, envelopes, left_out);
    return block ? m_impl->keep(std::move(block).value()) : nullptr;
}

Expected<std::shared_ptr<const ExecutedBlock>, BlockError> Ledger::execute(Block block) {
    if (std::shared_ptr<const ExecutedBlock> known = m_impl->find(block.header.digest())) {
        return known;
    }
    const std::shared_ptr<const ExecutedBlock> parent = m_impl->find(block.header.parent);
    if (!parent) {
        return Unexpected{BlockError{BlockError::Kind::header, "the parent is not executed"}};
    }
    Expected<ExecutedBlock, BlockError> executed =
        m_impl->executor.execute(parent, m_impl->window, std::move(block));
    if (!executed) {
        return Unexpected{executed.error()};
    }
    return m_impl->keep(std::move(executed).value());
}

std::shared_ptr<const FinalizedBlock> Ledger::commit(const Hash& digest,
                                                     const QuorumCertificate& finalization) {
    const auto found = m_impl->executed.find(digest);
    ENSURE(found != m_impl->executed.end());
    const std::shared_ptr<ExecutedBlock> block = found->second.block;
    ENSURE(block->block.header.parent == m_impl->tip->digest);
    ENSURE(finalization.statement.digest == digest);
    ENSURE(!block->block.header.seals_epoch || finalization.statement.kind == VoteKind::finalize);
    auto kept = std::make_shared<FinalizedBlock>();
    kept->block = block->block;
    kept->results = block->results;
    kept->events = block->events;
    kept->finalization = finalization;
    const BlockPlace place = m_impl->archive->append(*kept, digest);
    m_impl->executed.erase(found);
    m_impl->apply(block, finalization, place);
    m_impl->forget_others();
    return kept;
}

const BlockHeader& Ledger::final_header() const { return m_impl->tip->block.header; }
const Hash& Ledger::final_digest() const { return m_impl->tip->digest; }
const std::optional<QuorumCertificate>& Ledger::last_finalization() const {
    return m_impl->last_finalization;
}
void Ledger::sync_state() { m_impl->sync_store(); }
const StateView& Ledger::final_state() const { return m_impl->view; }

std::optional<FinalizedBlock> Ledger::read_block(std::uint64_t height) const {
    return m_impl->read_block(height);
}
std::optional<std::string> Ledger::why_unreadable(std::uint64_t height) const {
    const std::optional<ledger_index::BlockEntry> entry = m_impl->entry(height);
    if (!entry || !m_impl->is_archived(entry->place)) {
        return std::nullopt;
    }
    const auto block = m_impl->archive->read(entry->place);
    if (block) {
        return std::nullopt;
    }
    return "block " + std::to_string(height) + ": " + block.error().message;
}
std::optional<TransactionLocation> Ledger::find_transaction(const TransactionRef& ref) const {
    return m_impl->find_transaction(ref);
}
std::optional<Receipt> Ledger::receipt(const TransactionRef& ref) const {
    return m_impl->receipt(ref);
}
SublogPage Ledger::sublog(const PartyId& party, std::uint64_t from, std::size_t count_max) const {
    SublogPage page;
    page.record = find_sublog(m_impl->view, party);
    page.available_from = first_sublog_number(m_impl->view, party, page.record.log.size());
    page.entries = read_sublog(m_impl->view, party, from, count_max);
    for (SublogEntry& entry : page.entries) {
        entry.leaf_hash = m_impl->tiles.subtree(0, entry.leaf_index);
    }
    return page;
}
std::optional<StateReceipt> Ledger::state_receipt(const Bytes& key) const {
    std::optional<StateReceipt> receipt = m_impl->tip_receipt();
    if (receipt) {
        receipt->content =
            StateReceipt::Entry{key, m_impl->view.get(key), m_impl->tip->tree.prove(key)};
    }
    return receipt;
}
std::optional<StateReceipt> Ledger::state_receipt(const ChunkName& name) const {
    std::optional<StateReceipt> receipt = m_impl->tip_receipt();
    if (receipt) {
        std::optional<StateChunk> chunk = make_chunk(m_impl->tip->tree, m_impl->store, name);
        ENSURE(chunk.has_value());
        receipt->content = StateReceipt::Range{name, std::move(*chunk)};
    }
    return receipt;
}
std::uint64_t Ledger::state_entries() const { return m_impl->tip->tree.count_entries(); }
std::uint64_t Ledger::base_height() const { return m_impl->archive->base_height(); }

std::optional<Bytes> Ledger::answer_snapshot_query(ByteView query) const {
    const Impl& impl = *m_impl;
    const SnapshotSource::Chain chain{
        [&impl](std::uint64_t height) { return impl.read_block(height); },
        [&impl](std::uint64_t epoch) {
            return impl.view.get(ledger_index::epoch_proof_key(epoch));
        },
        [&impl](std::uint32_t level, std::uint64_t index) {
            return impl.tiles.subtree(level, index);
        }};
    return impl.snapshots.answer(query, chain);
}

Bytes Ledger::lease_backup_snapshot() {
    Impl& impl = *m_impl;
    if (impl.tip->block.header.height == 0) {
        return {};
    }
    const BlockHeader base =
        impl.archive->base() ? *impl.archive->base() : impl.executor.genesis_block().block.header;
    return impl.snapshots.lease(*impl.tip, impl.last_finalization, base, impl.tiles, impl.store,
                                impl.clock.monotonic());
}

std::uint64_t Ledger::snapshot_height() const { return m_impl->snapshots.newest_height(); }

std::vector<SegmentInfo> Ledger::segments() const { return m_impl->archive->segments(); }

Expected<std::string, SourceError> Ledger::find_segment(const std::string& name) const {
    return m_impl->archive->folders().find(name);
}

const std::map<std::uint8_t, std::uint64_t>& Ledger::erased() const { return m_impl->erased; }

std::uint64_t Ledger::needed_from() const {
    const Impl& impl = *m_impl;
    const std::uint64_t tip = impl.tip->block.header.height;
    const std::uint64_t window = tip - std::min<std::uint64_t>(tip, impl.window.block_count());
    const std::uint64_t synced = tip - std::min(tip, impl.unsynced_blocks);
    return std::min(
        {window, synced, impl.newest_finalized, impl.snapshots.oldest_base_height().value_or(tip)});
}

}  // namespace tally
