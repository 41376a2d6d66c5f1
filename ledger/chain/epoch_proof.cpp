#include "ledger/chain/epoch_proof.h"

#include "ledger/chain/finality.h"

#include <utility>

namespace tally {

Bytes EpochProof::encode() const {
    Encoder encoder;
    encoder.raw(header.encode()).var_bytes(finalization.encode());
    tally::encode(encoder, next);
    return std::move(encoder).take();
}

std::optional<EpochProof> EpochProof::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const std::optional<BlockHeader> header =
        BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    std::optional<QuorumCertificate> finalization =
        QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    std::vector<Validator> next = decode_validators(decoder, 1);
    if (!decoder.finished() || !header || !finalization) {
        return std::nullopt;
    }
    return EpochProof{*header, std::move(*finalization), std::move(next)};
}

Expected<Done, std::string> check_epoch_proof(const EpochProof& proof, const Hash& chain_id,
                                              std::uint64_t epoch,
                                              const std::vector<Validator>& current) {
    if (proof.header.chain_id != chain_id) {
        return Unexpected{"the proof is of another chain: " + to_hex(proof.header.chain_id)};
    }
    if (proof.header.epoch != epoch) {
        return Unexpected{"the proof ends epoch " + std::to_string(proof.header.epoch) + ", not " +
                          std::to_string(epoch)};
    }
    if (!proof.header.seals_epoch) {
        return Unexpected{std::string{"the block does not seal its epoch"}};
    }
    if (validators_hash(proof.next) != proof.header.next_validators_hash) {
        return Unexpected{std::string{"the next validators are not those that the block names"}};
    }
    if (std::optional<std::string> problem = check_statement(proof.finalization, proof.header)) {
        return Unexpected{std::move(*problem)};
    }
    const std::optional<std::vector<VerifyKey>> keys = validator_keys(current);
    if (!keys) {
        return Unexpected{std::string{"a validator's key is not on the curve"}};
    }
    if (const auto error = check_certificate(proof.finalization, chain_id, *keys)) {
        return Unexpected{std::string{"the certificate does not hold: "} + to_text(*error)};
    }
    return Done{};
}

Expected<std::vector<Validator>, std::string> follow_epochs(const std::vector<EpochProof>& proofs,
                                                            const Hash& chain_id,
                                                            std::vector<Validator> first) {
    std::uint64_t epoch{0};
    for (const EpochProof& proof : proofs) {
        const auto checked = check_epoch_proof(proof, chain_id, epoch, first);
        if (!checked) {
            return Unexpected{"end of epoch " + std::to_string(epoch) + ": " + checked.error()};
        }
        first = proof.next;
        ++epoch;
    }
    return first;
}

}  // namespace tally
