#include "node/runtime/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace tally::node {

namespace {

/// An open file that closes itself.
class Descriptor {
public:
    explicit Descriptor(int fd) : m_fd{fd} {}
    ~Descriptor() {
        if (m_fd >= 0) {
            ::close(m_fd);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return m_fd; }

private:
    int m_fd;
};

Unexpected<KeyFileError> refuse(const std::string& path, const std::string& rule) {
    return Unexpected{KeyFileError{path + ": " + rule}};
}

std::string system_reason() {
    std::array<char, 256> buffer{};
    return ::strerror_r(errno, buffer.data(), buffer.size());
}

/// The rule that the file breaks, or nothing.
std::optional<std::string> broken_rule(const struct stat& info) {
    if (!S_ISREG(info.st_mode)) {
        return "is not a regular file";
    }
    if (info.st_uid != ::geteuid() && info.st_uid != 0) {
        return "belongs to another user";
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return "may be read or written by others; run: chmod 600";
    }
    return std::nullopt;
}

bool printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

Expected<Done, KeyFileError> write_all(const std::string& path, int fd, const std::string& text) {
    std::size_t written{0};
    while (written < text.size()) {
        const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return refuse(path, "cannot be written: " + system_reason());
        }
        written += static_cast<std::size_t>(count);
    }
    if (::fsync(fd) != 0) {
        return refuse(path, "cannot be synced: " + system_reason());
    }
    return Done{};
}

void sync_folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (fd.get() >= 0) {
        ::fsync(fd.get());
    }
}

}  // namespace

Expected<std::string, KeyFileError> read_secret_text(const std::string& path) {
    // Non-blocking, so that a pipe in the file's place cannot hang the start.
    const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (fd.get() < 0) {
        return refuse(path, "cannot be opened: " + system_reason());
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        return refuse(path, "cannot be examined: " + system_reason());
    }
    if (const std::optional<std::string> rule = broken_rule(info)) {
        return refuse(path, *rule);
    }
    std::string text(secret_text_bytes_max + 2, '\0');
    std::size_t length{0};
    while (length < text.size()) {
        const ssize_t count = ::read(fd.get(), text.data() + length, text.size() - length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return refuse(path, "cannot be read: " + system_reason());
        }
        if (count == 0) {
            break;
        }
        length += static_cast<std::size_t>(count);
    }
    text.resize(length);
    if (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    if (text.empty() || text.size() > secret_text_bytes_max || !printable(text)) {
        return refuse(path, "must hold one line of 1 to " + std::to_string(secret_text_bytes_max) +
                                " printable ASCII characters");
    }
    return text;
}

Expected<Done, KeyFileError> write_new_secret_text(const std::string& path,
                                                   const std::string& text) {
    if (text.empty() || text.size() > secret_text_bytes_max || !printable(text)) {
        return refuse(path, "a secret is one line of printable ASCII characters");
    }
    const Descriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (fd.get() < 0) {
        return errno == EEXIST ? refuse(path, "exists already and is not overwritten")
                               : refuse(path, "cannot be created: " + system_reason());
    }
    const Expected<Done, KeyFileError> written = write_all(path, fd.get(), text + "\n");
    if (!written) {
        ::unlink(path.c_str());  // Half a key would only confuse the next run.
        return written;
    }
    sync_folder_of(path);
    return Done{};
}

Expected<SecretKey, KeyFileError> read_secret_key(const std::string& path) {
    const Expected<std::string, KeyFileError> text = read_secret_text(path);
    if (!text) {
        return Unexpected{text.error()};
    }
    const std::optional<SecretKey> key = fixed_from_hex<SecretKey>(*text);
    if (!key || !is_valid_secret(*key)) {
        return refuse(path, "must hold 64 hexadecimal digits of a secp256k1 secret key");
    }
    return *key;
}

Expected<Done, KeyFileError> write_new_secret_key(const std::string& path, const SecretKey& key) {
    return write_new_secret_text(path, to_hex(key));
}

}  // namespace tally::node
