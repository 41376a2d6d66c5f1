// The arithmetic of netting: who pays whom, and shares by largest remainder.

#include "ledger/state/netting.h"

#include "ledger/base/codec.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

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

}  // namespace

TEST_CASE("debtors pay creditors in the order of parties", "[state][netting]") {
    CHECK(match_legs({}).empty());
    CHECK(match_legs(positions({{"AAA", 0}, {"BBB", 0}})).empty());
    CHECK(match_legs(positions({{"AAA", -5}, {"BBB", 5}})) ==
          std::vector<Debt>{debt("AAA", "BBB", 5)});
    CHECK(match_legs(positions({{"AAA", 7}, {"BBB", -10}, {"CCC", 3}})) ==
          std::vector<Debt>{debt("BBB", "AAA", 7), debt("BBB", "CCC", 3)});
    CHECK(match_legs(positions({{"AAA", -4}, {"BBB", 0}, {"CCC", -6}, {"DDD", 5}, {"EEE", 5}})) ==
          std::vector<Debt>{debt("AAA", "DDD", 4), debt("CCC", "DDD", 1), debt("CCC", "EEE", 5)});
}

TEST_CASE("any net figures are paid by fewer legs than members", "[state][netting][property]") {
    std::mt19937_64 random{7};
    for (int round = 0; round < 500; ++round) {
        const std::size_t count = 2 + random() % (net_positions_max - 1);
        std::vector<NetPosition> net;
        Money rest{0};
        for (std::size_t i = 0; i + 1 < count; ++i) {
            const Money amount = static_cast<Money>(random() % 2'000'001) - 1'000'000;
            net.push_back({numbered(i), random() % 4 == 0 ? 0 : amount});
            rest -= net.back().amount;
        }
        net.push_back({numbered(count - 1), rest});
        const std::vector<Debt> legs = match_legs(net);
        REQUIRE(legs.size() < count);
        std::map<PartyId, Money> received;
        for (const Debt& leg : legs) {
            REQUIRE(leg.amount > 0);
            received[leg.creditor] += leg.amount;
            received[leg.debtor] -= leg.amount;
        }
        for (const NetPosition& position : net) {
            REQUIRE(received[position.party] == position.amount);
        }
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
