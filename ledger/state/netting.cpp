#include "ledger/state/netting.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tally {
namespace {

__extension__ using Wide = __int128;

constexpr std::size_t position_bytes{PartyId::size + sizeof(Money)};
constexpr std::size_t debt_bytes{2 * PartyId::size + sizeof(Money)};

}  // namespace

std::vector<Debt> match_legs(const std::vector<NetPosition>& net) {
    std::vector<NetPosition> debtors;
    std::vector<NetPosition> creditors;
    Wide sum{0};
    for (const NetPosition& position : net) {
        sum += position.amount;
        if (position.amount < 0) {
            debtors.push_back({position.party, -position.amount});
        } else if (position.amount > 0) {
            creditors.push_back(position);
        }
    }
    ENSURE(sum == 0);
    std::vector<Debt> legs;
    std::size_t debtor{0};
    std::size_t creditor{0};
    while (debtor < debtors.size() && creditor < creditors.size()) {
        const Money amount = std::min(debtors[debtor].amount, creditors[creditor].amount);
        legs.push_back({debtors[debtor].party, creditors[creditor].party, amount});
        debtors[debtor].amount -= amount;
        creditors[creditor].amount -= amount;
        debtor += debtors[debtor].amount == 0 ? 1U : 0U;
        creditor += creditors[creditor].amount == 0 ? 1U : 0U;
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
    encoder.u32(static_cast<std::uint32_t>(positions.size()));
    for (const NetPosition& position : positions) {
        encoder.fixed(position.party).i64(position.amount);
    }
}

std::vector<NetPosition> decode_positions(Decoder& decoder) {
    std::vector<NetPosition> positions;
    const std::uint32_t count = decoder.count(net_positions_max, position_bytes);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        NetPosition position;
        position.party = decoder.fixed<PartyId>();
        position.amount = decoder.i64();
        const bool rises = positions.empty() || positions.back().party < position.party;
        if (!is_valid(position.party) || !rises) {
            decoder.fail();
        }
        positions.push_back(position);
    }
    return positions;
}

void encode(Encoder& encoder, const std::vector<Debt>& debts) {
    encoder.u32(static_cast<std::uint32_t>(debts.size()));
    for (const Debt& debt : debts) {
        encoder.fixed(debt.debtor).fixed(debt.creditor).i64(debt.amount);
    }
}

std::vector<Debt> decode_debts(Decoder& decoder) {
    std::vector<Debt> debts;
    const std::uint32_t count = decoder.count(matrix_entries_max, debt_bytes);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        Debt debt;
        debt.debtor = decoder.fixed<PartyId>();
        debt.creditor = decoder.fixed<PartyId>();
        debt.amount = decoder.i64();
        const bool rises = debts.empty() || std::pair{debts.back().debtor, debts.back().creditor} <
                                                std::pair{debt.debtor, debt.creditor};
        if (!is_valid(debt.debtor) || !is_valid(debt.creditor) || debt.debtor == debt.creditor ||
            debt.amount <= 0 || !rises) {
            decoder.fail();
        }
        debts.push_back(debt);
    }
    return debts;
}

}  // namespace tally
