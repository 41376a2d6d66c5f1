#pragma once

#include "ledger/audit/charge_book.h"
#include "ledger/audit/governance_book.h"
#include "ledger/audit/meter_book.h"
#include "ledger/audit/meter_evidence.h"
#include "ledger/audit/sublog_book.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tally {

/// The level named business: follows every charge, meter, tariff, vote and account from the
/// transactions and their stored results alone, in order of blocks, and compares sums with the
/// replayed state at the end. Has a log of its own, so that it can run beside the replay.
/// Memory: what is open and what is in force, not the history.
class BusinessCheck {
public:
    /// Differences from the state that are told apart; more are not listed.
    static constexpr std::size_t audit_unreconciled_max{10'000};

    /// `time`: of the block that `state` is after.
    BusinessCheck(const Hash& chain_id, const StateView& state, UnixMillis time,
                  std::size_t findings_max);

    /// Meter data to compare with what records name, by the charge's name; none: nothing is
    /// compared. And what verifies the meters' signatures in them; none: nothing does.
    void supply(std::map<std::string, Hash> evidence, MeterVerifier verify) {
        m_evidence = std::move(evidence);
        m_verify_meter = std::move(verify);
    }
    /// Goes on with the sums and books of an earlier audit. False when `books` is not what
    /// `save_books` wrote.
    [[nodiscard]] bool carry_on(BusinessReport report, ByteView books);
    /// What the books know and no state has (fixed-width codec): version u16 = 1, charges that
    /// ended (`CorrectionBook`), meters (`MeterBook`).
    [[nodiscard]] Bytes save_books() const;
    /// Follows one member's sub-log from here on.
    void follow(const PartyId& member, std::optional<ProvenSublog> proven, const StateView& state);

    /// Nothing behind a block that cannot be read: the steps in it are not known, so that those
    /// that rest on them would look wrong.
    void check(const AuditBlock& block);
    /// The last block before one that cannot be read; nothing when there is none.
    [[nodiscard]] const std::optional<std::uint64_t>& cut_at() const noexcept { return m_cut_at; }
    /// Compares with the replayed state after the last block: balances, payments between banks,
    /// corrections, members, parameters, the sub-log. What is found once is not repeated.
    void reconcile(const StateView& state);
    /// Whether that state has the sub-log that is followed.
    [[nodiscard]] bool agrees_on_sublog(const StateView& state) const {
        return m_sublog && !m_sublog->compare(state);
    }
    /// After the last block: what is open, for the report. `is_whole`: all blocks were seen.
    void finish(bool is_whole);

    [[nodiscard]] const FindingLog& findings() const noexcept { return m_log; }
    [[nodiscard]] const BusinessReport& report() const noexcept { return m_report; }
    /// The sub-log that is followed; null when none is.
    [[nodiscard]] const SublogBook* sublog() const noexcept {
        return m_sublog ? &*m_sublog : nullptr;
    }

private:
    void check_events(const BusinessScope& scope, std::size_t early);
    void check_transaction(const BusinessScope& scope, const StoredTransaction& stored);
    void check_meter(const MeteredStep& step);
    void check_evidence(const MeteredStep& step);
    void check_meter_signatures(const MeteredStep& step, const std::string& name);
    void compare_balances(const StateView& state);
    void add_finding(FindingKind kind, const std::string& message);

    FindingLog m_log;
    BusinessReport m_report;
    ChargeBook m_charges;
    MeterBook m_meters;
    GovernanceBook m_governance;
    std::optional<SublogBook> m_sublog;
    std::map<std::string, Hash> m_evidence;
    MeterVerifier m_verify_meter;
    std::set<std::string> m_unreconciled;  ///< found already
    UnixMillis m_time;                     ///< of the last block
    std::uint64_t m_height{0};
    std::optional<std::uint64_t> m_cut_at;
};

}  // namespace tally
