#include "ledger/audit/block_reader.h"

namespace tally {
namespace {

FindingKind kind_of(SegmentFault::Kind kind) {
    switch (kind) {
        case SegmentFault::Kind::file_header:
            return FindingKind::file_header;
        case SegmentFault::Kind::record_header:
            return FindingKind::record_header;
        case SegmentFault::Kind::record_payload:
            return FindingKind::record_checksum;
        case SegmentFault::Kind::torn_tail:
            return FindingKind::torn_tail;
        case SegmentFault::Kind::after_footer:
            return FindingKind::after_footer;
        case SegmentFault::Kind::unreadable:
            break;
    }
    return FindingKind::undecodable;
}

}  // namespace

AuditBlockReader::AuditBlockReader(SegmentSource& source, std::vector<SegmentInfo> segments,
                                   const Hash& chain_id, bool live, FindingLog& log)
    : m_source{source},
      m_segments{std::move(segments)},
      m_chain_id{chain_id},
      m_live{live},
      m_log{log} {}

void AuditBlockReader::skip_to(std::uint64_t height) {
    while (m_at + 1 < m_segments.size() && m_segments[m_at + 1].first_height <= height) {
        m_bytes_before += m_segments[m_at].bytes;
        ++m_at;
    }
    if (m_at < m_segments.size() && m_segments[m_at].first_height <= height + 1) {
        m_next_height = m_segments[m_at].first_height;
    }
}

std::uint64_t AuditBlockReader::bytes_done() const {
    return m_bytes_before + (m_reader ? m_reader->offset() : 0);
}

void AuditBlockReader::report(FindingKind kind, std::uint64_t offset, std::string message) {
    m_log.add(
        {kind, m_next_height, std::nullopt, m_segments[m_at].name, offset, std::move(message)});
}

Expected<Done, SourceError> AuditBlockReader::open_file() {
    const SegmentInfo& info = m_segments[m_at];
    m_has_footer = false;
    if (info.first_height != m_next_height) {
        if (!m_damaged) {
            report(FindingKind::missing_blocks, 0,
                   "block " + std::to_string(m_next_height) +
                       " should come next, this file begins "
                       "with block " +
                       std::to_string(info.first_height) +
                       (m_at == 0 ? "; a node that was made from a snapshot does not have the "
                                    "history before it: audit one that has it"
                                  : ""));
        }
        m_damaged = true;
        m_next_height = info.first_height;
    }
    m_reader.emplace(m_source, info, m_chain_id);
    if (const auto opened = m_reader->open(); !opened) {
        return handle(opened.error());
    }
    return Done{};
}

void AuditBlockReader::close_file() {
    if (!is_newest() && !m_has_footer && !m_damaged) {
        report(FindingKind::missing_footer, m_segments[m_at].bytes,
               "another file follows, but this one is not closed");
    }
    m_bytes_before += m_segments[m_at].bytes;
    m_reader.reset();
    ++m_at;
}

/// Notes what is wrong with the file; gives it up unless only one record is damaged.
Expected<Done, SourceError> AuditBlockReader::handle(const SegmentFault& fault) {
    if (fault.kind == SegmentFault::Kind::unreadable) {
        return Unexpected{SourceError{fault.file + ": " + fault.message}};
    }
    const bool still_written = m_live && is_newest() && fault.kind == SegmentFault::Kind::torn_tail;
    if (!still_written) {
        report(kind_of(fault.kind), fault.offset, fault.message);
        m_damaged = true;
    }
    if (fault.kind == SegmentFault::Kind::record_payload) {
        ++m_next_height;  // that block is lost, the ones behind it are not
    } else {
        close_file();
    }
    return Done{};
}

void AuditBlockReader::check_footer(const SegmentRecord& record) {
    m_has_footer = true;
    const std::optional<SegmentFooter> footer = SegmentFooter::decode(record.payload);
    if (!footer) {
        report(FindingKind::wrong_footer, record.offset, "the closing record cannot be decoded");
    } else if (!m_damaged &&
               (footer->last_height + 1 != m_next_height || footer->last_digest != m_last_digest)) {
        report(FindingKind::wrong_footer, record.offset,
               "the closing record names block " + std::to_string(footer->last_height) + " " +
                   to_hex(footer->last_digest));
    } else {
        m_next_height = footer->last_height + 1;
    }
}

std::optional<AuditBlock> AuditBlockReader::take(SegmentRecord record) {
    if (record.kind == RecordKind::footer) {
        check_footer(record);
        return std::nullopt;
    }
    std::optional<FinalizedBlock> content = FinalizedBlock::decode(record.payload);
    if (!content) {
        report(FindingKind::undecodable, record.offset, "the record is not a block");
        m_damaged = true;
        ++m_next_height;
        return std::nullopt;
    }
    const std::uint64_t height = content->block.header.height;
    AuditBlock block;
    block.digest = content->block.header.digest();
    block.content = std::move(*content);
    block.segment = m_segments[m_at].name;
    block.offset = record.offset;
    if (height != m_next_height) {
        report(FindingKind::missing_blocks, record.offset,
               "block " + std::to_string(m_next_height) + " was expected here, found block " +
                   std::to_string(height));
        m_damaged = true;
    }
    block.follows = !m_damaged;
    m_damaged = false;
    m_next_height = height + 1;
    m_last_digest = block.digest;
    return block;
}

Expected<std::optional<AuditBlock>, SourceError> AuditBlockReader::next() {
    while (m_at < m_segments.size()) {
        if (!m_reader) {
            if (const auto opened = open_file(); !opened) {
                return Unexpected{opened.error()};
            }
            continue;
        }
        Expected<std::optional<SegmentRecord>, SegmentFault> record = m_reader->next();
        if (!record) {
            if (const auto handled = handle(record.error()); !handled) {
                return Unexpected{handled.error()};
            }
        } else if (!*record) {
            close_file();
        } else if (std::optional<AuditBlock> block = take(std::move(**record))) {
            return block;
        }
    }
    return std::optional<AuditBlock>{};
}

}  // namespace tally
