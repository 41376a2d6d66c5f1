#include "ledger/base/random.h"

#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

#include <array>
#include <deque>
#include <limits>
#include <set>

namespace tally {

namespace {

/// Gives prepared 64-bit values, big-endian, one for each `fill` of eight bytes.
class ScriptedRandom final : public Random {
public:
    explicit ScriptedRandom(std::deque<std::uint64_t> values) : m_values{std::move(values)} {}
    void fill(std::span<std::uint8_t> out) override {
        std::uint64_t value = m_values.front();
        m_values.pop_front();
        for (std::size_t i = out.size(); i > 0; --i) {
            out[i - 1] = static_cast<std::uint8_t>(value & 0xffU);
            value >>= 8U;
        }
    }
    [[nodiscard]] std::size_t left() const { return m_values.size(); }

private:
    std::deque<std::uint64_t> m_values;
};

constexpr std::uint64_t largest{std::numeric_limits<std::uint64_t>::max()};

}  // namespace

TEST_CASE("draws that would favour small results are thrown away", "[random]") {
    // 2^64 = 3 * 6148914691236517205 + 1: only the very last value is unfair for 3.
    ScriptedRandom random{{largest, largest - 1}};
    CHECK(random.below(3) == 2);
    CHECK(random.left() == 0);

    // For 2^63 + 1 nearly half of all draws are.
    const std::uint64_t half = (std::uint64_t{1} << 63U) + 1;
    ScriptedRandom second{{half, largest, half - 1}};
    CHECK(second.below(half) == half - 1);
    CHECK(second.left() == 0);
}

TEST_CASE("powers of two need every draw only once", "[random]") {
    ScriptedRandom random{{largest, largest}};
    CHECK(random.below(1) == 0);
    CHECK(random.below(std::uint64_t{1} << 32U) == 0xffffffffU);
}

TEST_CASE("all results below the bound come up", "[random]") {
    test::SeededRandom random{7};
    std::array<int, 10> seen{};
    for (int i = 0; i < 10'000; ++i) {
        ++seen.at(random.below(10));
    }
    for (const int count : seen) {
        CHECK(count > 800);
        CHECK(count < 1200);
    }
}

TEST_CASE("the kernel's bytes do not repeat", "[random]") {
    SystemRandom random;
    std::set<Hash> seen;
    for (int i = 0; i < 100; ++i) {
        CHECK(seen.insert(random.fixed<Hash>()).second);
    }
    Bytes many(100'000);
    random.fill(many);
    CHECK(std::set<std::uint8_t>(many.begin(), many.end()).size() == 256);
}

TEST_CASE("the system clock is after 2020 and its intervals do not go back", "[clock]") {
    const SystemClock clock;
    CHECK(clock.now() > 1'577'836'800'000);
    CHECK(clock.now() < unix_millis_max);
    const auto before = clock.monotonic();
    CHECK(clock.monotonic() >= before);
}

}  // namespace tally
