#include "node/config/customers_json.h"

#include "node/config/json_fields.h"
#include "node/config/json_text.h"

#include <boost/json/array.hpp>

#include <fstream>
#include <string>

namespace tally::node {

namespace json = boost::json;

namespace {

CustomerEntry read_customer(const json::value& value, const std::string& place,
                            JsonProblems& problems) {
    JsonFields fields{value, place, problems};
    CustomerEntry entry;
    const std::optional<std::string> token = canonical_token(fields.text("token"));
    if (!token) {
        fields.problem("token", "must look like AAA-UID, 20 characters at most");
    }
    entry.token = token.value_or("");
    const std::optional<Currency> currency = currency_from_text(fields.text("currency"));
    if (!currency) {
        fields.problem("currency", "must be an ISO 4217 code of three letters");
    }
    entry.currency = currency.value_or(Currency{});
    entry.opening_balance = fields.amount("balance");
    const auto status = customer_status_from_text(fields.text_or("status", "active"));
    if (!status) {
        fields.problem("status", "must be \"active\", \"blocked\" or \"expired\"");
    }
    entry.status = status.value_or(CustomerStatus::active);
    CustomerPolicy& policy = entry.policy;
    policy.approval_max = fields.amount_or("maximum_approval", policy.approval_max);
    policy.concurrent_charges = static_cast<std::uint32_t>(fields.integer_or(
        "concurrent_charges", 1, concurrent_charges_max, policy.concurrent_charges));
    policy.markup =
        static_cast<std::uint32_t>(fields.integer_or("markup", 0, markup_max, policy.markup));
    policy.fee = fields.amount_or("fee", policy.fee);
    fields.finish();
    return entry;
}

}  // namespace

Expected<std::vector<CustomerEntry>, std::string> customers_from_json(std::string_view text) {
    const auto document = parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    std::vector<CustomerEntry> entries;
    for (const json::value& item : fields.list("customers", customers_json_count_max)) {
        entries.push_back(
            read_customer(item, "customers[" + std::to_string(entries.size()) + "]", problems));
    }
    fields.finish();
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    return entries;
}

Expected<std::vector<CustomerEntry>, std::string> load_customers(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return Unexpected{path + ": cannot be opened"};
    }
    std::string text;
    constexpr std::size_t piece_bytes{1024UL * 1024};
    while (file && text.size() <= customers_json_bytes_max) {
        const std::size_t before = text.size();
        text.resize(before + piece_bytes);
        file.read(text.data() + before, static_cast<std::streamsize>(piece_bytes));
        text.resize(before + static_cast<std::size_t>(file.gcount()));
    }
    if (file.bad()) {
        return Unexpected{path + ": cannot be read"};
    }
    if (text.size() > customers_json_bytes_max) {
        return Unexpected{path + ": larger than 256 MiB"};
    }
    Expected<std::vector<CustomerEntry>, std::string> entries = customers_from_json(text);
    if (!entries) {
        return Unexpected{path + ": " + entries.error()};
    }
    return entries;
}

}  // namespace tally::node
