#include "tools/storage/backup.h"

#include "ledger/store/snapshot_file.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace tally::tools {
namespace {

constexpr std::uint64_t piece_bytes{1024UL * 1024};
constexpr std::size_t parts_per_sync{64};
constexpr std::chrono::seconds renew_interval{15};
/// A snapshot that the node dropped meanwhile (it was stopped, or the line was cut for a minute) is
/// begun anew so often.
constexpr int snapshot_attempts_max{3};

std::string with_hint(const std::string& problem) {
    return problem + "; what is here is kept: run the same command again to go on";
}

/// One backup being made.
class Maker {
public:
    Maker(BackupSource& source, FileSystem& files, const Genesis& genesis,
          const BackupOptions& options, const StageProgress& progress)
        : m_source{source},
          m_files{files},
          m_genesis{genesis},
          m_chain_id{genesis.chain_id()},
          m_folder{options.folder},
          m_options{options},
          m_progress{progress} {}

    Expected<BackupReport, std::string> run();

private:
    [[nodiscard]] std::optional<std::string> look_at_folder();
    [[nodiscard]] std::optional<std::string> fetch_snapshot();
    [[nodiscard]] std::optional<std::string> fetch_parts(SnapshotProof& proof,
                                                         SnapshotFileWriter& writer);
    [[nodiscard]] Expected<SnapshotFileWriter, std::string> open_snapshot(SnapshotProof& proof,
                                                                          const Bytes& manifest);
    [[nodiscard]] std::uint64_t take_up(SnapshotProof& proof, const std::string& path);
    [[nodiscard]] std::optional<std::string> fetch_segments();
    [[nodiscard]] std::optional<std::string> fetch_segment(const SegmentInfo& info,
                                                           const std::string& path);
    [[nodiscard]] std::optional<std::string> note_files();
    [[nodiscard]] Expected<BackupFile, std::string> file_of(const std::string& path);
    void remove_others();

    BackupSource& m_source;
    FileSystem& m_files;
    const Genesis& m_genesis;
    Hash m_chain_id;
    std::string m_folder;
    const BackupOptions& m_options;
    const StageProgress& m_progress;
    SnapshotManifest m_snapshot;
    std::vector<SegmentInfo> m_segments;
    bool m_is_dropped{false};  ///< the node does not hold the snapshot any more
    BackupReport m_report;
};

/// What an earlier run left: nothing, a part, or a whole backup that this one may replace.
std::optional<std::string> Maker::look_at_folder() {
    for (const std::string& folder : {m_folder, m_folder + "/segments"}) {
        if (const auto made = m_files.create_directories(folder); !made) {
            return folder + ": " + to_text(made.error());
        }
    }
    if (!m_files.size(m_folder + "/" + backup_manifest_name)) {
        return std::nullopt;
    }
    const auto before = read_backup_manifest(m_files, m_folder);
    if (!before) {
        return before.error();
    }
    if (!m_options.incremental) {
        return m_folder + " holds a complete backup up to block " + std::to_string(before->height) +
               "; add --incremental to bring it up to date, or name another folder";
    }
    if (before->chain_id != m_chain_id) {
        return m_folder + " holds a backup of another chain";
    }
    return std::nullopt;
}

/// Feeds what an interrupted run fetched of the same snapshot; where the whole parts end, or 0.
std::uint64_t Maker::take_up(SnapshotProof& proof, const std::string& path) {
    auto reader = SnapshotFileReader::open(m_files, path, m_chain_id);
    if (!reader) {
        return 0;
    }
    std::uint64_t whole{0};
    bool has_begun{false};
    for (;;) {
        const auto part = reader->next();
        if (!part || !*part) {
            return whole;
        }
        const auto taken = has_begun ? proof.accept((*part)->query, (*part)->answer)
                                     : proof.begin((*part)->answer);
        if (!taken) {
            return has_begun ? whole : 0;
        }
        has_begun = true;
        whole = reader->offset();
    }
}

Expected<SnapshotFileWriter, std::string> Maker::open_snapshot(SnapshotProof& proof,
                                                               const Bytes& manifest) {
    const std::string path = m_folder + "/" + backup_snapshot_path(m_snapshot.header.height);
    if (const std::uint64_t whole = take_up(proof, path); whole > 0) {
        return SnapshotFileWriter::resume(m_files, path, whole);
    }
    if (const auto begun = proof.begin(manifest); !begun) {
        return Unexpected{"the node's snapshot does not hold: " + begun.error()};
    }
    auto writer = SnapshotFileWriter::create(m_files, path, m_chain_id);
    if (!writer) {
        return writer;
    }
    if (const auto added = writer->add({encode(ManifestQuery{}), manifest}); !added) {
        return Unexpected{added.error()};
    }
    return writer;
}

std::optional<std::string> Maker::fetch_parts(SnapshotProof& proof, SnapshotFileWriter& writer) {
    auto renewed = std::chrono::steady_clock::now();
    std::size_t unsynced{0};
    while (!proof.is_complete()) {
        const Bytes query = proof.wanted(1).front();
        const auto answer = m_source.answer(query);
        if (!answer) {
            return answer.error().message;
        }
        if (answer->empty()) {
            m_is_dropped = true;
            return "the node does not hold the snapshot any more";
        }
        if (const auto taken = proof.accept(query, *answer); !taken) {
            return "the node's answer is wrong: " + taken.error();
        }
        if (const auto added = writer.add({query, *answer}); !added) {
            return added.error();
        }
        m_report.bytes_fetched += answer->size();
        if (++unsynced % parts_per_sync == 0) {
            if (const auto synced = writer.sync(); !synced) {
                return synced.error();
            }
        }
        const auto now = std::chrono::steady_clock::now();
        if (now - renewed > renew_interval) {
            renewed = now;
            static_cast<void>(m_source.lease().has_value());
        }
        m_progress("state", proof.progress().entries, proof.progress().entries_expected);
    }
    const auto synced = writer.sync();
    return synced ? std::nullopt : std::optional{synced.error()};
}

std::optional<std::string> Maker::fetch_snapshot() {
    const auto manifest = m_source.lease();
    if (!manifest) {
        return manifest.error().message;
    }
    const auto decoded = SnapshotManifest::decode(*manifest);
    if (!decoded || decoded->header.chain_id != m_chain_id) {
        return std::string{"the node is of another chain than the genesis given"};
    }
    m_snapshot = *decoded;
    SnapshotProof proof{m_genesis};
    auto writer = open_snapshot(proof, *manifest);
    if (!writer) {
        return writer.error();
    }
    // What was taken up may have been fetched when the node said the same of this block in another
    // certificate: the manifest in the file counts.
    m_snapshot = proof.manifest();
    return fetch_parts(proof, *writer);
}

/// Whole and synced, or not there.
std::optional<std::string> Maker::fetch_segment(const SegmentInfo& info, const std::string& path) {
    Bytes whole;
    while (whole.size() < info.bytes) {
        const auto piece = m_source.read(info.name, whole.size(),
                                         std::min(piece_bytes, info.bytes - whole.size()));
        if (!piece || piece->empty()) {
            return piece ? info.name + ": became shorter" : piece.error().message;
        }
        append(whole, *piece);
    }
    m_report.bytes_fetched += whole.size();
    const auto written = m_files.write_whole(m_folder + "/" + path, whole);
    return written ? std::nullopt
                   : std::optional{m_folder + "/" + path + ": " + to_text(written.error())};
}

std::optional<std::string> Maker::fetch_segments() {
    auto listed = m_source.list();
    if (!listed) {
        return listed.error().message;
    }
    m_segments = std::move(listed).value();
    if (m_segments.empty() || m_segments.front().first_height != m_snapshot.base.height + 1) {
        return "the node does not list the segments behind block " +
               std::to_string(m_snapshot.base.height) + ": is its archive folder there?";
    }
    for (std::size_t i = 0; i + 1 < m_segments.size(); ++i) {
        m_progress("segments", i, m_segments.size());
        const std::string path = backup_segment_path(m_segments[i].first_height);
        const auto here = m_files.size(m_folder + "/" + path);
        if (here && *here == m_segments[i].bytes) {
            ++m_report.files_kept;
            continue;
        }
        if (auto problem = fetch_segment(m_segments[i], path)) {
            return problem;
        }
    }
    return fetch_segment(m_segments.back(), backup_tail_path(m_snapshot.header.height));
}

Expected<BackupFile, std::string> Maker::file_of(const std::string& path) {
    const std::string full = m_folder + "/" + path;
    const auto bytes = m_files.size(full);
    if (!bytes) {
        return Unexpected{full + ": " + to_text(bytes.error())};
    }
    const auto hash = hash_of_file(m_files, full);
    if (!hash) {
        return Unexpected{hash.error()};
    }
    return BackupFile{path, *bytes, *hash};
}

std::optional<std::string> Maker::note_files() {
    BackupManifest& manifest = m_report.manifest;
    const BlockHeader& header = m_snapshot.header;
    manifest.chain_id = m_chain_id;
    manifest.height = header.height;
    manifest.digest = header.digest();
    manifest.base_height = m_snapshot.base.height;
    manifest.block_time = header.time;
    manifest.tail_first_height = m_segments.back().first_height;
    for (std::size_t i = 0; i + 1 < m_segments.size(); ++i) {
        const auto file = file_of(backup_segment_path(m_segments[i].first_height));
        if (!file) {
            return file.error();
        }
        manifest.segments.push_back(*file);
    }
    const auto tail = file_of(backup_tail_path(header.height));
    const auto snapshot = file_of(backup_snapshot_path(header.height));
    if (!tail || !snapshot) {
        return tail ? snapshot.error() : tail.error();
    }
    manifest.tail = *tail;
    manifest.snapshot = *snapshot;
    return std::nullopt;
}

/// Snapshots and tails of older backups, which the new manifest does not name.
void Maker::remove_others() {
    const auto names = m_files.list(m_folder);
    const std::set<std::string> wanted{backup_manifest_name, m_report.manifest.tail.path,
                                       m_report.manifest.snapshot.path};
    for (const std::string& name : names ? *names : std::vector<std::string>{}) {
        const bool is_old = name.starts_with("tail-") || name.starts_with("snapshot-");
        if (is_old && !wanted.contains(name)) {
            static_cast<void>(m_files.remove(m_folder + "/" + name).has_value());
        }
    }
}

Expected<BackupReport, std::string> Maker::run() {
    if (auto problem = look_at_folder()) {
        return Unexpected{*problem};
    }
    std::optional<std::string> problem;
    for (int attempt = 0; attempt < snapshot_attempts_max; ++attempt) {
        m_is_dropped = false;
        problem = fetch_snapshot();
        if (!m_is_dropped) {
            break;
        }
    }
    // The segments behind the snapshot: they have its block.
    problem = problem ? problem : fetch_segments();
    problem = problem ? problem : note_files();
    if (problem) {
        return Unexpected{with_hint(*problem)};
    }
    const auto checked = check_backup(
        m_files, m_folder, m_report.manifest, m_genesis,
        [this](std::uint64_t done, std::uint64_t total) { m_progress("verifying", done, total); });
    if (!checked) {
        return Unexpected{"the backup does not hold: " + checked.error() +
                          "; remove the file that is named and run this again"};
    }
    const std::string path = m_folder + "/" + backup_manifest_name;
    const std::string text = m_report.manifest.to_json();
    if (const auto written = m_files.write_whole(path, as_bytes(text)); !written) {
        return Unexpected{with_hint(path + ": " + to_text(written.error()))};
    }
    remove_others();
    return std::move(m_report);
}

}  // namespace

Expected<BackupReport, std::string> make_backup(BackupSource& source, FileSystem& files,
                                                const Genesis& genesis,
                                                const BackupOptions& options,
                                                const StageProgress& progress) {
    return Maker{source, files, genesis, options, progress}.run();
}

}  // namespace tally::tools
