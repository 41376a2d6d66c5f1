#pragma once

#include "ledger/audit/audit.h"
#include "ledger/store/block_archive.h"
#include "ledger/store/segment_file.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

#include <set>

namespace tally::test {

/// The history's blocks as segments, in the hands of a forger who can change blocks and write all
/// checksums anew, or change bytes of the files.
class ForgedLedger {
public:
    explicit ForgedLedger(std::uint64_t segment_bytes = 1UL << 26,
                          std::size_t blocks_max = SIZE_MAX)
        : ForgedLedger{make_history(), segment_bytes, blocks_max} {}
    explicit ForgedLedger(const std::vector<Block>& history,
                          std::uint64_t segment_bytes = 1UL << 26,
                          std::size_t blocks_max = SIZE_MAX)
        : m_segment_bytes{segment_bytes} {
        MemoryStore store;
        TestLedger ledger{m_files, store};
        ledger.initialize();
        REQUIRE(ledger.open(segment_bytes).empty());
        for (const Block& block : history) {
            if (m_blocks.size() == blocks_max) {
                break;
            }
            m_blocks.push_back(*ledger.add(block));
        }
    }

    /// Blocks that no ledger of ours would take.
    explicit ForgedLedger(std::vector<FinalizedBlock> blocks, Genesis genesis = make_genesis())
        : m_segment_bytes{1UL << 26}, m_genesis{std::move(genesis)}, m_blocks{std::move(blocks)} {}

    [[nodiscard]] std::vector<FinalizedBlock>& blocks() { return m_blocks; }
    [[nodiscard]] const Genesis& genesis() const { return m_genesis; }
    [[nodiscard]] FaultyFileSystem& files() { return m_files; }
    [[nodiscard]] std::vector<std::string> paths() const { return m_files.paths(); }
    [[nodiscard]] Bytes& file(const std::string& path) { return m_files.content(path); }
    void remove(const std::string& path) { REQUIRE(m_files.remove(path)); }

    /// Puts `blocks()` into one file with right checksums, whatever they are. `first` is the height
    /// that the file says it begins with.
    void write(std::uint64_t first = 1) {
        for (const std::string& path : paths()) {
            remove(path);
        }
        Bytes file = SegmentHeader{m_genesis.chain_id(), first}.encode();
        for (const FinalizedBlock& block : m_blocks) {
            append(file, encode_record(RecordKind::block, block.encode(), {first, file.size()}));
        }
        REQUIRE(m_files.write_whole("segments/" + segment_name(first), file));
    }
    /// Links and signs the headers anew, as a whole quorum of liars could.
    void certify_again_from(std::size_t first) {
        for (std::size_t at = first; at < m_blocks.size(); ++at) {
            BlockHeader& header = m_blocks[at].block.header;
            if (at > first) {
                header.parent = m_blocks[at - 1].block.header.digest();
            }
            m_blocks[at].finalization = certify_by(m_genesis, header, 0b1110);
        }
    }

    /// Kinds of everything that is found, each once.
    [[nodiscard]] std::set<FindingKind> kinds(const AuditOptions& options) {
        write();
        std::set<FindingKind> kinds;
        for (const Finding& finding : audit_as_is(options).findings) {
            UNSCOPED_INFO(to_text(finding.kind)
                          << " at " << finding.height << ": " << finding.message);
            CHECK_FALSE(finding.message.empty());
            kinds.insert(finding.kind);
        }
        return kinds;
    }
    /// Of the files as they are.
    [[nodiscard]] AuditReport audit_as_is(const AuditOptions& options) {
        InlineJobRunner runner;
        FolderSegmentSource source{m_files, "segments"};
        auto report = audit_ledger(source, m_genesis, options, runner, nullptr);
        REQUIRE(report);
        return std::move(report).value();
    }
    [[nodiscard]] AuditReport audit(AuditLevel level) {
        if (!has_small_segments()) {
            write();
        }
        return audit_as_is({level});
    }
    [[nodiscard]] static bool has(const AuditReport& report, FindingKind kind,
                                  std::optional<std::uint64_t> height,
                                  std::optional<std::uint64_t> index = std::nullopt) {
        for (const Finding& finding : report.findings) {
            if (finding.kind == kind && (!height || finding.height == *height) &&
                (!index || finding.index == index) && !finding.message.empty() &&
                !finding.segment.empty()) {
                return true;
            }
        }
        return false;
    }
    /// Writes the blocks, audits, and tells whether such a finding was made.
    [[nodiscard]] bool finds(AuditLevel level, FindingKind kind, std::uint64_t height,
                             std::optional<std::uint64_t> index = std::nullopt) {
        write();
        return has(audit_as_is({level}), kind, height, index);
    }
    [[nodiscard]] bool finds_as_is(AuditLevel level, FindingKind kind,
                                   std::optional<std::uint64_t> height) {
        return has(audit_as_is({level}), kind, height);
    }

private:
    /// Small segments are made by the ledger itself and audited as they are.
    [[nodiscard]] bool has_small_segments() const { return m_segment_bytes < 1UL << 20; }

    std::uint64_t m_segment_bytes;
    Genesis m_genesis{make_genesis()};
    FaultPlan m_plan;
    FaultyFileSystem m_files{m_plan};
    std::vector<FinalizedBlock> m_blocks;
};

}  // namespace tally::test
