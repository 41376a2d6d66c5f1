#include "tools/storage/backup_check.h"

#include "ledger/crypto/sha256.h"
#include "ledger/model/envelope.h"
#include "ledger/store/block_contents.h"
#include "ledger/store/ledger_index.h"
#include "ledger/store/segment_blocks.h"
#include "ledger/store/segment_file.h"
#include "ledger/store/snapshot_file.h"

#include <algorithm>
#include <utility>

namespace tally::tools {
namespace {

constexpr std::uint64_t piece_bytes{1024UL * 1024};
constexpr std::size_t query_kinds_beside_chunks{1};

/// For an import that is never given a block: there are no files and none can be made.
class NoFiles final : public FileSystem {
public:
    Expected<std::unique_ptr<AppendFile>, FileError> open_append(const std::string&) override {
        return Unexpected{FileError::io_error};
    }
    Expected<Bytes, FileError> read(const std::string&, std::uint64_t,
                                    std::uint64_t) const override {
        return Unexpected{FileError::not_found};
    }
    Expected<std::uint64_t, FileError> size(const std::string&) const override {
        return Unexpected{FileError::not_found};
    }
    Expected<Done, FileError> write_whole(const std::string&, ByteView) override {
        return refuse();
    }
    Expected<Done, FileError> write_at(const std::string&, std::uint64_t, ByteView) override {
        return refuse();
    }
    Expected<Done, FileError> truncate(const std::string&, std::uint64_t) override {
        return refuse();
    }
    Expected<Done, FileError> remove(const std::string&) override { return refuse(); }
    Expected<Done, FileError> create_directories(const std::string&) override { return Done{}; }
    Expected<std::vector<std::string>, FileError> list(const std::string&) const override {
        return std::vector<std::string>{};
    }
    Expected<Done, FileError> sync_folder(const std::string&) override { return Done{}; }

private:
    static Expected<Done, FileError> refuse() { return Unexpected{FileError::io_error}; }
};

bool is_blocks_query(ByteView query) {
    const auto decoded = decode_snapshot_query(query);
    return decoded && std::holds_alternative<BlocksQuery>(*decoded);
}

/// What is wrong with a block that should follow `parent`; nothing when it is right. Appends its
/// leaves to `log`.
std::optional<std::string> find_problem(const FinalizedBlock& block, const Hash& parent,
                                        MerkleFrontier& log) {
    const BlockHeader& header = block.block.header;
    if (header.parent != parent) {
        return "does not follow the block before";
    }
    std::vector<Hash> hashes;
    for (const Bytes& envelope : block.block.envelopes) {
        hashes.push_back(envelope_hash(envelope));
    }
    if (body_root(hashes) != header.body_root) {
        return "has other envelopes than its header says";
    }
    const std::optional<BlockContents> contents = contents_of(block);
    if (!contents) {
        return "cannot be decoded";
    }
    for (const Leaf& leaf : contents->leaves) {
        log.append(leaf.leaf_hash());
    }
    if (log.size() != header.log_size || log.root() != header.log_root) {
        return "has other results or events than its header says";
    }
    return std::nullopt;
}

}  // namespace

Expected<Done, StoreError> SnapshotProof::ProofStore::write(const WriteBatch& batch, bool sync) {
    WriteBatch kept;
    for (const WriteBatch::Operation& operation : batch.operations) {
        const bool is_bookkeeping =
            operation.key == ledger_index::sync_key() || !operation.value ||
            (!operation.key.empty() &&
             operation.key.front() == ledger_index::sync_chunk_prefix().front());
        if (is_bookkeeping) {
            kept.operations.push_back(operation);
        }
    }
    return MemoryStore::write(kept, sync);
}

SnapshotProof::SnapshotProof(const Genesis& genesis)
    : m_no_files{std::make_unique<NoFiles>()},
      m_import{*m_no_files, m_store, "segments", genesis, std::nullopt} {
    m_import.accept_history();
}

Expected<Done, std::string> SnapshotProof::begin(ByteView manifest) {
    const std::optional<SnapshotOffer> offer = m_import.read_offer(manifest);
    const auto decoded = SnapshotManifest::decode(manifest);
    if (!offer || !decoded) {
        return Unexpected{std::string{"the snapshot is of another chain, or damaged"}};
    }
    m_manifest = *decoded;
    if (m_import.choose(*offer) != SnapshotImport::Verdict::accepted) {
        return Unexpected{m_import.problem()};
    }
    return Done{};
}

std::vector<Bytes> SnapshotProof::wanted(std::size_t count_max) const {
    std::vector<Bytes> queries = m_import.wanted(count_max + query_kinds_beside_chunks);
    std::erase_if(queries, [](const Bytes& query) { return is_blocks_query(query); });
    queries.resize(std::min(queries.size(), count_max));
    return queries;
}

Expected<Done, std::string> SnapshotProof::accept(ByteView query, ByteView answer) {
    const auto asked = decode_snapshot_query(query);
    const bool is_part = asked && (std::holds_alternative<ProofsQuery>(*asked) ||
                                   std::holds_alternative<ChunkQuery>(*asked));
    if (!is_part) {
        return Unexpected{std::string{"not a part of a snapshot"}};
    }
    switch (m_import.accept(query, answer)) {
        case SnapshotImport::Verdict::accepted:
            return Done{};
        case SnapshotImport::Verdict::not_held:
            return Unexpected{std::string{"a part of the snapshot is missing"}};
        case SnapshotImport::Verdict::wrong_answer:
        case SnapshotImport::Verdict::wrong_offer:
            break;
    }
    return Unexpected{m_import.problem()};
}

Expected<Done, std::string> check_history(SegmentSource& source, const SnapshotManifest& manifest,
                                          const Progress& progress) {
    auto segments = source.list();
    if (!segments) {
        return Unexpected{segments.error().message};
    }
    SegmentBlocks blocks{source, std::move(segments).value(), manifest.header.chain_id};
    std::optional<MerkleFrontier> log = frontier_of(manifest.base.log_size, manifest.edges);
    if (!log) {
        return Unexpected{std::string{"the snapshot is damaged"}};
    }
    Hash parent = manifest.base.digest();
    const std::uint64_t total = manifest.header.height - manifest.base.height;
    for (std::uint64_t done = 0; done < total; ++done) {
        progress(done, total);
        const std::uint64_t height = manifest.base.height + 1 + done;
        const std::optional<FinalizedBlock> block = blocks.read(height);
        if (!block) {
            return Unexpected{blocks.problem()};
        }
        if (const auto problem = find_problem(*block, parent, *log)) {
            return Unexpected{"block " + std::to_string(height) + " " + *problem};
        }
        parent = block->block.header.digest();
    }
    if (parent != manifest.header.digest()) {
        return Unexpected{"the blocks do not lead to the one that the snapshot is of (" +
                          std::to_string(manifest.header.height) + ")"};
    }
    return Done{};
}

Expected<std::vector<SegmentInfo>, SourceError> BackupSegments::list() {
    std::vector<SegmentInfo> infos;
    for (const BackupFile& file : m_manifest.segments) {
        const std::string name = file.path.substr(file.path.find('/') + 1);
        infos.push_back({name, file.bytes, first_height_of_segment(name).value_or(0)});
    }
    infos.push_back({segment_name(m_manifest.tail_first_height), m_manifest.tail.bytes,
                     m_manifest.tail_first_height});
    return infos;
}

Expected<Bytes, SourceError> BackupSegments::read(const std::string& name, std::uint64_t offset,
                                                  std::uint64_t length) {
    const bool is_tail = name == segment_name(m_manifest.tail_first_height);
    const std::string path = m_folder + "/" + (is_tail ? m_manifest.tail.path : "segments/" + name);
    auto bytes = m_files.read(path, offset, length);
    if (!bytes) {
        return Unexpected{SourceError{path + ": " + to_text(bytes.error())}};
    }
    return std::move(bytes).value();
}

Expected<BackupManifest, std::string> read_backup_manifest(const FileSystem& files,
                                                           const std::string& folder) {
    const std::string path = folder + "/" + backup_manifest_name;
    const auto bytes = files.read(path, 0, backup_manifest_bytes_max + 1);
    if (!bytes) {
        return Unexpected{bytes.error() == FileError::not_found
                              ? folder + " holds no complete backup (there is no " +
                                    backup_manifest_name +
                                    "); run `tally backup` again, it goes on where it was"
                              : path + ": " + to_text(bytes.error())};
    }
    auto manifest = BackupManifest::from_json(as_text(*bytes));
    if (!manifest) {
        return Unexpected{path + ": " + manifest.error()};
    }
    return manifest;
}

Expected<Hash, std::string> hash_of_file(const FileSystem& files, const std::string& path) {
    Sha256 hash;
    for (std::uint64_t at = 0;;) {
        const auto piece = files.read(path, at, piece_bytes);
        if (!piece) {
            return Unexpected{path + ": " + to_text(piece.error())};
        }
        if (piece->empty()) {
            return hash.finish();
        }
        hash.update(*piece);
        at += piece->size();
    }
}

namespace {

Expected<Done, std::string> check_files(const FileSystem& files, const std::string& folder,
                                        const BackupManifest& manifest, const Progress& progress) {
    std::vector<BackupFile> all = manifest.segments;
    all.push_back(manifest.tail);
    all.push_back(manifest.snapshot);
    std::uint64_t done{0};
    for (const BackupFile& file : all) {
        progress(done, manifest.total_bytes());
        const std::string path = folder + "/" + file.path;
        const auto bytes = files.size(path);
        if (!bytes || *bytes != file.bytes) {
            return Unexpected{path + ": " +
                              (bytes ? "has " + std::to_string(*bytes) + " bytes, not the " +
                                           std::to_string(file.bytes) + " of the manifest"
                                     : std::string{to_text(bytes.error())})};
        }
        const auto hash = hash_of_file(files, path);
        if (!hash) {
            return Unexpected{hash.error()};
        }
        if (*hash != file.sha256) {
            return Unexpected{path + ": was changed, its SHA-256 is not that of the manifest"};
        }
        done += file.bytes;
    }
    return Done{};
}

Expected<SnapshotManifest, std::string> check_snapshot(const FileSystem& files,
                                                       const std::string& folder,
                                                       const BackupManifest& manifest,
                                                       const Genesis& genesis) {
    const std::string path = folder + "/" + manifest.snapshot.path;
    auto reader = SnapshotFileReader::open(files, path, manifest.chain_id);
    if (!reader) {
        return Unexpected{reader.error()};
    }
    SnapshotProof proof{genesis};
    bool has_begun{false};
    for (;;) {
        const auto part = reader->next();
        if (!part) {
            return Unexpected{part.error()};
        }
        if (!*part) {
            break;
        }
        const auto taken = has_begun ? proof.accept((*part)->query, (*part)->answer)
                                     : proof.begin((*part)->answer);
        if (!taken) {
            return Unexpected{path + ": " + taken.error()};
        }
        has_begun = true;
    }
    if (!has_begun || !proof.is_complete()) {
        return Unexpected{path + ": is not complete"};
    }
    const SnapshotManifest& proven = proof.manifest();
    if (proven.header.height != manifest.height || proven.header.digest() != manifest.digest ||
        proven.base.height != manifest.base_height) {
        return Unexpected{path + ": is not the snapshot that the manifest names"};
    }
    return proven;
}

}  // namespace

Expected<Done, std::string> check_backup(const FileSystem& files, const std::string& folder,
                                         const BackupManifest& manifest, const Genesis& genesis,
                                         const Progress& progress) {
    if (manifest.chain_id != genesis.chain_id()) {
        return Unexpected{folder + ": is a backup of chain " + to_hex(manifest.chain_id) +
                          ", the genesis given is of chain " + to_hex(genesis.chain_id())};
    }
    if (const auto checked = check_files(files, folder, manifest, progress); !checked) {
        return checked;
    }
    const auto proven = check_snapshot(files, folder, manifest, genesis);
    if (!proven) {
        return Unexpected{proven.error()};
    }
    BackupSegments segments{files, folder, manifest};
    return check_history(segments, *proven, progress);
}

}  // namespace tally::tools
