#include "ledger/state/derived_tables.h"

#include "ledger/state/cycle_records.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"
#include "ledger/state/table_walk.h"

namespace tally {

namespace {

template <typename Record>
void derive_expiry(const KeyValueStore::Entry& entry, DeadlineKind kind, WriteBatch& batch) {
    const auto record = decode_entry<Record>(entry);
    batch.put(keys::deadline({record.expires, keys::ref_of(entry.key), kind}), {});
}

void derive_authorization(const KeyValueStore::Entry& entry, WriteBatch& batch) {
    const auto record = decode_entry<Authorization>(entry);
    batch.put(
        keys::deadline({record.deadline(), keys::ref_of(entry.key), DeadlineKind::authorization}),
        {});
}

void derive_leg(const KeyValueStore::Entry& entry, WriteBatch& batch) {
    const auto leg = decode_entry<LegRecord>(entry);
    if (leg.status == LegStatus::pending) {
        const TransactionRef ref = leg_ref(keys::leg_of(entry.key));
        batch.put(keys::deadline({leg.due_by, ref, DeadlineKind::leg}), {});
    }
}

void derive_station(const KeyValueStore::Entry& entry, WriteBatch& batch) {
    const PartyId owner = keys::party_at(entry.key, 1);
    const std::string evse_id = keys::name_at(entry.key, 1 + PartyId::size, evse_id_bytes_max);
    const auto charger = decode_entry<ChargerRecord>(entry);
    const ByteView value = as_bytes(evse_id);
    batch.put(keys::station(owner, charger.station, charger.connector),
              Bytes{value.begin(), value.end()});
}

}  // namespace

void derive_entries(const KeyValueStore::Entry& entry, WriteBatch& batch) {
    ENSURE(!entry.key.empty());
    const auto is_in = [&entry](Table table) {
        return entry.key.front() == static_cast<std::uint8_t>(table);
    };
    if (is_in(Table::authorization)) {
        derive_authorization(entry, batch);
    } else if (is_in(Table::charger)) {
        derive_station(entry, batch);
    } else if (is_in(Table::countersign)) {
        derive_expiry<CountersignRecord>(entry, DeadlineKind::countersign, batch);
    } else if (is_in(Table::proposal)) {
        derive_expiry<ProposalRecord>(entry, DeadlineKind::proposal, batch);
    } else if (is_in(Table::correction)) {
        derive_expiry<CorrectionRecord>(entry, DeadlineKind::correction, batch);
    } else if (is_in(Table::leg)) {
        derive_leg(entry, batch);
    }
}

}  // namespace tally
