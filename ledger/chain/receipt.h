#pragma once

#include "ledger/chain/block.h"
#include "ledger/chain/finality_proof.h"
#include "ledger/model/genesis.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Proof, for someone who has the genesis and nothing else, that a transaction is in the ledger
/// with this result: the transaction's bytes, its leaf, the way from the leaf to the `log_root` of
/// a final block at or after the one that holds the transaction, and the proof of that block.
///
/// Encoding (fixed-width codec): magic "TALLYRCP", version u16 = 2, transaction behind a u32
/// length, leaf 53, path count u32 and 32 each, then the finality proof. Files and GET
/// /api/v1/transactions/{id}/receipt (application/octet-stream) hold exactly this.
struct Receipt : FinalityProof {
    Bytes transaction;
    Leaf leaf;
    std::vector<Hash> path;

    friend bool operator==(const Receipt&, const Receipt&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version or beyond a bound.
    [[nodiscard]] static std::optional<Receipt> decode(ByteView bytes);
};

/// Longest encoded receipt, in bytes.
inline constexpr std::size_t receipt_bytes_max{16UL * 1024 + finality_proof_bytes_max};

/// The first thing that does not hold, in words; nothing when the receipt proves what it says.
[[nodiscard]] std::optional<std::string> verify_receipt(const Receipt& receipt,
                                                        const Genesis& genesis);

}  // namespace tally
