#include "ledger/audit/cycle_book.h"

#include "ledger/state/context.h"
#include "ledger/state/queries.h"

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

namespace tally {
namespace {

std::string name_of(const LegKey& leg) {
    return "the payment of " + to_text(leg.debtor) + " to " + to_text(leg.creditor) + " in " +
           to_text(leg.currency) + " of cycle " + std::to_string(leg.cycle);
}

/// Member by member what it receives (more than 0) or pays; ordered by party.
std::vector<NetPosition> net_of(const std::vector<Debt>& matrix) {
    std::map<PartyId, WideMoney> sums;
    for (const Debt& debt : matrix) {
        sums[debt.debtor] -= debt.amount;
        sums[debt.creditor] += debt.amount;
    }
    std::vector<NetPosition> net;
    net.reserve(sums.size());
    for (const auto& [party, amount] : sums) {
        net.push_back({party, static_cast<Money>(amount)});
    }
    return net;
}

}  // namespace

void CycleBook::restore(const StateView& state) {
    for (const ExposureEntry& entry : list_exposures(state)) {
        if (entry.exposure.posted != 0) {
            post(entry.debtor, entry.creditor, entry.currency, entry.exposure.posted);
        }
    }
    for (LegEntry& entry : list_legs(state, 0, std::numeric_limits<std::size_t>::max())) {
        if (entry.leg.status != LegStatus::confirmed) {
            m_legs[entry.key] = {entry.leg.amount, entry.leg.due_by,
                                 entry.leg.status == LegStatus::defaulted,
                                 std::move(entry.leg.shares)};
        }
    }
}

void CycleBook::post(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
                     WideMoney amount) {
    if (amount != 0) {
        m_pairs[{currency, debtor, creditor}] += amount;
    }
}

void CycleBook::take(const BusinessScope& scope, const Event& event, std::size_t number) {
    if (event.kind == EventKind::cycle_closed) {
        close(scope, event, number);
    } else if (event.kind == EventKind::leg_defaulted) {
        default_leg(scope, event, number);
    }
}

std::vector<Debt> CycleBook::take_matrix(const Currency& currency) {
    std::vector<Debt> matrix;
    auto pair = m_pairs.lower_bound({currency, PartyId{}, PartyId{}});
    while (pair != m_pairs.end() && std::get<0>(pair->first) == currency) {
        matrix.push_back(
            {std::get<1>(pair->first), std::get<2>(pair->first), static_cast<Money>(pair->second)});
        pair = m_pairs.erase(pair);
    }
    return matrix;
}

void CycleBook::close(const BusinessScope& scope, const Event& event, std::size_t number) {
    const std::string name =
        "cycle " + std::to_string(event.cycle) + " in " + to_text(event.currency);
    const std::vector<Debt> matrix = take_matrix(event.currency);
    const std::vector<NetPosition> net = net_of(matrix);
    if (event.positions != net) {
        scope.find(FindingKind::cycle, number,
                   "the net figures of " + name + " are not those of what was posted in it");
    }
    if (event.matrix != matrix_hash(event.cycle, event.currency, matrix)) {
        scope.find(FindingKind::cycle, number,
                   "the bilateral matrix of " + name + " is not that of what was posted in it");
    }
    const UnixMillis due_by = deadline_after(scope.now(), scope.parameters.payment_window);
    for (const Debt& leg : match_legs(net)) {
        m_legs[{event.cycle, event.currency, leg.debtor, leg.creditor}] = {
            leg.amount, due_by, false, {}};
    }
    ++scope.report.cycles_netted;
}

void CycleBook::default_leg(const BusinessScope& scope, const Event& event, std::size_t number) {
    const LegKey key{event.cycle, event.currency, event.debtor, event.creditor};
    const auto found = m_legs.find(key);
    if (found == m_legs.end() || found->second.defaulted || found->second.amount != event.amount) {
        scope.find(FindingKind::unmatched, number,
                   name_of(key) + " is in default, but no such payment waits");
        return;
    }
    if (found->second.due_by >= scope.now()) {
        scope.find(FindingKind::late, number, name_of(key) + " is in default before it was due");
    }
    WideMoney shared{0};
    for (const NetPosition& share : event.positions) {
        shared += share.amount;
        post(share.party, event.creditor, event.currency, share.amount);
    }
    if (shared > event.amount) {
        scope.find(FindingKind::cycle, number,
                   "the shares of " + name_of(key) + " are more than what is not paid");
    }
    found->second.defaulted = true;
    found->second.shares = event.positions;
}

void CycleBook::take(const BusinessScope& scope, const StoredTransaction& stored,
                     const ConfirmPayment& action) {
    const LegKey key{action.cycle, action.currency, action.debtor, stored.signer()};
    const auto found = m_legs.find(key);
    if (found == m_legs.end()) {
        scope.find(FindingKind::unmatched, stored.number,
                   name_of(key) + " is confirmed, but no such payment waits");
        return;
    }
    for (const NetPosition& share : found->second.shares) {
        post(key.creditor, share.party, key.currency, share.amount);
    }
    m_legs.erase(found);
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
    }
    return positions;
}

}  // namespace tally
