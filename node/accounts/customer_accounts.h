#pragma once

#include "ledger/base/expected.h"
#include "node/accounts/customer.h"
#include "node/accounts/staged_store.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::node {

/// What a visited operator asks on behalf of a driver.
struct ApprovalQuestion {
    std::string token;  ///< as it came; compared in canonical form
    Currency currency;
    std::optional<Money> prepaid;  ///< Mp as the driver stated it
    Money minimum_approval{0};     ///< of the scheme
};

/// A customer to create or change, for import and administration.
struct CustomerEntry {
    std::string token;
    CustomerStatus status{CustomerStatus::active};
    Currency currency;
    Money opening_balance{0};  ///< used only when the customer is new
    CustomerPolicy policy;
};

enum class AccountError : std::uint8_t {
    invalid_token,
    invalid_amount,  ///< out of range, or the balance would not fit
    invalid_policy,
    invalid_note,
    unknown_token,
    currency_differs,  ///< an existing customer's currency cannot change
};
[[nodiscard]] const char* to_text(AccountError error);

/// The home operator's customers: tokens, balances, and what open approvals hold back.
///
/// Money: balance = sum of the statement; available = balance - held; for every currency the sum of
/// all balances and of the contra accounts is zero.
/// Durability: `approve`, `capture` and `release` only stage their changes, so that they become
/// durable in one write with the roaming session they belong to (the caller commits the store).
/// The administrative operations commit by themselves.
/// Errors: bytes in the store that do not decode stop the process. Threads: one owner.
class CustomerAccounts {
public:
    static constexpr std::size_t page_max{1000};
    static constexpr std::size_t import_step{5000};  ///< customers per write of an import

    /// `store` must outlive this object. Keys start with 'A'.
    CustomerAccounts(StagedStore& store, const PartyId& self) : m_store{store}, m_self{self} {}

    /// Called with the token of every customer that was not there before, when it is durable.
    void on_new_customer(std::function<void(const std::string&)> listener) {
        m_on_new_customer = std::move(listener);
    }

    // ---- approvals, used by roaming; idempotent by authorization

    /// How much may be approved now, without reserving it: the stated amount (not more than the
    /// policy's maximum), else as much as policy and available balance give. Reasons are checked in
    /// the order unknown_token, token_blocked, currency_mismatch, concurrent_charge,
    /// insufficient_balance, minimum_approval.
    [[nodiscard]] Expected<Money, DenyReason> decide(const ApprovalQuestion& question) const;
    /// `decide` and reserve. Asked again for the same authorization, gives the same amount.
    [[nodiscard]] Expected<Money, DenyReason> approve(const AuthorizationRef& authorization,
                                                      const ApprovalQuestion& question);
    /// Pays `amount` (at most what was approved) to the visited operator, markup and fee to
    /// ourselves, and frees the rest of the hold. False when there is no hold: nothing is booked.
    bool capture(const AuthorizationRef& authorization, Money amount, UnixMillis now);
    /// Frees a hold. False when there is none.
    bool release(const AuthorizationRef& authorization);
    [[nodiscard]] std::optional<Hold> find_hold(const AuthorizationRef& authorization) const;

    // ---- administration; `now` is the time of statement entries

    /// Creates or changes customers; balances of existing ones stay. All entries are checked before
    /// the first is written; the error names the index.
    struct ImportError {
        std::size_t index{0};
        AccountError error{};
    };
    [[nodiscard]] Expected<Done, ImportError> import(const std::vector<CustomerEntry>& entries,
                                                     UnixMillis now);
    /// Pays in (or out, when negative). The balance may not go below what is held.
    [[nodiscard]] Expected<Customer, AccountError> adjust(std::string_view token, Money amount,
                                                          std::string_view note, UnixMillis now);
    [[nodiscard]] Expected<Customer, AccountError> set_status(std::string_view token,
                                                              CustomerStatus status);
    [[nodiscard]] Expected<Customer, AccountError> set_policy(std::string_view token,
                                                              const CustomerPolicy& policy);
    [[nodiscard]] std::optional<Customer> find(std::string_view token) const;
    /// Customers behind `after` (empty: from the first) in order of token, `page_max` at most.
    [[nodiscard]] std::vector<Customer> list(std::string_view after, std::size_t count) const;
    /// A customer's statement from entry `from` on, oldest first, `page_max` at most.
    [[nodiscard]] std::vector<StatementEntry> statement(std::string_view token, std::uint64_t from,
                                                        std::size_t count) const;
    /// What went to a contra account, over all customers (negative: what came from it).
    [[nodiscard]] Money contra_total(ContraAccount contra, const Currency& currency) const;

private:
    [[nodiscard]] std::optional<AccountError> check(const CustomerEntry& entry) const;
    [[nodiscard]] Customer require(const std::string& token) const;
    void write(const Customer& customer);
    void book(Customer& customer, StatementEntry entry);

    StagedStore& m_store;
    PartyId m_self;
    std::function<void(const std::string&)> m_on_new_customer;
};

}  // namespace tally::node
