#pragma once

// What a home operator knows about its customers. Its own books: nothing of this is on the ledger,
// in logs or in metrics.

#include "ledger/base/codec.h"
#include "ledger/model/actions.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

/// Longest card id: OCPP 2.0.1 idToken.
inline constexpr std::size_t card_bytes_max{36};
/// A party, a hyphen and a card id.
inline constexpr std::size_t home_token_bytes_max{PartyId::size + 1 + card_bytes_max};

/// Upper-case form of a token "PTY-UID"; nothing unless it is a party, a hyphen and a UID (the
/// card's own id) of 1 to 36 printable characters. Tokens compare case-insensitively (OCPP
/// CiString), so only this form is stored and compared.
[[nodiscard]] std::optional<std::string> canonical_token(std::string_view text);
/// The home operator in a canonical token.
[[nodiscard]] PartyId party_of_token(std::string_view token);

enum class CustomerStatus : std::uint8_t { active = 1, blocked = 2, expired = 3 };
[[nodiscard]] const char* to_text(CustomerStatus status);
[[nodiscard]] std::optional<CustomerStatus> customer_status_from_text(std::string_view text);

inline constexpr std::uint32_t concurrent_charges_max{1000};
inline constexpr std::uint32_t markup_max{100'000};  ///< ten times the price

/// What the operator allows a customer, and what it charges on top of the visited operator's
/// amount.
struct CustomerPolicy {
    Money approval_max{amount_max};       ///< most that one approval may promise (Mp)
    std::uint32_t concurrent_charges{1};  ///< open approvals at once, 1 or more
    std::uint32_t markup{0};              ///< in 1/10000 of the settled amount
    Money fee{0};                         ///< once per settled charge
    friend bool operator==(const CustomerPolicy&, const CustomerPolicy&) = default;

    /// What the customer pays for a settled amount. Nothing when it does not fit.
    [[nodiscard]] std::optional<Money> customer_price(Money amount) const;
};

struct Customer {
    std::string token;  ///< canonical
    CustomerStatus status{CustomerStatus::active};
    Currency currency;
    Money balance{0};
    Money held{0};           ///< reserved by open approvals, 0 or more
    std::uint32_t holds{0};  ///< number of open approvals
    CustomerPolicy policy;
    std::uint64_t entries{0};  ///< statement entries so far; the next one's sequence

    [[nodiscard]] Money available() const noexcept { return balance - held; }
    friend bool operator==(const Customer&, const Customer&) = default;
};

/// A reservation for one authorization, until it is captured or released.
struct Hold {
    std::string token;
    Money approved{0};  ///< Mp
    Money reserved{0};  ///< what the customer pays at most
    friend bool operator==(const Hold&, const Hold&) = default;
};

/// The other side of a statement entry.
enum class ContraAccount : std::uint8_t {
    funding = 1,  ///< money paid in or out by the customer
    roaming = 2,  ///< owed to visited operators
    revenue = 3,  ///< markup and fee
};
[[nodiscard]] const char* to_text(ContraAccount contra);

inline constexpr std::size_t statement_note_bytes_max{64};

/// One change of a balance, double entry: `amount` goes to the customer and away from `contra`.
struct StatementEntry {
    std::uint64_t sequence{0};
    UnixMillis time{0};
    ContraAccount contra{ContraAccount::funding};
    Money amount{0};  ///< added to the balance; negative when paid
    Money balance_after{0};
    std::optional<AuthorizationRef> authorization;
    std::string note;
    friend bool operator==(const StatementEntry&, const StatementEntry&) = default;
};

// Stored form, fixed-width codec with a version byte in front. Decoders give nothing on bytes that
// this program did not write.
[[nodiscard]] Bytes encode(const Customer& customer);
[[nodiscard]] std::optional<Customer> decode_customer(ByteView bytes);
[[nodiscard]] Bytes encode(const Hold& hold);
[[nodiscard]] std::optional<Hold> decode_hold(ByteView bytes);
[[nodiscard]] Bytes encode(const StatementEntry& entry);
[[nodiscard]] std::optional<StatementEntry> decode_statement_entry(ByteView bytes);

}  // namespace tally::node
