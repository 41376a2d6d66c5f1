#include "ledger/store/block_proof.h"

#include <utility>

namespace tally {

std::optional<HeaderProof> make_block_proof(const Ledger& ledger, std::uint64_t height) {
    HeaderProof proof;
    while (height > 0 && proof.headers.size() < proof_headers_max) {
        const std::optional<FinalizedBlock> block = ledger.read_block(height);
        if (!block) {
            return std::nullopt;
        }
        const BlockHeader& header = block->block.header;
        proof.headers.push_back(header);
        ++height;
        if (block->finalization.statement.kind != VoteKind::finalize) {
            continue;
        }
        proof.finalization = block->finalization;
        if (header.epoch > header_proof_epochs_max) {
            return std::nullopt;
        }
        for (std::uint64_t epoch = 0; epoch < header.epoch; ++epoch) {
            std::optional<EpochProof> ended = ledger.epoch_proof(epoch);
            if (!ended) {
                return std::nullopt;
            }
            proof.epochs.push_back(std::move(*ended));
        }
        return proof;
    }
    return std::nullopt;
}

}  // namespace tally
