#include "tools/audit/audit_target.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/store/segment_folders.h"
#include "tools/audit/http_segment_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace tally::tools {
namespace {

/// A folder's segments, those that were moved from it to an archive, and the file system that reads
/// them.
class LocalSegmentSource final : public SegmentSource {
public:
    explicit LocalSegmentSource(const std::string& folder) : m_source{m_files, folder} {}
    Expected<std::vector<SegmentInfo>, SourceError> list() override { return m_source.list(); }
    Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                      std::uint64_t length) override {
        return m_source.read(name, offset, length);
    }

private:
    PosixFileSystem m_files;
    SegmentFolders m_source;
};

}  // namespace

bool is_state_locked(const std::string& state_folder) {
    const std::string lock_file = state_folder + "/LOCK";
    const int descriptor = ::open(lock_file.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): fcntl takes its argument that way.
    const bool asked = ::fcntl(descriptor, F_GETLK, &lock) == 0;
    ::close(descriptor);
    return asked && lock.l_type != F_UNLCK;
}

Expected<AuditTarget, SourceError> open_audit_target(const std::string& name) {
    AuditTarget target;
    if (name.starts_with("http://")) {
        target.source = std::make_unique<HttpSegmentSource>(name);
        target.live = true;
        return target;
    }
    std::error_code error;
    std::filesystem::path folder{name};
    if (std::filesystem::is_directory(folder / "ledger" / "segments", error)) {
        folder = folder / "ledger" / "segments";
    }
    if (!std::filesystem::is_directory(folder, error)) {
        return Unexpected{SourceError{name + " is neither a folder nor an http:// URL"}};
    }
    const std::filesystem::path absolute = std::filesystem::canonical(folder, error);
    target.live = !error && is_state_locked((absolute.parent_path() / "state").string());
    target.source = std::make_unique<LocalSegmentSource>(folder.string());
    return target;
}

}  // namespace tally::tools
