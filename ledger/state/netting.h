#pragma once

// The arithmetic of netting, without a state: who pays whom at the end of a cycle, and who bears
// how much of what is not paid.

#include "ledger/base/bytes.h"
#include "ledger/base/codec.h"
#include "ledger/model/ids.h"
#include "ledger/model/membership.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <vector>

namespace tally {

/// What a member receives (more than 0) or pays (less than 0), or its share of something.
struct NetPosition {
    PartyId party;
    Money amount{0};
    friend bool operator==(const NetPosition&, const NetPosition&) = default;
};

/// `amount` (more than 0) that one member owes another.
struct Debt {
    PartyId debtor;
    PartyId creditor;
    Money amount{0};
    friend bool operator==(const Debt&, const Debt&) = default;
};

/// Most members in one net vector.
inline constexpr std::size_t net_positions_max{members_max};
/// Most entries of a bilateral matrix: each member and each other.
inline constexpr std::size_t matrix_entries_max{members_max * (members_max - 1)};

/// Most legs of one currency and cycle: see `match_legs`.
inline constexpr std::size_t legs_max{2 * (net_positions_max - 1)};

/// Who pays whom, so that everybody has what `net` says, those first who gave the payer credit.
/// With n members whose figure is not 0:
/// 1. The pairs of a member that pays and one that receives, in which the first owes the second
///    more than it is owed back (by `matrix`), the largest such difference first, of equal ones by
///    debtor and creditor. Each gets a leg of that difference, or of what is left for one of the
///    two, until there are n - 1 legs.
/// 2. What is left, in the order of `net`: the first debtor pays the first creditor until one of
///    them is done, and so on. What comes to a pair of step 1 is added to its leg.
/// In order of debtor and creditor, no pair twice, amounts more than 0.
///
/// At most 2 (n - 1) legs: step 1 ends after n - 1. In step 2 every payment brings a debtor or a
/// creditor to 0 and the last one, because all sums to 0, both: with d debtors and c creditors
/// d + c - 1 = n - 1 payments at most.
///
/// `net` is ordered by party and sums to 0, and is that of `matrix`, which is ordered by debtor and
/// creditor.
[[nodiscard]] std::vector<Debt> match_legs(const std::vector<NetPosition>& net,
                                           const std::vector<Debt>& matrix);

/// `amount` (0 or more) split by `weights` (each more than 0, in order of party) by largest
/// remainder: each gets its part rounded down, and one unit more goes to those with the largest
/// remainders, of equal ones to the first. Sums to `amount`; same order as `weights`.
[[nodiscard]] std::vector<NetPosition> share_out(Money amount,
                                                 const std::vector<NetPosition>& weights);

/// The hash of who owed whom in a cycle: tagged_hash("tally/cycle-matrix/v1", cycle u64 | currency
/// 3 | count u32 | debtor 3, creditor 3, amount i64 each), in order of debtor and creditor.
[[nodiscard]] Hash matrix_hash(std::uint64_t cycle, const Currency& currency,
                               const std::vector<Debt>& matrix);

void encode(Encoder& encoder, const std::vector<NetPosition>& positions);
/// At most `net_positions_max`, valid parties in rising order.
[[nodiscard]] std::vector<NetPosition> decode_positions(Decoder& decoder);
void encode(Encoder& encoder, const std::vector<Debt>& debts);
/// At most `matrix_entries_max`, in rising order of debtor and creditor, amounts more than 0.
[[nodiscard]] std::vector<Debt> decode_debts(Decoder& decoder);

}  // namespace tally
