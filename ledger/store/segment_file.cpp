#include "ledger/store/segment_file.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/base/crc32c.h"

#include <charconv>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYSEG"};
constexpr std::string_view name_suffix{".seg"};
constexpr std::size_t name_digits{20};

std::uint32_t header_crc(const RecordPlace& place, ByteView fields) {
    Encoder encoder;
    encoder.u64(place.first_height).u64(place.offset);
    return crc32c(fields, crc32c(encoder.bytes()));
}

}  // namespace

Bytes SegmentHeader::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(segment_version).fixed(chain_id).u64(first_height);
    encoder.u32(crc32c(encoder.bytes()));
    return std::move(encoder).take();
}

std::optional<SegmentHeader> SegmentHeader::decode(ByteView bytes) {
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != segment_version) {
        return std::nullopt;
    }
    SegmentHeader header;
    header.chain_id = decoder.fixed<Hash>();
    header.first_height = decoder.u64();
    const std::uint32_t crc = decoder.u32();
    if (!decoder.finished() || crc != crc32c(bytes.first(encoded_bytes - 4))) {
        return std::nullopt;
    }
    return header;
}

Bytes RecordHeader::encode(const RecordPlace& place) const {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(kind)).u32(length).u32(payload_crc);
    encoder.u32(header_crc(place, encoder.bytes()));
    return std::move(encoder).take();
}

std::optional<RecordHeader> RecordHeader::decode(ByteView bytes, const RecordPlace& place) {
    Decoder decoder{bytes};
    const std::uint8_t kind = decoder.u8();
    RecordHeader header;
    header.length = decoder.u32();
    header.payload_crc = decoder.u32();
    const std::uint32_t crc = decoder.u32();
    const bool known = kind == static_cast<std::uint8_t>(RecordKind::block) ||
                       kind == static_cast<std::uint8_t>(RecordKind::footer);
    if (!decoder.finished() || !known || header.length > record_payload_bytes_max) {
        return std::nullopt;
    }
    if (crc != header_crc(place, bytes.first(encoded_bytes - 4))) {
        return std::nullopt;
    }
    header.kind = static_cast<RecordKind>(kind);
    return header;
}

Bytes encode_record(RecordKind kind, ByteView payload, const RecordPlace& place) {
    ENSURE(payload.size() <= record_payload_bytes_max);
    RecordHeader header;
    header.kind = kind;
    header.length = static_cast<std::uint32_t>(payload.size());
    header.payload_crc = crc32c(payload);
    Bytes record = header.encode(place);
    append(record, payload);
    return record;
}

Bytes SegmentFooter::encode() const {
    Encoder encoder;
    encoder.u64(last_height).fixed(last_digest);
    return std::move(encoder).take();
}

std::optional<SegmentFooter> SegmentFooter::decode(ByteView bytes) {
    Decoder decoder{bytes};
    SegmentFooter footer;
    footer.last_height = decoder.u64();
    footer.last_digest = decoder.fixed<Hash>();
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return footer;
}

std::string segment_name(std::uint64_t first_height) {
    const std::string digits = std::to_string(first_height);
    return std::string(name_digits - digits.size(), '0') + digits + std::string{name_suffix};
}

std::optional<std::uint64_t> first_height_of_segment(std::string_view name) {
    if (name.size() != name_digits + name_suffix.size() || !name.ends_with(name_suffix)) {
        return std::nullopt;
    }
    std::uint64_t height = 0;
    const char* const end = name.data() + name_digits;
    const std::from_chars_result result = std::from_chars(name.data(), end, height);
    if (result.ec != std::errc{} || result.ptr != end || segment_name(height) != name) {
        return std::nullopt;
    }
    return height;
}

}  // namespace tally
