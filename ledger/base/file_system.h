#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tally {

/// Why a file operation did not succeed. All but `not_found` stop the process when they happen to
/// durable data: a storage error is never retried and never turned into a verdict.
enum class FileError : std::uint8_t {
    not_found,
    already_exists,
    no_space,
    io_error,
};

/// A file that only grows (segments, journal, outbox). One owner, one thread.
class AppendFile {
public:
    virtual ~AppendFile() = default;
    /// Adds `bytes` at the end. They survive a crash only after `sync`.
    [[nodiscard]] virtual Expected<Done, FileError> append(ByteView bytes) = 0;
    /// Returns when everything appended so far survives power loss (fdatasync). After an error
    /// the file must not be used again.
    [[nodiscard]] virtual Expected<Done, FileError> sync() = 0;
    /// Bytes in the file, those not yet synced included.
    [[nodiscard]] virtual std::uint64_t size() const = 0;
};

/// The few file operations that storage needs. Paths are plain strings with '/' between names.
/// The production version is `PosixFileSystem`; the simulator's loses what was not synced.
class FileSystem {
public:
    virtual ~FileSystem() = default;
    /// Opens for appending; creates the file when there is none.
    [[nodiscard]] virtual Expected<std::unique_ptr<AppendFile>, FileError> open_append(
        const std::string& path) = 0;
    /// Up to `length` bytes from `offset`; fewer at the end of the file.
    [[nodiscard]] virtual Expected<Bytes, FileError> read(const std::string& path,
                                                          std::uint64_t offset,
                                                          std::uint64_t length) const = 0;
    [[nodiscard]] virtual Expected<std::uint64_t, FileError> size(
        const std::string& path) const = 0;
    /// Replaces the file as a whole, durably: temporary file, sync, rename, sync of the folder.
    [[nodiscard]] virtual Expected<Done, FileError> write_whole(const std::string& path,
                                                                ByteView bytes) = 0;
    /// Overwrites bytes of an existing file in place and syncs it (two-slot records).
    [[nodiscard]] virtual Expected<Done, FileError> write_at(const std::string& path,
                                                             std::uint64_t offset,
                                                             ByteView bytes) = 0;
    /// Cuts the file to `length` bytes and syncs it.
    [[nodiscard]] virtual Expected<Done, FileError> truncate(const std::string& path,
                                                             std::uint64_t length) = 0;
    [[nodiscard]] virtual Expected<Done, FileError> remove(const std::string& path) = 0;
    /// Creates the folder and its parents; no error when it is there.
    [[nodiscard]] virtual Expected<Done, FileError> create_directories(const std::string& path) = 0;
    /// Names (not paths) of the plain files in a folder, sorted.
    [[nodiscard]] virtual Expected<std::vector<std::string>, FileError> list(
        const std::string& folder) const = 0;
    /// Makes created, renamed and removed names in `folder` survive power loss.
    [[nodiscard]] virtual Expected<Done, FileError> sync_folder(const std::string& folder) = 0;
};

}  // namespace tally
