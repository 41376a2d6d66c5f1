#include "ledger/store/archive_base.h"

#include "ledger/base/codec.h"
#include "ledger/base/crc32c.h"
#include "ledger/store/segment_source.h"

#include <utility>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYBAS"};
constexpr std::uint16_t version{1};
constexpr std::size_t file_bytes{8 + 2 + BlockHeader::encoded_bytes + 4};

}  // namespace

Bytes encode_archive_base(const BlockHeader& base) {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version).raw(base.encode());
    encoder.u32(crc32c(encoder.bytes()));
    return std::move(encoder).take();
}

std::optional<BlockHeader> decode_archive_base(ByteView bytes) {
    if (bytes.size() != file_bytes) {
        return std::nullopt;
    }
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    const auto base = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    const std::uint32_t crc = decoder.u32();
    return decoder.finished() && crc == crc32c(bytes.first(file_bytes - 4)) ? base : std::nullopt;
}

Expected<std::optional<BlockHeader>, std::string> read_archive_base(const FileSystem& files,
                                                                    const std::string& folder) {
    const std::string path = folder + "/" + archive_base_name;
    const Expected<Bytes, FileError> bytes = files.read(path, 0, file_bytes + 1);
    if (!bytes) {
        if (bytes.error() == FileError::not_found) {
            return std::optional<BlockHeader>{};
        }
        return Unexpected{path + ": " + to_text(bytes.error())};
    }
    const std::optional<BlockHeader> base = decode_archive_base(*bytes);
    if (!base) {
        return Unexpected{path + ": the file is damaged; start with an empty data folder"};
    }
    return base;
}

}  // namespace tally
