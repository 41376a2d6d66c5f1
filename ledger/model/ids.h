#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"
#include "ledger/base/codec.h"
#include "ledger/base/random.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

/// A member's name everywhere: three letters A-Z (OCPI party_id), also the prefix of its tokens.
using PartyId = FixedBytes<3, struct PartyIdTag>;

/// Nothing unless `text` is exactly three letters; lower case is raised.
[[nodiscard]] std::optional<PartyId> party_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const PartyId& party);
/// Only A-Z in all three places. Decoders refuse anything else.
[[nodiscard]] bool is_valid(const PartyId& party) noexcept;

/// Id of a transaction, chosen by its signer: 48-bit milliseconds since 1970, then 80 random bits.
/// Ids are scoped to their signer: two members may use the same one.
using TransactionId = FixedBytes<16, struct TransactionIdTag>;

/// `now` is 0 to `unix_millis_max`.
[[nodiscard]] TransactionId make_transaction_id(UnixMillis now, Random& random);
[[nodiscard]] UnixMillis time_of(const TransactionId& id) noexcept;

/// A transaction by its full name: who signed it and its id. An authorization and the charge under
/// it are named by the DecideAuthorization that created them, so `signer` is the home operator.
/// Text form: "BBB-" and 32 hexadecimal digits.
struct TransactionRef {
    PartyId signer;
    TransactionId id;
    friend constexpr auto operator<=>(const TransactionRef&, const TransactionRef&) = default;
};
using AuthorizationRef = TransactionRef;

inline constexpr std::size_t transaction_ref_bytes{PartyId::size + TransactionId::size};

[[nodiscard]] std::string to_text(const TransactionRef& ref);
[[nodiscard]] std::optional<TransactionRef> transaction_ref_from_text(std::string_view text);
void encode(Encoder& encoder, const TransactionRef& ref);
[[nodiscard]] TransactionRef decode_transaction_ref(Decoder& decoder);

// Longest accepted texts, in bytes. All are printable ASCII (0x21 to 0x7e) and not empty.
inline constexpr std::size_t evse_id_bytes_max{48};     ///< eMI3 EVSE id, "CN*AAA*E0001*1"
inline constexpr std::size_t station_id_bytes_max{48};  ///< OCPP charge point identity
inline constexpr std::size_t meter_serial_bytes_max{36};
inline constexpr std::size_t bridge_id_bytes_max{36};
inline constexpr std::size_t tariff_id_bytes_max{36};  ///< OCPI tariff id (CiString 36)
[[nodiscard]] bool is_valid_name(std::string_view name, std::size_t bytes_max) noexcept;

/// A version of one of a member's tariffs. Versions start at 1 and only grow.
struct TariffRef {
    std::string tariff_id;
    std::uint32_t version{0};
    friend auto operator<=>(const TariffRef&, const TariffRef&) = default;
};
/// A valid name and a version of 1 or more.
[[nodiscard]] bool is_valid(const TariffRef& ref) noexcept;

}  // namespace tally
