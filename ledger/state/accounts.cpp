#include "ledger/state/accounts.h"

#include "ledger/base/check.h"
#include "ledger/model/money.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <limits>

namespace tally {
namespace {

/// Whether pending + posted + legs stay within 64 bits after `amount` more. Posting and netting
/// move from one to the next, so this alone keeps every later step in range.
bool has_room(Money pending, Money posted, Money legs, Money amount) {
    const WideMoney sum = WideMoney{pending} + posted + legs + amount;
    return sum <= std::numeric_limits<Money>::max();
}

/// The same for what a member owes. Shares that it may have to give back become posted then.
bool may_owe(const Account& account, Money amount) {
    const WideMoney more = WideMoney{account.shares_held} + amount;
    return more <= std::numeric_limits<Money>::max() &&
           has_room(account.debits_pending, account.debits_posted, account.legs_owed,
                    static_cast<Money>(more));
}

/// What reserving or posting `amount` touches.
struct Sides {
    Account debtor;
    Account creditor;
    Exposure exposure;
    [[nodiscard]] bool have_room(Money amount) const {
        return may_owe(debtor, amount) &&
               has_room(creditor.credits_pending, creditor.credits_posted, creditor.legs_due,
                        amount) &&
               has_room(exposure.pending, exposure.posted, exposure.legs, amount);
    }
};

/// used + amount > bound, without leaving 64 bits. `used` and `amount` are 0 or more.
bool exceeds(Money used, Money amount, Money bound) {
    const std::optional<Money> sum = checked_add(used, amount);
    return !sum || *sum > bound;
}

Account account_of(const StateOverlay& state, const PartyId& party, const Currency& currency) {
    return find_account(state, party, currency).value_or(Account{});
}

Sides sides_of(const StateOverlay& state, const Pair& pair) {
    return {account_of(state, pair.debtor, pair.currency),
            account_of(state, pair.creditor, pair.currency),
            find_exposure(state, pair.debtor, pair.creditor, pair.currency)};
}

void write(StateOverlay& state, const Pair& pair, const Sides& sides) {
    put_account(state, pair.debtor, pair.currency, sides.debtor);
    put_account(state, pair.creditor, pair.currency, sides.creditor);
    put_exposure(state, pair, sides.exposure);
}

/// Posts `amount` beyond limits and caps. False, nothing written, when there is no room for it.
bool post(StateOverlay& state, const Pair& pair, Sides sides, Money amount) {
    ENSURE(amount >= 0 && pair.debtor != pair.creditor);
    if (!sides.have_room(amount)) {
        return false;
    }
    sides.debtor.debits_posted += amount;
    sides.creditor.credits_posted += amount;
    sides.exposure.posted += amount;
    write(state, pair, sides);
    return true;
}

}  // namespace

Money net_exposure(const Exposure& there, const Exposure& back) noexcept {
    const WideMoney net =
        WideMoney{there.pending} + std::max<Money>(0, there.posted - back.posted) + there.legs;
    return static_cast<Money>(std::min<WideMoney>(net, std::numeric_limits<Money>::max()));
}

Money binding_cap(Money first, Money second) noexcept {
    if (first == 0 || second == 0) {
        return std::max(first, second);
    }
    return std::min(first, second);
}

ResultCode reserve(StateOverlay& state, const Pair& pair, Money amount, Money cap) {
    ENSURE(amount >= 0 && pair.debtor != pair.creditor);
    Sides sides = sides_of(state, pair);
    const Exposure back = find_exposure(state, pair.creditor, pair.debtor, pair.currency);
    if (cap != 0 && exceeds(net_exposure(sides.exposure, back), amount, cap)) {
        return ResultCode::exposure_exceeded;
    }
    if (exceeds(used_of_limit(sides.debtor), amount, sides.debtor.limit)) {
        return ResultCode::limit_exceeded;
    }
    if (!sides.have_room(amount)) {
        return ResultCode::overflow;
    }
    sides.debtor.debits_pending += amount;
    sides.creditor.credits_pending += amount;
    sides.exposure.pending += amount;
    write(state, pair, sides);
    return ResultCode::ok;
}

void resolve(StateOverlay& state, const Pair& pair, Money reserved, Money posted) {
    ENSURE(0 <= posted && posted <= reserved);
    auto [debtor, creditor, exposure] = sides_of(state, pair);
    ENSURE(debtor.debits_pending >= reserved && creditor.credits_pending >= reserved &&
           exposure.pending >= reserved);
    debtor.debits_pending -= reserved;
    debtor.debits_posted += posted;
    creditor.credits_pending -= reserved;
    creditor.credits_posted += posted;
    exposure.pending -= reserved;
    exposure.posted += posted;
    write(state, pair, {debtor, creditor, exposure});
}

ResultCode post_at_once(StateOverlay& state, const Pair& pair, Money amount, Money cap) {
    const ResultCode result = reserve(state, pair, amount, cap);
    if (result == ResultCode::ok) {
        resolve(state, pair, amount, amount);
    }
    return result;
}

bool post_exempt(StateOverlay& state, const Pair& pair, Money amount) {
    return post(state, pair, sides_of(state, pair), amount);
}

bool post_share(StateOverlay& state, const Pair& pair, Money amount) {
    Sides sides = sides_of(state, pair);
    if (!may_owe(sides.creditor, amount)) {
        return false;
    }
    sides.creditor.shares_held += amount;
    return post(state, pair, sides, amount);
}

bool return_share(StateOverlay& state, const Pair& pair, Money amount) {
    Sides sides = sides_of(state, pair);
    ENSURE(sides.debtor.shares_held >= amount);
    sides.debtor.shares_held -= amount;
    return post(state, pair, sides, amount);
}

void owe_leg(StateOverlay& state, const Pair& pair, Money amount) {
    ENSURE(amount > 0 && pair.debtor != pair.creditor);
    Sides sides = sides_of(state, pair);
    const bool fits = has_room(0, 0, sides.debtor.legs_owed, amount) &&
                      has_room(0, 0, sides.creditor.legs_due, amount) &&
                      has_room(0, 0, sides.exposure.legs, amount);
    ENSURE(fits);
    sides.debtor.legs_owed += amount;
    sides.creditor.legs_due += amount;
    sides.exposure.legs += amount;
    write(state, pair, sides);
}

void settle_leg(StateOverlay& state, const Pair& pair, Money amount) {
    Sides sides = sides_of(state, pair);
    ENSURE(sides.debtor.legs_owed >= amount && sides.creditor.legs_due >= amount &&
           sides.exposure.legs >= amount);
    sides.debtor.legs_owed -= amount;
    sides.creditor.legs_due -= amount;
    sides.exposure.legs -= amount;
    write(state, pair, sides);
}

void put_account(StateOverlay& state, const PartyId& party, const Currency& currency,
                 const Account& account) {
    Bytes key = keys::account(party, currency);
    if (account == Account{}) {
        state.erase(std::move(key));
    } else {
        state.put(std::move(key), encode(account));
    }
}

void put_exposure(StateOverlay& state, const Pair& pair, const Exposure& exposure) {
    Bytes key = keys::exposure(pair.debtor, pair.creditor, pair.currency);
    if (exposure == Exposure{}) {
        state.erase(std::move(key));
    } else {
        state.put(std::move(key), encode(exposure));
    }
}

void set_limit(StateOverlay& state, const PartyId& member, const Currency& currency, Money limit) {
    ENSURE(limit >= 0);
    Account account = account_of(state, member, currency);
    account.limit = limit;
    put_account(state, member, currency, account);
}

}  // namespace tally
