#pragma once

// Two-phase double entry. Money is first reserved (pending on both sides), then posted in part or
// whole with the rest released. Only `reserve` can fail: what it admits can always be resolved.

#include "ledger/model/result_code.h"
#include "ledger/state/records.h"
#include "ledger/state/state_overlay.h"

namespace tally {

/// Who owes whom in which currency.
struct Pair {
    PartyId debtor;
    PartyId creditor;
    Currency currency;
};

/// Puts `amount` (0 or more) pending from debtor to creditor.
/// Errors, nothing written: `exposure_exceeded` if the debtor would owe the creditor more than
/// `cap` (0: no cap), `limit_exceeded` if more than its limit in all, `overflow` if a sum would not
/// fit 64 bits.
[[nodiscard]] ResultCode reserve(StateOverlay& state, const Pair& pair, Money amount, Money cap);

/// Ends a reservation of `reserved`: posts `posted` of it, 0 to `reserved`, and releases the rest.
/// Never fails: a reservation that is not there is a broken invariant.
void resolve(StateOverlay& state, const Pair& pair, Money reserved, Money posted);

/// Posts `amount` (0 or more) at once, nothing having been reserved. Errors as of `reserve`.
[[nodiscard]] ResultCode post_at_once(StateOverlay& state, const Pair& pair, Money amount,
                                      Money cap);

/// Posts `amount` (0 or more) for the scheme: no limit and no cap binds. False, nothing written,
/// when a sum would not fit 64 bits.
[[nodiscard]] bool post_exempt(StateOverlay& state, const Pair& pair, Money amount);

/// As `post_exempt`, for a share of a default, which the creditor may have to give back: it does
/// not extend what the creditor may owe, see `Account::shares_held`. False, nothing written, when a
/// sum would not fit 64 bits, now or when it is given back.
[[nodiscard]] bool post_share(StateOverlay& state, const Pair& pair, Money amount);
/// Gives it back; here the debtor is who held it. False, nothing written, when a sum would not fit.
[[nodiscard]] bool return_share(StateOverlay& state, const Pair& pair, Money amount);

/// A bank leg of `amount` from debtor to creditor takes the place of what was posted in a cycle.
/// Always fits, because what was posted did.
void owe_leg(StateOverlay& state, const Pair& pair, Money amount);
/// The leg is paid. It must be there.
void settle_leg(StateOverlay& state, const Pair& pair, Money amount);

/// Writes an account; one that is all zero, its limit too, leaves the state.
void put_account(StateOverlay& state, const PartyId& party, const Currency& currency,
                 const Account& account);
/// Writes what debtor owes creditor; one that is all zero leaves the state.
void put_exposure(StateOverlay& state, const Pair& pair, const Exposure& exposure);

/// Sets the limit of an account, creating it when needed.
void set_limit(StateOverlay& state, const PartyId& member, const Currency& currency, Money limit);

/// What `debtor` owes `creditor` after netting what the creditor owes it in the open cycle:
/// pending + max(0, posted there - posted back) + legs, at most what fits 64 bits.
[[nodiscard]] Money net_exposure(const Exposure& there, const Exposure& back) noexcept;

/// Of two caps the one that binds; 0 means no cap.
[[nodiscard]] Money binding_cap(Money first, Money second) noexcept;

}  // namespace tally
