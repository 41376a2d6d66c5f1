#pragma once

// What a bank says was paid, read from camt.053 (ISO 20022 XML) or CSV.

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t bank_file_bytes_max{64UL * 1024 * 1024};
inline constexpr std::size_t bank_lines_max{200'000};
/// Of one line; longer ones are not compared with anything.
inline constexpr std::size_t bank_reference_bytes_max{140};
/// Of one line; a bank that names more is refused.
inline constexpr std::size_t bank_references_max{32};

/// One payment that the bank has booked.
struct BankLine {
    std::int64_t day{0};  ///< of the booking, since 1970-01-01
    Money amount{0};      ///< more than 0
    Currency currency;
    bool received{false};                 ///< credited to the account; else paid from it
    std::vector<std::string> references;  ///< every text that may name the payment
    std::size_t number{0};                ///< in the file, from 1

    friend bool operator==(const BankLine&, const BankLine&) = default;
};

/// A file of a bank. Reversals and what is not booked yet are left out and counted.
struct BankStatement {
    std::vector<BankLine> lines;
    std::int64_t first_day{0};  ///< that it covers
    std::int64_t last_day{0};
    std::size_t left_out{0};
};

/// Reads either form: what begins with '<' is camt.053. Accepts any input, never reads anything
/// else than it, and never more than the bounds. The error says what is wrong and at which entry.
[[nodiscard]] Expected<BankStatement, std::string> read_bank_statement(ByteView bytes);

/// camt.053 of any version: UTF-8, without a document type. Of each statement the period, and of
/// each booked entry date, amount, direction and references, or those of its single transactions
/// when it has several.
[[nodiscard]] Expected<BankStatement, std::string> read_camt053(std::string_view text);

/// A heading with the columns `date` (YYYY-MM-DD), `amount` (received above 0, paid below; at most
/// four decimals behind a point), `currency` and `reference`, in any order, among others or not;
/// separated by commas or semicolons, RFC 4180 quotes. The period is from the first date to the
/// last.
[[nodiscard]] Expected<BankStatement, std::string> read_bank_csv(std::string_view text);

/// An amount above 0 with at most four decimals that are not 0; nothing otherwise.
[[nodiscard]] std::optional<Money> bank_amount_from_text(std::string_view text);
/// Days since 1970-01-01 of "YYYY-MM-DD" and what follows; nothing when it does not begin so.
[[nodiscard]] std::optional<std::int64_t> bank_day_from_text(std::string_view text);
/// Adds a reference without the blanks around it, unless it is empty, too long or there already.
/// False when there are too many.
[[nodiscard]] bool add_reference(BankLine& line, std::string_view text);

}  // namespace tally::tools
