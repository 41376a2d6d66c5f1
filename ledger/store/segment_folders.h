#pragma once

#include "ledger/store/archived_record.h"
#include "ledger/store/segment_source.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// The segments of one node: those in its folder, and those that were moved to the archive folder
/// that the record in it names. A file that is in both is read in the first. Looks anew at each
/// call, so that another thread or process may move files meanwhile. `files` must outlive it.
class SegmentFolders final : public SegmentSource {
public:
    SegmentFolders(const FileSystem& files, std::string folder);

    /// All segments. An error also when the archive cannot be read.
    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list() override;
    /// The same without those in an archive that cannot be read now.
    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list_available() const;
    [[nodiscard]] Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                                    std::uint64_t length) override;
    /// Path of a segment's file. The error names the archive when it should be there.
    [[nodiscard]] Expected<std::string, SourceError> find(const std::string& name) const;
    /// Whether a segment was moved away: it is in no other place than the archive.
    [[nodiscard]] bool is_archived(const std::string& name) const;
    [[nodiscard]] Expected<std::optional<ArchivedRecord>, std::string> record() const;
    [[nodiscard]] const std::string& folder() const noexcept { return m_folder; }

private:
    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list_both(
        bool needs_archive) const;

    const FileSystem& m_files;
    std::string m_folder;
};

/// What an operator reads when a file of the archive is asked for and not to be had.
[[nodiscard]] std::string archive_unreadable(const ArchivedRecord& record, const std::string& name,
                                             FileError error);

}  // namespace tally
