#include "ledger/audit/promise_book.h"

#include "ledger/state/queries.h"
#include "ledger/state/table_walk.h"

#include <algorithm>

namespace tally {
namespace {

template <typename Map, typename Key>
void add_to(Map& map, const Key& key, WideMoney amount) {
    const auto entry = map.try_emplace(key, 0).first;
    entry->second += amount;
    if (entry->second == 0) {
        map.erase(entry);
    }
}

template <typename Map, typename Key>
WideMoney sum_of(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
}

std::string name_of(const AuditPair& pair) {
    return to_text(pair.home) + " towards " + to_text(pair.visited) + " in " +
           to_text(pair.currency);
}

/// The lower of two caps of which 0 is none.
Money lower_cap(Money first, Money second) {
    return first == 0 || second == 0 ? std::max(first, second) : std::min(first, second);
}

}  // namespace

PromiseBook::Halves PromiseBook::halves_of(const StateView& state) {
    Halves halves;
    for_each_entry(state, Table::agreement, [&halves](const KeyValueStore::Entry& entry) {
        const auto half = decode_entry<AgreementRecord>(entry);
        const PartyId owner = keys::party_at(entry.key, 1);
        const PartyId partner = keys::party_at(entry.key, 1 + PartyId::size);
        halves[{owner, partner}] = {half.active, half.currency, half.exposure_cap};
    });
    return halves;
}

void PromiseBook::restore(const StateView& state) {
    m_halves = halves_of(state);
    for (const AccountEntry& entry : list_accounts(state)) {
        if (entry.account.limit != 0) {
            set_limit({entry.party, entry.currency}, entry.account.limit);
        }
    }
}

void PromiseBook::agree(const PartyId& owner, const SetAgreement& action) {
    m_halves[{owner, action.partner}] = {action.active, action.currency, action.exposure_cap};
}

void PromiseBook::reserve(const AuditPair& pair, Money amount) {
    add_to(m_open, pair, amount);
    add_to(m_open_debits, AuditAccount{pair.home, pair.currency}, amount);
}

void PromiseBook::posted(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
                         WideMoney amount) {
    if (m_due) {
        (*m_due)[{debtor, currency}].debits += amount;
        (*m_due)[{creditor, currency}].credits += amount;
    }
}

const PromiseBook::Half* PromiseBook::find_half(const PartyId& owner,
                                                const PartyId& partner) const {
    const auto found = m_halves.find({owner, partner});
    return found == m_halves.end() ? nullptr : &found->second;
}

std::optional<PromiseBook::Problem> PromiseBook::find_cap(const Asked& asked, Money& cap) const {
    const AuditPair& pair = asked.pair;
    const Half* const of_home = find_half(pair.home, pair.visited);
    const Half* const of_visited = find_half(pair.visited, pair.home);
    const auto fits = [&](const Half* half) {
        return half != nullptr && (asked.kind == Debit::correction ||
                                   (half->active && half->currency == pair.currency));
    };
    if (!fits(of_home) || !fits(of_visited)) {
        return Problem{FindingKind::unmatched,
                       to_text(pair.home) + " and " + to_text(pair.visited) +
                           " have no agreement by which the one may owe the other " +
                           to_text(pair.currency)};
    }
    const auto cap_of = [&pair](const Half& half) {
        return half.currency == pair.currency ? half.cap : 0;
    };
    cap = lower_cap(cap_of(*of_home), cap_of(*of_visited));
    return std::nullopt;
}

/// Promised, due (what the other owes is taken off) and to be paid by banks.
WideMoney PromiseBook::exposure(const CycleBook& cycles, const AuditPair& pair) const {
    const CycleBook::Owed there = cycles.owed_between(pair.home, pair.visited, pair.currency);
    const CycleBook::Owed back = cycles.owed_between(pair.visited, pair.home, pair.currency);
    return sum_of(m_open, pair) + std::max<WideMoney>(0, there.posted - back.posted) + there.legs;
}

WideMoney PromiseBook::used(const CycleBook& cycles, const AuditAccount& account) {
    if (!m_due) {
        m_due = cycles.positions();
    }
    const auto found = m_due->find(account);
    const AuditPosition due = found == m_due->end() ? AuditPosition{} : found->second;
    // What came in as a share may have to go back: it is no credit to spend.
    const WideMoney net = due.debits + due.shares_held - due.credits;
    return sum_of(m_open_debits, account) + std::max<WideMoney>(0, net) + due.legs_owed;
}

std::vector<PromiseBook::Problem> PromiseBook::check(const CycleBook& cycles, const Asked& asked) {
    std::vector<Problem> problems;
    const AuditPair& pair = asked.pair;
    Money cap{0};
    if (auto problem = find_cap(asked, cap)) {
        problems.push_back(std::move(*problem));
    }
    const std::string more = money_to_text(asked.amount) + " more";
    if (cap != 0) {
        const WideMoney owed = exposure(cycles, pair);
        if (owed + asked.amount > cap) {
            problems.push_back({FindingKind::limit,
                                name_of(pair) + ": " + more + " to " + wide_money_to_text(owed) +
                                    " are above the exposure cap of " + money_to_text(cap)});
        }
    }
    const AuditAccount account{pair.home, pair.currency};
    const auto limit = static_cast<Money>(sum_of(m_limits, account));
    const WideMoney owed = used(cycles, account);
    if (owed + asked.amount > limit) {
        problems.push_back({FindingKind::limit,
                            to_text(pair.home) + " owes or promised " + wide_money_to_text(owed) +
                                " " + to_text(pair.currency) + ", and " + more +
                                " are above its limit of " + money_to_text(limit)});
    }
    return problems;
}

std::vector<std::string> PromiseBook::compare(const StateView& state) const {
    std::vector<std::string> problems;
    std::map<AuditAccount, Money> differing = m_limits;
    for (const AccountEntry& entry : list_accounts(state)) {
        differing.try_emplace({entry.party, entry.currency}, 0);
    }
    for (const auto& [account, limit] : differing) {
        const auto found = find_account(state, account.party, account.currency);
        const Money there = found ? found->limit : 0;
        const auto known = static_cast<Money>(sum_of(m_limits, account));
        if (there != known) {
            problems.push_back("the limit of " + to_text(account.party) + " is " +
                               money_to_text(there) + " " + to_text(account.currency) +
                               ", signed was " + money_to_text(known));
        }
    }
    if (halves_of(state) != m_halves) {
        problems.emplace_back("the agreements are not those that members signed");
    }
    return problems;
}

}  // namespace tally
