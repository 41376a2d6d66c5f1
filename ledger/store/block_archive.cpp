#include "ledger/store/block_archive.h"

#include "ledger/base/check.h"
#include "ledger/store/archive_base.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tally {
namespace {

constexpr std::uint64_t footer_record_bytes{RecordHeader::encoded_bytes +
                                            SegmentFooter::encoded_bytes};

constexpr const char* restore_hint{
    "; restore this file from a backup of this node, or start the node with an empty data folder; "
    "`tally audit` says what is damaged"};

ArchiveError corrupted(const std::string& file, std::uint64_t offset, const std::string& what) {
    return {ArchiveError::Kind::corrupted,
            file + " at byte " + std::to_string(offset) + ": " + what + restore_hint};
}

ArchiveError error_of(const SegmentFault& fault) {
    if (fault.kind == SegmentFault::Kind::unreadable) {
        return {ArchiveError::Kind::io_error, fault.file + ": " + fault.message};
    }
    return corrupted(fault.file, fault.offset, fault.message);
}

ArchiveError io_error(const std::string& folder, FileError error) {
    return {ArchiveError::Kind::io_error, folder + ": " + to_text(error)};
}

/// The names in the folder, which is made when it is missing.
Expected<std::vector<std::string>, ArchiveError> list_made_folder(FileSystem& files,
                                                                  const std::string& folder) {
    if (const auto made = files.create_directories(folder); !made) {
        return Unexpected{io_error(folder, made.error())};
    }
    Expected<std::vector<std::string>, FileError> names = files.list(folder);
    if (!names) {
        return Unexpected{io_error(folder, names.error())};
    }
    return std::move(*names);
}

}  // namespace

void stop_on_storage_error(const std::string& what) {
    static_cast<void>(std::fprintf(stderr, "tally: storage failed, stopping: %s\n", what.c_str()));
    std::abort();
}

BlockArchive::BlockArchive(FileSystem& files, std::string folder, const Hash& chain_id,
                           const Options& options)
    : m_files{files},
      m_folder{std::move(folder)},
      m_folders{files, m_folder},
      m_chain_id{chain_id},
      m_options{options} {}

std::string BlockArchive::path_of(const std::string& name) const { return m_folder + "/" + name; }

Expected<Done, ArchiveError> BlockArchive::create(FileSystem& files, const std::string& folder,
                                                  const Hash& chain_id) {
    return create_behind(files, folder, chain_id, BlockHeader{});
}

Expected<Done, ArchiveError> BlockArchive::create_behind(FileSystem& files,
                                                         const std::string& folder,
                                                         const Hash& chain_id,
                                                         const BlockHeader& base) {
    const auto names = list_made_folder(files, folder);
    if (!names) {
        return Unexpected{names.error()};
    }
    for (const std::string& name : *names) {
        if (first_height_of_segment(name) || name == archived_record_name) {
            return Unexpected{ArchiveError{ArchiveError::Kind::already_there,
                                           folder + " already holds a ledger (" + name + ")"}};
        }
    }
    if (base.height > 0) {
        const Bytes bytes = encode_archive_base(base);
        const std::string path = folder + "/" + archive_base_name;
        if (const auto written = files.write_whole(path, bytes); !written) {
            return Unexpected{io_error(folder, written.error())};
        }
    }
    const SegmentHeader header{chain_id, base.height + 1};
    const std::string path = folder + "/" + segment_name(header.first_height);
    if (const auto written = files.write_whole(path, header.encode()); !written) {
        return Unexpected{io_error(folder, written.error())};
    }
    return Done{};
}

Expected<Done, ArchiveError> BlockArchive::remove_all(FileSystem& files,
                                                      const std::string& folder) {
    const auto names = list_made_folder(files, folder);
    if (!names) {
        return Unexpected{names.error()};
    }
    for (const std::string& name : *names) {
        if (!first_height_of_segment(name) && name != archive_base_name &&
            name != archived_record_name) {
            continue;
        }
        if (const auto removed = files.remove(folder + "/" + name); !removed) {
            return Unexpected{io_error(folder, removed.error())};
        }
    }
    const Expected<Done, FileError> synced = files.sync_folder(folder);
    if (!synced) {
        return Unexpected{io_error(folder, synced.error())};
    }
    return Done{};
}

Expected<std::unique_ptr<BlockArchive>, ArchiveError> BlockArchive::open(FileSystem& files,
                                                                         const std::string& folder,
                                                                         const Hash& chain_id,
                                                                         const Options& options) {
    std::unique_ptr<BlockArchive> archive{new BlockArchive{files, folder, chain_id, options}};
    if (const std::optional<ArchiveError> error = archive->load()) {
        return Unexpected{*error};
    }
    return archive;
}

/// What is in the folder itself has to follow what was moved to the archive, whether that is there
/// or not.
std::optional<ArchiveError> BlockArchive::list_segments() {
    const auto here = FolderSegmentSource{m_files, m_folder}.list();
    if (!here || here->empty()) {
        const std::string why = here ? "no segment files" : here.error().message;
        return ArchiveError{ArchiveError::Kind::not_initialized, m_folder + ": " + why};
    }
    const auto moved = m_folders.record();
    if (!moved) {
        return ArchiveError{ArchiveError::Kind::corrupted, moved.error()};
    }
    auto all = m_folders.list_available();
    if (!all) {
        return ArchiveError{ArchiveError::Kind::io_error, all.error().message};
    }
    m_segments = std::move(all).value();
    const std::uint64_t first = here->front().first_height;
    m_first_here = static_cast<std::size_t>(
        std::find(m_segments.begin(), m_segments.end(), here->front()) - m_segments.begin());
    const bool follows = first == base_height() + 1 || (*moved && first <= (*moved)->through + 1);
    if (!follows) {
        return corrupted(here->front().name, 0, "segments before this file are missing");
    }
    return std::nullopt;
}

std::optional<ArchiveError> BlockArchive::load() {
    Expected<std::optional<BlockHeader>, std::string> base = read_archive_base(m_files, m_folder);
    if (!base) {
        return ArchiveError{ArchiveError::Kind::corrupted, base.error()};
    }
    m_base = *base;
    if (m_base) {
        m_last_digest = m_base->digest();
    }
    if (auto error = list_segments()) {
        return error;
    }
    for (std::size_t i = m_first_here; i + 1 < m_segments.size(); ++i) {
        if (auto error = check_closed(m_segments[i], m_segments[i + 1].first_height)) {
            return error;
        }
    }
    return load_newest();
}

std::optional<ArchiveError> BlockArchive::check_closed(const SegmentInfo& info,
                                                       std::uint64_t next_first_height) {
    SegmentReader reader{m_folders, info, m_chain_id};
    if (const auto opened = reader.open(); !opened) {
        return error_of(opened.error());
    }
    if (info.bytes < SegmentHeader::encoded_bytes + footer_record_bytes) {
        return corrupted(info.name, 0, "the file is too short for a closed segment");
    }
    reader.seek(info.bytes - footer_record_bytes);
    const Expected<std::optional<SegmentRecord>, SegmentFault> record = reader.next();
    if (!record || !*record || (*record)->kind != RecordKind::footer) {
        return corrupted(info.name, info.bytes - footer_record_bytes,
                         "the file does not end with the record that closes it");
    }
    const std::optional<SegmentFooter> footer = SegmentFooter::decode((*record)->payload);
    if (!footer || footer->last_height + 1 != next_first_height) {
        return corrupted(info.name, (*record)->offset,
                         "the next file does not follow: one is missing or damaged");
    }
    m_last_height = footer->last_height;
    m_last_digest = footer->last_digest;
    return std::nullopt;
}

std::optional<ArchiveError> BlockArchive::load_newest() {
    const SegmentInfo info = m_segments.back();
    m_last_height = info.first_height - 1;
    SegmentReader reader{m_folders, info, m_chain_id};
    if (const auto opened = reader.open(); !opened) {
        return error_of(opened.error());
    }
    for (;;) {
        const Expected<std::optional<SegmentRecord>, SegmentFault> record = reader.next();
        if (!record) {
            return cut_tail(record.error());
        }
        if (!*record) {
            return sync_newest();
        }
        if (auto error = take_record(**record, info.name)) {
            return error;
        }
    }
}

/// After kill -9 the last record may be whole and yet only in the page cache. It counts as final
/// from here on and the state will be synced with it, so it has to be durable first.
std::optional<ArchiveError> BlockArchive::sync_newest() {
    const std::string path = path_of(m_segments.back().name);
    const auto failed = [&path](FileError error) {
        return ArchiveError{ArchiveError::Kind::io_error,
                            path + ": cannot sync what was found: " + to_text(error)};
    };
    const Expected<std::unique_ptr<AppendFile>, FileError> file = m_files.open_append(path);
    if (!file) {
        return failed(file.error());
    }
    const Expected<Done, FileError> synced = (*file)->sync();
    return synced ? std::nullopt : std::optional{failed(synced.error())};
}

std::optional<ArchiveError> BlockArchive::take_record(const SegmentRecord& record,
                                                      const std::string& file) {
    if (record.kind == RecordKind::footer) {
        const std::optional<SegmentFooter> footer = SegmentFooter::decode(record.payload);
        if (!footer || footer->last_height != m_last_height ||
            footer->last_digest != m_last_digest) {
            return corrupted(file, record.offset, "the closing record names another block");
        }
        m_newest_closed = true;
        return std::nullopt;
    }
    const ByteView payload{record.payload};
    const std::optional<BlockHeader> header =
        payload.size() < BlockHeader::encoded_bytes
            ? std::nullopt
            : BlockHeader::decode(payload.first(BlockHeader::encoded_bytes));
    if (!header || header->height != m_last_height + 1) {
        return corrupted(file, record.offset,
                         "block " + std::to_string(m_last_height + 1) + " was expected here");
    }
    m_last_height = header->height;
    m_last_digest = header->digest();
    return std::nullopt;
}

/// Only one record can be unsynced at a time, so damage with a whole record behind it is not what a
/// crash leaves.
bool BlockArchive::valid_record_behind(std::uint64_t offset) const {
    const SegmentInfo& info = m_segments.back();
    const Expected<Bytes, FileError> tail =
        m_files.read(path_of(info.name), offset, info.bytes - offset);
    if (!tail) {
        return true;  // Cannot be ruled out, so nothing may be cut.
    }
    const ByteView bytes{*tail};
    for (std::size_t at = 1; at + RecordHeader::encoded_bytes <= bytes.size(); ++at) {
        if (RecordHeader::decode(bytes.subspan(at, RecordHeader::encoded_bytes),
                                 {info.first_height, offset + at})) {
            return true;
        }
    }
    return false;
}

std::optional<ArchiveError> BlockArchive::cut_tail(const SegmentFault& fault) {
    using Kind = SegmentFault::Kind;
    SegmentInfo& info = m_segments.back();
    const bool may_be_torn = fault.kind == Kind::torn_tail || fault.kind == Kind::record_header ||
                             fault.kind == Kind::record_payload;
    constexpr std::uint64_t tail_bytes_max{RecordHeader::encoded_bytes + record_payload_bytes_max};
    if (!may_be_torn || m_last_height + 1 <= m_options.applied_height ||
        info.bytes - fault.offset > tail_bytes_max || valid_record_behind(fault.offset)) {
        return error_of(fault);
    }
    if (const auto cut = m_files.truncate(path_of(info.name), fault.offset); !cut) {
        return ArchiveError{ArchiveError::Kind::io_error,
                            info.name + ": cannot cut the torn tail: " + to_text(cut.error())};
    }
    m_bytes_cut = info.bytes - fault.offset;
    info.bytes = fault.offset;
    return std::nullopt;
}

void BlockArchive::start_file() {
    const SegmentHeader header{m_chain_id, m_last_height + 1};
    const SegmentInfo info{segment_name(header.first_height), SegmentHeader::encoded_bytes,
                           header.first_height};
    if (const auto written = m_files.write_whole(path_of(info.name), header.encode()); !written) {
        stop_on_storage_error(path_of(info.name) + ": " + to_text(written.error()));
    }
    m_segments.push_back(info);
    m_file.reset();
    m_newest_closed = false;
}

void BlockArchive::write_record(RecordKind kind, ByteView payload) {
    SegmentInfo& info = m_segments.back();
    const std::string path = path_of(info.name);
    if (!m_file) {
        Expected<std::unique_ptr<AppendFile>, FileError> file = m_files.open_append(path);
        if (!file) {
            stop_on_storage_error(path + ": " + to_text(file.error()));
        }
        m_file = std::move(file).value();
    }
    if (m_file->size() != info.bytes) {
        stop_on_storage_error(path + ": the file was changed by somebody else");
    }
    const Bytes record = encode_record(kind, payload, {info.first_height, info.bytes});
    if (const auto appended = m_file->append(record); !appended) {
        stop_on_storage_error(path + ": " + to_text(appended.error()));
    }
    if (const auto synced = m_file->sync(); !synced) {
        stop_on_storage_error(path + ": " + to_text(synced.error()));
    }
    info.bytes += record.size();
}

BlockPlace BlockArchive::append(const FinalizedBlock& block, const Hash& digest) {
    ENSURE(block.block.header.height == m_last_height + 1);
    if (m_newest_closed) {
        start_file();
    }
    const SegmentInfo& info = m_segments.back();
    const Bytes payload = block.encode();
    const BlockPlace place{
        info.first_height, info.bytes,
        static_cast<std::uint32_t>(RecordHeader::encoded_bytes + payload.size())};
    write_record(RecordKind::block, payload);
    m_last_height = block.block.header.height;
    m_last_digest = digest;
    if (info.bytes >= m_options.segment_bytes) {
        write_record(RecordKind::footer, SegmentFooter{m_last_height, m_last_digest}.encode());
        m_newest_closed = true;
    }
    return place;
}

Expected<FinalizedBlock, SegmentFault> BlockArchive::read(const BlockPlace& place) const {
    const SegmentInfo info{segment_name(place.segment), place.offset + place.length, place.segment};
    SegmentReader reader{m_folders, info, m_chain_id};
    reader.seek(place.offset);
    const Expected<std::optional<SegmentRecord>, SegmentFault> record = reader.next();
    if (!record) {
        return Unexpected{record.error()};
    }
    std::optional<FinalizedBlock> block;
    if (*record && (*record)->kind == RecordKind::block) {
        block = FinalizedBlock::decode((*record)->payload);
    }
    if (!block) {
        return Unexpected{SegmentFault{SegmentFault::Kind::record_payload, info.name, place.offset,
                                       "the record is not a block"}};
    }
    return std::move(*block);
}

/// A file that should come before `info` was moved away and is not to be had.
SegmentFault BlockArchive::missing_before(const SegmentInfo& info, std::uint64_t height) const {
    const auto moved = m_folders.record();
    const std::string where = moved && *moved
                                  ? archive_unreadable(**moved, "the segment", FileError::not_found)
                                  : "the segment is missing" + std::string{restore_hint};
    return {SegmentFault::Kind::unreadable, info.name, 0,
            "block " + std::to_string(height) + " should come before this file: " + where};
}

BlockArchive::Cursor::Cursor(const BlockArchive& archive, std::size_t file)
    : m_source{std::make_unique<SegmentFolders>(archive.m_files, archive.m_folder)},
      m_archive{archive},
      m_file{file},
      m_next_height{archive.base_height() + 1} {}

BlockArchive::Cursor BlockArchive::read_all() const { return Cursor{*this, 0}; }

BlockArchive::Cursor BlockArchive::read_after(const BlockPlace& after) const {
    std::size_t file = 0;
    while (file < m_segments.size() && m_segments[file].first_height != after.segment) {
        ++file;
    }
    Cursor cursor{*this, file};
    if (file < m_segments.size()) {
        cursor.m_reader.emplace(*cursor.m_source, m_segments[file], m_chain_id);
        cursor.m_reader->seek(after.offset + after.length);
        cursor.m_next_height = after.segment;
    }
    return cursor;
}

Expected<std::optional<BlockArchive::Cursor::Item>, SegmentFault> BlockArchive::Cursor::next() {
    while (m_file < m_archive.m_segments.size()) {
        const SegmentInfo& info = m_archive.m_segments[m_file];
        if (!m_reader) {
            if (info.first_height != m_next_height) {
                return Unexpected{m_archive.missing_before(info, m_next_height)};
            }
            m_reader.emplace(*m_source, info, m_archive.m_chain_id);
            if (const auto opened = m_reader->open(); !opened) {
                return Unexpected{opened.error()};
            }
        }
        Expected<std::optional<SegmentRecord>, SegmentFault> record = m_reader->next();
        if (!record) {
            return Unexpected{record.error()};
        }
        if (!*record) {
            m_reader.reset();
            ++m_file;
            continue;
        }
        if ((*record)->kind == RecordKind::footer) {
            const auto footer = SegmentFooter::decode((*record)->payload);
            m_next_height = footer ? footer->last_height + 1 : 0;
            continue;
        }
        std::optional<FinalizedBlock> block = FinalizedBlock::decode((*record)->payload);
        if (!block) {
            return Unexpected{SegmentFault{SegmentFault::Kind::record_payload, info.name,
                                           (*record)->offset, "the record is not a block"}};
        }
        const BlockPlace place{
            info.first_height, (*record)->offset,
            static_cast<std::uint32_t>(RecordHeader::encoded_bytes + (*record)->payload.size())};
        return std::optional{Item{std::move(*block), place}};
    }
    return std::optional<Item>{};
}

}  // namespace tally
