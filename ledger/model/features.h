#pragma once

#include <array>
#include <cstdint>

namespace tally {

/// The protocol features that this program can execute, rising. A chain on which another one is
/// active is not executed, voted on or audited: a newer release is needed. There is none yet.
inline constexpr std::array<std::uint32_t, 0> known_features{};

}  // namespace tally
