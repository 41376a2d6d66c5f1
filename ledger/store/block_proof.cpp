#include "ledger/store/block_proof.h"

#include <utility>

namespace tally {

namespace {

std::size_t bytes_of(const FinalizedBlock& block) {
    std::size_t bytes{BlockHeader::encoded_bytes};
    for (const Bytes& envelope : block.block.envelopes) {
        bytes += envelope.size();
    }
    return bytes;
}

/// Adds the ends of all epochs before `epoch`, while they fit.
bool add_epochs(const Ledger& ledger, std::uint64_t epoch, std::size_t bytes_max,
                HeaderProof& proof) {
    std::size_t bytes = proof.encode().size();
    for (std::uint64_t ended = 0; ended < epoch && bytes <= bytes_max; ++ended) {
        std::optional<EpochProof> end = ledger.epoch_proof(ended);
        if (!end) {
            return false;
        }
        bytes += sizeof(std::uint32_t) + end->encode().size();
        proof.epochs.push_back(std::move(*end));
    }
    return bytes <= bytes_max;
}

}  // namespace

std::optional<HeaderProof> make_block_proof(const Ledger& ledger, std::uint64_t height,
                                            const BlockProofLimits& limits) {
    HeaderProof proof;
    std::size_t read{0};
    while (height > 0 && proof.headers.size() < proof_headers_max && read < limits.read_bytes_max) {
        const std::optional<FinalizedBlock> block = ledger.read_block(height);
        if (!block) {
            return std::nullopt;
        }
        const BlockHeader& header = block->block.header;
        proof.headers.push_back(header);
        read += bytes_of(*block);
        ++height;
        if (block->finalization.statement.kind != VoteKind::finalize) {
            continue;
        }
        proof.finalization = block->finalization;
        const bool fits = header.epoch <= header_proof_epochs_max &&
                          add_epochs(ledger, header.epoch, limits.bytes_max, proof);
        return fits ? std::optional{std::move(proof)} : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace tally
