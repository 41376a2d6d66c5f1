#include "ledger/store/leveldb_store.h"
#include "ledger/store/segment_blocks.h"
#include "ledger/store/snapshot_file.h"
#include "ledger/store/snapshot_import.h"
#include "ledger/store/snapshot_source.h"
#include "node/process/node_files.h"
#include "tools/storage/backup.h"

#include <filesystem>
#include <utility>

namespace tally::tools {
namespace {

/// Is in the data folder as long as it is not whole.
constexpr const char* marker_name{"restoring"};

using Verdict = SnapshotImport::Verdict;

/// Nothing in the folder, or an earlier restore of the same chain that was cut off.
std::optional<std::string> look_at_target(FileSystem& files, const std::string& data_dir,
                                          const std::string& chain) {
    const std::string marker = data_dir + "/" + marker_name;
    const auto begun = files.read(marker, 0, 2 * Hash::size + 1);
    if (begun && as_text(*begun) == chain) {
        return std::nullopt;
    }
    std::error_code error;
    if (begun ||
        (std::filesystem::exists(data_dir, error) && !std::filesystem::is_empty(data_dir, error))) {
        return data_dir +
               " is not empty; name a folder that does not exist yet. Nothing was changed";
    }
    if (const auto made = files.create_directories(data_dir); !made) {
        return data_dir + ": " + to_text(made.error());
    }
    const auto written = files.write_whole(marker, as_bytes(chain));
    return written ? std::nullopt : std::optional{marker + ": " + to_text(written.error())};
}

std::optional<std::string> problem_of(const SnapshotImport& import, Verdict verdict) {
    return verdict == Verdict::accepted
               ? std::nullopt
               : std::optional{"the backup does not hold: " + import.problem()};
}

/// The state, and the proofs that lead to it.
std::optional<std::string> import_parts(SnapshotImport& import, SnapshotFileReader& reader) {
    for (bool is_first = true;; is_first = false) {
        const auto part = reader.next();
        if (!part) {
            return part.error();
        }
        if (!*part) {
            return std::nullopt;
        }
        if (!is_first) {
            const Verdict verdict = import.accept((*part)->query, (*part)->answer);
            if (auto problem = problem_of(import, verdict)) {
                return problem;
            }
            continue;
        }
        const auto offer = import.read_offer((*part)->answer);
        if (!offer) {
            return std::string{"the backup is of another chain"};
        }
        if (auto problem = problem_of(import, import.choose(*offer))) {
            return problem;
        }
    }
}

std::optional<std::string> import_blocks(SnapshotImport& import, SegmentBlocks& blocks,
                                         const StageProgress& progress) {
    const SnapshotSource::Chain chain{
        [&blocks](std::uint64_t height) { return blocks.read(height); },
        [](std::uint64_t) { return std::optional<Bytes>{}; },
        [](std::uint32_t, std::uint64_t) { return Hash{}; }};
    while (!import.is_complete()) {
        const std::vector<Bytes> wanted = import.wanted(1);
        const auto query = wanted.empty() ? std::nullopt : decode_snapshot_query(wanted.front());
        if (!query || !std::holds_alternative<BlocksQuery>(*query)) {
            return std::string{"the backup's snapshot is not complete"};
        }
        const Bytes answer = answer_blocks(std::get<BlocksQuery>(*query), chain);
        if (answer.empty()) {
            return blocks.problem();
        }
        const Verdict verdict = import.accept(wanted.front(), answer);
        if (auto problem = problem_of(import, verdict)) {
            return problem;
        }
        progress("blocks", import.progress().blocks, import.progress().blocks_expected);
    }
    return std::nullopt;
}

std::optional<std::string> fill(FileSystem& files, const std::string& folder,
                                const node::DataFolders& target, const BackupManifest& manifest,
                                const Genesis& genesis, const StageProgress& progress) {
    const auto store = LevelDbStore::open(target.state);
    if (!store) {
        return store.error();
    }
    const auto phase = SnapshotImport::phase_of(files, **store, target.segments);
    if (!phase) {
        return phase.error().message;
    }
    if (*phase == SnapshotImport::Phase::ready) {
        return std::nullopt;  // cut off behind the last step
    }
    auto reader =
        SnapshotFileReader::open(files, folder + "/" + manifest.snapshot.path, manifest.chain_id);
    if (!reader) {
        return reader.error();
    }
    SnapshotImport import{files, **store, target.segments, genesis, std::nullopt};
    import.accept_history();
    if (auto problem = import_parts(import, *reader)) {
        return problem;
    }
    BackupSegments segments{files, folder, manifest};
    auto listed = segments.list();
    SegmentBlocks blocks{segments, std::move(listed).value(), manifest.chain_id};
    if (auto problem = import_blocks(import, blocks, progress)) {
        return problem;
    }
    import.finish();
    return std::nullopt;
}

}  // namespace

Expected<BackupManifest, std::string> restore_backup(FileSystem& files, const std::string& folder,
                                                     const std::string& data_dir,
                                                     const Genesis& genesis,
                                                     const StageProgress& progress) {
    auto manifest = read_backup_manifest(files, folder);
    if (!manifest) {
        return manifest;
    }
    const auto checked = check_backup(files, folder, *manifest, genesis,
                                      [&progress](std::uint64_t done, std::uint64_t total) {
                                          progress("checking", done, total);
                                      });
    if (!checked) {
        return Unexpected{"the backup does not hold: " + checked.error() +
                          "; nothing was changed. Use another backup, or join anew"};
    }
    if (auto problem = look_at_target(files, data_dir, to_hex(manifest->chain_id))) {
        return Unexpected{*problem};
    }
    const node::DataFolders target{data_dir};
    for (const std::string& made :
         {target.segments, target.state, target.consensus, target.operator_, target.backup}) {
        if (!files.create_directories(made)) {
            return Unexpected{made + ": cannot be created"};
        }
    }
    if (auto problem = fill(files, folder, target, *manifest, genesis, progress)) {
        return Unexpected{*problem};
    }
    const std::string marker = data_dir + "/" + marker_name;
    if (!files.remove(marker) || !files.sync_folder(data_dir)) {
        return Unexpected{marker + ": cannot be removed"};
    }
    return manifest;
}

}  // namespace tally::tools
