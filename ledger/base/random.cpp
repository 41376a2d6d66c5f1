#include "ledger/base/random.h"

#include "ledger/base/check.h"

#include <array>
#include <limits>

namespace tally {

std::uint64_t Random::below(std::uint64_t below) {
    ENSURE(below > 0);
    // Draws at or above the largest multiple of `below` would favour small results: draw again.
    const std::uint64_t leftover = (std::numeric_limits<std::uint64_t>::max() % below + 1) % below;
    const std::uint64_t last_fair = std::numeric_limits<std::uint64_t>::max() - leftover;
    for (;;) {
        std::array<std::uint8_t, sizeof(std::uint64_t)> octets{};
        fill(octets);
        std::uint64_t drawn{0};
        for (const std::uint8_t octet : octets) {
            drawn = (drawn << 8U) | octet;
        }
        if (drawn <= last_fair) {
            return drawn % below;
        }
    }
}

}  // namespace tally
