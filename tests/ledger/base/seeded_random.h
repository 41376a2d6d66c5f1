#pragma once

#include "ledger/base/random.h"

#include <cstdint>

namespace tally::test {

/// Bytes that follow from a seed (splitmix64), so that a failing property test can be repeated.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : m_state{seed} {}

    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& octet : out) {
            octet = static_cast<std::uint8_t>(next() >> 56U);
        }
    }

    std::uint64_t next() {
        m_state += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = m_state;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }

    /// Uniform enough in [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }

    Bytes bytes(std::size_t count) {
        Bytes result(count);
        fill(result);
        return result;
    }

private:
    std::uint64_t m_state;
};

}  // namespace tally::test
