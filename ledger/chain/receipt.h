#pragma once

#include "ledger/chain/block.h"
#include "ledger/model/genesis.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Proof, for someone who has the genesis and nothing else, that a transaction is in the ledger
/// with this result: the transaction's bytes, its leaf, the way from the leaf to the `log_root` of
/// a block, and the certificate that made that block final. The validator set is the genesis' own
/// as long as it never changes.
///
/// Encoding (fixed-width codec): magic "TALLYRCP", version u16 = 1, transaction behind a u32
/// length, leaf 53, path count u32 and 32 each, header, certificate behind a u32 length. Files and
/// GET /api/v1/transactions/{id}/receipt (application/octet-stream) hold exactly this.
struct Receipt {
    Bytes transaction;
    Leaf leaf;
    std::vector<Hash> path;
    BlockHeader header;  ///< at or after the block that holds the transaction
    QuorumCertificate certificate;

    friend bool operator==(const Receipt&, const Receipt&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version or beyond a bound.
    [[nodiscard]] static std::optional<Receipt> decode(ByteView bytes);
};

/// Longest encoded receipt, in bytes.
inline constexpr std::size_t receipt_bytes_max{32UL * 1024};

/// The first thing that does not hold, in words; nothing when the receipt proves what it says.
[[nodiscard]] std::optional<std::string> verify_receipt(const Receipt& receipt,
                                                        const Genesis& genesis);

}  // namespace tally
