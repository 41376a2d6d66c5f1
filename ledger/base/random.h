#pragma once

#include "ledger/base/bytes.h"

#include <cstdint>
#include <span>

namespace tally {

/// Where randomness comes from: the kernel in production, a seeded generator in the simulator.
/// Used for keys, transaction ids, sealed boxes and back-off jitter; never in deterministic code.
class Random {
public:
    virtual ~Random() = default;
    /// Fills `out` with bytes fit for keys. Never fails: without randomness the process stops.
    virtual void fill(std::span<std::uint8_t> out) = 0;

    template <typename Fixed>
    [[nodiscard]] Fixed fixed() {
        Fixed result;
        fill(result.data);
        return result;
    }
    /// Uniform in [0, below); `below` must be positive.
    [[nodiscard]] std::uint64_t below(std::uint64_t below);
};

}  // namespace tally
