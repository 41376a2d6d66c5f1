#pragma once

#include "ledger/audit/audit.h"
#include "ledger/audit/audit_block.h"
#include "tools/audit/compare.h"

#include <functional>

namespace tally::tools {

/// Reads the segments that were audited a second time for what a comparison asks: from the lowest
/// height on for digests, all of them for a proof. What it says is chained to the block that the
/// audit ended with, so that files which changed meanwhile are noticed. `source` must outlive it.
class SegmentsCopy final : public AuditedCopy {
public:
    SegmentsCopy(SegmentSource& source, const AuditReport& audited)
        : m_source{source},
          m_chain_id{audited.chain_id},
          m_height{audited.last_height},
          m_digest{audited.last_digest} {}

    [[nodiscard]] std::uint64_t height() const override { return m_height; }
    [[nodiscard]] Expected<std::map<std::uint64_t, Hash>, std::string> digests(
        const std::set<std::uint64_t>& heights) override;
    [[nodiscard]] Expected<HeaderProof, std::string> prove(std::uint64_t height) override;

private:
    using Visitor = std::function<void(const AuditBlock& block)>;
    /// Visits the blocks from `first` to the last that was audited, and then `behind` more.
    [[nodiscard]] Expected<Done, std::string> visit(std::uint64_t first, std::uint64_t behind,
                                                    const Visitor& visitor);

    SegmentSource& m_source;
    Hash m_chain_id;
    std::uint64_t m_height;
    Hash m_digest;
};

}  // namespace tally::tools
