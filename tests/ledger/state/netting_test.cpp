// The arithmetic of netting: who pays whom, and shares by largest remainder.

#include "ledger/state/netting.h"

#include "ledger/base/codec.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace tally::test {
namespace {

std::vector<NetPosition> positions(const std::vector<std::pair<const char*, Money>>& items) {
    std::vector<NetPosition> result;
    for (const auto& [name, amount] : items) {
        result.push_back({party(name), amount});
    }
    return result;
}

Debt debt(const char* debtor, const char* creditor, Money amount) {
    return {party(debtor), party(creditor), amount};
}

Money sum_of(const std::vector<NetPosition>& items) {
    Money sum{0};
    for (const NetPosition& item : items) {
        sum += item.amount;
    }
    return sum;
}

PartyId numbered(std::size_t number) {
    std::string name{"AAA"};
    for (std::size_t place = 3; place-- > 0; number /= 26) {
        name[place] = static_cast<char>('A' + number % 26);
    }
    return party(name);
}

std::vector<NetPosition> net_of(const std::vector<Debt>& matrix) {
    std::map<PartyId, Money> sums;
    for (const Debt& one : matrix) {
        sums[one.debtor] -= one.amount;
        sums[one.creditor] += one.amount;
    }
    std::vector<NetPosition> net;
    for (const auto& [party, amount] : sums) {
        net.push_back({party, amount});
    }
    return net;
}

}  // namespace

TEST_CASE("debtors pay creditors in the order of parties", "[state][netting]") {
    CHECK(match_legs({}, {}).empty());
    CHECK(match_legs(positions({{"AAA", 0}, {"BBB", 0}}), {}).empty());
    CHECK(match_legs(positions({{"AAA", -5}, {"BBB", 5}}), {}) ==
          std::vector<Debt>{debt("AAA", "BBB", 5)});
    CHECK(match_legs(positions({{"AAA", 7}, {"BBB", -10}, {"CCC", 3}}), {}) ==
          std::vector<Debt>{debt("BBB", "AAA", 7), debt("BBB", "CCC", 3)});
    CHECK(
        match_legs(positions({{"AAA", -4}, {"BBB", 0}, {"CCC", -6}, {"DDD", 5}, {"EEE", 5}}), {}) ==
        std::vector<Debt>{debt("AAA", "DDD", 4), debt("CCC", "DDD", 1), debt("CCC", "EEE", 5)});
}

TEST_CASE("a debtor pays those first whom it owes directly", "[state][netting]") {
    // By party AAA would pay CCC and BBB would pay DDD.
    const std::vector<Debt> crosswise{debt("AAA", "DDD", 5), debt("BBB", "CCC", 5)};
    CHECK(match_legs(net_of(crosswise), crosswise) == crosswise);
}

TEST_CASE("the largest direct debt goes first, of equal ones that of the first party",
          "[state][netting]") {
    // DDD is owed 6 and owes 4: two are to share in what it receives.
    const std::vector<Debt> larger{debt("AAA", "DDD", 2), debt("BBB", "DDD", 4),
                                   debt("DDD", "EEE", 4)};
    CHECK(match_legs(net_of(larger), larger) ==
          std::vector<Debt>{debt("AAA", "EEE", 2), debt("BBB", "DDD", 2), debt("BBB", "EEE", 2)});
    const std::vector<Debt> equal{debt("AAA", "DDD", 3), debt("BBB", "DDD", 3),
                                  debt("DDD", "EEE", 4)};
    CHECK(match_legs(net_of(equal), equal) ==
          std::vector<Debt>{debt("AAA", "DDD", 2), debt("AAA", "EEE", 1), debt("BBB", "EEE", 3)});
}

TEST_CASE("a pair counts with what is owed less what is owed back", "[state][netting]") {
    // CCC is owed 9 by AAA and owes it 8; BBB owes DDD 2 and AAA 1: AAA pays CCC 1 for itself.
    const std::vector<Debt> matrix{debt("AAA", "CCC", 9), debt("AAA", "DDD", 2),
                                   debt("BBB", "CCC", 2), debt("CCC", "AAA", 8)};
    CHECK(match_legs(net_of(matrix), matrix) ==
          std::vector<Debt>{debt("AAA", "CCC", 1), debt("AAA", "DDD", 2), debt("BBB", "CCC", 2)});
    // Owed back just as much: no direct debt, the order of party decides.
    const std::vector<Debt> even{debt("AAA", "CCC", 5), debt("AAA", "DDD", 1),
                                 debt("BBB", "CCC", 1), debt("CCC", "AAA", 5)};
    CHECK(match_legs(net_of(even), even) ==
          std::vector<Debt>{debt("AAA", "DDD", 1), debt("BBB", "CCC", 1)});
}

TEST_CASE("direct debts make one leg less than there are members, the rest is by party",
          "[state][netting]") {
    // Five members: four legs for direct debts. What BBB owes DDD and EEE owes CCC is left, and
    // then BBB, the first, pays CCC, the first.
    const std::vector<Debt> matrix{debt("AAA", "CCC", 9), debt("AAA", "DDD", 8),
                                   debt("BBB", "CCC", 7), debt("BBB", "DDD", 2),
                                   debt("EEE", "CCC", 2), debt("EEE", "DDD", 6)};
    CHECK(match_legs(net_of(matrix), matrix) ==
          std::vector<Debt>{debt("AAA", "CCC", 9), debt("AAA", "DDD", 8), debt("BBB", "CCC", 9),
                            debt("EEE", "DDD", 8)});
    // With one pair less all are direct.
    const std::vector<Debt> fewer{debt("AAA", "CCC", 9), debt("AAA", "DDD", 8),
                                  debt("BBB", "DDD", 2), debt("EEE", "CCC", 2)};
    CHECK(match_legs(net_of(fewer), fewer) == fewer);
}

TEST_CASE("a full network keeps within the bound of legs, and reaches most of it",
          "[state][netting]") {
    // Every one of the first half owes every one of the others, all of them about as much.
    std::vector<Debt> matrix;
    for (std::size_t i = 0; i < net_positions_max / 2; ++i) {
        for (std::size_t j = net_positions_max / 2; j < net_positions_max; ++j) {
            matrix.push_back({numbered(i), numbered(j), static_cast<Money>(1'000 + (i * j) % 7)});
        }
    }
    const std::vector<Debt> legs = match_legs(net_of(matrix), matrix);
    CHECK(legs.size() <= legs_max);
    CHECK(legs.size() > net_positions_max);
}

TEST_CASE("any net figures are paid by less than two legs a member", "[state][netting][property]") {
    std::mt19937_64 random{7};
    for (int round = 0; round < 300; ++round) {
        const std::size_t count = 2 + random() % (round % 10 == 0 ? net_positions_max - 1 : 20);
        const std::size_t density = 1 + random() % 8;
        std::vector<Debt> matrix;
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t j = 0; j < count; ++j) {
                if (i != j && random() % density == 0) {
                    matrix.push_back(
                        {numbered(i), numbered(j), static_cast<Money>(1 + random() % 2'000'000)});
                }
            }
        }
        const std::vector<NetPosition> net = net_of(matrix);
        const std::vector<Debt> legs = match_legs(net, matrix);
        const auto with_amount = static_cast<std::size_t>(
            std::count_if(net.begin(), net.end(),
                          [](const NetPosition& position) { return position.amount != 0; }));
        REQUIRE(legs.size() <= (with_amount == 0 ? 0 : 2 * (with_amount - 1)));
        std::map<PartyId, Money> received;
        for (const Debt& leg : legs) {
            REQUIRE(leg.amount > 0);
            received[leg.creditor] += leg.amount;
            received[leg.debtor] -= leg.amount;
        }
        for (const NetPosition& position : net) {
            REQUIRE(received[position.party] == position.amount);
        }
        const auto rises = [](const Debt& one, const Debt& next) {
            return std::pair{one.debtor, one.creditor} < std::pair{next.debtor, next.creditor};
        };
        REQUIRE(std::is_sorted(legs.begin(), legs.end(), rises));
    }
}

TEST_CASE("shares follow the weights by largest remainder", "[state][netting]") {
    CHECK(share_out(10, positions({{"AAA", 1}})) == positions({{"AAA", 10}}));
    CHECK(share_out(0, positions({{"AAA", 1}, {"BBB", 2}})) == positions({{"AAA", 0}, {"BBB", 0}}));
    // 10 by 1 : 1 : 1 is 3.33 each: one more for the first of three equal remainders.
    CHECK(share_out(10, positions({{"AAA", 1}, {"BBB", 1}, {"CCC", 1}})) ==
          positions({{"AAA", 4}, {"BBB", 3}, {"CCC", 3}}));
    // 1.67, 3.33, 5: the largest remainder is the first one's.
    CHECK(share_out(10, positions({{"AAA", 1}, {"BBB", 2}, {"CCC", 3}})) ==
          positions({{"AAA", 2}, {"BBB", 3}, {"CCC", 5}}));
    // 3.33 and 6.67: the last one's.
    CHECK(share_out(10, positions({{"AAA", 1}, {"BBB", 2}})) ==
          positions({{"AAA", 3}, {"BBB", 7}}));
}

TEST_CASE("shares always sum to the amount", "[state][netting][property]") {
    std::mt19937_64 random{8};
    for (int round = 0; round < 500; ++round) {
        std::vector<NetPosition> weights;
        const std::size_t count = 1 + random() % 255;
        for (std::size_t i = 0; i < count; ++i) {
            weights.push_back({numbered(i), static_cast<Money>(1 + random() % (1ULL << 60U))});
        }
        const auto amount = static_cast<Money>(random() % (1ULL << 62U));
        REQUIRE(sum_of(share_out(amount, weights)) == amount);
    }
}

TEST_CASE("the matrix hash depends on all of it", "[state][netting]") {
    const std::vector<Debt> matrix{debt("AAA", "BBB", 5), debt("BBB", "AAA", 7)};
    const Hash hash = matrix_hash(9, currency("CNY"), matrix);
    CHECK(to_hex(hash) == "387c711bf58d0ae43182fe9945d677fb55198648a6c17754331b40d14baff3af");
    CHECK(matrix_hash(8, currency("CNY"), matrix) != hash);
    CHECK(matrix_hash(9, currency("EUR"), matrix) != hash);
    CHECK(matrix_hash(9, currency("CNY"), {matrix.front()}) != hash);
    CHECK(matrix_hash(9, currency("CNY"), {matrix[0], debt("BBB", "AAA", 8)}) != hash);
}

TEST_CASE("positions and debts that do not decode", "[state][netting]") {
    const auto positions_fit = [](const std::vector<NetPosition>& items) {
        Encoder encoder;
        encode(encoder, items);
        Decoder decoder{encoder.bytes()};
        const std::vector<NetPosition> decoded = decode_positions(decoder);
        return decoder.finished() && decoded == items;
    };
    CHECK(positions_fit({}));
    CHECK(positions_fit(positions({{"AAA", -5}, {"BBB", 5}})));
    CHECK_FALSE(positions_fit(positions({{"BBB", 5}, {"AAA", -5}})));
    CHECK_FALSE(positions_fit(positions({{"AAA", 5}, {"AAA", 5}})));
    CHECK_FALSE(positions_fit({{PartyId{}, 5}}));
    std::vector<NetPosition> many;
    for (std::size_t i = 0; i < net_positions_max; ++i) {
        many.push_back({numbered(i), 1});
    }
    CHECK(positions_fit(many));
    many.push_back({numbered(many.size()), 1});
    CHECK_FALSE(positions_fit(many));

    const auto debts_fit = [](const std::vector<Debt>& items) {
        Encoder encoder;
        encode(encoder, items);
        Decoder decoder{encoder.bytes()};
        const std::vector<Debt> decoded = decode_debts(decoder);
        return decoder.finished() && decoded == items;
    };
    CHECK(debts_fit({debt("AAA", "BBB", 1), debt("AAA", "CCC", 1), debt("BBB", "AAA", 1)}));
    CHECK_FALSE(debts_fit({debt("AAA", "CCC", 1), debt("AAA", "BBB", 1)}));
    CHECK_FALSE(debts_fit({debt("AAA", "AAA", 1)}));
    CHECK_FALSE(debts_fit({debt("AAA", "BBB", 0)}));
    CHECK_FALSE(debts_fit({{party("AAA"), PartyId{}, 1}}));
}

}  // namespace tally::test
