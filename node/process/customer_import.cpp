#include "node/process/customer_import.h"

#include "node/config/customers_json.h"

namespace tally::node {

std::optional<std::string> import_customers(const std::string& file, CustomerAccounts& accounts,
                                            UnixMillis now) {
    if (file.empty()) {
        return std::nullopt;
    }
    const auto customers = load_customers(file);
    if (!customers) {
        return customers.error();
    }
    const auto imported = accounts.import(*customers, now);
    if (!imported) {
        return file + ": customers[" + std::to_string(imported.error().index) +
               "]: " + to_text(imported.error().error);
    }
    return std::nullopt;
}

}  // namespace tally::node
