#include "node/accounts/customer_accounts.h"

#include <algorithm>

namespace tally::node {
namespace {

// Keys: 'A', then the kind, then what names the record.
constexpr std::uint8_t key_space{'A'};
constexpr std::uint8_t customer_kind{'c'};
constexpr std::uint8_t hold_kind{'h'};
constexpr std::uint8_t statement_kind{'s'};
constexpr std::uint8_t contra_kind{'t'};

Bytes customer_key(std::string_view token) {
    Bytes key{key_space, customer_kind};
    append(key, as_bytes(token));
    return key;
}

Bytes hold_key(const AuthorizationRef& authorization) {
    Encoder encoder;
    encoder.u8(key_space).u8(hold_kind);
    encode(encoder, authorization);
    return std::move(encoder).take();
}

Bytes statement_prefix(std::string_view token) {
    Encoder encoder;
    encoder.u8(key_space).u8(statement_kind).text(token);
    return std::move(encoder).take();
}

Bytes statement_key(std::string_view token, std::uint64_t sequence) {
    Encoder encoder;
    encoder.raw(statement_prefix(token)).u64(sequence);
    return std::move(encoder).take();
}

Bytes contra_key(ContraAccount contra, const Currency& currency) {
    Encoder encoder;
    encoder.u8(key_space).u8(contra_kind).u8(static_cast<std::uint8_t>(contra)).fixed(currency);
    return std::move(encoder).take();
}

bool is_valid_policy(const CustomerPolicy& policy) {
    return policy.approval_max >= 0 && policy.approval_max <= amount_max &&
           policy.concurrent_charges >= 1 && policy.concurrent_charges <= concurrent_charges_max &&
           policy.markup <= markup_max && policy.fee >= 0 && policy.fee <= amount_max;
}

bool is_valid_note(std::string_view note) {
    return note.size() <= statement_note_bytes_max &&
           std::all_of(note.begin(), note.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

/// The largest amount whose customer price is covered by `available`; 0 when even the fee is not.
Money affordable(const CustomerPolicy& policy, Money available) {
    constexpr std::int64_t scale{10'000};
    const Money without_fee = available - policy.fee;
    if (without_fee <= 0) {
        return 0;
    }
    const auto estimate = multiply_divide_half_up(without_fee, scale, scale + policy.markup);
    Money amount = std::min(estimate.value_or(0), amount_max);
    // Rounding half up on both ways can be one or two steps too high, never more.
    while (amount > 0) {
        const auto price = policy.customer_price(amount);
        if (price && *price <= available) {
            break;
        }
        --amount;
    }
    return amount;
}

}  // namespace

const char* to_text(AccountError error) {
    switch (error) {
        case AccountError::invalid_token:
            return "invalid_token";
        case AccountError::invalid_amount:
            return "invalid_amount";
        case AccountError::invalid_policy:
            return "invalid_policy";
        case AccountError::invalid_note:
            return "invalid_note";
        case AccountError::unknown_token:
            return "unknown_token";
        case AccountError::currency_differs:
            return "currency_differs";
    }
    return "?";
}

Expected<Money, DenyReason> CustomerAccounts::decide(const ApprovalQuestion& question) const {
    const std::optional<Customer> customer = find(question.token);
    if (!customer) {
        return Unexpected{DenyReason::unknown_token};
    }
    if (customer->status != CustomerStatus::active) {
        return Unexpected{DenyReason::token_blocked};
    }
    if (customer->currency != question.currency) {
        return Unexpected{DenyReason::currency_mismatch};
    }
    if (customer->holds >= customer->policy.concurrent_charges) {
        return Unexpected{DenyReason::concurrent_charge};
    }
    const Money affordable_now = affordable(customer->policy, customer->available());
    if (question.prepaid && *question.prepaid > affordable_now) {
        return Unexpected{DenyReason::insufficient_balance};
    }
    const Money amount =
        std::min(question.prepaid.value_or(affordable_now), customer->policy.approval_max);
    if (amount < std::max<Money>(question.minimum_approval, 1)) {
        return Unexpected{DenyReason::minimum_approval};
    }
    return amount;
}

Expected<Money, DenyReason> CustomerAccounts::approve(const AuthorizationRef& authorization,
                                                      const ApprovalQuestion& question) {
    if (const auto hold = find_hold(authorization)) {
        return hold->approved;
    }
    const auto amount = decide(question);
    if (!amount) {
        return amount;
    }
    Customer customer = require(*canonical_token(question.token));
    const auto reserved = customer.policy.customer_price(*amount);
    ENSURE(reserved.has_value() && *reserved <= customer.available());
    customer.held += *reserved;
    customer.holds += 1;
    write(customer);
    const Hold hold{.token = customer.token, .approved = *amount, .reserved = *reserved};
    m_store.put(hold_key(authorization), encode(hold));
    return amount;
}

bool CustomerAccounts::capture(const AuthorizationRef& authorization, Money amount,
                               UnixMillis now) {
    const auto hold = find_hold(authorization);
    if (!hold) {
        return false;
    }
    ENSURE(amount >= 0 && amount <= hold->approved);
    Customer customer = require(hold->token);
    // The policy may have changed since; the customer never pays more than was reserved.
    const Money price =
        std::min(customer.policy.customer_price(amount).value_or(hold->reserved), hold->reserved);
    customer.held -= hold->reserved;
    customer.holds -= 1;
    StatementEntry entry;
    entry.time = now;
    entry.authorization = authorization;
    entry.contra = ContraAccount::roaming;
    entry.amount = -amount;
    book(customer, entry);
    if (price > amount) {
        entry.contra = ContraAccount::revenue;
        entry.amount = amount - price;
        book(customer, entry);
    }
    write(customer);
    m_store.erase(hold_key(authorization));
    return true;
}

bool CustomerAccounts::release(const AuthorizationRef& authorization) {
    const auto hold = find_hold(authorization);
    if (!hold) {
        return false;
    }
    Customer customer = require(hold->token);
    customer.held -= hold->reserved;
    customer.holds -= 1;
    write(customer);
    m_store.erase(hold_key(authorization));
    return true;
}

std::optional<Hold> CustomerAccounts::find_hold(const AuthorizationRef& authorization) const {
    const auto bytes = m_store.get(hold_key(authorization));
    if (!bytes) {
        return std::nullopt;
    }
    const auto hold = decode_hold(*bytes);
    ENSURE(hold.has_value());
    return hold;
}

std::optional<AccountError> CustomerAccounts::check(const CustomerEntry& entry) const {
    const auto token = canonical_token(entry.token);
    if (!token || party_of_token(*token) != m_self) {
        return AccountError::invalid_token;
    }
    if (!is_valid_policy(entry.policy)) {
        return AccountError::invalid_policy;
    }
    if (entry.opening_balance < 0 || entry.opening_balance > amount_max) {
        return AccountError::invalid_amount;
    }
    const auto existing = find(*token);
    if (!is_valid(entry.currency) || (existing && existing->currency != entry.currency)) {
        return AccountError::currency_differs;
    }
    return std::nullopt;
}

Expected<Done, CustomerAccounts::ImportError> CustomerAccounts::import(
    const std::vector<CustomerEntry>& entries, UnixMillis now) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (const auto error = check(entries[i])) {
            return Unexpected{ImportError{.index = i, .error = *error}};
        }
    }
    std::vector<std::string> fresh;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const CustomerEntry& entry = entries[i];
        const std::string token = *canonical_token(entry.token);
        const auto existing = find(token);
        Customer customer = existing.value_or(Customer{});
        customer.token = token;
        customer.status = entry.status;
        customer.currency = entry.currency;
        customer.policy = entry.policy;
        if (!existing && entry.opening_balance > 0) {
            StatementEntry opening;
            opening.time = now;
            opening.amount = entry.opening_balance;
            opening.note = "opening balance";
            book(customer, opening);
        }
        write(customer);
        if (!existing && m_on_new_customer) {
            fresh.push_back(token);
        }
        if ((i + 1) % import_step == 0) {
            m_store.commit();
        }
    }
    m_store.commit();
    for (const std::string& token : fresh) {
        m_on_new_customer(token);
    }
    return Done{};
}

Expected<Customer, AccountError> CustomerAccounts::adjust(std::string_view token, Money amount,
                                                          std::string_view note, UnixMillis now) {
    auto customer = find(token);
    if (!customer) {
        return Unexpected{AccountError::unknown_token};
    }
    if (!is_valid_note(note)) {
        return Unexpected{AccountError::invalid_note};
    }
    const auto balance = checked_add(customer->balance, amount);
    if (amount == 0 || !balance || *balance > amount_max || *balance < customer->held) {
        return Unexpected{AccountError::invalid_amount};
    }
    StatementEntry entry;
    entry.time = now;
    entry.amount = amount;
    entry.note = note;
    book(*customer, entry);
    write(*customer);
    m_store.commit();
    return *customer;
}

Expected<Customer, AccountError> CustomerAccounts::set_status(std::string_view token,
                                                              CustomerStatus status) {
    auto customer = find(token);
    if (!customer) {
        return Unexpected{AccountError::unknown_token};
    }
    customer->status = status;
    write(*customer);
    m_store.commit();
    return *customer;
}

Expected<Customer, AccountError> CustomerAccounts::set_policy(std::string_view token,
                                                              const CustomerPolicy& policy) {
    auto customer = find(token);
    if (!customer) {
        return Unexpected{AccountError::unknown_token};
    }
    if (!is_valid_policy(policy)) {
        return Unexpected{AccountError::invalid_policy};
    }
    customer->policy = policy;
    write(*customer);
    m_store.commit();
    return *customer;
}

std::optional<Customer> CustomerAccounts::find(std::string_view token) const {
    const auto canonical = canonical_token(token);
    if (!canonical) {
        return std::nullopt;
    }
    const auto bytes = m_store.get(customer_key(*canonical));
    if (!bytes) {
        return std::nullopt;
    }
    auto customer = decode_customer(*bytes);
    ENSURE(customer.has_value());
    return customer;
}

std::vector<Customer> CustomerAccounts::list(std::string_view after, std::size_t count) const {
    Bytes from = customer_key(canonical_token(after).value_or(std::string{}));
    if (!after.empty()) {
        from.push_back(0);
    }
    std::vector<Customer> customers;
    for (const auto& entry : m_store.scan(customer_key(""), from, std::min(count, page_max))) {
        const auto customer = decode_customer(entry.value);
        ENSURE(customer.has_value());
        customers.push_back(*customer);
    }
    return customers;
}

std::vector<StatementEntry> CustomerAccounts::statement(std::string_view token, std::uint64_t from,
                                                        std::size_t count) const {
    const auto canonical = canonical_token(token);
    if (!canonical) {
        return {};
    }
    std::vector<StatementEntry> entries;
    for (const auto& entry :
         m_store.scan(statement_prefix(*canonical), statement_key(*canonical, from),
                      std::min(count, page_max))) {
        const auto decoded = decode_statement_entry(entry.value);
        ENSURE(decoded.has_value());
        entries.push_back(*decoded);
    }
    return entries;
}

Money CustomerAccounts::contra_total(ContraAccount contra, const Currency& currency) const {
    const auto bytes = m_store.get(contra_key(contra, currency));
    if (!bytes) {
        return 0;
    }
    Decoder decoder{*bytes};
    const Money total = decoder.i64();
    ENSURE(decoder.finished());
    return total;
}

Customer CustomerAccounts::require(const std::string& token) const {
    auto customer = find(token);
    ENSURE(customer.has_value());
    return *customer;
}

void CustomerAccounts::write(const Customer& customer) {
    ENSURE(customer.held >= 0);
    m_store.put(customer_key(customer.token), encode(customer));
}

void CustomerAccounts::book(Customer& customer, StatementEntry entry) {
    const auto balance = checked_add(customer.balance, entry.amount);
    const auto contra =
        checked_subtract(contra_total(entry.contra, customer.currency), entry.amount);
    ENSURE(balance.has_value() && contra.has_value());
    customer.balance = *balance;
    entry.sequence = customer.entries++;
    entry.balance_after = *balance;
    m_store.put(statement_key(customer.token, entry.sequence), encode(entry));
    Encoder total;
    total.i64(*contra);
    m_store.put(contra_key(entry.contra, customer.currency), std::move(total).take());
}

}  // namespace tally::node
