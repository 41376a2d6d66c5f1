#pragma once

#include "ledger/chain/epoch_proof.h"
#include "ledger/model/genesis.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Headers that a proof leads through at most, from the block asked for to the one with a
/// finalization of its own.
inline constexpr std::size_t proof_headers_max{1024};
/// Epochs that it leads through at most, as a receipt.
inline constexpr std::size_t header_proof_epochs_max{65'536};

/// Proof, for someone who has the genesis and nothing else, that a block is final: what auditors
/// and members compare to find out whether all see one ledger.
///
/// Encoding (fixed-width codec): magic "TALLYHDR", version u16 = 1, header count u32 and each
/// header, finalization behind a u32 length, epoch proof count u32 and each behind a u32 length.
/// GET /api/v1/blocks/{height}/proof holds exactly this.
struct HeaderProof {
    /// From the block that is proven to the one that is finalized, each the parent of the next.
    std::vector<BlockHeader> headers;
    QuorumCertificate finalization;  ///< of the last header
    std::vector<EpochProof> epochs;  ///< of epochs 0 to that of the last header, exclusive

    friend bool operator==(const HeaderProof&, const HeaderProof&) = default;
    /// The block that is proven. There is one (else ENSURE).
    [[nodiscard]] const BlockHeader& header() const;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long, of an unknown version or beyond a bound.
    [[nodiscard]] static std::optional<HeaderProof> decode(ByteView bytes);
};

/// Longest encoded proof, in bytes: 25,000 epochs of four validators, or 2,500 of 64. Longer ones
/// are neither given nor read.
inline constexpr std::size_t header_proof_bytes_max{16UL * 1024 * 1024};

/// The validators who may have signed the finalization; the error says what does not hold.
[[nodiscard]] Expected<std::vector<Validator>, std::string> verify_header_proof(
    const HeaderProof& proof, const Genesis& genesis);

}  // namespace tally
