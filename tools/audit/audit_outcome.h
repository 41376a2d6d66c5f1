#pragma once

#include "ledger/audit/audit.h"
#include "ledger/base/clock.h"
#include "tools/audit/compare.h"
#include "tools/audit/sublog_receipt.h"
#include "tools/bank/bank_match.h"

#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

/// What was audited, when, and how long it took.
struct AuditRun {
    std::string target;
    bool live{false};
    double seconds{0};
    UnixMillis started_at{0};
};

enum class Verdict : std::uint8_t {
    verified,
    incomplete,  ///< nothing is wrong with what was looked at, but not all that was asked for was
    wrong,       ///< there is a finding
};

/// One run of `tally audit`: everything that its reports say. Complete before any is written.
struct AuditOutcome {
    AuditReport report;
    AuditRun run;
    std::optional<PartyId> member;         ///< whose sub-log was made again
    std::optional<SublogReceipt> receipt;  ///< what it was compared with
    std::optional<Comparison> comparison;
    std::optional<BankMatch> bank;
    std::vector<std::string> problems;  ///< what was asked for and could not be done, in sentences

    /// Takes the findings into the report, in front.
    void take(Comparison found);
    void take(BankMatch found);
    [[nodiscard]] Verdict verdict() const;
    /// Why the verdict is `incomplete`, in sentences.
    [[nodiscard]] std::vector<std::string> gaps() const;
};

/// 0, 2 and 1, in the order of the verdicts.
[[nodiscard]] int exit_code_of(Verdict verdict);

/// "1 finding", "2 findings".
[[nodiscard]] std::string counted(std::uint64_t count, const char* name);

/// "2026-11-22T23:00:00Z".
[[nodiscard]] std::string time_text(UnixMillis time);

}  // namespace tally::tools
