#include "ledger/store/snapshot_parts.h"

#include "ledger/base/check.h"
#include "ledger/base/memory_store.h"
#include "ledger/chain/executor.h"
#include "ledger/state/derived_tables.h"
#include "ledger/state/keys.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/segment_source.h"
#include "ledger/store/snapshot_import.h"

#include <utility>
#include <vector>

namespace tally {
namespace {

constexpr std::size_t entries_at_once{4096};

/// Calls `visit(entries)` with all entries that have the prefix, some at a time.
template <typename Visit>
void scan_all(const KeyValueStore& store, ByteView prefix, Visit visit) {
    Bytes from{prefix.begin(), prefix.end()};
    for (;;) {
        const auto entries = store.scan(prefix, from, entries_at_once);
        if (!entries) {
            stop_on_storage_error("cannot read the state store");
        }
        if (entries->empty()) {
            return;
        }
        visit(*entries);
        from = entries->back().key;
        from.push_back(0);
    }
}

/// Calls `visit(entry, batch)` for all entries with the prefix and writes what it puts into the
/// batch.
template <typename Visit>
void rewrite(KeyValueStore& store, ByteView prefix, Visit visit) {
    scan_all(store, prefix, [&](const std::vector<KeyValueStore::Entry>& entries) {
        WriteBatch batch;
        for (const KeyValueStore::Entry& entry : entries) {
            visit(entry, batch);
        }
        write_or_stop(store, batch, false);
    });
}

LedgerOpenError open_error(LedgerOpenError::Kind kind, std::string message) {
    return {kind, std::move(message)};
}

/// Entries that a chunk of the first depth holds on average, and the deepest that is.
constexpr std::uint64_t entries_per_chunk{256};
constexpr std::uint8_t first_depth_max{12};

}  // namespace

std::vector<ChunkName> first_names(std::uint64_t entries) {
    std::vector<ChunkName> names{{}};
    for (std::uint8_t depth = 0; depth < first_depth_max && (entries >> depth) > entries_per_chunk;
         ++depth) {
        std::vector<ChunkName> deeper;
        for (const ChunkName& name : names) {
            for (const ChunkName& half : name.halves()) {
                deeper.push_back(half);
            }
        }
        names = std::move(deeper);
    }
    return names;
}

Expected<SnapshotImport::Phase, LedgerOpenError> SnapshotImport::phase_of(
    const FileSystem& files, const KeyValueStore& store, const std::string& folder) {
    using Kind = LedgerOpenError::Kind;
    const auto begun = store.get(ledger_index::sync_key());
    const auto applied = store.get(ledger_index::applied_key());
    if (!begun || !applied) {
        return Unexpected{open_error(Kind::io_error, "the state store cannot be read")};
    }
    if (*begun) {
        return Phase::importing;
    }
    if (*applied) {
        const auto decoded = ledger_index::decode_applied(**applied);
        if (!decoded || decoded->height > 0) {
            return Phase::ready;  // Opening it says what is wrong, if anything is.
        }
    }
    FolderSegmentSource source{files, folder};
    const auto segments = source.list();
    std::uint64_t bytes{0};
    if (segments) {
        for (const SegmentInfo& segment : *segments) {
            bytes += segment.bytes;
        }
    }
    // Blocks on disk are never given up for a snapshot: a state that is behind is rebuilt.
    return bytes > SegmentHeader::encoded_bytes ? Phase::ready : Phase::fresh;
}

Bytes encode(const ChunkRecord& record) {
    Encoder encoder;
    encoder.boolean(record.is_split).u32(record.entries);
    return std::move(encoder).take();
}

ChunkRecord decode_chunk_record(ByteView bytes) {
    Decoder decoder{bytes};
    ChunkRecord record;
    record.is_split = decoder.boolean();
    record.entries = decoder.u32();
    if (!decoder.finished()) {
        stop_on_storage_error("the record of a fetched part of the state is damaged");
    }
    return record;
}

std::optional<Bytes> read_or_stop(const KeyValueStore& store, ByteView key) {
    Expected<std::optional<Bytes>, StoreError> value = store.get(key);
    if (!value) {
        stop_on_storage_error("cannot read the state store");
    }
    return std::move(value).value();
}

void write_or_stop(KeyValueStore& store, const WriteBatch& batch, bool sync) {
    if (!store.write(batch, sync)) {
        stop_on_storage_error("cannot write to the state store");
    }
}

void clear_store(KeyValueStore& store) {
    const Bytes mark = ledger_index::sync_key();
    rewrite(store, {}, [&mark](const KeyValueStore::Entry& entry, WriteBatch& batch) {
        if (entry.key != mark) {
            batch.erase(entry.key);
        }
    });
}

void derive_tables(KeyValueStore& store) {
    for (const Table table : tree_tables) {
        rewrite(store, keys::table(table), derive_entries);
    }
}

void erase_chunk_records(const KeyValueStore& store, WriteBatch& batch) {
    scan_all(store, ledger_index::sync_chunk_prefix(),
             [&batch](const std::vector<KeyValueStore::Entry>& entries) {
                 for (const KeyValueStore::Entry& entry : entries) {
                     batch.erase(entry.key);
                 }
             });
}

BlockHeader genesis_header(const Genesis& genesis) {
    const MemoryStore nothing;
    DirectSignatureChecker signatures;
    const Executor executor{genesis, nothing, signatures};
    return executor.genesis_block().block.header;
}

bool append_to_log(const BlockContents& contents, const BlockHeader& header, MerkleFrontier& log) {
    for (const Leaf& leaf : contents.leaves) {
        if (leaf.index != log.size()) {
            return false;
        }
        log.append(leaf.leaf_hash());
    }
    return log.size() == header.log_size && log.root() == header.log_root;
}

}  // namespace tally
