#pragma once

#include "ledger/base/random.h"

namespace tally {

/// The kernel's generator (getrandom), seeded before the first byte is given.
/// Thread safety: all members may be called from any thread.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace tally
