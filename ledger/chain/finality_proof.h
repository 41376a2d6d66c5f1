#pragma once

#include "ledger/chain/epoch_proof.h"
#include "ledger/model/genesis.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Proof, for someone who has the genesis and nothing else, that a block is final: its header, the
/// certificate that made it so, and who voted on it: proofs of all epochs before the block's, from
/// the genesis' validators on. What the header names (log, state) is proven by a path besides.
///
/// Encoding (fixed-width codec): header, certificate behind a u32 length, epoch proof count u32 and
/// each behind a u32 length.
struct FinalityProof {
    BlockHeader header;
    QuorumCertificate certificate;
    std::vector<EpochProof> epochs;  ///< of epochs 0 to that of the header, exclusive

    friend bool operator==(const FinalityProof&, const FinalityProof&) = default;
};

/// Epochs that a proof leads through at most. With `epoch_blocks_min` = 100 and a block a second,
/// a member that changes its key in every epoch needs 75 days to get there; the longest epochs get
/// there in 200 years. Of four validators the proofs have 43 MB then.
inline constexpr std::size_t proven_epochs_max{65'536};
/// Longest encoding, in bytes: 64 validators through all epochs, 440 MB.
inline constexpr std::size_t finality_proof_bytes_max{
    BlockHeader::encoded_bytes + 8 + certificate_bytes_max +
    proven_epochs_max * (4 + epoch_proof_bytes_max)};

void encode(Encoder& encoder, const FinalityProof& proof);
/// From the front of the decoder. Marks it failed when truncated, too long or beyond a bound.
void decode(Decoder& decoder, FinalityProof& proof);

/// The first thing that does not hold, in words; nothing when the block is final on the chain of
/// this genesis.
[[nodiscard]] std::optional<std::string> find_problem(const FinalityProof& proof,
                                                      const Genesis& genesis);

}  // namespace tally
