#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/base/file_system.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tally {

/// One segment file as it can be read now.
struct SegmentInfo {
    std::string name;
    std::uint64_t bytes{0};  ///< complete and synced; the newest file may grow behind
    std::uint64_t first_height{0};

    friend bool operator==(const SegmentInfo&, const SegmentInfo&) = default;
};

/// Why segments cannot be read at all (folder missing, disk or network error), in words. Damaged
/// content is not this: see SegmentFault.
struct SourceError {
    std::string message;
};

/// Where segment files come from: a folder, or a node's HTTP interface. One thread.
class SegmentSource {
public:
    virtual ~SegmentSource() = default;
    /// All segments, by first height. Other files are left out.
    [[nodiscard]] virtual Expected<std::vector<SegmentInfo>, SourceError> list() = 0;
    /// Up to `length` bytes from `offset`; fewer at the end of the file.
    [[nodiscard]] virtual Expected<Bytes, SourceError> read(const std::string& name,
                                                            std::uint64_t offset,
                                                            std::uint64_t length) = 0;
};

/// Segments in a folder. `files` must outlive it.
class FolderSegmentSource final : public SegmentSource {
public:
    FolderSegmentSource(const FileSystem& files, std::string folder);
    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list() override;
    [[nodiscard]] Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                                    std::uint64_t length) override;

private:
    const FileSystem& m_files;
    std::string m_folder;
};

[[nodiscard]] const char* to_text(FileError error);

}  // namespace tally
