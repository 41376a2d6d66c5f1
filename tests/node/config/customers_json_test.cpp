#include "node/config/customers_json.h"

#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace tally;
using namespace tally::node;
using tally::test::TemporaryFolder;

namespace {

std::string customer(const std::string& fields) { return R"({"customers":[{)" + fields + "}]}"; }

std::string error_of(const std::string& text) {
    const auto customers = customers_from_json(text);
    return customers ? "accepted" : customers.error();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

constexpr const char* least{R"("token":"BBB-CARD1","currency":"CNY","balance":"12.5")"};

}  // namespace

SCENARIO("a customer needs a token, a currency and a balance, and has a policy by default") {
    const auto customers = customers_from_json(customer(least));
    REQUIRE(customers);
    REQUIRE(customers->size() == 1);
    const CustomerEntry& entry = customers->front();
    CHECK(entry.token == "BBB-CARD1");
    CHECK(entry.opening_balance == 125'000);
    CHECK(entry.status == CustomerStatus::active);
    CHECK(entry.policy == CustomerPolicy{});
}

SCENARIO("all fields of a customer are read, the token in its canonical form") {
    const auto customers = customers_from_json(
        R"({"customers":[{"token":"bbb-card2","currency":"EUR","balance":"0","status":"blocked",
        "maximum_approval":"200.00","concurrent_charges":10,"markup":500,"fee":"0.25"},
        {"token":"BBB-X","currency":"CNY","balance":"1","status":"expired"}]})");
    REQUIRE(customers);
    REQUIRE(customers->size() == 2);
    const CustomerEntry& entry = customers->front();
    CHECK(entry.token == "BBB-CARD2");
    CHECK(entry.status == CustomerStatus::blocked);
    CHECK(entry.policy == CustomerPolicy{2'000'000, 10, 500, 2'500});
    CHECK(customers->back().status == CustomerStatus::expired);
    CHECK(customers_from_json("{}").value().empty());
}

SCENARIO("every wrong field of a customer is refused with its place") {
    struct Case {
        std::string text;
        const char* error;
    };
    const std::string all{least};
    const std::vector<Case> cases{
        {customer(R"("currency":"CNY","balance":"1")"), "customers[0].token: is missing"},
        {customer(R"("token":"BBB-A","balance":"1")"), "customers[0].currency: is missing"},
        {customer(R"("token":"BBB-A","currency":"CNY")"), "customers[0].balance: is missing"},
        {customer(R"("token":"CARD1","currency":"CNY","balance":"1")"), "token: must look like"},
        {customer(R"("token":"BBB-1234567890123456789012345678901234567","currency":"CNY",)"
                  R"("balance":"1")"),
         "token: must look like"},
        {customer(R"("token":"BBB-A","currency":"YUAN","balance":"1")"), "currency: must be an"},
        {customer(R"("token":"BBB-A","currency":"CNY","balance":1)"), "balance: must be a text"},
        {customer(R"("token":"BBB-A","currency":"CNY","balance":"-1")"), "balance: must be a dec"},
        {customer(all + R"(,"status":"gone")"), "customers[0].status: must be \"active\""},
        {customer(all + R"(,"maximum_approval":"x")"), "maximum_approval: must be a decimal"},
        {customer(all + R"(,"concurrent_charges":0)"), "concurrent_charges: must be a whole"},
        {customer(all + R"(,"concurrent_charges":1001)"), "concurrent_charges: must be a whole"},
        {customer(all + R"(,"markup":100001)"), "markup: must be a whole number from 0"},
        {customer(all + R"(,"markup":-1)"), "markup: must be a whole number from 0"},
        {customer(all + R"(,"fee":0.5)"), "fee: must be a text"},
        {customer(all + R"(,"name":"Li")"), "customers[0].name: is not a known key"},
        {customer(all + R"(,"token":"BBB-B")"), "token: is given twice"},
        {R"({"customers":[)" + std::string{"1]}"}, "customers[0]: must be an object"},
        {R"({"customers":{}})", "customers: must be a list"},
        {R"({"customer":[]})", "customer: is not a known key"},
        {"[]", "document: must be an object"},
        {R"({"customers":[{"token")", "not JSON"},
        {R"({"customers":)" + std::string(2'000, '['), "not JSON"},
    };
    for (const Case& wrong : cases) {
        INFO(wrong.text << ": " << error_of(wrong.text));
        CHECK(contains(error_of(wrong.text), wrong.error));
    }
}

SCENARIO("errors of a customers file name the file and never its customers") {
    const TemporaryFolder folder;
    const std::string path = folder.file("customers.json");
    CHECK(load_customers(path).error() == path + ": cannot be opened");
    std::ofstream{path} << customer(R"("token":"BBB-SECRET","currency":"C","balance":"1")");
    const std::string error = load_customers(path).error();
    CHECK(error == path + ": customers[0].currency: must be an ISO 4217 code of three letters");
    std::ofstream{path} << customer(least);
    CHECK(load_customers(path).value().size() == 1);
}
