#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/model/genesis.h"

namespace tally {

/// The chain of headers, and what makes it final. Every block carries a certificate of its own: a
/// finalization, or a notarization when a block built on it was finalized instead. The last block
/// must be finalized, because that covers all before it; so must every block that seals an epoch,
/// because it hands over to validators that could say anything else.
class ChainCheck {
public:
    ChainCheck(const BlockHeader& genesis_header, FindingLog& log);

    /// Goes on behind this block, `uncovered` of which and of those before it have no finalization.
    void restore(const BlockHeader& header, std::uint64_t uncovered);
    void check(const AuditBlock& block);
    [[nodiscard]] std::uint64_t uncovered() const noexcept { return m_uncovered; }
    /// After the last block. Gives the number of blocks at the end that no certificate covers; they
    /// are a finding unless the ledger is live.
    [[nodiscard]] std::uint64_t finish(bool live);

private:
    void check_links(const AuditBlock& block);
    void check_epoch(const AuditBlock& block);
    void check_seal(const AuditBlock& block);
    void check_certificate(const AuditBlock& block);

    BlockHeader m_previous;
    Hash m_previous_digest;
    std::optional<std::uint64_t> m_unknown_epoch;  ///< whose validators were reported missing
    FindingLog& m_log;
    std::uint64_t m_uncovered{0};  ///< blocks since the last finalization
    Finding m_first_uncovered;     ///< what to report when no finalization follows
};

}  // namespace tally
