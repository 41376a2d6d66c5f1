#include "ledger/state/netting.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/record_codec.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace tally {

using record_codec::decode_list;
using record_codec::decode_party;
using record_codec::encode_list;

namespace {

__extension__ using Wide = __int128;

constexpr std::size_t position_bytes{PartyId::size + sizeof(Money)};
constexpr std::size_t debt_bytes{2 * PartyId::size + sizeof(Money)};

/// What is left to pay and to receive, and the legs so far.
struct Matching {
    std::map<PartyId, Money> owing;
    std::map<PartyId, Money> receiving;
    std::map<std::pair<PartyId, PartyId>, Money> legs;

    explicit Matching(const std::vector<NetPosition>& net) {
        Wide sum{0};
        for (const NetPosition& position : net) {
            sum += position.amount;
            if (position.amount < 0) {
                owing.emplace(position.party, -position.amount);
            } else if (position.amount > 0) {
                receiving.emplace(position.party, position.amount);
            }
        }
        ENSURE(sum == 0);
    }

    /// As much of `most` as both have left.
    void pay(const PartyId& debtor, const PartyId& creditor, Money most) {
        Money& owed = owing.at(debtor);
        Money& due = receiving.at(creditor);
        const Money amount = std::min({owed, due, most});
        if (amount > 0) {
            legs[{debtor, creditor}] += amount;
            owed -= amount;
            due -= amount;
        }
    }
};

/// Pairs of who pays and who receives in which the first owes the second more than it is owed,
/// with how much more; the largest first.
std::vector<Debt> direct_debts(const Matching& matching, const std::vector<Debt>& matrix) {
    std::map<std::pair<PartyId, PartyId>, Money> owed;
    for (const Debt& debt : matrix) {
        owed.emplace_hint(owed.end(), std::pair{debt.debtor, debt.creditor}, debt.amount);
    }
    std::vector<Debt> direct;
    for (const Debt& debt : matrix) {
        if (!matching.owing.contains(debt.debtor) || !matching.receiving.contains(debt.creditor)) {
            continue;
        }
        const auto back = owed.find({debt.creditor, debt.debtor});
        const Money more = debt.amount - (back == owed.end() ? 0 : back->second);
        if (more > 0) {
            direct.push_back({debt.debtor, debt.creditor, more});
        }
    }
    std::stable_sort(direct.begin(), direct.end(),
                     [](const Debt& a, const Debt& b) { return a.amount > b.amount; });
    return direct;
}

}  // namespace

std::vector<Debt> match_legs(const std::vector<NetPosition>& net, const std::vector<Debt>& matrix) {
    Matching matching{net};
    const std::size_t members = matching.owing.size() + matching.receiving.size();
    for (const Debt& debt : direct_debts(matching, matrix)) {
        if (matching.legs.size() + 1 >= members) {
            break;
        }
        matching.pay(debt.debtor, debt.creditor, debt.amount);
    }
    auto debtor = matching.owing.begin();
    auto creditor = matching.receiving.begin();
    while (debtor != matching.owing.end() && creditor != matching.receiving.end()) {
        matching.pay(debtor->first, creditor->first, std::numeric_limits<Money>::max());
        const bool debtor_is_done = debtor->second == 0;
        creditor = creditor->second == 0 ? std::next(creditor) : creditor;
        debtor = debtor_is_done ? std::next(debtor) : debtor;
    }
    std::vector<Debt> legs;
    for (const auto& [pair, amount] : matching.legs) {
        legs.push_back({pair.first, pair.second, amount});
    }
    return legs;
}

std::vector<NetPosition> share_out(Money amount, const std::vector<NetPosition>& weights) {
    ENSURE(amount >= 0 && !weights.empty());
    Wide whole{0};
    for (const NetPosition& weight : weights) {
        ENSURE(weight.amount > 0);
        whole += weight.amount;
    }
    std::vector<NetPosition> shares;
    std::vector<Wide> remainders;
    Money left{amount};
    for (const NetPosition& weight : weights) {
        const Wide part = Wide{amount} * weight.amount;
        shares.push_back({weight.party, static_cast<Money>(part / whole)});
        remainders.push_back(part % whole);
        left -= shares.back().amount;
    }
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&remainders](std::size_t a, std::size_t b) {
        return remainders[a] > remainders[b];
    });
    ENSURE(left >= 0 && static_cast<std::size_t>(left) <= order.size());
    for (std::size_t i = 0; i < static_cast<std::size_t>(left); ++i) {
        ++shares[order[i]].amount;
    }
    return shares;
}

Hash matrix_hash(std::uint64_t cycle, const Currency& currency, const std::vector<Debt>& matrix) {
    Encoder encoder;
    encoder.u64(cycle).fixed(currency);
    encode(encoder, matrix);
    return tagged_hash("tally/cycle-matrix/v1", encoder.bytes());
}

void encode(Encoder& encoder, const std::vector<NetPosition>& positions) {
    encode_list(encoder, positions, [&encoder](const NetPosition& position) {
        encoder.fixed(position.party).i64(position.amount);
    });
}

std::vector<NetPosition> decode_positions(Decoder& decoder) {
    std::vector<NetPosition> positions =
        decode_list(decoder, net_positions_max, position_bytes, [&decoder] {
            NetPosition position;
            position.party = decode_party(decoder);
            position.amount = decoder.i64();
            return position;
        });
    const auto does_not_rise = [](const NetPosition& one, const NetPosition& next) {
        return !(one.party < next.party);
    };
    if (std::adjacent_find(positions.begin(), positions.end(), does_not_rise) != positions.end()) {
        decoder.fail();
    }
    return positions;
}

void encode(Encoder& encoder, const std::vector<Debt>& debts) {
    encode_list(encoder, debts, [&encoder](const Debt& debt) {
        encoder.fixed(debt.debtor).fixed(debt.creditor).i64(debt.amount);
    });
}

std::vector<Debt> decode_debts(Decoder& decoder) {
    std::vector<Debt> debts = decode_list(decoder, matrix_entries_max, debt_bytes, [&decoder] {
        Debt debt;
        debt.debtor = decode_party(decoder);
        debt.creditor = decode_party(decoder);
        debt.amount = decoder.i64();
        if (debt.debtor == debt.creditor || debt.amount <= 0) {
            decoder.fail();
        }
        return debt;
    });
    const auto does_not_rise = [](const Debt& one, const Debt& next) {
        return std::pair{one.debtor, one.creditor} >= std::pair{next.debtor, next.creditor};
    };
    if (std::adjacent_find(debts.begin(), debts.end(), does_not_rise) != debts.end()) {
        decoder.fail();
    }
    return debts;
}

}  // namespace tally
