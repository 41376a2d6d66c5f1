#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/file_system.h"
#include "ledger/store/snapshot.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tally {

inline constexpr std::uint16_t snapshot_file_version{1};

/// What a node said about a snapshot: an encoded SnapshotQuery and the answer to it.
struct SnapshotPart {
    Bytes query;
    Bytes answer;
    friend bool operator==(const SnapshotPart&, const SnapshotPart&) = default;
};

/// A snapshot in a file: magic "TALLYSNP", version u16 = 1, chain id 32, CRC-32C u32 of these; then
/// parts without gaps: length of the query u32, length of the answer u32, CRC-32C u32 of the offset
/// of the part in the file (u64), both lengths, query and answer; query; answer. The first part is
/// the manifest, and a chunk comes behind the one that names it.
///
/// Adds parts to a file. Errors are texts with the path in them.
class SnapshotFileWriter {
public:
    /// Begins a new file, in place of one that is there.
    [[nodiscard]] static Expected<SnapshotFileWriter, std::string> create(FileSystem& files,
                                                                          const std::string& path,
                                                                          const Hash& chain_id);
    /// Goes on with a file that is whole up to `length`; what is behind is cut.
    [[nodiscard]] static Expected<SnapshotFileWriter, std::string> resume(FileSystem& files,
                                                                          const std::string& path,
                                                                          std::uint64_t length);
    [[nodiscard]] Expected<Done, std::string> add(const SnapshotPart& part);
    [[nodiscard]] Expected<Done, std::string> sync();

private:
    SnapshotFileWriter(std::string path, std::unique_ptr<AppendFile> file)
        : m_path{std::move(path)}, m_file{std::move(file)} {}
    std::string m_path;
    std::unique_ptr<AppendFile> m_file;
};

/// Reads such a file from front to back, one part in memory. `files` must outlive it.
class SnapshotFileReader {
public:
    /// The error is a text with the path in it.
    [[nodiscard]] static Expected<SnapshotFileReader, std::string> open(const FileSystem& files,
                                                                        const std::string& path,
                                                                        const Hash& chain_id);
    /// The next part, or nothing at the exact end. The error says at which byte the file is not
    /// whole: a writer may resume there.
    [[nodiscard]] Expected<std::optional<SnapshotPart>, std::string> next();
    /// Where the next part begins.
    [[nodiscard]] std::uint64_t offset() const noexcept { return m_offset; }

private:
    SnapshotFileReader(const FileSystem& files, std::string path, std::uint64_t bytes);
    const FileSystem* m_files;
    std::string m_path;
    std::uint64_t m_bytes;
    std::uint64_t m_offset;
};

}  // namespace tally
