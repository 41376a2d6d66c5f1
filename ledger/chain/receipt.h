#pragma once

#include "ledger/chain/block.h"
#include "ledger/chain/epoch_proof.h"
#include "ledger/model/genesis.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Proof, for someone who has the genesis and nothing else, that a transaction is in the ledger
/// with this result: the transaction's bytes, its leaf, the way from the leaf to the `log_root` of
/// a block, the certificate that made that block final, and who voted on it: proofs of all epochs
/// before the block's, from the genesis' validators on.
///
/// Encoding (fixed-width codec): magic "TALLYRCP", version u16 = 2, transaction behind a u32
/// length, leaf 53, path count u32 and 32 each, header, certificate behind a u32 length, epoch
/// proof count u32 and each behind a u32 length. Files and GET /api/v1/transactions/{id}/receipt
/// (application/octet-stream) hold exactly this.
struct Receipt {
    Bytes transaction;
    Leaf leaf;
    std::vector<Hash> path;
    BlockHeader header;  ///< at or after the block that holds the transaction
    QuorumCertificate certificate;
    std::vector<EpochProof> epochs;  ///< of epochs 0 to that of the header, exclusive

    friend bool operator==(const Receipt&, const Receipt&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version or beyond a bound.
    [[nodiscard]] static std::optional<Receipt> decode(ByteView bytes);
};

/// Epochs that a receipt leads through at most. With `epoch_blocks_min` = 100 and a block a second,
/// a member that changes its key in every epoch needs 75 days to get there; the longest epochs get
/// there in 200 years. Of four validators the proofs have 43 MB then.
inline constexpr std::size_t receipt_epochs_max{65'536};
/// Longest encoded receipt, in bytes: 64 validators through all epochs, 440 MB.
inline constexpr std::size_t receipt_bytes_max{32UL * 1024 +
                                               receipt_epochs_max * (4 + epoch_proof_bytes_max)};

/// The first thing that does not hold, in words; nothing when the receipt proves what it says.
[[nodiscard]] std::optional<std::string> verify_receipt(const Receipt& receipt,
                                                        const Genesis& genesis);

}  // namespace tally
