#include "ledger/store/snapshot_import.h"

#include "ledger/base/check.h"
#include "ledger/base/overloaded.h"
#include "ledger/chain/epoch_proof.h"
#include "ledger/chain/finality.h"
#include "ledger/model/envelope.h"
#include "ledger/store/block_contents.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/snapshot_parts.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

using Verdict = SnapshotImport::Verdict;

/// Chunks between two synced writes; what is lost with power is fetched again.
constexpr std::uint64_t chunks_per_sync{64};

}  // namespace

SnapshotImport::SnapshotImport(FileSystem& files, KeyValueStore& store, std::string folder,
                               const Genesis& genesis, std::optional<Checkpoint> checkpoint)
    : m_files{files},
      m_store{store},
      m_folder{std::move(folder)},
      m_genesis{genesis},
      m_checkpoint{checkpoint},
      m_chain_id{genesis.chain_id()},
      m_tiles{store} {
    const std::optional<Bytes> begun = read_or_stop(m_store, ledger_index::sync_key());
    std::optional<SnapshotOffer> offer =
        begun && !begun->empty() ? read_offer(*begun) : std::nullopt;
    m_sets = {validators_of(m_genesis.members)};
    m_begun = begun.has_value();
    if (offer) {
        take_up(*offer);
    }
}

Bytes SnapshotImport::offer_query() const {
    return encode(ManifestQuery{m_offer ? m_offer->digest : Hash{}});
}

std::optional<SnapshotOffer> SnapshotImport::read_offer(ByteView answer) const {
    const std::optional<SnapshotManifest> manifest = SnapshotManifest::decode(answer);
    if (!manifest || manifest->header.chain_id != m_chain_id ||
        manifest->base.chain_id != m_chain_id) {
        return std::nullopt;
    }
    const std::uint64_t height = manifest->header.height;
    const bool is_too_old = m_checkpoint && m_checkpoint->height > height;
    return SnapshotOffer{is_too_old ? 0 : height, manifest->header.digest(),
                         Bytes{answer.begin(), answer.end()}};
}

Verdict SnapshotImport::choose(const SnapshotOffer& offer) {
    if (m_offer && m_offer->digest == offer.digest) {
        return Verdict::accepted;
    }
    set_offer(offer);
    m_sets.resize(1);
    m_proofs.clear();
    return epochs_needed() == 0 ? begin_if_proven() : Verdict::accepted;
}

void SnapshotImport::set_offer(const SnapshotOffer& offer) {
    const std::optional<SnapshotManifest> manifest = SnapshotManifest::decode(offer.manifest);
    ENSURE(manifest.has_value());
    m_offer = offer;
    m_manifest = *manifest;
    m_offer_checked = false;
    m_is_resumed = false;
    m_pending.clear();
    m_entries = 0;
    m_archive.reset();
}

void SnapshotImport::give_up() {
    m_offer.reset();
    m_offer_checked = false;
    m_pending.clear();
    m_archive.reset();
}

/// All proofs are here: either the validators have certified the snapshot, or it is nothing.
Verdict SnapshotImport::begin_if_proven() {
    if (std::optional<std::string> problem = find_problem_of_offer()) {
        return refuse(Verdict::wrong_offer, std::move(*problem));
    }
    if (!m_checkpoint) {
        begin();
    }
    return Verdict::accepted;
}

Verdict SnapshotImport::accept_checkpoint(ByteView answer) {
    const std::optional<CheckpointProof> proof = CheckpointProof::decode(answer);
    if (!proof || proof->header.height != m_checkpoint->height) {
        return refuse(Verdict::wrong_answer, "not a proof about the checkpoint");
    }
    if (proof->header.digest() != m_checkpoint->digest) {
        return refuse(Verdict::wrong_answer, "a history without the checkpoint");
    }
    const BlockHeader& header = m_manifest.header;
    const bool is_same_log =
        proof->header.log_size == 0 ||
        verify_consistency(proof->header.log_size, proof->header.log_root, header.log_size,
                           header.log_root, proof->consistency);
    if (!is_same_log) {
        // Either the proof is garbage or the history another one: only the first is known of others
        // who offer the same, so that each of them is judged by what it answers itself.
        return refuse(Verdict::wrong_answer, "the history is not shown to have the checkpoint");
    }
    if (m_is_resumed) {
        m_offer_checked = true;
    } else {
        begin();
    }
    return Verdict::accepted;
}

/// Only now is what the store holds given up for the snapshot.
void SnapshotImport::begin() {
    // From here on no ledger opens on this store, whatever becomes of the import.
    WriteBatch mark;
    mark.put(ledger_index::sync_key(), {});
    mark.erase(ledger_index::applied_key());
    write_or_stop(m_store, mark, true);
    m_begun = true;
    clear_store(m_store);
    if (const auto removed = BlockArchive::remove_all(m_files, m_folder); !removed) {
        stop_on_storage_error(removed.error().message);
    }
    WriteBatch begin;
    begin.put(ledger_index::sync_key(), m_offer->manifest);
    for (std::size_t epoch = 0; epoch < m_proofs.size(); ++epoch) {
        begin.put(ledger_index::epoch_proof_key(epoch), std::move(m_proofs[epoch]));
    }
    m_proofs.clear();
    write_or_stop(m_store, begin, true);
    m_offer_checked = true;
    take_up_log();
    take_up_chunks();
}

/// Goes on with what an earlier start began.
void SnapshotImport::take_up(const SnapshotOffer& offer) {
    set_offer(offer);
    take_up_proofs();
    if (!m_offer_checked) {
        give_up();
        return;
    }
    take_up_log();
    take_up_chunks();
    take_up_blocks();
    // The checkpoint may be newer than what was begun.
    m_is_resumed = true;
    m_offer_checked = !m_checkpoint;
}

void SnapshotImport::take_up_log() {
    m_log = *frontier_of(m_manifest.base.log_size, m_manifest.edges);
    m_last_digest = m_manifest.base.digest();
    WriteBatch edges;
    m_tiles.adopt(m_manifest.base.log_size, m_manifest.edges, edges);
    write_or_stop(m_store, edges, false);
}

void SnapshotImport::take_up_proofs() {
    while (m_sets.size() <= epochs_needed()) {
        const std::uint64_t epoch = m_sets.size() - 1;
        const std::optional<Bytes> bytes =
            read_or_stop(m_store, ledger_index::epoch_proof_key(epoch));
        const std::optional<EpochProof> proof = bytes ? EpochProof::decode(*bytes) : std::nullopt;
        if (!proof || !check_epoch_proof(*proof, m_chain_id, epoch, m_sets.back())) {
            return;
        }
        m_sets.push_back(proof->next);
    }
    m_offer_checked = !find_problem_of_offer().has_value();
}

void SnapshotImport::take_up_chunks() {
    m_pending.clear();
    std::vector<ChunkName> names = first_names(m_manifest.entries);
    while (!names.empty()) {
        const ChunkName name = names.back();
        names.pop_back();
        const std::optional<Bytes> bytes =
            read_or_stop(m_store, ledger_index::sync_chunk_key(name));
        if (!bytes) {
            m_pending.insert(name);
            continue;
        }
        const ChunkRecord record = decode_chunk_record(*bytes);
        if (record.is_split) {
            const auto halves = name.halves();
            names.insert(names.end(), halves.begin(), halves.end());
        } else {
            m_entries += record.entries;
        }
    }
}

/// What the archive has is indexed again: the index may be behind it.
void SnapshotImport::take_up_blocks() {
    auto opened = BlockArchive::open(m_files, m_folder, m_chain_id, {});
    if (!opened || (*opened)->base_height() != m_manifest.base.height) {
        return;
    }
    m_archive = std::move(opened).value();
    BlockArchive::Cursor cursor = m_archive->read_all();
    for (;;) {
        auto item = cursor.next();
        if (!item) {
            stop_on_storage_error(item.error().file + ": " + item.error().message);
        }
        if (!*item) {
            return;
        }
        const std::optional<BlockContents> contents = contents_of((*item)->block);
        ENSURE(contents.has_value());
        index_block((*item)->block, *contents, (*item)->place);
    }
}

std::uint64_t SnapshotImport::epochs_needed() const {
    return m_manifest.header.epoch + (m_manifest.header.seals_epoch ? 1 : 0);
}

std::vector<Bytes> SnapshotImport::wanted(std::size_t count_max) const {
    std::vector<Bytes> queries;
    if (!m_offer || count_max == 0) {
        return queries;
    }
    if (m_sets.size() <= epochs_needed()) {
        queries.push_back(encode(ProofsQuery{m_sets.size() - 1}));
        return queries;
    }
    if (!m_offer_checked) {
        queries.push_back(encode(CheckpointQuery{m_offer->digest, m_checkpoint->height}));
        return queries;
    }
    if (next_height() <= m_manifest.header.height) {
        queries.push_back(encode(BlocksQuery{next_height(), m_manifest.header.height}));
    }
    for (const ChunkName& name : m_pending) {
        if (queries.size() >= count_max) {
            break;
        }
        queries.push_back(encode(ChunkQuery{m_offer->digest, name}));
    }
    return queries;
}

Verdict SnapshotImport::refuse(Verdict verdict, std::string why) {
    m_problem = std::move(why);
    if (verdict == Verdict::wrong_offer) {
        give_up();
    }
    return verdict;
}

Verdict SnapshotImport::accept(ByteView query, ByteView answer) {
    const std::optional<SnapshotQuery> asked = decode_snapshot_query(query);
    ENSURE(asked.has_value());
    if (!m_offer) {
        return Verdict::accepted;  // given up meanwhile
    }
    if (answer.empty()) {
        return Verdict::not_held;
    }
    return std::visit(
        Overloaded{[](const ManifestQuery&) { return Verdict::accepted; },
                   [&](const ProofsQuery& proofs) {
                       const bool is_stale = proofs.from_epoch != m_sets.size() - 1;
                       return is_stale ? Verdict::accepted : accept_proofs(answer);
                   },
                   [&](const ChunkQuery& chunk) {
                       const bool is_stale =
                           chunk.snapshot != m_offer->digest || !m_pending.contains(chunk.name);
                       return is_stale ? Verdict::accepted : accept_chunk(chunk.name, answer);
                   },
                   [&](const BlocksQuery& blocks) {
                       const bool is_stale = blocks.from_height != next_height() ||
                                             blocks.to_height != m_manifest.header.height;
                       return is_stale ? Verdict::accepted : accept_blocks(answer);
                   },
                   [&](const CheckpointQuery& asked_about) {
                       const bool is_stale =
                           m_offer_checked || asked_about.snapshot != m_offer->digest;
                       return is_stale ? Verdict::accepted : accept_checkpoint(answer);
                   }},
        *asked);
}

Verdict SnapshotImport::accept_proofs(ByteView answer) {
    const auto items = decode_list(answer, snapshot_proofs_max);
    if (!items || items->empty()) {
        return refuse(Verdict::wrong_answer, "not a list of epoch proofs");
    }
    for (const Bytes& bytes : *items) {
        if (m_sets.size() > epochs_needed()) {
            break;
        }
        const std::uint64_t epoch = m_sets.size() - 1;
        const std::optional<EpochProof> proof = EpochProof::decode(bytes);
        if (!proof) {
            return refuse(Verdict::wrong_answer, "not an epoch proof");
        }
        if (const auto checked = check_epoch_proof(*proof, m_chain_id, epoch, m_sets.back());
            !checked) {
            return refuse(Verdict::wrong_answer, checked.error());
        }
        m_proofs.push_back(bytes);
        m_sets.push_back(proof->next);
    }
    return m_sets.size() > epochs_needed() ? begin_if_proven() : Verdict::accepted;
}

std::optional<std::string> SnapshotImport::find_problem_of_offer() const {
    const BlockHeader& header = m_manifest.header;
    const BlockHeader& base = m_manifest.base;
    if (header.epoch >= m_sets.size()) {
        return "the epoch is not proven";
    }
    if (std::optional<std::string> problem = check_statement(m_manifest.finalization, header)) {
        return problem;
    }
    if (auto problem = check_signatures(m_manifest.finalization, header.epoch)) {
        return problem;
    }
    if (base.height == 0 && base.digest() != genesis_header(m_genesis).digest()) {
        return "the base is not the genesis";
    }
    if (base.height > 0 && is_in_id_window(base.time, header.time)) {
        return "the base leaves out blocks of the window of ids";
    }
    const bool may_have_checkpoint = !m_checkpoint || m_checkpoint->height < header.height ||
                                     m_checkpoint->digest == m_offer->digest;
    if (!may_have_checkpoint) {
        return "the snapshot is not of the checkpoint's block";
    }
    return std::nullopt;
}

Verdict SnapshotImport::accept_chunk(const ChunkName& name, ByteView answer) {
    const std::optional<StateChunk> chunk = StateChunk::decode(answer);
    if (!chunk) {
        return refuse(Verdict::wrong_answer, "not a part of a state");
    }
    WriteBatch batch;
    switch (verify_chunk(m_manifest.header.state_root, name, *chunk)) {
        case ChunkVerdict::wrong:
            return refuse(Verdict::wrong_answer,
                          "a part of the state does not lead to the state root");
        case ChunkVerdict::split:
            batch.put(ledger_index::sync_chunk_key(name), encode(ChunkRecord{true, 0}));
            for (const ChunkName& half : name.halves()) {
                m_pending.insert(half);
            }
            break;
        case ChunkVerdict::whole: {
            std::uint32_t entries{0};
            for (const KeyValueStore::Entry& entry : chunk->entries) {
                if (is_under(name, entry.key)) {
                    batch.put(entry.key, entry.value);
                    ++entries;
                }
            }
            batch.put(ledger_index::sync_chunk_key(name), encode(ChunkRecord{false, entries}));
            m_entries += entries;
            break;
        }
    }
    m_pending.erase(name);
    ++m_chunks;
    write_or_stop(m_store, batch, m_chunks % chunks_per_sync == 0);
    return Verdict::accepted;
}

std::optional<std::string> SnapshotImport::check_block(const FinalizedBlock& block,
                                                       const Hash& parent) const {
    const BlockHeader& header = block.block.header;
    const VoteStatement& statement = block.finalization.statement;
    if (header.epoch >= m_sets.size() || header.chain_id != m_chain_id) {
        return "a block is of another chain or epoch";
    }
    if (header.parent != parent) {
        return "a block does not follow the one before";
    }
    if (statement.kind == VoteKind::nullify || statement.digest != header.digest() ||
        statement.epoch != header.epoch || !fits_view(statement, header)) {
        return "a certificate is not the block's";
    }
    if (auto problem = check_signatures(block.finalization, header.epoch)) {
        return problem;
    }
    std::vector<Hash> hashes;
    for (const Bytes& envelope : block.block.envelopes) {
        hashes.push_back(envelope_hash(envelope));
    }
    if (body_root(hashes) != header.body_root) {
        return "the envelopes are not the block's";
    }
    return std::nullopt;
}

/// The last block of an answer is final by a certificate of its own, or by one behind it.
std::optional<std::string> SnapshotImport::find_problem_of_end(const BlocksAnswer& answer,
                                                               const FinalizedBlock& last) const {
    if (answer.headers.empty()) {
        const bool is_final = last.finalization.statement.kind == VoteKind::finalize;
        return is_final ? std::nullopt : std::optional<std::string>{"the last block is not final"};
    }
    Hash parent = last.block.header.digest();
    std::uint64_t height = last.block.header.height;
    for (const BlockHeader& header : answer.headers) {
        if (header.parent != parent || header.height != ++height) {
            return "a header does not follow the one before";
        }
        parent = header.digest();
    }
    const BlockHeader& end = answer.headers.back();
    if (end.chain_id != m_chain_id || end.epoch >= m_sets.size()) {
        return "a header is of another chain or epoch";
    }
    if (std::optional<std::string> problem = check_statement(answer.finalization, end)) {
        return problem;
    }
    return check_signatures(answer.finalization, end.epoch);
}

/// By the validators of an epoch that is proven.
std::optional<std::string> SnapshotImport::check_signatures(const QuorumCertificate& certificate,
                                                            std::uint64_t epoch) const {
    const auto keys = validator_keys(m_sets[static_cast<std::size_t>(epoch)]);
    ENSURE(keys.has_value());
    if (const auto error = check_certificate(certificate, m_chain_id, *keys)) {
        return std::string{"a certificate does not hold: "} + to_text(*error);
    }
    return std::nullopt;
}

/// Of the first block behind the base, once it is known to be final.
std::optional<std::string> SnapshotImport::find_problem_of_base(const FinalizedBlock& block) const {
    const BlockHeader& first = block.block.header;
    if (first.parent != m_manifest.base.digest()) {
        return "the base is not the parent of the block behind it";
    }
    if (!m_accepts_history && !is_in_id_window(first.time, m_manifest.header.time)) {
        return "the base is older than the window of ids asks for";
    }
    return std::nullopt;
}

Verdict SnapshotImport::accept_blocks(ByteView answer) {
    const auto decoded = BlocksAnswer::decode(answer);
    if (!decoded) {
        return refuse(Verdict::wrong_answer, "not a list of blocks");
    }
    std::vector<FinalizedBlock> blocks;
    const std::uint64_t from = next_height();
    for (const Bytes& bytes : decoded->blocks) {
        std::optional<FinalizedBlock> block = FinalizedBlock::decode(bytes);
        const std::uint64_t height = from + blocks.size();
        if (!block || block->block.header.height != height || height > m_manifest.header.height) {
            return refuse(Verdict::wrong_answer, "not the blocks asked for");
        }
        // The base is looked at when the block behind it is known to be final.
        const Hash parent = !blocks.empty() ? blocks.back().block.header.digest()
                            : m_archive     ? m_last_digest
                                            : block->block.header.parent;
        if (std::optional<std::string> problem = check_block(*block, parent)) {
            return refuse(Verdict::wrong_answer, std::move(*problem));
        }
        blocks.push_back(std::move(*block));
    }
    if (auto problem = find_problem_of_end(*decoded, blocks.back())) {
        return refuse(Verdict::wrong_answer, std::move(*problem));
    }
    const BlockHeader& last = blocks.back().block.header;
    if (last.height == m_manifest.header.height && last.digest() != m_offer->digest) {
        return refuse(Verdict::wrong_answer, "the blocks do not lead to the snapshot");
    }
    auto problem_of_base = m_archive ? std::nullopt : find_problem_of_base(blocks.front());
    if (problem_of_base) {
        return refuse(Verdict::wrong_offer, std::move(*problem_of_base));
    }
    ProvenBlocks proven;
    MerkleFrontier log = m_log;
    for (FinalizedBlock& block : blocks) {
        std::optional<BlockContents> contents = contents_of(block);
        if (!contents || !append_to_log(*contents, block.block.header, log)) {
            return refuse(Verdict::wrong_answer, "results or events are not those of the log");
        }
        proven.emplace_back(std::move(block), std::move(*contents));
    }
    keep_blocks(proven);
    return Verdict::accepted;
}

void SnapshotImport::keep_blocks(const ProvenBlocks& proven) {
    if (!m_archive) {
        open_archive();
    }
    for (const auto& [block, contents] : proven) {
        const BlockPlace place = m_archive->append(block, block.block.header.digest());
        index_block(block, contents, place);
    }
}

void SnapshotImport::open_archive() {
    if (const auto removed = BlockArchive::remove_all(m_files, m_folder); !removed) {
        stop_on_storage_error(removed.error().message);
    }
    const auto created =
        BlockArchive::create_behind(m_files, m_folder, m_chain_id, m_manifest.base);
    if (!created) {
        stop_on_storage_error(created.error().message);
    }
    auto opened = BlockArchive::open(m_files, m_folder, m_chain_id, {});
    if (!opened) {
        stop_on_storage_error(opened.error().message);
    }
    m_archive = std::move(opened).value();
}

void SnapshotImport::index_block(const FinalizedBlock& block, const BlockContents& contents,
                                 const BlockPlace& place) {
    WriteBatch batch;
    std::vector<Hash> hashes;
    for (const Leaf& leaf : contents.leaves) {
        hashes.push_back(leaf.leaf_hash());
        m_log.append(hashes.back());
    }
    m_tiles.append(hashes, batch);
    index_transactions(contents.leaves, contents.ids, batch);
    const bool finalized = block.finalization.statement.kind == VoteKind::finalize;
    batch.put(ledger_index::block_key(block.block.header.height),
              ledger_index::encode({place, finalized}));
    write_or_stop(m_store, batch, false);
    m_last_digest = block.block.header.digest();
}

std::uint64_t SnapshotImport::next_height() const {
    return m_archive ? m_archive->last_height() + 1 : m_manifest.base.height + 1;
}

bool SnapshotImport::is_complete() const {
    return m_offer && m_offer_checked && m_pending.empty() &&
           next_height() > m_manifest.header.height;
}

void SnapshotImport::finish() {
    ENSURE(is_complete());
    derive_tables(m_store);
    WriteBatch batch;
    batch.put(ledger_index::applied_key(),
              ledger_index::encode(ledger_index::Applied{m_chain_id, m_manifest.header.height,
                                                         m_offer->digest, m_log}));
    batch.erase(ledger_index::sync_key());
    erase_chunk_records(m_store, batch);
    write_or_stop(m_store, batch, true);
    m_archive.reset();
}

SnapshotImport::Progress SnapshotImport::progress() const {
    if (!m_offer) {
        return {};
    }
    return {m_entries, m_manifest.entries, next_height() - m_manifest.base.height - 1,
            m_manifest.header.height - m_manifest.base.height};
}

}  // namespace tally
