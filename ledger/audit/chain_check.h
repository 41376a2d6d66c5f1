#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/model/genesis.h"

#include <optional>

namespace tally {

/// The chain of headers, and which certificate makes which block final.
///
/// A block is final by a certificate of its own, or by that of the first certified block behind it:
/// then it and all blocks up to that one carry that certificate.
class ChainCheck {
public:
    ChainCheck(const BlockHeader& genesis_header, const std::vector<Validator>& validators,
               FindingLog& log);

    void check(const AuditBlock& block);
    /// After the last block. Gives the number of blocks at the end that no certificate covers; they
    /// are a finding unless the ledger is live.
    [[nodiscard]] std::uint64_t finish(bool live);

private:
    void check_links(const AuditBlock& block);
    void check_validators(const AuditBlock& block);
    void check_certificate_block(const AuditBlock& block);

    BlockHeader m_previous;
    Hash m_previous_digest;
    std::size_t m_validator_count;
    Hash m_validators_hash;
    FindingLog& m_log;
    /// A certificate seen with blocks before the one it is for.
    struct Awaited {
        Hash digest;
        std::uint64_t blocks{0};
        Finding finding;  ///< what to report when its block does not come
    };
    std::optional<Awaited> m_awaited;
};

}  // namespace tally
