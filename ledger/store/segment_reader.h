#pragma once

#include "ledger/store/segment_file.h"
#include "ledger/store/segment_source.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally {

/// How the message begins when a whole file is of another chain.
inline constexpr std::string_view other_network{"the file belongs to another network or genesis"};

/// What is wrong with the bytes of a segment file, and where.
struct SegmentFault {
    enum class Kind : std::uint8_t {
        unreadable,      ///< the source failed: not the file's fault
        file_header,     ///< wrong magic, version, checksum, chain or first height
        record_header,   ///< kind, length or their checksum is wrong, with enough bytes there
        record_payload,  ///< the payload does not match its checksum
        torn_tail,       ///< the file ends inside a record
        after_footer,    ///< bytes behind the record that closes the file
    };
    Kind kind{Kind::unreadable};
    std::string file;
    std::uint64_t offset{0};  ///< of the record, or 0 for the file's header
    std::string message;
};

struct SegmentRecord {
    RecordKind kind{RecordKind::block};
    std::uint64_t offset{0};  ///< of the record's header
    Bytes payload;
};

/// Reads one segment file from front to back in pieces, with every checksum. Holds at most one
/// record and one piece in memory. `source` must outlive it.
class SegmentReader {
public:
    static constexpr std::uint64_t piece_bytes{1024UL * 1024};

    SegmentReader(SegmentSource& source, SegmentInfo info, const Hash& chain_id);

    /// Checks the file's header. To be called first.
    [[nodiscard]] Expected<Done, SegmentFault> open();
    /// Goes to a record known to begin at `offset`, instead of `open`.
    void seek(std::uint64_t offset);
    /// The next record, or nothing at the exact end of the file. After a `record_payload` fault
    /// the next call gives the record behind the damaged one; after any other fault, call no more.
    [[nodiscard]] Expected<std::optional<SegmentRecord>, SegmentFault> next();

    /// Where the next record begins: after a fault, where the damage begins.
    [[nodiscard]] std::uint64_t offset() const noexcept { return m_offset; }
    [[nodiscard]] const SegmentInfo& info() const noexcept { return m_info; }

private:
    [[nodiscard]] SegmentFault fault(SegmentFault::Kind kind, std::string message) const;
    /// Makes up to `length` bytes from m_offset available at the front of the buffer.
    [[nodiscard]] Expected<ByteView, SegmentFault> peek(std::uint64_t length);
    void advance(std::uint64_t length);

    SegmentSource& m_source;
    SegmentInfo m_info;
    Hash m_chain_id;
    std::uint64_t m_offset{0};
    Bytes m_buffer;
    std::size_t m_buffer_at{0};  ///< place of m_offset in m_buffer
    bool m_closed{false};
};

}  // namespace tally
