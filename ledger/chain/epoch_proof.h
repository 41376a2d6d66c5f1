#pragma once

#include "ledger/base/expected.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/model/block_header.h"
#include "ledger/model/membership.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Proof, for someone who knows an epoch's validators, of who follows them: the header of the block
/// that sealed the epoch, its finalization, and the next set. From the genesis on, a proof for each
/// epoch leads to the set of any later one.
///
/// Encoding (fixed-width codec): header, finalization behind a u32 length, next validators (count
/// u32, then party and key of each).
struct EpochProof {
    BlockHeader header;
    QuorumCertificate finalization;
    std::vector<Validator> next;

    friend bool operator==(const EpochProof&, const EpochProof&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, too long or with a set that cannot be.
    [[nodiscard]] static std::optional<EpochProof> decode(ByteView bytes);
};

/// Longest encoded proof, in bytes.
inline constexpr std::size_t epoch_proof_bytes_max{
    BlockHeader::encoded_bytes + 4 + certificate_bytes_max + 4 +
    validators_max * (PartyId::size + PublicKey::size)};

/// Whether the proof ends `epoch` of this chain, in which `current` voted. The error says in words
/// what does not hold.
[[nodiscard]] Expected<Done, std::string> check_epoch_proof(const EpochProof& proof,
                                                            const Hash& chain_id,
                                                            std::uint64_t epoch,
                                                            const std::vector<Validator>& current);

/// The validators of epoch `proofs.size()`, given those of epoch 0 and a proof of the end of every
/// epoch since.
[[nodiscard]] Expected<std::vector<Validator>, std::string> follow_epochs(
    const std::vector<EpochProof>& proofs, const Hash& chain_id, std::vector<Validator> first);

}  // namespace tally
