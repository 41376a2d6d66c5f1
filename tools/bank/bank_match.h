#pragma once

#include "ledger/audit/business_report.h"
#include "ledger/audit/finding.h"
#include "tools/bank/bank_statement.h"

#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

/// How a payment that was confirmed on the ledger, or a line of the bank's, fits.
enum class BankFit : std::uint8_t {
    matched,
    missing,       ///< confirmed, and not in the statement though it must be
    wrong_amount,  ///< the reference is there, with another amount
    twice,         ///< the bank has it more than once
    unknown,       ///< a line of the bank's that no confirmation names
    outside,       ///< confirmed; the statement need not have it: it covers another time
};
inline constexpr std::size_t bank_fits{6};
[[nodiscard]] const char* to_text(BankFit fit);

/// Rows of one kind that are listed at most; the others are counted.
inline constexpr std::size_t bank_rows_max{1000};

struct BankRow {
    BankFit fit{BankFit::matched};
    std::string text;  ///< what was confirmed or booked, in a sentence
};

/// A bank's statement beside the payments that the ledger says were confirmed.
struct BankMatch {
    std::string file;
    BankStatement statement;
    std::array<std::uint64_t, bank_fits> counts{};
    std::vector<BankRow> rows;  ///< the first `bank_rows_max` of each kind
    std::vector<Finding> findings;

    [[nodiscard]] std::uint64_t count(BankFit fit) const {
        return counts[static_cast<std::size_t>(fit)];
    }
};

/// A line is a payment's when one of its references is the confirmation's, in the same currency;
/// both are used once. With `owner` the account is that member's: only payments to it (received)
/// and from it (paid) are looked for. A payment must be in the statement when its cycle was closed
/// and it was confirmed within the days that the statement covers.
[[nodiscard]] BankMatch match_bank(BankStatement statement,
                                   const std::vector<ConfirmedPayment>& payments,
                                   const std::optional<PartyId>& owner);

}  // namespace tally::tools
