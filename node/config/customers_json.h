#pragma once

#include "ledger/base/expected.h"
#include "node/accounts/customer_accounts.h"

#include <string>
#include <string_view>
#include <vector>

namespace tally::node {

inline constexpr std::size_t customers_json_bytes_max{256UL * 1024 * 1024};
inline constexpr std::size_t customers_json_count_max{10'000'000};

/// Reads {"customers": [{"token", "currency", "balance", "status", "maximum_approval",
/// "concurrent_charges", "markup", "fee"}]}: what the embedded accounts import at start. Only
/// token, currency and balance are required. The first problem is named with its place; unknown
/// keys are errors.
[[nodiscard]] Expected<std::vector<CustomerEntry>, std::string> customers_from_json(
    std::string_view text);

/// Reads a file and parses it. Errors name the file.
[[nodiscard]] Expected<std::vector<CustomerEntry>, std::string> load_customers(
    const std::string& path);

}  // namespace tally::node
