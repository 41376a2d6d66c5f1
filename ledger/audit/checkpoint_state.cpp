#include "ledger/audit/checkpoint_state.h"

#include "ledger/base/check.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/derived_tables.h"
#include "ledger/state/epochs.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/state_entry.h"
#include "ledger/store/store_view.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace tally {
namespace {

using PairKey = std::tuple<PartyId, PartyId, Currency>;
using AccountKey = std::pair<PartyId, Currency>;

/// Adds up without overflow, and tells whether all sums are amounts that a record can have.
template <typename Key>
class Sums {
public:
    void add(const Key& key, Money amount) { m_sums[key] += amount; }
    [[nodiscard]] bool fit() const {
        return std::all_of(m_sums.begin(), m_sums.end(), [](const auto& sum) {
            return sum.second <= std::numeric_limits<Money>::max();
        });
    }

private:
    std::map<Key, WideMoney> m_sums;
};

/// What the accounts and pairs have to be the sums of. No record has a negative amount.
bool do_sums_fit(const StateView& state) {
    Sums<AccountKey> owed;
    Sums<AccountKey> due;
    for (const ExposureEntry& entry : list_exposures(state)) {
        for (const Money amount :
             {entry.exposure.pending, entry.exposure.posted, entry.exposure.legs}) {
            owed.add({entry.debtor, entry.currency}, amount);
            due.add({entry.creditor, entry.currency}, amount);
        }
    }
    Sums<PairKey> legs;
    for (const LegEntry& entry : list_legs(state, 0, std::numeric_limits<std::size_t>::max())) {
        legs.add({entry.key.debtor, entry.key.creditor, entry.key.currency}, entry.leg.amount);
        for (const NetPosition& share : entry.leg.shares) {
            const bool may_go_back = entry.leg.status == LegStatus::defaulted;
            owed.add({entry.key.creditor, entry.key.currency}, may_go_back ? share.amount : 0);
        }
    }
    return owed.fit() && due.fit() && legs.fit();
}

/// Open charges: what they hold, and the tariff that one of them will be rated by.
bool do_charges_fit(const StateView& state) {
    Sums<PairKey> pending;
    const Bytes prefix = keys::table(Table::authorization);
    Bytes from = prefix;
    while (std::optional<KeyValueStore::Entry> entry = state.next(from, prefix)) {
        auto charge = decode_record<Authorization>(entry->value);
        ENSURE(charge.has_value());
        const AuthorizationRef ref = keys::ref_of(entry->key);
        pending.add({ref.signer, charge->visited, charge->currency}, charge->reserved());
        if (charge->start && !find_tariff(state, charge->visited, charge->start->tariff)) {
            return false;
        }
        from = std::move(entry->key);
        from.push_back(0);
    }
    return pending.fit();
}

bool has_singles(const StateView& state) {
    return state.get(keys::epoch()) && state.get(keys::scheme()) && state.get(keys::cycle());
}

}  // namespace

std::optional<MemoryStore> restore_state(const std::vector<KeyValueStore::Entry>& entries) {
    MemoryStore store;
    WriteBatch batch;
    for (const KeyValueStore::Entry& entry : entries) {
        if (!is_state_entry(entry)) {
            return std::nullopt;
        }
        batch.put(entry.key, entry.value);
        derive_entries(entry, batch);
    }
    ENSURE(store.write(batch, false).has_value());
    const StoreView state{store};
    const bool fits = has_singles(state) && do_sums_fit(state) && do_charges_fit(state) &&
                      !check_invariants(state).has_value();
    return fits ? std::optional{std::move(store)} : std::nullopt;
}

}  // namespace tally
