#include "ledger/store/segment_source.h"

#include "ledger/store/segment_file.h"

namespace tally {

const char* to_text(FileError error) {
    switch (error) {
        case FileError::not_found:
            return "not found";
        case FileError::already_exists:
            return "already exists";
        case FileError::no_space:
            return "no space left";
        case FileError::io_error:
            return "input/output error";
    }
    return "unknown error";
}

FolderSegmentSource::FolderSegmentSource(const FileSystem& files, std::string folder)
    : m_files{files}, m_folder{std::move(folder)} {}

Expected<std::vector<SegmentInfo>, SourceError> FolderSegmentSource::list() {
    const Expected<std::vector<std::string>, FileError> names = m_files.list(m_folder);
    if (!names) {
        return Unexpected{SourceError{m_folder + ": " + to_text(names.error())}};
    }
    std::vector<SegmentInfo> segments;
    for (const std::string& name : *names) {
        const std::optional<std::uint64_t> first_height = first_height_of_segment(name);
        if (!first_height) {
            continue;
        }
        const std::string path = m_folder + "/" + name;
        const Expected<std::uint64_t, FileError> bytes = m_files.size(path);
        if (!bytes) {
            return Unexpected{SourceError{path + ": " + to_text(bytes.error())}};
        }
        segments.push_back({name, *bytes, *first_height});
    }
    return segments;
}

Expected<Bytes, SourceError> FolderSegmentSource::read(const std::string& name,
                                                       std::uint64_t offset, std::uint64_t length) {
    const std::string path = m_folder + "/" + name;
    Expected<Bytes, FileError> bytes = m_files.read(path, offset, length);
    if (!bytes) {
        return Unexpected{SourceError{path + ": " + to_text(bytes.error())}};
    }
    return std::move(bytes).value();
}

}  // namespace tally
