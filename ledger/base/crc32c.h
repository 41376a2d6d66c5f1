#pragma once

#include "ledger/base/bytes.h"

#include <cstdint>

namespace tally {

/// CRC-32C (Castagnoli) of `bytes`, continuing from `seed`, the checksum of what came before (0 at
/// the start). Finds accidents, not forgers: those are found by signatures and roots.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0) noexcept;

}  // namespace tally
