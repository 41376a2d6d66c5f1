// How a ledger comes into being, and how it is opened again.

#include "ledger/store/block_contents.h"
#include "ledger/store/ledger.h"
#include "ledger/store/ledger_impl.h"

#include <algorithm>

namespace tally {
namespace {

using Kind = LedgerOpenError::Kind;

constexpr const char* reset_hint{
    "; the state can be rebuilt from the segments with `tally rebuild`"};

LedgerOpenError error(Kind kind, std::string message) { return {kind, std::move(message)}; }

LedgerOpenError error_of(const ArchiveError& cause) {
    switch (cause.kind) {
        case ArchiveError::Kind::not_initialized:
            return error(Kind::not_initialized, cause.message);
        case ArchiveError::Kind::already_there:
            return error(Kind::already_initialized, cause.message);
        case ArchiveError::Kind::corrupted:
            return error(Kind::corrupted, cause.message);
        case ArchiveError::Kind::io_error:
            return error(Kind::io_error, cause.message);
    }
    return error(Kind::io_error, cause.message);
}

LedgerOpenError error_of(StoreError cause) {
    return cause == StoreError::corrupted
               ? error(Kind::corrupted, std::string{"the state store is damaged"} + reset_hint)
               : error(Kind::io_error, "the state store cannot be read or written");
}

LedgerOpenError error_of(const SegmentFault& fault) {
    return error(fault.kind == SegmentFault::Kind::unreadable ? Kind::io_error : Kind::corrupted,
                 fault.file + " at byte " + std::to_string(fault.offset) + ": " + fault.message);
}

/// Nothing in the store: no applied record.
Expected<std::optional<ledger_index::Applied>, LedgerOpenError> read_applied(
    const KeyValueStore& store) {
    const Expected<std::optional<Bytes>, StoreError> value = store.get(ledger_index::applied_key());
    if (!value) {
        return Unexpected{error_of(value.error())};
    }
    if (!*value) {
        return std::optional<ledger_index::Applied>{};
    }
    std::optional<ledger_index::Applied> applied = ledger_index::decode_applied(**value);
    if (!applied) {
        return Unexpected{
            error(Kind::corrupted, std::string{"the state's own record is damaged"} + reset_hint)};
    }
    return applied;
}

/// Executes with a checker that is never asked: the genesis has no signatures.
class NoSignatures final : public SignatureChecker {
public:
    [[nodiscard]] bool verify(const Hash& /*envelope_hash*/, const PublicKey& /*key*/,
                              const Hash& /*signing_digest*/,
                              const Signature& /*signature*/) override {
        return false;
    }
};

}  // namespace

Expected<Done, LedgerOpenError> Ledger::reset_state(KeyValueStore& store, const Genesis& genesis) {
    if (const std::optional<std::string> problem = find_problem(genesis)) {
        return Unexpected{error(Kind::wrong_genesis, *problem)};
    }
    const Expected<std::optional<KeyValueStore::Entry>, StoreError> first = store.next({});
    if (!first) {
        return Unexpected{error_of(first.error())};
    }
    if (*first) {
        return Unexpected{error(Kind::already_initialized, "the state store is not empty")};
    }
    NoSignatures signatures;
    const Executor executor{genesis, store, signatures};
    const ExecutedBlock block = executor.genesis_block();
    WriteBatch batch;
    for (const auto& [key, value] : block.changes) {
        batch.operations.push_back({key, value});
    }
    batch.put(ledger_index::applied_key(),
              ledger_index::encode({genesis.chain_id(), 0, block.digest, block.log}));
    if (const auto written = store.write(batch, true); !written) {
        return Unexpected{error_of(written.error())};
    }
    return Done{};
}

Expected<Done, LedgerOpenError> Ledger::initialize(FileSystem& files, KeyValueStore& store,
                                                   const std::string& folder,
                                                   const Genesis& genesis) {
    if (const std::optional<std::string> problem = find_problem(genesis)) {
        return Unexpected{error(Kind::wrong_genesis, *problem)};
    }
    const Hash chain_id = genesis.chain_id();
    if (const auto created = BlockArchive::create(files, folder, chain_id); !created) {
        if (created.error().kind != ArchiveError::Kind::already_there) {
            return Unexpected{error_of(created.error())};
        }
        // An attempt that was cut off between the two steps left an archive without blocks.
        const auto archive = BlockArchive::open(files, folder, chain_id, {});
        if (!archive || (*archive)->last_height() > 0) {
            return Unexpected{error_of(created.error())};
        }
    }
    return reset_state(store, genesis);
}

Expected<std::unique_ptr<Ledger>, LedgerOpenError> Ledger::open(
    FileSystem& files, KeyValueStore& store, const std::string& folder, const Genesis& genesis,
    SignatureChecker& signatures, const Clock& clock) {
    return open(files, store, folder, genesis, signatures, clock, LedgerOptions{});
}

Expected<std::unique_ptr<Ledger>, LedgerOpenError> Ledger::open(
    FileSystem& files, KeyValueStore& store, const std::string& folder, const Genesis& genesis,
    SignatureChecker& signatures, const Clock& clock, const LedgerOptions& options) {
    if (const std::optional<std::string> problem = find_problem(genesis)) {
        return Unexpected{error(Kind::wrong_genesis, *problem)};
    }
    auto impl = std::make_unique<Impl>(store, genesis, signatures, clock);
    if (const std::optional<LedgerOpenError> problem = impl->open(files, folder, options)) {
        return Unexpected{*problem};
    }
    return std::unique_ptr<Ledger>{new Ledger{std::move(impl)}};
}

std::optional<LedgerOpenError> Ledger::Impl::open(FileSystem& files, const std::string& folder,
                                                  const LedgerOptions& options) {
    const auto read = read_applied(store);
    if (!read) {
        return read.error();
    }
    const Expected<std::optional<Bytes>, StoreError> begun = store.get(ledger_index::sync_key());
    if (!begun) {
        return error_of(begun.error());
    }
    if (*begun) {
        return error(Kind::not_initialized,
                     "the ledger in " + folder +
                         " is being made from a snapshot of other nodes and not complete; run the "
                         "node to go on, or start with an empty data folder");
    }
    if (!*read) {
        FolderSegmentSource source{files, folder};
        const auto segments = source.list();
        const bool has_segments = segments && !segments->empty();
        return error(Kind::not_initialized,
                     has_segments
                         ? folder + " has segments but there is no state" + reset_hint
                         : "there is no ledger in " + folder + "; `tallyd init` makes one");
    }
    const ledger_index::Applied& applied = **read;
    if (applied.chain_id != chain_id) {
        return error(Kind::wrong_genesis, "the ledger is of chain " + to_hex(applied.chain_id) +
                                              ", the genesis given is of chain " +
                                              to_hex(chain_id));
    }
    speculative_blocks = options.speculative_blocks;
    snapshot_interval = options.snapshot_interval;
    finished_pruner.set_keep(options.keep_finished);
    history_pruner.set_keep(options.keep_finished);
    known_features = options.known_features;
    if (auto problem = open_archive(files, folder, options, applied)) {
        return problem;
    }
    if (auto problem = open_tip(applied)) {
        return problem;
    }
    if (auto problem = open_window()) {
        return problem;
    }
    if (auto problem = replay()) {
        return problem;
    }
    find_newest_finalized();
    sync_store();
    take_snapshot();
    return std::nullopt;
}

std::optional<LedgerOpenError> Ledger::Impl::open_archive(FileSystem& files,
                                                          const std::string& folder,
                                                          const LedgerOptions& options,
                                                          const ledger_index::Applied& applied) {
    const BlockArchive::Options settings{options.segment_bytes, applied.height};
    auto opened = BlockArchive::open(files, folder, chain_id, settings);
    const std::string state_height = std::to_string(applied.height);
    if (!opened && opened.error().kind == ArchiveError::Kind::not_initialized) {
        return error(Kind::ahead, "the state is at block " + state_height + " but " +
                                      opened.error().message +
                                      "; restore the segments from a backup or another node");
    }
    if (!opened) {
        return error_of(opened.error());
    }
    archive = std::move(opened).value();
    if (applied.height < archive->base_height()) {
        return error(Kind::corrupted,
                     "the state is at block " + state_height + ", and the segments in " + folder +
                         " begin behind block " + std::to_string(archive->base_height()) +
                         ": this node was made from a snapshot, so the segments alone do not give "
                         "its state; start with an empty data folder");
    }
    if (applied.height > archive->last_height()) {
        return error(Kind::ahead,
                     "the state is at block " + state_height + " but the segments in " + folder +
                         " end with block " + std::to_string(archive->last_height()) +
                         "; restore the missing segments from a backup or another node, or start "
                         "with an empty data folder");
    }
    return std::nullopt;
}

std::optional<LedgerOpenError> Ledger::Impl::open_tip(const ledger_index::Applied& applied) {
    const auto damaged = [](const std::string& what) {
        return error(Kind::corrupted, what + reset_hint);
    };
    BlockHeader header = executor.genesis_block().block.header;
    if (applied.height > 0) {
        const std::optional<FinalizedBlock> stored = read_block(applied.height);
        if (!stored) {
            return damaged("the state's index lacks block " + std::to_string(applied.height));
        }
        header = stored->block.header;
        last_finalization = stored->finalization;
    }
    const std::string name = "block " + std::to_string(applied.height);
    if (header.digest() != applied.digest) {
        return damaged(name + " of the segments is not the one that the state was made by");
    }
    tip = restore_executed(header, store, applied.log);
    if (tip->tree.root() != header.state_root) {
        return damaged("the state does not have the root that " + name + " names");
    }
    epoch = find_epoch(view);
    if (epoch.epoch > 0) {
        const std::optional<EpochProof> proof = epoch_proof(epoch.epoch - 1);
        if (!proof) {
            return damaged("the state's index lacks the proof that epoch " +
                           std::to_string(epoch.epoch - 1) + " ended");
        }
        previous_seal = proof->header.digest();
    }
    if (!tiles.restore(applied.log.size()) || tip->log.size() != header.log_size ||
        tip->log.root() != header.log_root) {
        return damaged("the log's hashes do not have the root that " + name + " names");
    }
    return std::nullopt;
}

/// The ids that may not be used again are those of the blocks of the last 120 s.
std::optional<LedgerOpenError> Ledger::Impl::open_window() {
    std::vector<IdWindow::BlockIds> newest_first;
    for (std::uint64_t height = tip->block.header.height; height > archive->base_height();
         --height) {
        const std::optional<FinalizedBlock> block = read_block(height);
        if (!block) {
            return error(Kind::corrupted,
                         "the state's index lacks block " + std::to_string(height) + reset_hint);
        }
        if (!is_in_id_window(block->block.header.time, tip->block.header.time)) {
            break;
        }
        std::optional<BlockContents> contents = contents_of(*block);
        if (!contents) {
            return error(Kind::corrupted,
                         "block " + std::to_string(height) + " of the segments cannot be decoded");
        }
        newest_first.push_back(std::move(contents->ids));
    }
    for (auto at = newest_first.rbegin(); at != newest_first.rend(); ++at) {
        window.add(*at);
    }
    return std::nullopt;
}

std::optional<LedgerOpenError> Ledger::Impl::replay() {
    const auto at = entry(tip->block.header.height);
    BlockArchive::Cursor cursor = at ? archive->read_after(at->place) : archive->read_all();
    for (;;) {
        if (const auto feature = find_unknown_feature(epoch.features, known_features)) {
            return error(Kind::unknown_feature,
                         "feature " + std::to_string(*feature) +
                             " of the protocol is active on this chain (epoch " +
                             std::to_string(epoch.epoch) +
                             ") and this program does not know it; install a newer release");
        }
        Expected<std::optional<BlockArchive::Cursor::Item>, SegmentFault> item = cursor.next();
        if (!item) {
            return error_of(item.error());
        }
        if (!*item) {
            return std::nullopt;
        }
        FinalizedBlock& stored = (*item)->block;
        const std::string name = "block " + std::to_string(stored.block.header.height);
        Expected<ExecutedBlock, BlockError> result =
            executor.execute(tip, window, std::move(stored.block));
        if (!result) {
            return error(Kind::corrupted,
                         name + " of the segments does not execute: " + result.error().what +
                             "; run `tally audit` on this data folder");
        }
        if (result->results != stored.results || result->events != stored.events) {
            return error(Kind::corrupted, name + " of the segments has other results than " +
                                              "executing it; run `tally audit`");
        }
        apply(std::make_shared<ExecutedBlock>(std::move(result).value()), stored.finalization,
              (*item)->place);
    }
}

void Ledger::Impl::find_newest_finalized() {
    for (std::uint64_t height = tip->block.header.height; height > 0; --height) {
        const std::optional<ledger_index::BlockEntry> found = entry(height);
        if (found && found->finalized) {
            newest_finalized = height;
            return;
        }
    }
    newest_finalized = 0;
}

}  // namespace tally
