#include "ledger/store/segment_reader.h"

#include "ledger/base/crc32c.h"

#include <algorithm>

namespace tally {

SegmentReader::SegmentReader(SegmentSource& source, SegmentInfo info, const Hash& chain_id)
    : m_source{source}, m_info{std::move(info)}, m_chain_id{chain_id} {}

SegmentFault SegmentReader::fault(SegmentFault::Kind kind, std::string message) const {
    return {kind, m_info.name, m_offset, std::move(message)};
}

Expected<ByteView, SegmentFault> SegmentReader::peek(std::uint64_t length) {
    const std::uint64_t wanted = std::min(length, m_info.bytes - std::min(m_info.bytes, m_offset));
    while (m_buffer.size() - m_buffer_at < wanted) {
        m_buffer.erase(m_buffer.begin(),
                       m_buffer.begin() + static_cast<std::ptrdiff_t>(m_buffer_at));
        m_buffer_at = 0;
        const std::uint64_t from = m_offset + m_buffer.size();
        const std::uint64_t rest = m_info.bytes - from;
        const std::uint64_t size = std::min(rest, std::max(piece_bytes, wanted - m_buffer.size()));
        const Expected<Bytes, SourceError> piece = m_source.read(m_info.name, from, size);
        if (!piece) {
            return Unexpected{fault(SegmentFault::Kind::unreadable, piece.error().message)};
        }
        if (piece->empty() || piece->size() > size) {
            return Unexpected{fault(SegmentFault::Kind::unreadable, "the file became shorter")};
        }
        append(m_buffer, *piece);
    }
    return ByteView{m_buffer}.subspan(m_buffer_at, static_cast<std::size_t>(wanted));
}

void SegmentReader::advance(std::uint64_t length) {
    m_offset += length;
    m_buffer_at += static_cast<std::size_t>(length);
}

void SegmentReader::seek(std::uint64_t offset) {
    m_offset = offset;
    m_buffer.clear();
    m_buffer_at = 0;
    m_closed = false;
}

Expected<Done, SegmentFault> SegmentReader::open() {
    seek(0);
    const Expected<ByteView, SegmentFault> bytes = peek(SegmentHeader::encoded_bytes);
    if (!bytes) {
        return Unexpected{bytes.error()};
    }
    const std::optional<SegmentHeader> header = SegmentHeader::decode(*bytes);
    if (!header) {
        return Unexpected{fault(SegmentFault::Kind::file_header, "the file's header is damaged")};
    }
    if (header->chain_id != m_chain_id) {
        return Unexpected{fault(SegmentFault::Kind::file_header,
                                std::string{other_network} + ": its chain is " +
                                    to_hex(header->chain_id) + ", that of the genesis " +
                                    to_hex(m_chain_id))};
    }
    if (header->first_height != m_info.first_height) {
        return Unexpected{
            fault(SegmentFault::Kind::file_header, "the file begins with block " +
                                                       std::to_string(header->first_height) +
                                                       ", its name says otherwise")};
    }
    advance(SegmentHeader::encoded_bytes);
    return Done{};
}

Expected<std::optional<SegmentRecord>, SegmentFault> SegmentReader::next() {
    using Kind = SegmentFault::Kind;
    if (m_offset >= m_info.bytes) {
        return std::optional<SegmentRecord>{};
    }
    if (m_closed) {
        return Unexpected{
            fault(Kind::after_footer, "bytes follow the record that closes the file")};
    }
    const Expected<ByteView, SegmentFault> front = peek(RecordHeader::encoded_bytes);
    if (!front) {
        return Unexpected{front.error()};
    }
    if (front->size() < RecordHeader::encoded_bytes) {
        return Unexpected{fault(Kind::torn_tail, "the file ends inside a record's header")};
    }
    const std::optional<RecordHeader> header =
        RecordHeader::decode(*front, {m_info.first_height, m_offset});
    if (!header) {
        return Unexpected{fault(Kind::record_header, "the record's header is damaged")};
    }
    const std::uint64_t whole = RecordHeader::encoded_bytes + std::uint64_t{header->length};
    const Expected<ByteView, SegmentFault> bytes = peek(whole);
    if (!bytes) {
        return Unexpected{bytes.error()};
    }
    if (bytes->size() < whole) {
        return Unexpected{fault(Kind::torn_tail, "the file ends inside a record")};
    }
    const ByteView payload = bytes->subspan(RecordHeader::encoded_bytes);
    if (crc32c(payload) != header->payload_crc) {
        SegmentFault found = fault(Kind::record_payload, "the record does not match its checksum");
        advance(whole);
        return Unexpected{std::move(found)};
    }
    SegmentRecord record{header->kind, m_offset, Bytes{payload.begin(), payload.end()}};
    m_closed = header->kind == RecordKind::footer;
    advance(whole);
    return std::optional{std::move(record)};
}

}  // namespace tally
