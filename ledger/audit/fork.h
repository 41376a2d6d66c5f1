#pragma once

#include "ledger/chain/header_proof.h"

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Two final blocks of one height, each with its proof from the genesis: the network has split, or
/// more validators lied than it stands. Written to a file as evidence for everybody.
///
/// Encoding (fixed-width codec): magic "TALLYFRK", version u16 = 1, both proofs behind u32 lengths.
struct ForkEvidence {
    HeaderProof first;
    HeaderProof second;

    friend bool operator==(const ForkEvidence&, const ForkEvidence&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when truncated, left-over or not two proofs.
    [[nodiscard]] static std::optional<ForkEvidence> decode(ByteView bytes);
};

/// Whether two proofs that hold contradict each other: one height, two blocks.
[[nodiscard]] bool is_fork(const HeaderProof& first, const HeaderProof& second);

/// Checks the evidence from the genesis alone. Gives those who signed both certificates when no
/// honest validator signs both, that is in one view of one epoch: they are to blame. An honest one
/// may vote for two blocks of one height in different views, so that nobody is named then. The
/// error says what does not hold.
[[nodiscard]] Expected<std::vector<PartyId>, std::string> verify_fork(const ForkEvidence& evidence,
                                                                      const Genesis& genesis);

}  // namespace tally
