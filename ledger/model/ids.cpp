#include "ledger/model/ids.h"

#include "ledger/base/check.h"

#include <algorithm>

namespace tally {

namespace {

constexpr std::size_t id_time_bytes{6};

bool is_capital(std::uint8_t octet) noexcept { return octet >= 'A' && octet <= 'Z'; }

}  // namespace

std::optional<PartyId> party_from_text(std::string_view text) {
    std::optional<PartyId> party = PartyId::from(as_bytes(text));
    if (!party) {
        return std::nullopt;
    }
    for (std::uint8_t& octet : party->data) {
        if (octet >= 'a' && octet <= 'z') {
            octet = static_cast<std::uint8_t>(octet - 'a' + 'A');
        }
    }
    return is_valid(*party) ? party : std::nullopt;
}

std::string to_text(const PartyId& party) { return std::string{as_text(party.view())}; }

bool is_valid(const PartyId& party) noexcept {
    return std::all_of(party.data.begin(), party.data.end(), is_capital);
}

TransactionId make_transaction_id(UnixMillis now, Random& random) {
    ENSURE(now >= 0 && now <= unix_millis_max);
    TransactionId id = random.fixed<TransactionId>();
    auto rest = static_cast<std::uint64_t>(now);
    for (std::size_t i = id_time_bytes; i > 0; --i) {
        id.data[i - 1] = static_cast<std::uint8_t>(rest & 0xffU);
        rest >>= 8U;
    }
    return id;
}

UnixMillis time_of(const TransactionId& id) noexcept {
    std::uint64_t millis{0};
    for (std::size_t i = 0; i < id_time_bytes; ++i) {
        millis = (millis << 8U) | id.data[i];
    }
    return static_cast<UnixMillis>(millis);
}

std::string to_text(const TransactionRef& ref) {
    return to_text(ref.signer) + "-" + to_hex(ref.id);
}

std::optional<TransactionRef> transaction_ref_from_text(std::string_view text) {
    if (text.size() != PartyId::size + 1 + 2 * TransactionId::size || text[PartyId::size] != '-') {
        return std::nullopt;
    }
    const auto signer = party_from_text(text.substr(0, PartyId::size));
    const auto id = fixed_from_hex<TransactionId>(text.substr(PartyId::size + 1));
    if (!signer || !id) {
        return std::nullopt;
    }
    return TransactionRef{*signer, *id};
}

void encode(Encoder& encoder, const TransactionRef& ref) {
    encoder.fixed(ref.signer).fixed(ref.id);
}

TransactionRef decode_transaction_ref(Decoder& decoder) {
    TransactionRef ref;
    ref.signer = decoder.fixed<PartyId>();
    ref.id = decoder.fixed<TransactionId>();
    if (!is_valid(ref.signer)) {
        decoder.fail();
    }
    return ref;
}

bool is_valid_name(std::string_view name, std::size_t bytes_max) noexcept {
    return !name.empty() && name.size() <= bytes_max &&
           std::all_of(name.begin(), name.end(),
                       [](char character) { return character >= 0x21 && character <= 0x7e; });
}

bool is_valid(const TariffRef& ref) noexcept {
    return is_valid_name(ref.tariff_id, tariff_id_bytes_max) && ref.version > 0;
}

}  // namespace tally
