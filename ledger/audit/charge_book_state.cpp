// What a charge book takes over from a state, and what it has open at the end.

#include "ledger/audit/charge_book.h"
#include "ledger/state/clearing_queries.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/table_walk.h"

#include <algorithm>
#include <utility>

namespace tally {
void ChargeBook::restore(const StateView& state) {
    for_each_entry(state, Table::authorization, [this](const KeyValueStore::Entry& entry) {
        auto charge = decode_entry<Authorization>(entry);
        charge.ref = keys::ref_of(entry.key);
        m_promises.reserve(pair_of(charge), charge.reserved());
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
                std::make_shared<const Tariff>(decode_entry<Tariff>(entry));
        }
    });
    m_promises.restore(state);
    m_cycles.restore(state);
    m_corrections.restore(state);
}

const Authorization* ChargeBook::find_charge(const AuthorizationRef& ref) const {
    const auto found = m_open.find(ref);
    return found == m_open.end() ? nullptr : &found->second;
}

void ChargeBook::end(Charges::iterator charge, Money posted) {
    m_promises.reserve(pair_of(charge->second), -charge->second.reserved());
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

/// A debt that somebody signed, an approval or a charge that is posted at once, against what the
/// debtor may owe. Before it is added to the books.
void ChargeBook::check_promise(const Step& step, const AuditPair& pair, Money amount,
                               PromiseBook::Debit kind) {
    for (const PromiseBook::Problem& problem : m_promises.check(m_cycles, {pair, amount, kind})) {
        step.find(problem.kind, to_text(step.stored.ref()) + ": " + problem.message);
    }
}

void ChargeBook::open_block(const BusinessScope& scope) {
    m_cycles.open_block(scope);
    const std::vector<Event>& events = scope.block.content.events;
    const bool moves = std::any_of(events.begin(), events.end(), [](const Event& event) {
        return event.kind == EventKind::cycle_closed || event.kind == EventKind::leg_defaulted;
    });
    if (moves) {
        m_promises.forget_due();
    }
}

}  // namespace tally
