// A bank's statement, as XML or CSV, from any bytes: reading ends within the bounds, and what it
// takes is what a payment must be.

#include "ledger/base/check.h"
#include "tools/bank/bank_statement.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto statement = tally::tools::read_bank_statement({data, size});
    if (!statement) {
        return 0;
    }
    ENSURE(statement->lines.size() <= tally::tools::bank_lines_max);
    for (const tally::tools::BankLine& line : statement->lines) {
        ENSURE(line.amount > 0);
        ENSURE(line.references.size() <= tally::tools::bank_references_max);
        ENSURE(line.day >= statement->first_day && line.day <= statement->last_day);
    }
    return 0;
}
