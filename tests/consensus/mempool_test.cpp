// Envelopes wait their turn, fairly and within their quotas.

#include "consensus/mempool/mempool.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

MemberKey member(char letter) { return MemberKey{{static_cast<std::uint8_t>(letter), 'A', 'A'}}; }

VerifiedEnvelope envelope(char who, std::uint32_t number, std::size_t size = 10,
                          UnixMillis expires_at = 1'000) {
    VerifiedEnvelope made;
    made.hash.data[0] = static_cast<std::uint8_t>(who);
    made.hash.data[1] = static_cast<std::uint8_t>(number >> 8);
    made.hash.data[2] = static_cast<std::uint8_t>(number);
    made.bytes = Bytes(size, static_cast<std::uint8_t>(number));
    made.signer = member(who);
    made.expires_at = expires_at;
    return made;
}

FinalEnvelope final_of(const VerifiedEnvelope& envelope) {
    return {envelope.hash, envelope.signer, envelope.bytes.size()};
}

std::string packed(Mempool& pool, const PackLimits& limits, const std::set<Hash>& excluded = {},
                   UnixMillis time = 1) {
    std::string text;
    for (const VerifiedEnvelope* chosen : pool.pack(limits, excluded, time)) {
        text += static_cast<char>(chosen->hash.data[0]);
        text += std::to_string(chosen->hash.data[2]);
    }
    return text;
}

TEST_CASE("a block takes one envelope of each member in turn, oldest first") {
    Mempool pool;
    for (std::uint32_t i = 0; i < 4; ++i) {
        CHECK(pool.add(envelope('a', i)) == Admission::added);
    }
    static_cast<void>(pool.add(envelope('b', 0)));
    static_cast<void>(pool.add(envelope('c', 0)));
    static_cast<void>(pool.add(envelope('c', 1)));
    SECTION("everything fits") { CHECK(packed(pool, {}) == "a0b0c0a1c1a2a3"); }
    SECTION("the next block goes on with the member after the last one served") {
        CHECK(packed(pool, {2, 1'000}) == "a0b0");
        CHECK(packed(pool, {2, 1'000}) == "c0a0");
    }
    SECTION("what is in unfinalized ancestors is passed over") {
        CHECK(packed(pool, {}, {envelope('a', 0).hash, envelope('b', 0).hash}) == "a1c0a2c1a3");
    }
    SECTION("an envelope that does not fit ends its member's turn only") {
        Mempool other;
        static_cast<void>(other.add(envelope('a', 0, 60)));
        static_cast<void>(other.add(envelope('a', 1, 60)));
        static_cast<void>(other.add(envelope('b', 0, 20)));
        static_cast<void>(other.add(envelope('b', 1, 20)));
        CHECK(packed(other, {10, 100}) == "a0b0b1");
    }
}

TEST_CASE("a peer that has just connected is shown the oldest envelopes, within two bounds") {
    Mempool pool;
    static_cast<void>(pool.add(envelope('c', 7)));
    static_cast<void>(pool.add(envelope('a', 1)));
    static_cast<void>(pool.add(envelope('b', 9)));
    const auto shown = [&pool](std::size_t count_max, std::size_t bytes_max) {
        std::string text;
        for (const VerifiedEnvelope* held : pool.oldest(count_max, bytes_max)) {
            text += static_cast<char>(held->hash.data[0]);
            text += std::to_string(held->hash.data[2]);
        }
        return text;
    };
    CHECK(shown(10, 1'000) == "c7a1b9");
    CHECK(shown(2, 1'000) == "c7a1");
    CHECK(shown(10, 29) == "c7a1");
    CHECK(shown(10, 9).empty());
}

TEST_CASE("a block is shared by bytes, so that large envelopes win nothing over small ones") {
    Mempool pool;
    for (std::uint32_t i = 0; i < 4; ++i) {
        static_cast<void>(pool.add(envelope('a', i, 10'000 - envelope_overhead)));
    }
    for (std::uint32_t i = 0; i < 12; ++i) {
        static_cast<void>(pool.add(envelope('b', i, 2'000 - envelope_overhead)));
    }
    CHECK(packed(pool, {8, 100'000}) == "a0b0b1b2b3b4a1b5");
}

TEST_CASE("a member's share of a block has an end, though nobody else wants the room") {
    Mempool pool;
    for (std::uint32_t i = 0; i < 9; ++i) {
        static_cast<void>(pool.add(envelope('a', i, 2'000 - envelope_overhead)));
    }
    PackLimits limits;
    limits.member_bytes_max = 6'000;
    CHECK(packed(pool, limits) == "a0a1a2");
    SECTION("an envelope larger than the share goes in alone") {
        Mempool other;
        static_cast<void>(other.add(envelope('a', 0, 8'000)));
        static_cast<void>(other.add(envelope('a', 1, 10)));
        static_cast<void>(other.add(envelope('b', 0, 10)));
        CHECK(packed(other, limits) == "a0b0");
    }
}

/// One member floods; another one has something now and then.
struct Flooded {
    static constexpr UnixMillis never{1'000'000};
    static constexpr std::int64_t cost{2'048};

    explicit Flooded(bool has_company) {
        for (std::uint32_t i = 0; i < 200; ++i) {
            static_cast<void>(pool.add(envelope('a', i, cost - envelope_overhead, never)));
        }
        if (has_company) {
            static_cast<void>(pool.add(envelope('b', 0, 10, never)));
        }
        pool.remove_final({}, 1'000);
    }
    /// How many bytes of the flood are in the next block, which becomes final.
    std::int64_t block(UnixMillis time, const std::set<Hash>& excluded = {}) {
        std::vector<FinalEnvelope> chosen_now;
        std::int64_t bytes{0};
        for (const VerifiedEnvelope* chosen : pool.pack({}, excluded, time)) {
            chosen_now.push_back(final_of(*chosen));
            bytes += chosen->signer == member('a') ? cost : 0;
        }
        pool.remove_final(chosen_now, time);
        return bytes;
    }

    Mempool pool;
};

TEST_CASE("a member that floods has an allowance by time as long as others use the chain") {
    constexpr std::int64_t share{PackLimits{}.member_bytes_max};
    Flooded flooded{true};
    CHECK(flooded.block(1'000) == allowance_max);
    CHECK(flooded.block(1'000) == 0);
    CHECK_FALSE(flooded.pool.has_packable({}, 1'031));
    CHECK(flooded.block(1'031) == 0);  // rests until the allowance is whole
    CHECK(flooded.pool.has_packable({}, 1'032));
    CHECK(flooded.block(1'032) == allowance_max);
    SECTION("time without blocks saves up no more than one share") {
        CHECK(flooded.block(1'500) == share);
        CHECK(flooded.block(1'500) == 0);
    }
    SECTION("slow blocks hold as much a second as fast ones, up to the share") {
        CHECK(flooded.block(1'157) == share);
        CHECK(flooded.block(1'282) == share);
        CHECK(flooded.block(1'407) == share);
    }
    SECTION("who only has something waiting is company too") {
        static_cast<void>(flooded.pool.add(envelope('c', 0, 10, Flooded::never)));
        flooded.pool.remove_final({}, 1'000 + 2 * company_ms);
        CHECK(flooded.block(1'000 + 2 * company_ms) == allowance_max);
    }
    SECTION("what is in unfinalized ancestors counts as had") {
        std::set<Hash> ancestors;
        for (const VerifiedEnvelope* chosen : flooded.pool.pack({}, {}, 1'070)) {
            ancestors.insert(chosen->hash);
        }
        CHECK_FALSE(ancestors.empty());
        CHECK(flooded.block(1'070, ancestors) == 0);
    }
    SECTION("the other one is not held back") {
        static_cast<void>(flooded.pool.add(envelope('b', 1, 10, Flooded::never)));
        CHECK(flooded.block(1'040) == 0);
        CHECK(flooded.pool.find(envelope('b', 1).hash) == nullptr);
    }
    SECTION("who has little waiting need not rest until the allowance is whole") {
        constexpr std::int64_t all{3 * Flooded::cost};
        Flooded other{true};
        for (std::uint32_t i = 0; i < 192; ++i) {
            other.pool.drop({envelope('a', i).hash});
        }
        CHECK(other.block(1'000) == allowance_max);
        for (std::uint32_t i = 0; i < 3; ++i) {
            static_cast<void>(other.pool.add(
                envelope('a', i, Flooded::cost - envelope_overhead, Flooded::never)));
        }
        CHECK(other.block(1'011) == 0);
        CHECK(other.block(1'012) == all);
    }
    SECTION("what is final is charged though it was never held here") {
        Mempool empty;
        VerifiedEnvelope unknown = envelope('a', 0, 2'000, Flooded::never);
        empty.remove_final({final_of(envelope('b', 0))}, 1'000);
        empty.remove_final(std::vector<FinalEnvelope>(8, final_of(unknown)), 1'000);
        for (std::uint32_t i = 1; i < 9; ++i) {
            static_cast<void>(empty.add(envelope('a', i, 2'000, Flooded::never)));
        }
        CHECK_FALSE(empty.has_packable({}, 1'001));
        CHECK(empty.has_packable({}, 1'048));
    }
    SECTION("the allowance ends when nobody else has used the chain for a while") {
        CHECK(flooded.block(1'000 + company_ms) == share);
        CHECK(flooded.block(1'000 + company_ms) == share);
    }
}

TEST_CASE("where another member is as busy, a member's allowance follows it up to a bound") {
    constexpr UnixMillis begin{10'000};
    const auto whole_after = [](std::int64_t used_by_other) -> UnixMillis {
        Mempool pool;
        for (std::uint32_t i = 0; i < 100; ++i) {
            static_cast<void>(pool.add(envelope('a', i, 2'000, 1'000'000)));
        }
        const std::size_t size{large_envelope_bytes};
        const auto count = static_cast<std::size_t>(used_by_other / (1'000 / usage_window_ms)) /
                           envelope_cost(size);
        pool.remove_final(std::vector<FinalEnvelope>(count, final_of(envelope('b', 0, size))),
                          begin);
        pool.remove_final({final_of(envelope('b', 1))}, begin);  // company in any case
        const std::vector<FinalEnvelope> had(8, final_of(envelope('a', 200, 2'000)));
        pool.remove_final(had, begin + usage_window_ms);
        for (UnixMillis passed{1}; passed < 100; ++passed) {
            if (pool.has_packable({}, begin + usage_window_ms + passed)) {
                return passed;
            }
        }
        return 0;
    };
    const UnixMillis least = whole_after(0);
    CHECK(least > 40);
    CHECK(whole_after(member_bytes_per_second / 4) == least);
    CHECK(whole_after(2 * member_bytes_per_second) < least / 3);
    CHECK(whole_after(2 * member_bytes_per_second) > whole_after(busy_bytes_per_second));
    CHECK(whole_after(busy_bytes_per_second) == whole_after(10 * busy_bytes_per_second));
    CHECK(whole_after(busy_bytes_per_second) > 0);
}

TEST_CASE("a member that is alone fills its share of every block") {
    Flooded flooded{false};
    constexpr std::int64_t share{PackLimits{}.member_bytes_max};
    CHECK(flooded.block(1'000) == share);
    CHECK(flooded.block(1'001) == share);
}

TEST_CASE("what an envelope holds beyond the size of a large one counts several times") {
    CHECK(envelope_cost(1) == 1 + envelope_overhead);
    CHECK(envelope_cost(large_envelope_bytes) == large_envelope_bytes + envelope_overhead);
    CHECK(envelope_cost(large_envelope_bytes + 10) ==
          large_envelope_bytes + envelope_overhead + 10 * large_factor);
}

TEST_CASE("a large envelope is paid for with the time it is worth") {
    Mempool pool;
    constexpr std::size_t size{64UL * 1024};
    constexpr auto cost = static_cast<std::int64_t>(envelope_cost(size));
    constexpr UnixMillis time{cost * 1'000 / member_bytes_per_second};
    for (std::uint32_t i = 0; i < 2; ++i) {
        static_cast<void>(pool.add(envelope('a', i, size, Flooded::never)));
    }
    static_cast<void>(pool.add(envelope('b', 0, 10, Flooded::never)));
    CHECK(packed(pool, {}, {}, 1'000) == "a0b0");
    pool.remove_final({final_of(envelope('a', 0, size)), final_of(envelope('b', 0))}, 1'000);
    CHECK(packed(pool, {}, {}, 1'000 + time).empty());
    CHECK(packed(pool, {}, {}, 1'001 + time) == "a1");
}

TEST_CASE("whatever a member owes, it may go on after the time that company lasts") {
    const auto passed = GENERATE(as<std::size_t>{}, 1, 3, 100);
    constexpr std::size_t size{512UL * 1024};
    Mempool pool;
    static_cast<void>(pool.add(envelope('a', 0, size, Flooded::never)));
    pool.remove_final({final_of(envelope('b', 0))}, 1'000);
    pool.remove_final(std::vector<FinalEnvelope>(passed, final_of(envelope('a', 1, size))), 1'001);
    CHECK_FALSE(pool.has_packable({}, 1'001 + company_ms / 2));
    for (UnixMillis time{2'000}; time <= 1'001 + company_ms; time += 1'000) {
        pool.remove_final({final_of(envelope('b', static_cast<std::uint32_t>(time)))}, time);
    }
    CHECK(pool.has_packable({}, 1'021 + company_ms));  // rounded down with each block
}

TEST_CASE("who was busy alone is held up no longer than for a block's share when another comes") {
    Mempool pool;
    for (UnixMillis time{1}; time < 1'000; ++time) {
        pool.remove_final({final_of(envelope('a', 1, 16'000))}, time);
    }
    static_cast<void>(pool.add(envelope('a', 0, 16'000, Flooded::never)));
    static_cast<void>(pool.add(envelope('b', 0, 10, Flooded::never)));
    CHECK_FALSE(pool.has_packable({envelope('b', 0).hash}, 1'000));
    const UnixMillis held_up = (alone_debt_max + allowance_max) * 1'000 / member_bytes_per_second;
    CHECK(pool.has_packable({envelope('b', 0).hash}, 1'001 + held_up));
}

TEST_CASE("whether there is room is known before an envelope is verified") {
    MempoolLimits limits;
    limits.member_count_max = 1;
    limits.count_max = 2;
    limits.envelope_bytes_max = 60;
    Mempool pool{limits};
    CHECK(pool.room_for(member('a'), 60) == Admission::added);
    CHECK(pool.room_for(member('a'), 61) == Admission::too_large);
    static_cast<void>(pool.add(envelope('a', 0)));
    CHECK(pool.room_for(member('a'), 1) == Admission::member_full);
    CHECK(pool.room_for(member('b'), 1) == Admission::added);
    static_cast<void>(pool.add(envelope('b', 0)));
    CHECK(pool.room_for(member('c'), 1) == Admission::pool_full);
}

TEST_CASE("a member that floods fills its own quota and nobody else's") {
    MempoolLimits limits;
    limits.member_count_max = 3;
    limits.member_bytes_max = 100;
    limits.count_max = 7;
    limits.bytes_max = 150;
    limits.envelope_bytes_max = 60;
    Mempool pool{limits};
    for (std::uint32_t i = 0; i < 3; ++i) {
        CHECK(pool.add(envelope('a', i)) == Admission::added);
    }
    CHECK(pool.add(envelope('a', 3)) == Admission::member_full);
    CHECK(pool.add(envelope('b', 0, 61)) == Admission::too_large);
    CHECK(pool.add(envelope('b', 0, 60)) == Admission::added);
    CHECK(pool.add(envelope('b', 1, 41)) == Admission::member_full);
    CHECK(pool.add(envelope('c', 0, 60)) == Admission::added);
    CHECK(pool.bytes() == 150);
    CHECK(pool.add(envelope('d', 0, 1)) == Admission::pool_full);
    CHECK(pool.size() == 5);
    SECTION("the whole pool has a count as well") {
        Mempool many{limits};
        for (const char who : {'a', 'b', 'c'}) {
            for (std::uint32_t i = 0; i < 3; ++i) {
                static_cast<void>(many.add(envelope(who, i)));
            }
        }
        CHECK(many.size() == 7);
    }
}

TEST_CASE("a final envelope is forgotten, and not taken back until it has expired") {
    Mempool pool;
    static_cast<void>(pool.add(envelope('a', 0)));
    static_cast<void>(pool.add(envelope('a', 1)));
    CHECK(pool.add(envelope('a', 0)) == Admission::already_known);
    pool.remove_final({final_of(envelope('a', 0)), final_of(envelope('z', 9))}, 500);
    CHECK(pool.size() == 1);
    CHECK(pool.find(envelope('a', 0).hash) == nullptr);
    CHECK(pool.add(envelope('a', 0)) == Admission::already_known);
    CHECK(pool.knows(envelope('z', 9).hash));  // final elsewhere, never held here
    pool.remove_final({}, 1'000);
    CHECK_FALSE(pool.knows(envelope('a', 0).hash));
    CHECK(pool.add(envelope('a', 0)) == Admission::expired);
}

TEST_CASE("envelopes expire by block time") {
    Mempool pool;
    static_cast<void>(pool.add(envelope('a', 0, 10, 100)));
    static_cast<void>(pool.add(envelope('a', 1, 10, 200)));
    CHECK(packed(pool, {}, {}, 100) == "a1");  // would be too old in that block
    pool.remove_final({}, 99);
    CHECK(pool.size() == 2);
    pool.remove_final({}, 100);
    CHECK(pool.size() == 1);
    CHECK(pool.bytes() == 10);
    CHECK(pool.expired_count() == 1);
}

TEST_CASE("what would make a block invalid is dropped and may come again") {
    Mempool pool;
    static_cast<void>(pool.add(envelope('a', 0)));
    pool.drop({envelope('a', 0).hash});
    CHECK(pool.size() == 0);
    CHECK(pool.bytes() == 0);
    CHECK(pool.add(envelope('a', 0)) == Admission::added);
}

TEST_CASE("the memory of final envelopes has a bound") {
    MempoolLimits limits;
    limits.recent_max = 5;
    Mempool pool{limits};
    for (std::uint32_t i = 0; i < 20; ++i) {
        pool.remove_final({final_of(envelope('a', i))}, i);
    }
    std::size_t known{0};
    for (std::uint32_t i = 0; i < 20; ++i) {
        known += pool.knows(envelope('a', i).hash) ? 1U : 0U;
    }
    CHECK(known == 5);
    CHECK(pool.knows(envelope('a', 19).hash));
}

}  // namespace
}  // namespace tally::consensus::testing
