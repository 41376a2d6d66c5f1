#include "ledger/audit/cycle_book.h"

#include "ledger/state/context.h"
#include "ledger/state/cycles.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

namespace tally {
namespace {

constexpr Money money_max{std::numeric_limits<Money>::max()};

std::string name_of(const LegKey& leg) {
    return "the payment of " + to_text(leg.debtor) + " to " + to_text(leg.creditor) + " in " +
           to_text(leg.currency) + " of cycle " + std::to_string(leg.cycle);
}

std::string name_of(std::uint64_t cycle, const Currency& currency) {
    return "cycle " + std::to_string(cycle) + " in " + to_text(currency);
}

bool fits_money(WideMoney amount) { return amount >= -money_max && amount <= money_max; }

}  // namespace

void CycleBook::restore(const StateView& state) {
    m_cycle = find_cycle(state);
    for (const ExposureEntry& entry : list_exposures(state)) {
        if (entry.exposure.posted != 0) {
            post(entry.debtor, entry.creditor, entry.currency, entry.exposure.posted);
        }
    }
    for (LegEntry& entry : list_legs(state, 0, std::numeric_limits<std::size_t>::max())) {
        const LegKey& key = entry.key;
        LegRecord& leg = entry.leg;
        if (leg.status == LegStatus::confirmed) {
            continue;
        }
        Closed& closed = m_closed[{key.cycle, key.currency}];
        if (const auto record = find_closed_cycle(state, key.cycle, key.currency)) {
            closed.creditors = record->creditors;
        }
        ++closed.open_legs;
        const bool defaulted = leg.status == LegStatus::defaulted;
        if (!defaulted) {
            m_due.emplace(leg.due_by, key);
        }
        m_legs[key] = {leg.amount, leg.due_by, defaulted, std::move(leg.shares)};
    }
}

void CycleBook::post(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
                     WideMoney amount) {
    if (amount != 0) {
        m_pairs[{currency, debtor, creditor}] += amount;
    }
}

std::optional<std::pair<Currency, std::size_t>> CycleBook::next_posted(const Currency& from) const {
    auto pair = m_pairs.lower_bound({from, PartyId{}, PartyId{}});
    if (pair == m_pairs.end()) {
        return std::nullopt;
    }
    const Currency currency = std::get<0>(pair->first);
    std::size_t count{0};
    for (; pair != m_pairs.end() && std::get<0>(pair->first) == currency; ++pair) {
        ++count;
    }
    return std::pair{currency, count};
}

/// A block whose time lies in another period ends the cycle before. It nets as many currencies as
/// fit into a block; the next blocks go on.
void CycleBook::open_block(const BusinessScope& scope) {
    const std::uint64_t period = period_of(scope.parameters, scope.now());
    if (!m_cycle.closing && period != m_cycle.period) {
        m_cycle.closing = CycleRecord::Closing{m_cycle.number, Currency{}};
        m_cycle.number = std::max(m_cycle.number + 1, period);
        m_cycle.period = period;
    }
    const std::vector<Event>& events = scope.block.content.events;
    std::size_t closed{0};
    std::size_t pairs{0};
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (events[i].kind == EventKind::cycle_closed) {
            const auto posted = next_posted(events[i].currency);
            pairs += posted && posted->first == events[i].currency ? posted->second : 0;
            ++closed;
            close(scope, events[i], i);
        }
    }
    if (m_cycle.closing) {
        check_left(scope, closed, pairs);
    }
}

void CycleBook::check_left(const BusinessScope& scope, std::size_t closed, std::size_t pairs) {
    const std::uint64_t number = m_cycle.closing->number;
    const auto left = next_posted(m_cycle.closing->from);
    const bool block_is_full =
        left && closed > 0 &&
        (closed == cycle_currencies_per_block_max || pairs + left->second > matrix_entries_max);
    if (block_is_full) {
        m_cycle.closing->from = left->first;
        return;
    }
    if (left) {
        scope.find(FindingKind::cycle, 0, name_of(number, left->first) + " is over and not closed");
    }
    m_cycle.closing.reset();
}

CycleBook::Matrix CycleBook::take_matrix(const Currency& currency) {
    Matrix matrix;
    std::map<PartyId, WideMoney> sums;
    auto pair = m_pairs.lower_bound({currency, PartyId{}, PartyId{}});
    while (pair != m_pairs.end() && std::get<0>(pair->first) == currency) {
        const auto& [key, amount] = *pair;
        const auto& [same, debtor, creditor] = key;
        sums[debtor] -= amount;
        sums[creditor] += amount;
        matrix.fits = matrix.fits && fits_money(amount);
        matrix.debts.push_back({debtor, creditor, static_cast<Money>(amount)});
        pair = m_pairs.erase(pair);
    }
    for (const auto& [party, amount] : sums) {
        matrix.fits = matrix.fits && fits_money(amount);
        matrix.net.push_back({party, static_cast<Money>(amount)});
    }
    return matrix;
}

void CycleBook::close(const BusinessScope& scope, const Event& event, std::size_t number) {
    const std::string name = name_of(event.cycle, event.currency);
    if (!m_cycle.closing || m_cycle.closing->number != event.cycle) {
        scope.find(FindingKind::cycle, number, name + " is closed, but it is not over");
    }
    if (m_cycle.closing) {
        if (event.currency < m_cycle.closing->from) {
            scope.find(FindingKind::cycle, number, name + " is closed out of order");
        }
        m_cycle.closing->from = event.currency;
    }
    const Matrix matrix = take_matrix(event.currency);
    if (event.positions != matrix.net || !matrix.fits) {
        scope.find(FindingKind::cycle, number,
                   "the net figures of " + name + " are not those of what was posted in it");
    }
    if (event.matrix != matrix_hash(event.cycle, event.currency, matrix.debts)) {
        scope.find(FindingKind::cycle, number,
                   "the bilateral matrix of " + name + " is not that of what was posted in it");
    }
    if (matrix.fits) {
        add_legs(scope, event, matrix);
    }
    ++scope.report.cycles_netted;
}

void CycleBook::add_legs(const BusinessScope& scope, const Event& event, const Matrix& matrix) {
    const UnixMillis due_by = deadline_after(scope.now(), scope.parameters.payment_window);
    for (const Debt& leg : match_legs(matrix.net, matrix.debts)) {
        const LegKey key{event.cycle, event.currency, leg.debtor, leg.creditor};
        m_legs[key] = {leg.amount, due_by, false, {}, scope.now()};
        m_due.emplace(due_by, key);
        ++m_closed[{event.cycle, event.currency}].open_legs;
    }
    const auto closed = m_closed.find({event.cycle, event.currency});
    if (closed != m_closed.end()) {
        std::copy_if(matrix.net.begin(), matrix.net.end(),
                     std::back_inserter(closed->second.creditors),
                     [](const NetPosition& position) { return position.amount > 0; });
    }
}

void CycleBook::take(const BusinessScope& scope, const Event& event, std::size_t number) {
    if (event.kind == EventKind::leg_defaulted) {
        default_leg(scope, event, number);
    }
}

/// Who else bears a part of a payment that is not made, by the scheme's parameter.
std::vector<NetPosition> CycleBook::shares_of(const BusinessScope& scope, const LegKey& key,
                                              Money amount) const {
    std::vector<NetPosition> shares;
    const auto closed = m_closed.find({key.cycle, key.currency});
    if (scope.parameters.default_bearer == DefaultBearer::creditor || closed == m_closed.end() ||
        closed->second.creditors.empty()) {
        return shares;
    }
    for (const NetPosition& share : share_out(amount, closed->second.creditors)) {
        if (share.party != key.creditor && share.amount > 0) {
            shares.push_back(share);
        }
    }
    return shares;
}

void CycleBook::default_leg(const BusinessScope& scope, const Event& event, std::size_t number) {
    const LegKey key{event.cycle, event.currency, event.debtor, event.creditor};
    const auto found = m_legs.find(key);
    if (found == m_legs.end() || found->second.defaulted) {
        scope.find(FindingKind::unmatched, number,
                   name_of(key) + " is in default, but no such payment waits");
        return;
    }
    Leg& leg = found->second;
    if (leg.amount != event.amount) {
        scope.find(FindingKind::cycle, number,
                   name_of(key) + " is in default with " + money_to_text(event.amount) +
                       ", by what was posted it is " + money_to_text(leg.amount));
    }
    if (leg.due_by >= scope.parent_time) {
        scope.find(FindingKind::late, number,
                   name_of(key) + " is in default before two blocks were behind its due_by");
    }
    if (event.positions != shares_of(scope, key, leg.amount)) {
        scope.find(FindingKind::cycle, number,
                   "the shares of " + name_of(key) + " are not those by the parameter " +
                       "default_bearer (" + to_text(scope.parameters.default_bearer) + ")");
    }
    for (const NetPosition& share : event.positions) {
        post(share.party, event.creditor, event.currency, share.amount);
    }
    m_due.erase({leg.due_by, key});
    leg.defaulted = true;
    leg.shares = event.positions;
}

/// The sweep handles a bounded number of items and shares a block; only a block with room left has
/// been through all that is due. What it only looks at is due later than what it takes.
void CycleBook::check_overdue(const BusinessScope& scope) {
    const std::vector<Event>& events = scope.block.content.events;
    const auto swept = std::count_if(events.begin(), events.end(), [](const Event& event) {
        return event.kind == EventKind::expired || event.kind == EventKind::leg_defaulted;
    });
    std::size_t shares{0};
    for (const Event& event : events) {
        shares += event.kind == EventKind::leg_defaulted ? event.positions.size() : 0;
    }
    if (static_cast<std::size_t>(swept) >= sweep_items_max || shares >= default_shares_max) {
        return;
    }
    while (!m_due.empty() && m_due.begin()->first < scope.parent_time) {
        scope.find(
            FindingKind::cycle, 0,
            name_of(m_due.begin()->second) + " is overdue and not confirmed, but not in default");
        m_due.erase(m_due.begin());
    }
}

void CycleBook::confirm(const BusinessScope& scope, std::size_t number,
                        const ConfirmedLeg& confirmed) {
    const LegKey& key = confirmed.key;
    const auto found = m_legs.find(key);
    if (found == m_legs.end()) {
        scope.find(FindingKind::unmatched, number,
                   name_of(key) + " is confirmed, but no such payment waits");
        return;
    }
    for (const NetPosition& share : found->second.shares) {
        post(key.creditor, share.party, key.currency, share.amount);
    }
    if (scope.report.payments.size() < payments_max) {
        scope.report.payments.push_back({key.cycle, key.currency, key.debtor, key.creditor,
                                         found->second.amount, confirmed.reference, scope.height(),
                                         scope.now(), found->second.closed_at});
    }
    m_due.erase({found->second.due_by, key});
    m_legs.erase(found);
    const auto closed = m_closed.find({key.cycle, key.currency});
    if (closed != m_closed.end() && --closed->second.open_legs == 0) {
        m_closed.erase(closed);
    }
    ++scope.report.payments_confirmed;
}

void CycleBook::finish(BusinessReport& report, std::uint64_t height) const {
    for (const auto& [key, leg] : m_legs) {
        report.note(NoteKind::unpaid, height,
                    name_of(key) + ", " + money_to_text(leg.amount) +
                        (leg.defaulted ? ", is in default" : ", is not confirmed yet"));
    }
}

std::map<AuditAccount, AuditPosition> CycleBook::positions() const {
    std::map<AuditAccount, AuditPosition> positions;
    for (const auto& [pair, amount] : m_pairs) {
        const auto& [currency, debtor, creditor] = pair;
        positions[{debtor, currency}].debits += amount;
        positions[{creditor, currency}].credits += amount;
    }
    for (const auto& [key, leg] : m_legs) {
        positions[{key.debtor, key.currency}].legs_owed += leg.amount;
        positions[{key.creditor, key.currency}].legs_due += leg.amount;
        for (const NetPosition& share : leg.shares) {
            positions[{key.creditor, key.currency}].shares_held += share.amount;
        }
    }
    return positions;
}

CycleBook::Owed CycleBook::owed_between(const PartyId& debtor, const PartyId& creditor,
                                        const Currency& currency) const {
    Owed owed;
    const auto posted = m_pairs.find({currency, debtor, creditor});
    owed.posted = posted == m_pairs.end() ? 0 : posted->second;
    for (const auto& [key, leg] : m_legs) {
        if (key.debtor == debtor && key.creditor == creditor && key.currency == currency) {
            owed.legs += leg.amount;
        }
    }
    return owed;
}

std::vector<std::string> CycleBook::compare(const StateView& state) const {
    std::vector<std::string> problems;
    std::set<LegKey> open;
    for (const LegEntry& entry : list_legs(state, 0, std::numeric_limits<std::size_t>::max())) {
        if (entry.leg.status == LegStatus::confirmed) {
            continue;
        }
        open.insert(entry.key);
        const auto known = m_legs.find(entry.key);
        if (known == m_legs.end()) {
            problems.push_back(name_of(entry.key) + " waits, but no cycle asks for it");
        } else if (known->second.amount != entry.leg.amount ||
                   known->second.due_by != entry.leg.due_by ||
                   known->second.shares != entry.leg.shares) {
            problems.push_back(name_of(entry.key) + " waits with " +
                               money_to_text(entry.leg.amount) + ", its cycle asks for " +
                               money_to_text(known->second.amount));
        }
    }
    for (const auto& [key, leg] : m_legs) {
        if (!open.contains(key)) {
            problems.push_back(name_of(key) + " is missing, " + money_to_text(leg.amount));
        }
    }
    return problems;
}

}  // namespace tally
