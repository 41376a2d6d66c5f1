#include "node/accounts/customer.h"

#include "ledger/base/check.h"

#include <algorithm>

namespace tally::node {
namespace {

constexpr std::uint8_t record_version{1};
constexpr std::int64_t markup_scale{10'000};

char raised(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <typename Enum>
Enum read_enum(Decoder& decoder, Enum last) {
    const std::uint8_t number = decoder.u8();
    if (number == 0 || number > static_cast<std::uint8_t>(last)) {
        decoder.fail();
    }
    return static_cast<Enum>(number);
}

void read_version(Decoder& decoder) {
    if (decoder.u8() != record_version) {
        decoder.fail();
    }
}

}  // namespace

std::optional<std::string> canonical_token(std::string_view text) {
    constexpr std::size_t prefix{PartyId::size + 1};
    if (text.size() <= prefix || text.size() > home_token_bytes_max || text[PartyId::size] != '-') {
        return std::nullopt;
    }
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!printable || !party_from_text(text.substr(0, PartyId::size))) {
        return std::nullopt;
    }
    std::string token{text};
    std::transform(token.begin(), token.end(), token.begin(), raised);
    return token;
}

PartyId party_of_token(std::string_view token) {
    const auto party = party_from_text(token.substr(0, PartyId::size));
    ENSURE(party.has_value());
    return *party;
}

const char* to_text(CustomerStatus status) {
    switch (status) {
        case CustomerStatus::active:
            return "active";
        case CustomerStatus::blocked:
            return "blocked";
        case CustomerStatus::expired:
            return "expired";
    }
    return "?";
}

std::optional<CustomerStatus> customer_status_from_text(std::string_view text) {
    for (const CustomerStatus status :
         {CustomerStatus::active, CustomerStatus::blocked, CustomerStatus::expired}) {
        if (text == to_text(status)) {
            return status;
        }
    }
    return std::nullopt;
}

const char* to_text(ContraAccount contra) {
    switch (contra) {
        case ContraAccount::funding:
            return "funding";
        case ContraAccount::roaming:
            return "roaming";
        case ContraAccount::revenue:
            return "revenue";
    }
    return "?";
}

std::optional<Money> CustomerPolicy::customer_price(Money amount) const {
    const auto extra = multiply_divide_half_up(amount, markup, markup_scale);
    const auto marked_up = extra ? checked_add(amount, *extra) : std::nullopt;
    return marked_up ? checked_add(*marked_up, fee) : std::nullopt;
}

Bytes encode(const Customer& customer) {
    Encoder encoder;
    encoder.u8(record_version).text(customer.token);
    encoder.u8(static_cast<std::uint8_t>(customer.status)).fixed(customer.currency);
    encoder.i64(customer.balance).i64(customer.held).u32(customer.holds);
    encoder.i64(customer.policy.approval_max).u32(customer.policy.concurrent_charges);
    encoder.u32(customer.policy.markup).i64(customer.policy.fee).u64(customer.entries);
    return std::move(encoder).take();
}

std::optional<Customer> decode_customer(ByteView bytes) {
    Decoder decoder{bytes};
    read_version(decoder);
    Customer customer;
    customer.token = decoder.text(home_token_bytes_max);
    customer.status = read_enum(decoder, CustomerStatus::expired);
    customer.currency = decoder.fixed<Currency>();
    customer.balance = decoder.i64();
    customer.held = decoder.i64();
    customer.holds = decoder.u32();
    customer.policy.approval_max = decoder.i64();
    customer.policy.concurrent_charges = decoder.u32();
    customer.policy.markup = decoder.u32();
    customer.policy.fee = decoder.i64();
    customer.entries = decoder.u64();
    return decoder.finished() ? std::optional{customer} : std::nullopt;
}

Bytes encode(const Hold& hold) {
    Encoder encoder;
    encoder.u8(record_version).text(hold.token).i64(hold.approved).i64(hold.reserved);
    return std::move(encoder).take();
}

std::optional<Hold> decode_hold(ByteView bytes) {
    Decoder decoder{bytes};
    read_version(decoder);
    Hold hold;
    hold.token = decoder.text(home_token_bytes_max);
    hold.approved = decoder.i64();
    hold.reserved = decoder.i64();
    return decoder.finished() ? std::optional{hold} : std::nullopt;
}

Bytes encode(const StatementEntry& entry) {
    Encoder encoder;
    encoder.u8(record_version).u64(entry.sequence).i64(entry.time);
    encoder.u8(static_cast<std::uint8_t>(entry.contra)).i64(entry.amount).i64(entry.balance_after);
    encoder.boolean(entry.authorization.has_value());
    if (entry.authorization) {
        encode(encoder, *entry.authorization);
    }
    encoder.text(entry.note);
    return std::move(encoder).take();
}

std::optional<StatementEntry> decode_statement_entry(ByteView bytes) {
    Decoder decoder{bytes};
    read_version(decoder);
    StatementEntry entry;
    entry.sequence = decoder.u64();
    entry.time = decoder.i64();
    entry.contra = read_enum(decoder, ContraAccount::revenue);
    entry.amount = decoder.i64();
    entry.balance_after = decoder.i64();
    if (decoder.boolean()) {
        entry.authorization = decode_transaction_ref(decoder);
    }
    entry.note = decoder.text(statement_note_bytes_max);
    return decoder.finished() ? std::optional{entry} : std::nullopt;
}

}  // namespace tally::node
