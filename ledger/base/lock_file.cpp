#include "ledger/base/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace tally {

namespace {

constexpr mode_t lock_file_mode{0600};

int open_lock(const std::string& path) noexcept {
    for (;;) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open takes its mode that way.
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, lock_file_mode);
        if (descriptor >= 0 || errno != EINTR) {
            return descriptor;
        }
    }
}

}  // namespace

Expected<LockFile, FileError> LockFile::acquire(const std::string& path) {
    const int descriptor = open_lock(path);
    if (descriptor < 0) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        return Unexpected{missing ? FileError::not_found : FileError::io_error};
    }
    LockFile lock{descriptor};
    while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return Unexpected{FileError::already_exists};
        }
        if (errno != EINTR) {
            return Unexpected{FileError::io_error};
        }
    }
    return lock;
}

LockFile::~LockFile() {
    if (m_descriptor >= 0) {
        ::close(m_descriptor);
    }
}

LockFile::LockFile(LockFile&& other) noexcept
    : m_descriptor{std::exchange(other.m_descriptor, -1)} {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
    std::swap(m_descriptor, other.m_descriptor);
    return *this;
}

}  // namespace tally
