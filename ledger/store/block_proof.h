#pragma once

#include "ledger/chain/header_proof.h"
#include "ledger/store/ledger.h"

#include <optional>

namespace tally {

/// The proof that the block of this height is final, from what a ledger holds. Nothing above the
/// last finalization, at height 0, for blocks that are not here, and beyond the proof's bounds.
[[nodiscard]] std::optional<HeaderProof> make_block_proof(const Ledger& ledger,
                                                          std::uint64_t height);

}  // namespace tally
