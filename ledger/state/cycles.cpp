#include "ledger/state/cycles.h"

#include "ledger/base/check.h"
#include "ledger/state/accounts.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tally {
namespace {

/// What is posted in one currency.
struct Posted {
    std::map<PartyId, Account> accounts;
    std::vector<Debt> matrix;  ///< in order of debtor and creditor
};

/// Everything posted in one currency. Reads its pairs and the accounts behind them, nothing else.
Posted find_posted(const StateView& state, const Currency& currency) {
    Posted posted;
    for (const ExposureEntry& entry : exposures_in(state, currency)) {
        if (entry.exposure.posted != 0) {
            posted.matrix.push_back({entry.debtor, entry.creditor, entry.exposure.posted});
        }
    }
    for (const Debt& debt : posted.matrix) {
        for (const PartyId& party : {debt.debtor, debt.creditor}) {
            if (!posted.accounts.contains(party)) {
                posted.accounts.emplace(party,
                                        find_account(state, party, currency).value_or(Account{}));
            }
        }
    }
    return posted;
}

/// Member by member what the other members owe it less what it owes them; the sums of the accounts
/// and the pairs behind them must agree.
std::vector<NetPosition> net_of(const StateView& state, const Currency& currency,
                                const Posted& posted) {
    std::map<PartyId, WideMoney> by_pairs;
    for (const Debt& debt : posted.matrix) {
        by_pairs[debt.debtor] -= debt.amount;
        by_pairs[debt.creditor] += debt.amount;
    }
    std::vector<NetPosition> net;
    WideMoney debits{0};
    WideMoney netting{0};
    for (const auto& [party, account] : posted.accounts) {
        net.push_back({party, account.credits_posted - account.debits_posted});
        netting += net.back().amount;
        debits += account.debits_posted;
        ENSURE(by_pairs[party] == net.back().amount);
    }
    // Whoever has something posted is in one of the pairs: else the totals were more.
    ENSURE(netting == 0 && debits == find_totals(state, currency)->debits_posted);
    return net;
}

void clear_pairs(StateOverlay& state, const Currency& currency, const std::vector<Debt>& matrix) {
    for (const Debt& debt : matrix) {
        Exposure exposure = find_exposure(state, debt.debtor, debt.creditor, currency);
        exposure.posted = 0;
        put_exposure(state, {debt.debtor, debt.creditor, currency}, exposure);
    }
}

void add_legs(StateOverlay& state, std::uint64_t cycle, const Currency& currency,
              const std::vector<Debt>& legs, UnixMillis due_by) {
    for (const Debt& leg : legs) {
        owe_leg(state, {leg.debtor, leg.creditor, currency}, leg.amount);
        const LegKey key{cycle, currency, leg.debtor, leg.creditor};
        state.put(keys::leg(key),
                  encode(LegRecord{leg.amount, due_by, LegStatus::pending, {}, {}}));
        state.put(keys::deadline({due_by, leg_ref(key), DeadlineKind::leg}), {});
    }
}

ClosedCycleRecord closed_record(const CycleHistory& history, std::size_t legs) {
    ClosedCycleRecord record{
        history.closed_at, history.due_by, static_cast<std::uint32_t>(legs), {}};
    std::copy_if(history.net.begin(), history.net.end(), std::back_inserter(record.creditors),
                 [](const NetPosition& position) { return position.amount > 0; });
    return record;
}

Event close_currency(BlockScope& block, std::uint64_t cycle, const Currency& currency,
                     Posted posted) {
    StateOverlay& state = block.state;
    CycleHistory history;
    history.closed_at = block.time;
    history.due_by = deadline_after(block.time, block.parameters.payment_window);
    history.net = net_of(state, currency, posted);
    history.matrix = std::move(posted.matrix);
    for (auto& [party, account] : posted.accounts) {
        account.debits_posted = 0;
        account.credits_posted = 0;
        put_account(state, party, currency, account);
    }
    clear_pairs(state, currency, history.matrix);
    const std::vector<Debt> legs = match_legs(history.net, history.matrix);
    add_legs(state, cycle, currency, legs, history.due_by);
    if (!legs.empty()) {
        state.put(keys::closed_cycle(cycle, currency), encode(closed_record(history, legs.size())));
    }
    state.put(keys::cycle_history(cycle, currency), encode(history));
    Event event;
    event.kind = EventKind::cycle_closed;
    event.cycle = cycle;
    event.currency = currency;
    event.matrix = matrix_hash(cycle, currency, history.matrix);
    event.positions = std::move(history.net);
    return event;
}

/// Nets what the record says is left to close, as far as one block goes. The totals are those of
/// the block before, and nothing but this changes what is posted in between.
std::vector<Event> close_rest(BlockScope& block, CycleRecord& record) {
    std::vector<Event> events;
    std::size_t pairs{0};
    const std::uint64_t cycle = record.closing->number;
    std::optional<Currency> next = next_posted_currency(block.state, record.closing->from);
    while (next) {
        const Currency currency = *next;
        record.closing->from = currency;
        if (events.size() == cycle_currencies_per_block_max) {
            return events;
        }
        Posted posted = find_posted(block.state, currency);
        pairs += posted.matrix.size();
        if (!events.empty() && pairs > cycle_pairs_per_block_max) {
            return events;
        }
        events.push_back(close_currency(block, cycle, currency, std::move(posted)));
        Currency behind{currency};
        ++behind.data.back();  // Letters: below 255.
        next = next_posted_currency(block.state, behind);
    }
    record.closing.reset();
    return events;
}

/// Lets the others bear their shares of a leg in default. Limits do not bind them; one whose sums
/// have no room for it bears nothing.
std::vector<NetPosition> share_default(StateOverlay& state, const LegKey& key, Money amount) {
    const std::optional<ClosedCycleRecord> closed =
        find_closed_cycle(state, key.cycle, key.currency);
    ENSURE(closed.has_value());
    std::vector<NetPosition> borne;
    for (const NetPosition& share : share_out(amount, closed->creditors)) {
        const bool is_other = share.party != key.creditor && share.amount > 0;
        if (is_other &&
            post_share(state, {share.party, key.creditor, key.currency}, share.amount)) {
            borne.push_back(share);
        }
    }
    return borne;
}

/// Who bore a share of the default gets it back from the creditor, who has the money now.
bool return_shares(StateOverlay& state, const LegKey& key, const LegRecord& leg) {
    for (const NetPosition& share : leg.shares) {
        if (!return_share(state, {key.creditor, share.party, key.currency}, share.amount)) {
            return false;
        }
    }
    return true;
}

/// One leg less to wait for. The last one takes the cycle's legs out of the state.
void count_confirmed(StateOverlay& state, const LegKey& key) {
    std::optional<ClosedCycleRecord> closed = find_closed_cycle(state, key.cycle, key.currency);
    ENSURE(closed.has_value() && closed->open_legs > 0);
    if (--closed->open_legs > 0) {
        state.put(keys::closed_cycle(key.cycle, key.currency), encode(*closed));
        return;
    }
    state.erase(keys::closed_cycle(key.cycle, key.currency));
    for (const LegEntry& entry : legs_of(state, key.cycle, key.currency)) {
        state.erase(keys::leg(entry.key));
    }
}

void suspend(StateOverlay& state, const PartyId& party) {
    std::optional<MemberRecord> member = find_member(state, party);
    ENSURE(member.has_value());
    if (!member->suspended) {
        member->suspended = true;
        state.put(keys::member(party), encode(*member));
    }
}

}  // namespace

std::vector<Event> close_cycle(BlockScope& block) {
    CycleRecord record = find_cycle(block.state);
    if (!record.closing) {
        const std::uint64_t period = period_of(block.parameters, block.time);
        if (period == record.period) {
            return {};
        }
        record.closing = CycleRecord::Closing{record.number, *currency_from_text("AAA")};
        record.number = std::max(record.number + 1, period);
        record.period = period;
        record.opened_at = block.time;
    }
    std::vector<Event> events = close_rest(block, record);
    block.state.put(keys::cycle(), encode(record));
    return events;
}

Event default_leg(BlockScope& block, const LegKey& key) {
    std::optional<LegRecord> leg = find_leg(block.state, key);
    ENSURE(leg.has_value() && leg->status == LegStatus::pending);
    block.state.erase(keys::deadline({leg->due_by, leg_ref(key), DeadlineKind::leg}));
    leg->status = LegStatus::defaulted;
    if (block.parameters.default_bearer == DefaultBearer::shared) {
        leg->shares = share_default(block.state, key, leg->amount);
    }
    suspend(block.state, key.debtor);
    block.state.put(keys::leg(key), encode(*leg));
    Event event;
    event.kind = EventKind::leg_defaulted;
    event.cycle = key.cycle;
    event.debtor = key.debtor;
    event.creditor = key.creditor;
    event.currency = key.currency;
    event.amount = leg->amount;
    event.positions = std::move(leg->shares);
    return event;
}

ResultCode confirm_leg(StateOverlay& state, const LegKey& key, std::string reference) {
    std::optional<LegRecord> leg = find_leg(state, key);
    if (!leg) {
        return ResultCode::unknown_leg;
    }
    if (leg->status == LegStatus::confirmed) {
        return ResultCode::leg_confirmed;
    }
    if (!return_shares(state, key, *leg)) {
        return ResultCode::overflow;
    }
    settle_leg(state, {key.debtor, key.creditor, key.currency}, leg->amount);
    if (leg->status == LegStatus::pending) {
        state.erase(keys::deadline({leg->due_by, leg_ref(key), DeadlineKind::leg}));
    }
    leg->status = LegStatus::confirmed;
    leg->reference = std::move(reference);
    state.put(keys::leg(key), encode(*leg));
    count_confirmed(state, key);
    return ResultCode::ok;
}

}  // namespace tally
