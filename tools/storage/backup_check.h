#pragma once

#include "ledger/base/file_system.h"
#include "ledger/base/memory_store.h"
#include "ledger/model/genesis.h"
#include "ledger/store/segment_source.h"
#include "ledger/store/snapshot_import.h"
#include "tools/storage/backup_manifest.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tally::tools {

/// Done and total, in whatever unit.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Proves a snapshot part by part, by the code that imports one, and keeps nothing of the state.
/// `genesis` must outlive it. Errors are texts.
class SnapshotProof {
public:
    explicit SnapshotProof(const Genesis& genesis);

    [[nodiscard]] Expected<Done, std::string> begin(ByteView manifest);
    /// What is still to be asked for, proofs and chunks only.
    [[nodiscard]] std::vector<Bytes> wanted(std::size_t count_max) const;
    [[nodiscard]] Expected<Done, std::string> accept(ByteView query, ByteView answer);
    [[nodiscard]] bool is_complete() const { return wanted(1).empty(); }
    [[nodiscard]] const SnapshotManifest& manifest() const noexcept { return m_manifest; }
    [[nodiscard]] SnapshotImport::Progress progress() const { return m_import.progress(); }

private:
    /// Keeps the bookkeeping of an import, without state and indexes.
    class ProofStore final : public MemoryStore {
    public:
        [[nodiscard]] Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override;
    };
    std::unique_ptr<FileSystem> m_no_files;
    ProofStore m_store;
    SnapshotImport m_import;
    SnapshotManifest m_manifest;
};

/// Checks that the segments hold every block from the one behind the manifest's base up to its own
/// and that these are the blocks whose certificate it has: parents, envelopes, results, events and
/// the log. The certificate itself is for `SnapshotProof`. The error is a text.
[[nodiscard]] Expected<Done, std::string> check_history(SegmentSource& source,
                                                        const SnapshotManifest& manifest,
                                                        const Progress& progress);

/// The segments of a backup under the names that a node gives them. `files` and `manifest` must
/// outlive it.
class BackupSegments final : public SegmentSource {
public:
    BackupSegments(const FileSystem& files, std::string folder, const BackupManifest& manifest)
        : m_files{files}, m_folder{std::move(folder)}, m_manifest{manifest} {}
    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list() override;
    [[nodiscard]] Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                                    std::uint64_t length) override;

private:
    const FileSystem& m_files;
    std::string m_folder;
    const BackupManifest& m_manifest;
};

/// The manifest of a backup folder. The error is a text.
[[nodiscard]] Expected<BackupManifest, std::string> read_backup_manifest(const FileSystem& files,
                                                                         const std::string& folder);
/// SHA-256 of a file, read in pieces. The error is a text.
[[nodiscard]] Expected<Hash, std::string> hash_of_file(const FileSystem& files,
                                                       const std::string& path);
/// Checks a whole backup by what is on disk: every file's size and hash, every part of the snapshot
/// against the genesis, every block. Needs memory for two segments' places and one part.
[[nodiscard]] Expected<Done, std::string> check_backup(const FileSystem& files,
                                                       const std::string& folder,
                                                       const BackupManifest& manifest,
                                                       const Genesis& genesis,
                                                       const Progress& progress);

}  // namespace tally::tools
