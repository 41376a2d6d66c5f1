#include "consensus/journal/records.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/base/crc32c.h"

namespace tally::consensus {
namespace {

constexpr std::uint64_t journal_magic{0x74616c6c796a6e6cULL};  // "tallyjnl"
constexpr std::uint32_t journal_version{1};
constexpr std::uint32_t slot_magic{0x74735251U};
constexpr std::uint32_t lost_slot_magic{0x74736c6fU};

std::uint32_t record_crc(std::uint64_t file, std::uint64_t offset, ByteView head_and_payload) {
    const Bytes place = Encoder{}.u64(file).u64(offset).bytes();
    return crc32c(head_and_payload, crc32c(place));
}

}  // namespace

Bytes encode_journal_header(std::uint64_t epoch, std::uint64_t number) {
    Encoder out;
    out.u64(journal_magic).u32(journal_version).u64(epoch).u64(number);
    const std::uint32_t crc = crc32c(out.bytes());
    return std::move(out.u32(crc)).take();
}

std::optional<std::uint64_t> decode_journal_header(ByteView bytes, std::uint64_t number) {
    if (bytes.size() < journal_header_bytes) {
        return std::nullopt;
    }
    Decoder in{bytes.first(journal_header_bytes)};
    const bool known = in.u64() == journal_magic && in.u32() == journal_version;
    const std::uint64_t epoch = in.u64();
    const bool right_file = in.u64() == number;
    const bool whole = in.u32() == crc32c(bytes.first(journal_header_bytes - 4));
    return known && right_file && whole ? std::optional{epoch} : std::nullopt;
}

Bytes encode_record(std::uint64_t file, std::uint64_t offset, RecordType type, ByteView payload) {
    ENSURE(payload.size() <= record_bytes_max);
    Encoder out;
    out.u32(static_cast<std::uint32_t>(payload.size()));
    out.u8(static_cast<std::uint8_t>(type)).raw(payload);
    const std::uint32_t crc = record_crc(file, offset, out.bytes());
    return std::move(out.u32(crc)).take();
}

std::optional<RecordView> decode_record(ByteView file, std::uint64_t number, std::size_t offset) {
    if (offset > file.size() || file.size() - offset < record_overhead) {
        return std::nullopt;
    }
    const ByteView rest = file.subspan(offset);
    Decoder in{rest};
    const std::size_t length = in.u32();
    const std::uint8_t type = in.u8();
    if (length > record_bytes_max || rest.size() - record_overhead < length || type < 1 ||
        type > static_cast<std::uint8_t>(RecordType::evidence)) {
        return std::nullopt;
    }
    RecordView record;
    record.type = static_cast<RecordType>(type);
    record.payload = in.raw(length);
    record.size = length + record_overhead;
    const bool whole = in.u32() == record_crc(number, offset, rest.first(length + 5));
    return whole ? std::optional{record} : std::nullopt;
}

Bytes encode_block_payload(const JournalBlock& block) {
    Encoder out;
    out.var_bytes(block.header).u32(static_cast<std::uint32_t>(block.envelopes.size()));
    for (const Bytes& envelope : block.envelopes) {
        out.var_bytes(envelope);
    }
    return std::move(out).take();
}

std::optional<JournalBlock> decode_block_payload(ByteView payload) {
    Decoder in{payload};
    JournalBlock block;
    const ByteView header = in.var_bytes(record_bytes_max);
    block.header.assign(header.begin(), header.end());
    const std::uint32_t count = in.count(message_hashes_max, 4);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const ByteView envelope = in.var_bytes(record_bytes_max);
        block.envelopes.emplace_back(envelope.begin(), envelope.end());
    }
    return in.finished() ? std::optional{std::move(block)} : std::nullopt;
}

Bytes encode_slot(const SafetySlot& slot) {
    Encoder out;
    out.u32(slot.has_record ? slot_magic : lost_slot_magic)
        .u64(slot.journal_file)
        .u64(slot.journal_bytes)
        .raw(slot.record.encode());
    const std::uint32_t crc = crc32c(out.bytes());
    return std::move(out.u32(crc)).take();
}

std::optional<SafetySlot> decode_slot(ByteView bytes) {
    if (bytes.size() != slot_bytes) {
        return std::nullopt;
    }
    Decoder in{bytes};
    SafetySlot slot;
    const std::uint32_t magic = in.u32();
    const bool known = magic == slot_magic || magic == lost_slot_magic;
    slot.has_record = magic == slot_magic;
    slot.journal_file = in.u64();
    slot.journal_bytes = in.u64();
    const auto record = SafetyRecord::decode(in.raw(SafetyRecord::encoded_bytes));
    const bool whole = in.u32() == crc32c(bytes.first(slot_bytes - 4));
    if (!known || !record || !whole) {
        return std::nullopt;
    }
    slot.record = *record;
    return slot;
}

}  // namespace tally::consensus
