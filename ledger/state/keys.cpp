#include "ledger/state/keys.h"

#include "ledger/base/codec.h"
#include "ledger/state/cycle_records.h"

#include <algorithm>

namespace tally::keys {
namespace {

Encoder start(Table table) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(table));
    return encoder;
}

/// Appends `name` and zero bytes up to `width`. Names are checked where they come in.
void put_name(Encoder& encoder, std::string_view name, std::size_t width) {
    ENSURE(name.size() <= width);
    encoder.raw(as_bytes(name));
    for (std::size_t i = name.size(); i < width; ++i) {
        encoder.u8(0);
    }
}

Bytes of_cycle(Table table, std::uint64_t cycle) {
    Encoder encoder = start(table);
    encoder.u64(cycle);
    return std::move(encoder).take();
}

Bytes of_cycle(Table table, std::uint64_t cycle, const Currency& currency) {
    Encoder encoder = start(table);
    encoder.u64(cycle).fixed(currency);
    return std::move(encoder).take();
}

Bytes of_ref(Table table, const TransactionRef& ref) {
    Encoder encoder = start(table);
    encode(encoder, ref);
    return std::move(encoder).take();
}

}  // namespace

Bytes table(Table table) { return {static_cast<std::uint8_t>(table)}; }

Bytes of_member(Table table, const PartyId& party) {
    Encoder encoder = start(table);
    encoder.fixed(party);
    return std::move(encoder).take();
}

Bytes member(const PartyId& party) { return of_member(Table::member, party); }

Bytes account(const PartyId& party, const Currency& currency) {
    Encoder encoder = start(Table::account);
    encoder.fixed(party).fixed(currency);
    return std::move(encoder).take();
}

Bytes agreement(const PartyId& owner, const PartyId& partner) {
    Encoder encoder = start(Table::agreement);
    encoder.fixed(owner).fixed(partner);
    return std::move(encoder).take();
}

Bytes bridge(const PartyId& owner, std::string_view bridge_id) {
    Encoder encoder = start(Table::bridge);
    encoder.fixed(owner);
    put_name(encoder, bridge_id, bridge_id_bytes_max);
    return std::move(encoder).take();
}

Bytes charger(const PartyId& owner, std::string_view evse_id) {
    Encoder encoder = start(Table::charger);
    encoder.fixed(owner);
    put_name(encoder, evse_id, evse_id_bytes_max);
    return std::move(encoder).take();
}

Bytes tariff(const PartyId& owner, const TariffRef& ref) {
    Encoder encoder = start(Table::tariff);
    encoder.fixed(owner);
    put_name(encoder, ref.tariff_id, tariff_id_bytes_max);
    encoder.u32(ref.version);
    return std::move(encoder).take();
}

Bytes authorization(const AuthorizationRef& ref) { return of_ref(Table::authorization, ref); }
Bytes finished(const AuthorizationRef& ref) { return of_ref(Table::finished, ref); }
Bytes countersign(const TransactionRef& ref) { return of_ref(Table::countersign, ref); }

Bytes exposure(const PartyId& debtor, const PartyId& creditor, const Currency& currency) {
    Encoder encoder = start(Table::exposure);
    encoder.fixed(currency).fixed(debtor).fixed(creditor);
    return std::move(encoder).take();
}

Bytes exposures_in(const Currency& currency) {
    Encoder encoder = start(Table::exposure);
    encoder.fixed(currency);
    return std::move(encoder).take();
}

Bytes totals(const Currency& currency) {
    Encoder encoder = start(Table::totals);
    encoder.fixed(currency);
    return std::move(encoder).take();
}

Bytes scheme() { return table(Table::scheme); }
Bytes epoch() { return table(Table::epoch); }
Bytes proposal(const TransactionRef& ref) { return of_ref(Table::proposal, ref); }

Bytes correction(const AuthorizationRef& ref) { return of_ref(Table::correction, ref); }

Bytes sublog(const PartyId& party) { return of_member(Table::sublog, party); }
Bytes cycle() { return table(Table::cycle); }

Bytes closed_cycle(std::uint64_t cycle, const Currency& currency) {
    return of_cycle(Table::cycle, cycle, currency);
}

Bytes leg(const LegKey& leg) {
    Encoder encoder = start(Table::leg);
    encoder.u64(leg.cycle).fixed(leg.currency).fixed(leg.debtor).fixed(leg.creditor);
    return std::move(encoder).take();
}

LegKey leg_of(ByteView leg_key) {
    ENSURE(!leg_key.empty());
    Decoder decoder{leg_key.subspan(1)};
    LegKey leg;
    leg.cycle = decoder.u64();
    leg.currency = decoder.fixed<Currency>();
    leg.debtor = decoder.fixed<PartyId>();
    leg.creditor = decoder.fixed<PartyId>();
    ENSURE(decoder.finished());
    return leg;
}

Bytes legs_from(std::uint64_t cycle) { return of_cycle(Table::leg, cycle); }

Bytes legs_of(std::uint64_t cycle, const Currency& currency) {
    return of_cycle(Table::leg, cycle, currency);
}

Bytes cycle_history(std::uint64_t cycle, const Currency& currency) {
    return of_cycle(Table::cycle_history, cycle, currency);
}

Bytes cycle_history_from(std::uint64_t cycle) { return of_cycle(Table::cycle_history, cycle); }

Bytes evidence(std::uint64_t epoch, const PartyId& offender) {
    Encoder encoder = start(Table::evidence);
    encoder.u64(epoch).fixed(offender);
    return std::move(encoder).take();
}

Bytes station_prefix(const PartyId& owner, std::string_view station) {
    Encoder encoder = start(Table::station);
    encoder.fixed(owner);
    put_name(encoder, station, station_id_bytes_max);
    return std::move(encoder).take();
}

Bytes station(const PartyId& owner, std::string_view station, std::uint16_t connector) {
    Bytes key = station_prefix(owner, station);
    key.push_back(static_cast<std::uint8_t>(connector >> 8U));
    key.push_back(static_cast<std::uint8_t>(connector & 0xffU));
    return key;
}

Bytes deadline(const Deadline& deadline) {
    ENSURE(deadline.time >= 0);  // Negative times would sort behind the others.
    Encoder encoder = start(Table::deadline);
    encoder.i64(deadline.time);
    encode(encoder, deadline.ref);
    encoder.u8(static_cast<std::uint8_t>(deadline.kind));
    return std::move(encoder).take();
}

std::optional<Deadline> decode_deadline(ByteView key) {
    Decoder decoder{key};
    const std::uint8_t table = decoder.u8();
    Deadline deadline;
    deadline.time = decoder.i64();
    deadline.ref = decode_transaction_ref(decoder);
    const std::uint8_t kind = decoder.u8();
    const bool kind_known = kind >= static_cast<std::uint8_t>(DeadlineKind::authorization) &&
                            kind <= static_cast<std::uint8_t>(DeadlineKind::leg);
    if (!decoder.finished() || table != static_cast<std::uint8_t>(Table::deadline) || !kind_known ||
        deadline.time < 0) {
        return std::nullopt;
    }
    deadline.kind = DeadlineKind{kind};
    return deadline;
}

TransactionRef ref_of(ByteView key_of_transaction) {
    ENSURE(key_of_transaction.size() == 1 + transaction_ref_bytes);
    Decoder decoder{key_of_transaction.subspan(1)};
    const TransactionRef ref = decode_transaction_ref(decoder);
    ENSURE(decoder.finished());
    return ref;
}

PartyId party_at(ByteView key, std::size_t offset) {
    ENSURE(key.size() >= offset + PartyId::size);
    return *PartyId::from(key.subspan(offset, PartyId::size));
}

Currency currency_at(ByteView key, std::size_t offset) {
    ENSURE(key.size() >= offset + Currency::size);
    return *Currency::from(key.subspan(offset, Currency::size));
}

std::string name_at(ByteView key, std::size_t offset, std::size_t width) {
    ENSURE(key.size() >= offset + width);
    const ByteView padded = key.subspan(offset, width);
    const auto end = std::find(padded.begin(), padded.end(), std::uint8_t{0});
    return std::string{padded.begin(), end};
}

std::uint32_t version_of(ByteView tariff_key) {
    ENSURE(tariff_key.size() == 1 + PartyId::size + tariff_id_bytes_max + 4);
    Decoder decoder{tariff_key.subspan(1 + PartyId::size + tariff_id_bytes_max)};
    return decoder.u32();
}

}  // namespace tally::keys
