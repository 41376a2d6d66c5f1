#include "ledger/store/archived_record.h"

#include "ledger/base/codec.h"
#include "ledger/base/crc32c.h"
#include "ledger/store/segment_source.h"

#include <utility>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYARC"};
constexpr std::uint16_t version{1};
constexpr std::size_t file_bytes_max{8 + 2 + 8 + 32 + 4 + archive_path_bytes_max + 4};

}  // namespace

Bytes ArchivedRecord::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version).u64(through).fixed(last_digest);
    encoder.u32(static_cast<std::uint32_t>(folder.size())).raw(as_bytes(folder));
    encoder.u32(crc32c(encoder.bytes()));
    return std::move(encoder).take();
}

std::optional<ArchivedRecord> ArchivedRecord::decode(ByteView bytes) {
    if (bytes.size() > file_bytes_max) {
        return std::nullopt;
    }
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    ArchivedRecord record;
    record.through = decoder.u64();
    record.last_digest = decoder.fixed<Hash>();
    record.folder = std::string{as_text(decoder.raw(decoder.u32()))};
    const std::uint32_t crc = decoder.u32();
    const bool is_whole = decoder.finished() && crc == crc32c(bytes.first(bytes.size() - 4));
    const bool is_valid = !record.folder.empty() && record.folder.size() <= archive_path_bytes_max;
    return is_whole && is_valid ? std::optional{std::move(record)} : std::nullopt;
}

Expected<std::optional<ArchivedRecord>, std::string> read_archived_record(
    const FileSystem& files, const std::string& segments_folder) {
    const std::string path = segments_folder + "/" + archived_record_name;
    const Expected<Bytes, FileError> bytes = files.read(path, 0, file_bytes_max + 1);
    if (!bytes) {
        if (bytes.error() == FileError::not_found) {
            return std::optional<ArchivedRecord>{};
        }
        return Unexpected{path + ": " + to_text(bytes.error())};
    }
    std::optional<ArchivedRecord> record = ArchivedRecord::decode(*bytes);
    if (!record) {
        return Unexpected{path +
                          ": the file is damaged; remove it and name the archive again with `tally "
                          "archive --data DIR --to ARCHIVE`"};
    }
    return record;
}

}  // namespace tally
