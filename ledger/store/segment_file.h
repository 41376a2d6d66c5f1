#pragma once

// The form of a segment file: docs/protocol/segments.md. Pure encoding and decoding.

#include "ledger/base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

inline constexpr std::uint16_t segment_version{1};
/// Largest payload of one record. A block of `block_bytes_max` with its results, events and
/// certificate is well below.
inline constexpr std::uint32_t record_payload_bytes_max{8U * 1024 * 1024};

/// The first bytes of every segment file: magic "TALLYSEG", version u16, chain_id 32, first height
/// u64, CRC-32C u32 of all of these.
struct SegmentHeader {
    Hash chain_id;
    std::uint64_t first_height{0};

    friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing unless all bytes are as `encode` writes them.
    [[nodiscard]] static std::optional<SegmentHeader> decode(ByteView bytes);

    static constexpr std::size_t encoded_bytes{8 + 2 + 32 + 8 + 4};
};

enum class RecordKind : std::uint8_t {
    block = 1,   ///< payload: FinalizedBlock::encode
    footer = 2,  ///< payload: SegmentFooter::encode; nothing follows
};

/// Where a record is: the file, named by its first height, and the byte it begins at. Part of the
/// record's checksum, so that a record that was moved or copied is not valid at its new place.
struct RecordPlace {
    std::uint64_t first_height{0};
    std::uint64_t offset{0};
};

/// What stands in front of every payload: kind u8, length u32, CRC-32C of the payload u32, and the
/// CRC-32C u32 of place and these three. The second checksum makes a damaged length recognisable
/// before it is believed.
struct RecordHeader {
    RecordKind kind{RecordKind::block};
    std::uint32_t length{0};
    std::uint32_t payload_crc{0};

    [[nodiscard]] Bytes encode(const RecordPlace& place) const;
    /// Nothing when a checksum, kind or length is wrong. Needs exactly `encoded_bytes`.
    [[nodiscard]] static std::optional<RecordHeader> decode(ByteView bytes,
                                                            const RecordPlace& place);

    static constexpr std::size_t encoded_bytes{1 + 4 + 4 + 4};
};

/// A whole record, header and payload.
[[nodiscard]] Bytes encode_record(RecordKind kind, ByteView payload, const RecordPlace& place);

/// Closes a segment: last height u64, digest of the last block 32.
struct SegmentFooter {
    std::uint64_t last_height{0};
    Hash last_digest;

    friend bool operator==(const SegmentFooter&, const SegmentFooter&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<SegmentFooter> decode(ByteView bytes);

    static constexpr std::size_t encoded_bytes{8 + 32};
};

/// "00000000000000000001.seg" for the segment that begins with block 1.
[[nodiscard]] std::string segment_name(std::uint64_t first_height);
/// Nothing when `name` is not what `segment_name` gives for any height.
[[nodiscard]] std::optional<std::uint64_t> first_height_of_segment(std::string_view name);

}  // namespace tally
