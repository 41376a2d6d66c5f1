// What a charge book takes over from a state, and what it has open at the end.

#include "ledger/audit/charge_book.h"
#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <utility>

namespace tally {
namespace {

/// Visits every record of a table in order of key.
template <typename Record, typename Visit>
void for_each_record(const StateView& state, Table table, const Visit& visit) {
    const Bytes prefix = keys::table(table);
    Bytes key = prefix;
    while (std::optional<KeyValueStore::Entry> entry = state.next(key, prefix)) {
        std::optional<Record> record = decode_record<Record>(entry->value);
        ENSURE(record.has_value());
        visit(keys::ref_of(entry->key), std::move(*record));
        key = std::move(entry->key);
        key.push_back(0);
    }
}

}  // namespace

void ChargeBook::restore(const StateView& state) {
    for_each_record<Authorization>(state, Table::authorization,
                                   [this](const AuthorizationRef& ref, Authorization charge) {
                                       charge.ref = ref;
                                       m_open.insert_or_assign(ref, std::move(charge));
                                   });
    for_each_record<CountersignRecord>(
        state, Table::countersign, [this](const TransactionRef& ref, CountersignRecord record) {
            m_waiting.insert_or_assign(ref, std::move(record.action));
        });
    for (const MemberRecord& member : list_members(state)) {
        restore_tariffs(state, member.member.party);
    }
    m_cycles.restore(state);
}

void ChargeBook::restore_tariffs(const StateView& state, const PartyId& owner) {
    for (const TariffRef& latest : list_tariffs(state, owner, SIZE_MAX)) {
        for (TariffRef ref{latest.tariff_id, 1}; ref.version <= latest.version; ++ref.version) {
            if (std::optional<Tariff> tariff = find_tariff(state, owner, ref)) {
                m_tariffs[{owner, ref}] = std::make_shared<const Tariff>(std::move(*tariff));
            }
        }
    }
}

void ChargeBook::finish(BusinessReport& report) const {
    for (const auto& [ref, charge] : m_open) {
        std::size_t place{0};
        Money amount = charge.amount;
        if (charge.dispute) {
            place = 3;
            amount = charge.dispute->disputed;
        } else if (charge.record) {
            place = 2;
            amount = charge.record->amount;
        } else if (charge.start) {
            place = 1;
        }
        StepFigures& figures = report.open[place][charge.currency];
        ++figures.count;
        figures.amount += amount;
        report.positions[{charge.home(), charge.currency}].debits_pending += charge.reserved();
        report.positions[{charge.visited, charge.currency}].credits_pending += charge.reserved();
    }
}

}  // namespace tally
