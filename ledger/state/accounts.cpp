#include "ledger/state/accounts.h"

#include "ledger/base/check.h"
#include "ledger/model/money.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

/// Whether pending + posted stay within 64 bits after `amount` more is pending. Posting moves from
/// one to the other, so this alone keeps every later step in range.
bool has_room(Money pending, Money posted, Money amount) {
    const std::optional<Money> total = checked_add(pending, posted);
    return total && checked_add(*total, amount);
}

/// used + amount > bound, without leaving 64 bits. `used` and `amount` are 0 or more.
bool exceeds(Money used, Money amount, Money bound) {
    const std::optional<Money> sum = checked_add(used, amount);
    return !sum || *sum > bound;
}

Account account_of(const StateOverlay& state, const PartyId& party, const Currency& currency) {
    return find_account(state, party, currency).value_or(Account{});
}

}  // namespace

Money net_exposure(const Exposure& there, const Exposure& back) noexcept {
    return there.pending + std::max<Money>(0, there.posted - back.posted);
}

Money binding_cap(Money first, Money second) noexcept {
    if (first == 0 || second == 0) {
        return std::max(first, second);
    }
    return std::min(first, second);
}

ResultCode reserve(StateOverlay& state, const Pair& pair, Money amount, Money cap) {
    ENSURE(amount >= 0 && pair.debtor != pair.creditor);
    Exposure exposure = find_exposure(state, pair.debtor, pair.creditor, pair.currency);
    const Exposure back = find_exposure(state, pair.creditor, pair.debtor, pair.currency);
    if (cap != 0 && exceeds(net_exposure(exposure, back), amount, cap)) {
        return ResultCode::exposure_exceeded;
    }
    Account debtor = account_of(state, pair.debtor, pair.currency);
    if (exceeds(used_of_limit(debtor), amount, debtor.limit)) {
        return ResultCode::limit_exceeded;
    }
    Account creditor = account_of(state, pair.creditor, pair.currency);
    const bool fits = has_room(debtor.debits_pending, debtor.debits_posted, amount) &&
                      has_room(creditor.credits_pending, creditor.credits_posted, amount) &&
                      has_room(exposure.pending, exposure.posted, amount);
    if (!fits) {
        return ResultCode::overflow;
    }
    debtor.debits_pending += amount;
    creditor.credits_pending += amount;
    exposure.pending += amount;
    state.put(keys::account(pair.debtor, pair.currency), encode(debtor));
    state.put(keys::account(pair.creditor, pair.currency), encode(creditor));
    state.put(keys::exposure(pair.debtor, pair.creditor, pair.currency), encode(exposure));
    return ResultCode::ok;
}

void resolve(StateOverlay& state, const Pair& pair, Money reserved, Money posted) {
    ENSURE(0 <= posted && posted <= reserved);
    Account debtor = account_of(state, pair.debtor, pair.currency);
    Account creditor = account_of(state, pair.creditor, pair.currency);
    Exposure exposure = find_exposure(state, pair.debtor, pair.creditor, pair.currency);
    ENSURE(debtor.debits_pending >= reserved && creditor.credits_pending >= reserved &&
           exposure.pending >= reserved);
    debtor.debits_pending -= reserved;
    debtor.debits_posted += posted;
    creditor.credits_pending -= reserved;
    creditor.credits_posted += posted;
    exposure.pending -= reserved;
    exposure.posted += posted;
    state.put(keys::account(pair.debtor, pair.currency), encode(debtor));
    state.put(keys::account(pair.creditor, pair.currency), encode(creditor));
    state.put(keys::exposure(pair.debtor, pair.creditor, pair.currency), encode(exposure));
}

ResultCode post_at_once(StateOverlay& state, const Pair& pair, Money amount, Money cap) {
    const ResultCode result = reserve(state, pair, amount, cap);
    if (result == ResultCode::ok) {
        resolve(state, pair, amount, amount);
    }
    return result;
}

void set_limit(StateOverlay& state, const PartyId& member, const Currency& currency, Money limit) {
    ENSURE(limit >= 0);
    Account account = account_of(state, member, currency);
    account.limit = limit;
    state.put(keys::account(member, currency), encode(account));
}

}  // namespace tally
