#pragma once

#include "ledger/chain/header_proof.h"
#include "ledger/store/ledger.h"

#include <optional>

namespace tally {

/// What making one proof may cost, so that nobody can keep a node busy by asking.
struct BlockProofLimits {
    std::size_t bytes_max{header_proof_bytes_max};
    /// Of the blocks that are read to come from the one asked for to one with a finalization.
    std::size_t read_bytes_max{4 * block_bytes_max};
};

/// The proof that the block of this height is final, from what a ledger holds. Nothing above the
/// last finalization, at height 0, for blocks that are not here, and beyond the limits.
[[nodiscard]] std::optional<HeaderProof> make_block_proof(const Ledger& ledger,
                                                          std::uint64_t height,
                                                          const BlockProofLimits& limits = {});

}  // namespace tally
