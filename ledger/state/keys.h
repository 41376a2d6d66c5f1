#pragma once

// Keys of the flat state: table byte, then fields of fixed width. Names are padded with zero bytes
// to their longest length; they are printable, so no two names give one key and their order stays.

#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "ledger/state/state_view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally {

struct LegKey;

/// Tables that are in the state tree, in order of their byte.
inline constexpr Table tree_tables[]{
    Table::member, Table::account,       Table::agreement,   Table::bridge,   Table::charger,
    Table::tariff, Table::authorization, Table::countersign, Table::exposure, Table::totals,
    Table::scheme, Table::epoch,         Table::proposal,    Table::evidence, Table::cycle,
    Table::leg,    Table::sublog,        Table::correction};
/// Derived tables: not in the tree, rebuilt from the others or lost (finished, cycle_history) by
/// state sync.
inline constexpr Table derived_tables[]{Table::deadline, Table::station, Table::finished,
                                        Table::cycle_history};

[[nodiscard]] constexpr bool is_derived(std::uint8_t table_byte) noexcept {
    return table_byte >= static_cast<std::uint8_t>(Table::first_derived);
}

/// What a deadline in the derived table is about.
enum class DeadlineKind : std::uint8_t {
    authorization = 1,
    countersign = 2,
    proposal = 3,
    correction = 4,
    leg = 5,
};

namespace keys {

/// The table's byte alone: prefix of all its keys.
[[nodiscard]] Bytes table(Table table);
/// Table and a member: prefix of everything of that member in tables that start with one.
[[nodiscard]] Bytes of_member(Table table, const PartyId& party);

[[nodiscard]] Bytes member(const PartyId& party);
[[nodiscard]] Bytes account(const PartyId& party, const Currency& currency);
/// The half that `owner` signed towards `partner`.
[[nodiscard]] Bytes agreement(const PartyId& owner, const PartyId& partner);
[[nodiscard]] Bytes bridge(const PartyId& owner, std::string_view bridge_id);
[[nodiscard]] Bytes charger(const PartyId& owner, std::string_view evse_id);
/// `version` 0 holds the latest version (u32) instead of a tariff.
[[nodiscard]] Bytes tariff(const PartyId& owner, const TariffRef& ref);
[[nodiscard]] Bytes authorization(const AuthorizationRef& ref);
[[nodiscard]] Bytes finished(const AuthorizationRef& ref);
[[nodiscard]] Bytes countersign(const TransactionRef& ref);
[[nodiscard]] Bytes exposure(const PartyId& debtor, const PartyId& creditor,
                             const Currency& currency);
/// Prefix of all pairs in one currency.
[[nodiscard]] Bytes exposures_in(const Currency& currency);
[[nodiscard]] Bytes totals(const Currency& currency);
[[nodiscard]] Bytes scheme();
[[nodiscard]] Bytes epoch();
[[nodiscard]] Bytes proposal(const TransactionRef& ref);
/// Of one authorization.
[[nodiscard]] Bytes correction(const AuthorizationRef& ref);
[[nodiscard]] Bytes sublog(const PartyId& party);
/// The open cycle.
[[nodiscard]] Bytes cycle();
[[nodiscard]] Bytes closed_cycle(std::uint64_t cycle, const Currency& currency);
[[nodiscard]] Bytes leg(const LegKey& leg);
[[nodiscard]] LegKey leg_of(ByteView leg_key);
/// Where the legs of `cycle` begin.
[[nodiscard]] Bytes legs_from(std::uint64_t cycle);
/// Prefix of the legs of one cycle and currency.
[[nodiscard]] Bytes legs_of(std::uint64_t cycle, const Currency& currency);
[[nodiscard]] Bytes cycle_history(std::uint64_t cycle, const Currency& currency);
[[nodiscard]] Bytes cycle_history_from(std::uint64_t cycle);
[[nodiscard]] Bytes evidence(std::uint64_t epoch, const PartyId& offender);
[[nodiscard]] Bytes station(const PartyId& owner, std::string_view station,
                            std::uint16_t connector);
/// Prefix of all connectors of one station.
[[nodiscard]] Bytes station_prefix(const PartyId& owner, std::string_view station);

/// A deadline's key is its order in the sweep: time, then transaction.
struct Deadline {
    UnixMillis time{0};
    TransactionRef ref;
    DeadlineKind kind{DeadlineKind::authorization};
    friend bool operator==(const Deadline&, const Deadline&) = default;
};
[[nodiscard]] Bytes deadline(const Deadline& deadline);
/// Nothing when the bytes are not such a key.
[[nodiscard]] std::optional<Deadline> decode_deadline(ByteView key);

/// Fields of a key read back. ENSUREs the length: keys come from our own state.
[[nodiscard]] TransactionRef ref_of(ByteView key_of_transaction);
[[nodiscard]] PartyId party_at(ByteView key, std::size_t offset);
[[nodiscard]] Currency currency_at(ByteView key, std::size_t offset);
[[nodiscard]] std::string name_at(ByteView key, std::size_t offset, std::size_t width);
[[nodiscard]] std::uint32_t version_of(ByteView tariff_key);

}  // namespace keys
}  // namespace tally
