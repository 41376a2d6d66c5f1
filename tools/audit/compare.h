#pragma once

#include "ledger/audit/finding.h"
#include "ledger/audit/fork.h"
#include "tools/audit/proof_source.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tally::tools {

/// Forks of one comparison that are kept as evidence at most; the rest is only said.
inline constexpr std::size_t fork_evidence_max{16};

/// What a comparison of ledgers found out.
struct Comparison {
    std::vector<std::string> compared;      ///< sentences: who has which block
    std::vector<std::string> not_compared;  ///< sentences: who or what, and why
    std::vector<Finding> findings;          ///< forks
    std::vector<ForkEvidence> forks;        ///< the first `fork_evidence_max` that can be proven
    std::vector<std::string> evidence_files;

    [[nodiscard]] bool is_complete() const noexcept { return not_compared.empty(); }
};

/// The copy that was audited, as one of those that are compared.
class AuditedCopy {
public:
    virtual ~AuditedCopy() = default;
    [[nodiscard]] virtual std::uint64_t height() const = 0;
    /// Digests of the blocks at these heights, all at most `height()`. The error says why not.
    [[nodiscard]] virtual Expected<std::map<std::uint64_t, Hash>, std::string> digests(
        const std::set<std::uint64_t>& heights) = 0;
    /// That its block of this height is final, as any member would prove it.
    [[nodiscard]] virtual Expected<HeaderProof, std::string> prove(std::uint64_t height) = 0;
};

/// Asks each member for the newest block that it can prove, then all for the block of each height
/// that came out, and the copy (may be null) too: a block names the one before it, so equal blocks
/// mean equal histories. Members that are short, lie or do not answer are left out where they say
/// nothing, and never keep the others from being compared. Every pair of different blocks that the
/// genesis proves is a fork.
[[nodiscard]] Comparison compare_ledgers(const Genesis& genesis,
                                         const std::vector<std::unique_ptr<ProofSource>>& members,
                                         AuditedCopy* copy);

}  // namespace tally::tools
