#include "ledger/base/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <utility>

namespace tally {

namespace {

// Data directories hold keys and customers' charges: nobody else reads them.
constexpr mode_t file_mode{0600};
constexpr mode_t folder_mode{0700};

FileError error_of(int number) noexcept {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return FileError::not_found;
        case EEXIST:
            return FileError::already_exists;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return FileError::no_space;
        default:
            return FileError::io_error;
    }
}

Unexpected<FileError> last_error() noexcept { return Unexpected{error_of(errno)}; }

/// Runs a system call again for as long as a signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) {
            return result;
        }
    }
}

/// Owns a file descriptor.
class Descriptor {
public:
    explicit Descriptor(int number) : m_number{number} {}
    ~Descriptor() {
        if (m_number >= 0) {
            ::close(m_number);
        }
    }
    Descriptor(Descriptor&& other) noexcept : m_number{std::exchange(other.m_number, -1)} {}
    Descriptor& operator=(Descriptor&&) = delete;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return m_number; }
    [[nodiscard]] bool is_open() const noexcept { return m_number >= 0; }

private:
    int m_number;
};

Descriptor open_file(const std::string& path, int flags) {
    return Descriptor{uninterrupted([&path, flags] {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open takes its mode that way.
        return ::open(path.c_str(), flags | O_CLOEXEC, file_mode);
    })};
}

Expected<Done, FileError> sync_data(const Descriptor& file) {
    if (uninterrupted([&file] { return ::fdatasync(file.get()); }) != 0) {
        return last_error();
    }
    return Done{};
}

/// Writes all of `bytes` at the file's position.
Expected<Done, FileError> write_all(const Descriptor& file, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = uninterrupted(
            [&file, bytes] { return ::write(file.get(), bytes.data(), bytes.size()); });
        if (written < 0) {
            return last_error();
        }
        if (written == 0) {
            return Unexpected{FileError::io_error};
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return Done{};
}

Expected<std::uint64_t, FileError> size_of(const Descriptor& file) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return last_error();
    }
    return static_cast<std::uint64_t>(status.st_size);
}

bool fits_offset(std::uint64_t number) noexcept {
    return number <= static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

Expected<Done, FileError> sync_folder_names(const std::string& folder) {
    const Descriptor descriptor = open_file(folder, O_RDONLY | O_DIRECTORY);
    if (!descriptor.is_open()) {
        return last_error();
    }
    if (uninterrupted([&descriptor] { return ::fsync(descriptor.get()); }) != 0) {
        return last_error();
    }
    return Done{};
}

class PosixAppendFile final : public AppendFile {
public:
    PosixAppendFile(Descriptor file, std::uint64_t size) : m_file{std::move(file)}, m_size{size} {}

    Expected<Done, FileError> append(ByteView bytes) override {
        auto result = write_all(m_file, bytes);
        if (result) {
            m_size += bytes.size();
        }
        return result;
    }
    Expected<Done, FileError> sync() override { return sync_data(m_file); }
    [[nodiscard]] std::uint64_t size() const override { return m_size; }

private:
    Descriptor m_file;
    std::uint64_t m_size;
};

/// Creates one folder and makes its name durable. Success when it is already there.
Expected<Done, FileError> create_folder(const std::string& path) {
    if (::mkdir(path.c_str(), folder_mode) == 0) {
        return sync_folder_names(folder_of(path));
    }
    const int reason = errno;
    struct stat status {};
    if (reason == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return Done{};
    }
    return Unexpected{error_of(reason)};
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

bool is_plain_file(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Expected<std::unique_ptr<AppendFile>, FileError> PosixFileSystem::open_append(
    const std::string& path) {
    Descriptor file = open_file(path, O_WRONLY | O_APPEND);
    if (!file.is_open() && errno == ENOENT) {
        Descriptor created = open_file(path, O_WRONLY | O_APPEND | O_CREAT);
        if (!created.is_open()) {
            return last_error();
        }
        if (const auto synced = sync_folder_names(folder_of(path)); !synced) {
            return Unexpected{synced.error()};
        }
        return std::unique_ptr<AppendFile>{new PosixAppendFile{std::move(created), 0}};
    }
    if (!file.is_open()) {
        return last_error();
    }
    const auto length = size_of(file);
    if (!length) {
        return Unexpected{length.error()};
    }
    return std::unique_ptr<AppendFile>{new PosixAppendFile{std::move(file), *length}};
}

Expected<Bytes, FileError> PosixFileSystem::read(const std::string& path, std::uint64_t offset,
                                                 std::uint64_t length) const {
    const Descriptor file = open_file(path, O_RDONLY);
    if (!file.is_open()) {
        return last_error();
    }
    const auto file_size = size_of(file);
    if (!file_size) {
        return Unexpected{file_size.error()};
    }
    if (offset >= *file_size) {
        return Bytes{};
    }
    Bytes bytes(static_cast<std::size_t>(std::min(length, *file_size - offset)));
    std::size_t filled{0};
    while (filled < bytes.size()) {
        const ssize_t got = uninterrupted([&] {
            return ::pread(file.get(), bytes.data() + filled, bytes.size() - filled,
                           static_cast<off_t>(offset + filled));
        });
        if (got < 0) {
            return last_error();
        }
        if (got == 0) {
            break;  // Cut by somebody else meanwhile: what there is.
        }
        filled += static_cast<std::size_t>(got);
    }
    bytes.resize(filled);
    return bytes;
}

Expected<std::uint64_t, FileError> PosixFileSystem::size(const std::string& path) const {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return last_error();
    }
    return static_cast<std::uint64_t>(status.st_size);
}

Expected<Done, FileError> PosixFileSystem::write_whole(const std::string& path, ByteView bytes) {
    const std::string temporary = path + ".tmp";
    {
        const Descriptor file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file.is_open()) {
            return last_error();
        }
        if (const auto written = write_all(file, bytes); !written) {
            return written;
        }
        if (uninterrupted([&file] { return ::fsync(file.get()); }) != 0) {
            return last_error();
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return last_error();
    }
    return sync_folder_names(folder_of(path));
}

Expected<Done, FileError> PosixFileSystem::write_at(const std::string& path, std::uint64_t offset,
                                                    ByteView bytes) {
    const Descriptor file = open_file(path, O_WRONLY);
    if (!file.is_open()) {
        return last_error();
    }
    if (!fits_offset(offset)) {
        return Unexpected{FileError::io_error};
    }
    if (::lseek(file.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
        return last_error();
    }
    if (const auto written = write_all(file, bytes); !written) {
        return written;
    }
    return sync_data(file);
}

Expected<Done, FileError> PosixFileSystem::truncate(const std::string& path, std::uint64_t length) {
    const Descriptor file = open_file(path, O_WRONLY);
    if (!file.is_open()) {
        return last_error();
    }
    const auto file_size = size_of(file);
    if (!file_size) {
        return Unexpected{file_size.error()};
    }
    if (length > *file_size) {
        return Unexpected{FileError::io_error};
    }
    if (uninterrupted([&] { return ::ftruncate(file.get(), static_cast<off_t>(length)); }) != 0) {
        return last_error();
    }
    // The new length is needed to read the file back, so fdatasync covers it.
    return sync_data(file);
}

Expected<Done, FileError> PosixFileSystem::remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0) {
        return last_error();
    }
    return Done{};
}

Expected<Done, FileError> PosixFileSystem::create_directories(const std::string& path) {
    for (std::size_t end = path.find('/', 1); end != std::string::npos;
         end = path.find('/', end + 1)) {
        if (const auto created = create_folder(path.substr(0, end)); !created) {
            return created;
        }
    }
    return create_folder(path);
}

Expected<std::vector<std::string>, FileError> PosixFileSystem::list(
    const std::string& folder) const {
    const std::unique_ptr<DIR, CloseFolder> open_folder{::opendir(folder.c_str())};
    if (!open_folder) {
        return last_error();
    }
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): safe as long as each thread has its own DIR.
        const dirent* entry = ::readdir(open_folder.get());
        if (entry == nullptr) {
            break;
        }
        std::string name{entry->d_name};
        if (is_plain_file(folder + "/" + name)) {
            names.push_back(std::move(name));
        }
    }
    if (errno != 0) {
        return last_error();
    }
    std::sort(names.begin(), names.end());
    return names;
}

Expected<Done, FileError> PosixFileSystem::sync_folder(const std::string& folder) {
    return sync_folder_names(folder);
}

}  // namespace tally
