#pragma once

#include "ledger/audit/charge_book.h"
#include "ledger/audit/governance_book.h"
#include "ledger/audit/meter_book.h"

#include <map>
#include <string>
#include <utility>

namespace tally {

/// The level named business: follows every charge, meter, tariff, vote and account from the
/// transactions and their stored results alone, in order of blocks, and compares sums with the
/// replayed state at the end. Has a log of its own, so that it can run beside the replay.
/// Memory: what is open and what is in force, not the history.
class BusinessCheck {
public:
    BusinessCheck(const Hash& chain_id, const StateView& state, std::size_t findings_max);

    /// Meter data to compare with what records name, by the charge's name; none: nothing is
    /// compared.
    void supply(std::map<std::string, Hash> evidence) { m_evidence = std::move(evidence); }
    /// Goes on with the sums of an earlier audit.
    void carry_on(BusinessReport report) { m_report = std::move(report); }

    void check(const AuditBlock& block);
    /// After the last block. `state` is the replayed one after that block; null when the replay did
    /// not come so far.
    void finish(const StateView* state);

    [[nodiscard]] const FindingLog& findings() const noexcept { return m_log; }
    [[nodiscard]] const BusinessReport& report() const noexcept { return m_report; }

private:
    void check_evidence(const BusinessScope& scope, const StoredTransaction& stored,
                        const MeteredCharge& metered);
    void compare_balances(const StateView& state);
    void add_finding(std::string message);

    FindingLog m_log;
    BusinessReport m_report;
    ChargeBook m_charges;
    MeterBook m_meters;
    GovernanceBook m_governance;
    std::map<std::string, Hash> m_evidence;
    std::uint64_t m_height{0};
};

}  // namespace tally
