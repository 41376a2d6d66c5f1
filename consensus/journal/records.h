#pragma once

// The bytes of journal files and of the safety record file. docs/protocol/consensus.md describes
// them; only journal.cpp and its tests use this.

#include "consensus/journal/journal.h"

#include <optional>
#include <vector>

namespace tally::consensus {

enum class RecordType : std::uint8_t {
    safety = 1,
    block = 2,
    certificate = 3,
    own_proposal = 4,
    evidence = 5,
};

/// Largest payload of one record; a block with its envelopes fits.
inline constexpr std::size_t record_bytes_max{8UL * 1024 * 1024};
inline constexpr std::size_t record_overhead{4 + 1 + 4};

/// Start of every journal file: magic 8, version u32, epoch u64, number u64, crc u32.
inline constexpr std::size_t journal_header_bytes{8 + 4 + 8 + 8 + 4};
[[nodiscard]] Bytes encode_journal_header(std::uint64_t epoch, std::uint64_t number);
/// The epoch. Nothing when the bytes are not the header of file `number`.
[[nodiscard]] std::optional<std::uint64_t> decode_journal_header(ByteView bytes,
                                                                 std::uint64_t number);

/// length u32 (of the payload), type u8, payload, crc u32. The checksum also covers the file's
/// number and the record's offset, so a record that is whole but in the wrong place is damaged.
[[nodiscard]] Bytes encode_record(std::uint64_t file, std::uint64_t offset, RecordType type,
                                  ByteView payload);

struct RecordView {
    RecordType type{RecordType::safety};
    ByteView payload;
    std::size_t size{0};  ///< with overhead
};
/// The record at `offset` of a whole file. Nothing when it is not whole and right.
[[nodiscard]] std::optional<RecordView> decode_record(ByteView file, std::uint64_t number,
                                                      std::size_t offset);

[[nodiscard]] Bytes encode_block_payload(const JournalBlock& block);
[[nodiscard]] std::optional<JournalBlock> decode_block_payload(ByteView payload);

/// One of the two slots of the safety record file: magic u32, journal file u64, synced bytes of
/// it u64, record, crc u32. Another magic says that there is no record in the epoch named by it.
struct SafetySlot {
    std::uint64_t journal_file{0};
    std::uint64_t journal_bytes{0};
    bool has_record{true};
    SafetyRecord record;
    friend bool operator==(const SafetySlot&, const SafetySlot&) = default;
};
inline constexpr std::size_t slot_stride{4096};
inline constexpr std::size_t slot_bytes{4 + 8 + 8 + SafetyRecord::encoded_bytes + 4};
[[nodiscard]] Bytes encode_slot(const SafetySlot& slot);
[[nodiscard]] std::optional<SafetySlot> decode_slot(ByteView bytes);

}  // namespace tally::consensus
