#pragma once

#include "ledger/base/random.h"
#include "ledger/crypto/sha256.h"

#include <cstdint>

namespace tally::tools {

/// The same bytes for the same seed, on every machine: for networks that nobody's money is in.
/// SHA-256 of the seed and a counter. One thread.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : m_seed{seed} {}
    void fill(std::span<std::uint8_t> out) override;

private:
    std::uint64_t m_seed;
    std::uint64_t m_blocks{0};
    Hash m_block{};
    std::size_t m_used{Hash::size};  ///< bytes of `m_block` that were given out
};

}  // namespace tally::tools
