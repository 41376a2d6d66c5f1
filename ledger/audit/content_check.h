#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/crypto/merkle.h"

#include <utility>

namespace tally {

/// Bodies and the log: every envelope hash under its body root, every leaf under its log root.
class ContentCheck {
public:
    explicit ContentCheck(FindingLog& log) : m_findings{log} {}

    /// Goes on behind a block whose log this is.
    void restore(MerkleFrontier log, std::uint64_t height) {
        m_log = std::move(log);
        m_log_checked_to = height;
    }
    void check(const AuditBlock& block);

    [[nodiscard]] std::uint64_t envelopes() const noexcept { return m_envelopes; }
    [[nodiscard]] std::uint64_t transactions() const noexcept { return m_transactions; }
    [[nodiscard]] std::uint64_t leaves() const noexcept { return m_log.size(); }
    /// Height up to which every log root was recomputed.
    [[nodiscard]] std::uint64_t log_checked_to() const noexcept { return m_log_checked_to; }

private:
    [[nodiscard]] bool check_envelopes(const AuditBlock& block);
    void check_log(const AuditBlock& block);

    FindingLog& m_findings;
    MerkleFrontier m_log;
    bool m_log_known{true};  ///< false behind a block that could not be read
    std::uint64_t m_envelopes{0};
    std::uint64_t m_transactions{0};
    std::uint64_t m_log_checked_to{0};
};

}  // namespace tally
