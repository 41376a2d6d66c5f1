// What a charge book takes over from a state, and what it has open at the end.

#include "ledger/audit/charge_book.h"
#include "ledger/base/check.h"
#include "ledger/state/clearing_queries.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <utility>

namespace tally {
namespace {

/// Visits every entry of a table in order of key.
template <typename Visit>
void for_each_entry(const StateView& state, Table table, const Visit& visit) {
    const Bytes prefix = keys::table(table);
    Bytes key = prefix;
    while (std::optional<KeyValueStore::Entry> entry = state.next(key, prefix)) {
        visit(*entry);
        key = std::move(entry->key);
        key.push_back(0);
    }
}

template <typename Record>
Record decode_own(const KeyValueStore::Entry& entry) {
    std::optional<Record> record = decode_record<Record>(entry.value);
    ENSURE(record.has_value());
    return std::move(*record);
}

}  // namespace

void ChargeBook::restore(const StateView& state) {
    for_each_entry(state, Table::authorization, [this](const KeyValueStore::Entry& entry) {
        auto charge = decode_own<Authorization>(entry);
        charge.ref = keys::ref_of(entry.key);
        m_open.insert_or_assign(charge.ref, charge);
    });
    for (CountersignEntry& entry : list_countersigns(state)) {
        m_waiting.insert_or_assign(entry.ref, std::move(entry.record));
    }
    for_each_entry(state, Table::tariff, [this](const KeyValueStore::Entry& entry) {
        const TariffRef ref{keys::name_at(entry.key, 1 + PartyId::size, tariff_id_bytes_max),
                            keys::version_of(entry.key)};
        if (ref.version > 0) {
            m_tariffs[{keys::party_at(entry.key, 1), ref}] =
                std::make_shared<const Tariff>(decode_own<Tariff>(entry));
        }
    });
    m_cycles.restore(state);
    m_corrections.restore(state);
}

const Authorization* ChargeBook::find_charge(const AuthorizationRef& ref) const {
    const auto found = m_open.find(ref);
    return found == m_open.end() ? nullptr : &found->second;
}

void ChargeBook::end(Charges::iterator charge, Money posted) {
    m_corrections.end(charge->second, posted);
    m_open.erase(charge);
}

std::map<AuditAccount, AuditPosition> ChargeBook::positions() const {
    std::map<AuditAccount, AuditPosition> positions = m_cycles.positions();
    for (const auto& [ref, charge] : m_open) {
        positions[{charge.home(), charge.currency}].debits_pending += charge.reserved();
        positions[{charge.visited, charge.currency}].credits_pending += charge.reserved();
    }
    return positions;
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
