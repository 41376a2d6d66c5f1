#pragma once

#include "ledger/base/expected.h"
#include "tools/charge/charge_run.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tally::tools {

inline constexpr int parallel_charges_max{1000};

/// What `tally charge` was asked for.
struct ChargeRequest {
    std::string devnet;
    ChargeScript script;
    std::string token;           ///< empty: the home operator's customers in turn
    std::string charger;         ///< empty: any of the visited operator
    std::uint32_t connector{0};  ///< 0: any
    int parallel{1};
};

/// Plays the charges of a request on the chargers of a devnet: one connection per charger, charges
/// spread over free connectors, those without one wait until one is free. A charger belongs to one
/// process at a time (a lock file in the devnet's folder); who finds none free waits. Returns one
/// outcome per charge, in the order in which they were asked for. The error says what of the
/// request does not fit the devnet.
[[nodiscard]] Expected<std::vector<ChargeOutcome>, std::string> play_charges(
    const ChargeRequest& request, const ChargeProgressHandler& progress);

}  // namespace tally::tools
