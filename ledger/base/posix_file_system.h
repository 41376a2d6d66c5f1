#pragma once

#include "ledger/base/file_system.h"

namespace tally {

/// The machine's file system, made durable: data by fdatasync, names by fsync of their folder.
/// Interrupted and short writes are continued; a full disk (or quota) is `no_space`.
/// A file that `open_append` creates has its name synced before it is given out.
/// Thread safety: stateless, so any thread; each AppendFile belongs to one thread.
class PosixFileSystem final : public FileSystem {
public:
    [[nodiscard]] Expected<std::unique_ptr<AppendFile>, FileError> open_append(
        const std::string& path) override;
    [[nodiscard]] Expected<Bytes, FileError> read(const std::string& path, std::uint64_t offset,
                                                  std::uint64_t length) const override;
    [[nodiscard]] Expected<std::uint64_t, FileError> size(const std::string& path) const override;
    /// The temporary file is `path` + ".tmp"; one left by a crash is overwritten.
    [[nodiscard]] Expected<Done, FileError> write_whole(const std::string& path,
                                                        ByteView bytes) override;
    [[nodiscard]] Expected<Done, FileError> write_at(const std::string& path, std::uint64_t offset,
                                                     ByteView bytes) override;
    /// Never makes a file longer: `length` above its size is `io_error`.
    [[nodiscard]] Expected<Done, FileError> truncate(const std::string& path,
                                                     std::uint64_t length) override;
    [[nodiscard]] Expected<Done, FileError> remove(const std::string& path) override;
    [[nodiscard]] Expected<Done, FileError> create_directories(const std::string& path) override;
    [[nodiscard]] Expected<std::vector<std::string>, FileError> list(
        const std::string& folder) const override;
    [[nodiscard]] Expected<Done, FileError> sync_folder(const std::string& folder) override;
};

}  // namespace tally
