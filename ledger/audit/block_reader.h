#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/store/segment_reader.h"

#include <optional>
#include <vector>

namespace tally {

/// Reads the blocks of all segments in order and checks the files: headers, checksums, footers, the
/// order of files, and that no height is missing. Goes on behind damage where it can.
/// All references must outlive it.
class AuditBlockReader {
public:
    AuditBlockReader(SegmentSource& source, std::vector<SegmentInfo> segments, const Hash& chain_id,
                     bool live, FindingLog& log);

    /// Leaves out the files before the one that must hold this block. To be called first. A ledger
    /// that begins right behind it, as that of a node made from a snapshot, is read from there.
    void skip_to(std::uint64_t height);
    /// Nothing at the end. An error is the source's, not the ledger's.
    [[nodiscard]] Expected<std::optional<AuditBlock>, SourceError> next();
    /// Bytes of all files in front of the next record.
    [[nodiscard]] std::uint64_t bytes_done() const;

private:
    [[nodiscard]] bool is_newest() const { return m_at + 1 == m_segments.size(); }
    [[nodiscard]] Expected<Done, SourceError> open_file();
    void close_file();
    [[nodiscard]] Expected<Done, SourceError> handle(const SegmentFault& fault);
    [[nodiscard]] std::optional<AuditBlock> take(SegmentRecord record);
    void check_footer(const SegmentRecord& record);
    void report(FindingKind kind, std::uint64_t offset, std::string message);

    SegmentSource& m_source;
    std::vector<SegmentInfo> m_segments;
    Hash m_chain_id;
    bool m_live;
    FindingLog& m_log;
    std::size_t m_at{0};
    std::uint64_t m_bytes_before{0};
    std::optional<SegmentReader> m_reader;
    bool m_has_footer{false};
    bool m_damaged{false};  ///< what comes next does not follow what was read before
    std::uint64_t m_next_height{1};
    Hash m_last_digest;
};

}  // namespace tally
