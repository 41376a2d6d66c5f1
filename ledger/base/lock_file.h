#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/file_system.h"

#include <string>

namespace tally {

/// Keeps a second process away from a data directory: an exclusive flock on a file in it, held as
/// long as this object lives and dropped by the kernel however the process ends. The file itself
/// stays. Movable, not copyable.
class LockFile {
public:
    /// Creates `path` when there is none. `already_exists`: another process (or another LockFile)
    /// holds it.
    [[nodiscard]] static Expected<LockFile, FileError> acquire(const std::string& path);

    ~LockFile();
    LockFile(LockFile&& other) noexcept;
    LockFile& operator=(LockFile&& other) noexcept;
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;

private:
    explicit LockFile(int descriptor) : m_descriptor{descriptor} {}
    int m_descriptor;
};

}  // namespace tally
