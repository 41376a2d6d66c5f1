#include "ledger/store/segment_folders.h"

#include "ledger/store/segment_file.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

/// Of a plain folder.
Expected<std::vector<SegmentInfo>, SourceError> list_folder(const FileSystem& files,
                                                            const std::string& folder) {
    return FolderSegmentSource{files, folder}.list();
}

}  // namespace

std::string archive_unreadable(const ArchivedRecord& record, const std::string& name,
                               FileError error) {
    return name + " was moved to the archive " + record.folder + " and cannot be read there (" +
           to_text(error) +
           "); mount or restore that folder, or say where it is now with `tally archive --data DIR "
           "--to ARCHIVE` on the stopped node";
}

SegmentFolders::SegmentFolders(const FileSystem& files, std::string folder)
    : m_files{files}, m_folder{std::move(folder)} {}

Expected<std::optional<ArchivedRecord>, std::string> SegmentFolders::record() const {
    return read_archived_record(m_files, m_folder);
}

Expected<std::vector<SegmentInfo>, SourceError> SegmentFolders::list_both(
    bool needs_archive) const {
    // The record first: what moves away between the two listings is in neither otherwise.
    Expected<std::vector<SegmentInfo>, SourceError> here = list_folder(m_files, m_folder);
    const auto moved = record();
    if (!moved) {
        return Unexpected{SourceError{moved.error()}};
    }
    if (!here || !*moved) {
        return here;
    }
    const Expected<std::vector<SegmentInfo>, SourceError> away =
        list_folder(m_files, (*moved)->folder);
    if (!away && needs_archive) {
        return Unexpected{
            SourceError{archive_unreadable(**moved, "a segment", FileError::not_found) + ": " +
                        away.error().message}};
    }
    if (away) {
        for (const SegmentInfo& info : *away) {
            const bool is_here = std::any_of(here->begin(), here->end(), [&](const auto& other) {
                return other.name == info.name;
            });
            if (!is_here && info.first_height <= (*moved)->through) {
                here->push_back(info);
            }
        }
    }
    std::sort(here->begin(), here->end(), [](const SegmentInfo& left, const SegmentInfo& right) {
        return left.first_height < right.first_height;
    });
    return here;
}

Expected<std::vector<SegmentInfo>, SourceError> SegmentFolders::list() { return list_both(true); }

Expected<std::vector<SegmentInfo>, SourceError> SegmentFolders::list_available() const {
    return list_both(false);
}

Expected<Bytes, SourceError> SegmentFolders::read(const std::string& name, std::uint64_t offset,
                                                  std::uint64_t length) {
    const std::string path = m_folder + "/" + name;
    Expected<Bytes, FileError> bytes = m_files.read(path, offset, length);
    if (bytes) {
        return std::move(bytes).value();
    }
    const auto moved = record();
    if (bytes.error() != FileError::not_found || !moved || !*moved) {
        return Unexpected{SourceError{path + ": " + to_text(bytes.error())}};
    }
    bytes = m_files.read((*moved)->folder + "/" + name, offset, length);
    if (!bytes) {
        return Unexpected{SourceError{archive_unreadable(**moved, name, bytes.error())}};
    }
    return std::move(bytes).value();
}

Expected<std::string, SourceError> SegmentFolders::find(const std::string& name) const {
    std::string path = m_folder + "/" + name;
    const Expected<std::uint64_t, FileError> here = m_files.size(path);
    if (here) {
        return path;
    }
    const auto moved = record();
    if (here.error() != FileError::not_found || !moved || !*moved) {
        return Unexpected{SourceError{path + ": " + to_text(here.error())}};
    }
    path = (*moved)->folder + "/" + name;
    const Expected<std::uint64_t, FileError> away = m_files.size(path);
    if (!away) {
        return Unexpected{SourceError{archive_unreadable(**moved, name, away.error())}};
    }
    return path;
}

bool SegmentFolders::is_archived(const std::string& name) const {
    const Expected<std::uint64_t, FileError> here = m_files.size(m_folder + "/" + name);
    if (here || here.error() != FileError::not_found) {
        return false;
    }
    const auto moved = record();
    const std::optional<std::uint64_t> first_height = first_height_of_segment(name);
    return moved && *moved && first_height && *first_height <= (*moved)->through;
}

}  // namespace tally
