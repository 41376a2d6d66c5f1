#pragma once

#include "ledger/base/clock.h"
#include "node/accounts/customer_accounts.h"

#include <optional>
#include <string>

namespace tally::node {

/// Reads the file of customers, if one is named, into the accounts. What is wrong with it.
[[nodiscard]] std::optional<std::string> import_customers(const std::string& file,
                                                          CustomerAccounts& accounts,
                                                          UnixMillis now);

}  // namespace tally::node
