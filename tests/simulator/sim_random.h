#pragma once

#include "ledger/base/random.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tally::simulator {

/// The only source of chance in a simulated world: xoshiro256** seeded through splitmix64, written
/// out here so that a seed means the same on every compiler and library. Not fit for keys that
/// guard anything.
class SimRandom final : public Random {
public:
    explicit SimRandom(std::uint64_t seed);

    void fill(std::span<std::uint8_t> out) override;
    /// The next 64 bits.
    [[nodiscard]] std::uint64_t next();
    /// Uniform in [low, high], both included; `low` <= `high`.
    [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high);
    [[nodiscard]] std::chrono::microseconds between(std::chrono::microseconds low,
                                                    std::chrono::microseconds high);
    /// True in `permille` of 1000 cases.
    [[nodiscard]] bool chance(std::uint32_t permille);
    /// `count` different numbers below `below`, in random order; `count` <= `below`.
    [[nodiscard]] std::vector<std::size_t> sample(std::size_t below, std::size_t count);
    /// One of the values.
    template <typename T>
    [[nodiscard]] const T& pick(const std::vector<T>& values) {
        return values[static_cast<std::size_t>(between(0, values.size() - 1))];
    }
    /// A generator of its own, so that drawing more here does not change what happens there.
    [[nodiscard]] SimRandom fork() { return SimRandom{next()}; }

private:
    std::uint64_t m_state[4];
};

}  // namespace tally::simulator
