#pragma once

// The scheme that random charges are played under, and the same for the naive ledger.

#include "ledger/model/genesis.h"
#include "tests/ledger/chain/naive_ledger.h"

#include <cstdint>

namespace tally::test {

/// Cycles of 60 hours, and what a scheme may choose by the seed.
[[nodiscard]] Genesis random_genesis(std::uint64_t seed);

/// What the naive ledger has to know of it.
[[nodiscard]] NaiveLedger::Rules rules_of(const Genesis& genesis);

}  // namespace tally::test
