#include "node/accounts/customer_accounts.h"

#include "ledger/base/memory_store.h"

#include <catch2/catch.hpp>

namespace tally::node {
namespace {

constexpr UnixMillis now{1'748'736'000'000};

Money units(std::int64_t whole) { return whole * money_scale; }
Currency cny() { return *currency_from_text("CNY"); }
AuthorizationRef authorization(std::uint8_t number) {
    AuthorizationRef ref{.signer = *party_from_text("BBB"), .id = {}};
    ref.id.data[15] = number;
    return ref;
}

struct Books {
    MemoryStore disk;
    StagedStore store{disk};
    CustomerAccounts accounts{store, *party_from_text("BBB")};

    void add(const std::string& token, Money balance, CustomerPolicy policy = {}) {
        CustomerEntry entry;
        entry.token = token;
        entry.currency = cny();
        entry.opening_balance = balance;
        entry.policy = policy;
        REQUIRE(accounts.import({entry}, now).has_value());
    }
    [[nodiscard]] ApprovalQuestion question(const std::string& token) const {
        ApprovalQuestion asked;
        asked.token = token;
        asked.currency = cny();
        asked.minimum_approval = units(1);
        return asked;
    }
    /// Balances and contra accounts together.
    [[nodiscard]] Money sum() const {
        Money total = 0;
        for (const Customer& customer : accounts.list("", CustomerAccounts::page_max)) {
            total += customer.balance;
        }
        for (const ContraAccount contra :
             {ContraAccount::funding, ContraAccount::roaming, ContraAccount::revenue}) {
            total += accounts.contra_total(contra, cny());
        }
        return total;
    }
};

}  // namespace

TEST_CASE("tokens have one canonical form", "[accounts]") {
    CHECK(canonical_token("bbb-a1") == "BBB-A1");
    CHECK(canonical_token("BBB-1234567890123456") == "BBB-1234567890123456");
    CHECK(canonical_token("BBB-" + std::string(36, '1')));
    CHECK_FALSE(canonical_token("BBB-" + std::string(37, '1')));
    for (const char* wrong :
         {"", "BBB", "BBB-", "BB-1", "BBBB-1", "B1B-1", "BBB-1 2", "BBB 1", "BBB-\x7f"}) {
        CHECK_FALSE(canonical_token(wrong));
    }
    CHECK(to_text(party_of_token("BBB-A1")) == "BBB");
}

TEST_CASE("the answer follows from status, currency, holds and balance", "[accounts]") {
    Books books;
    books.add("BBB-1", units(100));
    books.add("BBB-POOR", units(1) / 2);
    ApprovalQuestion question = books.question("bbb-1");

    SECTION("without a stated amount all that is available") {
        CHECK(books.accounts.decide(question).value() == units(100));
    }
    SECTION("a stated amount as stated") {
        question.prepaid = units(30);
        CHECK(books.accounts.decide(question).value() == units(30));
    }
    SECTION("a stated amount above the balance") {
        question.prepaid = units(100) + 1;
        CHECK(books.accounts.decide(question).error() == DenyReason::insufficient_balance);
    }
    SECTION("a stated amount below the minimum") {
        question.prepaid = units(1) - 1;
        CHECK(books.accounts.decide(question).error() == DenyReason::minimum_approval);
    }
    SECTION("too little for the minimum") {
        question.token = "BBB-POOR";
        CHECK(books.accounts.decide(question).error() == DenyReason::minimum_approval);
    }
    SECTION("nobody we know") {
        question.token = "BBB-2";
        CHECK(books.accounts.decide(question).error() == DenyReason::unknown_token);
    }
    SECTION("blocked and expired") {
        REQUIRE(books.accounts.set_status("BBB-1", CustomerStatus::blocked).has_value());
        CHECK(books.accounts.decide(question).error() == DenyReason::token_blocked);
        REQUIRE(books.accounts.set_status("BBB-1", CustomerStatus::expired).has_value());
        CHECK(books.accounts.decide(question).error() == DenyReason::token_blocked);
    }
    SECTION("another currency") {
        question.currency = *currency_from_text("EUR");
        CHECK(books.accounts.decide(question).error() == DenyReason::currency_mismatch);
    }
    SECTION("more charges at once than allowed") {
        question.prepaid = units(10);
        REQUIRE(books.accounts.approve(authorization(1), question).has_value());
        CHECK(books.accounts.decide(question).error() == DenyReason::concurrent_charge);
    }
    SECTION("the policy's maximum caps both ways of asking") {
        CustomerPolicy policy;
        policy.approval_max = units(20);
        REQUIRE(books.accounts.set_policy("BBB-1", policy).has_value());
        CHECK(books.accounts.decide(question).value() == units(20));
        question.prepaid = units(30);
        CHECK(books.accounts.decide(question).value() == units(20));
    }
}

TEST_CASE("a hold is reserved, captured and released once", "[accounts]") {
    Books books;
    CustomerPolicy policy;
    policy.concurrent_charges = 2;
    books.add("BBB-1", units(100), policy);
    ApprovalQuestion question = books.question("BBB-1");
    question.prepaid = units(60);
    REQUIRE(books.accounts.approve(authorization(1), question).value() == units(60));
    // The same again is the same hold.
    CHECK(books.accounts.approve(authorization(1), question).value() == units(60));
    CHECK(books.accounts.find("BBB-1")->available() == units(40));
    CHECK(books.accounts.approve(authorization(2), question).error() ==
          DenyReason::insufficient_balance);
    question.prepaid = units(40);
    REQUIRE(books.accounts.approve(authorization(2), question).has_value());

    CHECK(books.accounts.capture(authorization(1), units(25), now));
    CHECK_FALSE(books.accounts.capture(authorization(1), units(25), now));
    CHECK_FALSE(books.accounts.release(authorization(1)));
    CHECK(books.accounts.find("BBB-1")->balance == units(75));
    CHECK(books.accounts.find("BBB-1")->held == units(40));
    CHECK(books.accounts.release(authorization(2)));
    CHECK_FALSE(books.accounts.release(authorization(2)));
    CHECK(books.accounts.find("BBB-1")->available() == units(75));
    CHECK(books.accounts.contra_total(ContraAccount::roaming, cny()) == units(25));
    CHECK(books.sum() == 0);
}

TEST_CASE("markup and fee never let a customer pay more than the balance", "[accounts]") {
    Books books;
    CustomerPolicy policy;
    policy.markup = 333;
    policy.fee = 1'234;
    for (Money balance = units(2); balance < units(2) + 300; ++balance) {
        const std::string token = "BBB-" + std::to_string(balance);
        books.add(token, balance, policy);
        const Money approved = books.accounts.decide(books.question(token)).value();
        CHECK(policy.customer_price(approved).value() <= balance);
        CHECK(policy.customer_price(approved + 1).value() > balance);
    }
}

TEST_CASE("the statement adds up and is paged", "[accounts]") {
    Books books;
    books.add("BBB-1", units(10));
    for (int i = 0; i < 20; ++i) {
        REQUIRE(books.accounts.adjust("bbb-1", units(1), "top-up", now).has_value());
    }
    const auto first = books.accounts.statement("BBB-1", 0, 15);
    const auto rest = books.accounts.statement("BBB-1", 15, 15);
    REQUIRE(first.size() == 15);
    REQUIRE(rest.size() == 6);
    Money balance = 0;
    std::uint64_t sequence = 0;
    for (const auto& page : {first, rest}) {
        for (const StatementEntry& entry : page) {
            balance += entry.amount;
            CHECK(entry.balance_after == balance);
            CHECK(entry.sequence == sequence++);
        }
    }
    CHECK(balance == units(30));
    CHECK(books.sum() == 0);
}

TEST_CASE("administration refuses what is out of range, and changes nothing", "[accounts]") {
    Books books;
    books.add("BBB-1", units(10));
    CHECK(books.accounts.adjust("BBB-9", 1, "", now).error() == AccountError::unknown_token);
    CHECK(books.accounts.adjust("BBB-1", 0, "", now).error() == AccountError::invalid_amount);
    CHECK(books.accounts.adjust("BBB-1", units(-11), "", now).error() ==
          AccountError::invalid_amount);
    CHECK(books.accounts.adjust("BBB-1", amount_max, "", now).error() ==
          AccountError::invalid_amount);
    CHECK(books.accounts.adjust("BBB-1", 1, std::string(65, 'x'), now).error() ==
          AccountError::invalid_note);
    CHECK(books.accounts.adjust("BBB-1", 1, "a\nb", now).error() == AccountError::invalid_note);
    // What is held cannot be paid out.
    ApprovalQuestion question = books.question("BBB-1");
    question.prepaid = units(8);
    REQUIRE(books.accounts.approve(authorization(1), question).has_value());
    CHECK(books.accounts.adjust("BBB-1", units(-3), "", now).error() ==
          AccountError::invalid_amount);
    CHECK(books.accounts.find("BBB-1")->balance == units(10));

    CustomerEntry good;
    good.token = "BBB-2";
    good.currency = cny();
    CustomerEntry foreign = good;
    foreign.token = "AAA-1";
    const auto refused = books.accounts.import({good, foreign}, now);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().index == 1);
    CHECK(refused.error().error == AccountError::invalid_token);
    CHECK_FALSE(books.accounts.find("BBB-2"));
    good.policy.concurrent_charges = 0;
    CHECK(books.accounts.import({good}, now).error().error == AccountError::invalid_policy);
    good.policy = {};
    good.token = "BBB-1";
    good.currency = *currency_from_text("EUR");
    CHECK(books.accounts.import({good}, now).error().error == AccountError::currency_differs);
}

TEST_CASE("an import of many customers is complete and keeps balances", "[accounts]") {
    Books books;
    std::vector<CustomerEntry> entries;
    const std::size_t count = CustomerAccounts::import_step + 7;
    for (std::size_t i = 0; i < count; ++i) {
        CustomerEntry entry;
        entry.token = "BBB-" + std::to_string(100'000 + i);
        entry.currency = cny();
        entry.opening_balance = units(1);
        entries.push_back(entry);
    }
    REQUIRE(books.accounts.import(entries, now).has_value());
    REQUIRE(books.accounts.import(entries, now).has_value());  // again: opening balances stay
    std::size_t listed = 0;
    std::string after;
    for (;;) {
        const auto page = books.accounts.list(after, CustomerAccounts::page_max + 1);
        CHECK(page.size() <= CustomerAccounts::page_max);
        if (page.empty()) {
            break;
        }
        listed += page.size();
        after = page.back().token;
    }
    CHECK(listed == count);
    CHECK(books.accounts.contra_total(ContraAccount::funding, cny()) ==
          -units(static_cast<std::int64_t>(count)));
}

TEST_CASE("staged approvals are lost together when they are not committed", "[accounts]") {
    Books books;
    books.add("BBB-1", units(10));
    REQUIRE(books.accounts.approve(authorization(1), books.question("BBB-1")).has_value());
    StagedStore reopened{books.disk};
    const CustomerAccounts before{reopened, *party_from_text("BBB")};
    CHECK(before.find("BBB-1")->held == 0);
    CHECK_FALSE(before.find_hold(authorization(1)));
    books.store.commit();
    CHECK(before.find("BBB-1")->held == units(10));
    CHECK(before.find_hold(authorization(1)));
}

TEST_CASE("stored customer records are decoded strictly", "[accounts]") {
    Customer customer;
    customer.token = "BBB-1";
    customer.currency = cny();
    const Bytes bytes = encode(customer);
    REQUIRE(decode_customer(bytes) == customer);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(decode_customer(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_customer(longer));
    Bytes version = bytes;
    version[0] = 2;
    CHECK_FALSE(decode_customer(version));
}

}  // namespace tally::node
