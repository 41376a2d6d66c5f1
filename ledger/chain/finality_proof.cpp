#include "ledger/chain/finality_proof.h"

#include "ledger/chain/finality.h"

#include <utility>

namespace tally {

void encode(Encoder& encoder, const FinalityProof& proof) {
    encoder.raw(proof.header.encode()).var_bytes(proof.certificate.encode());
    encoder.u32(static_cast<std::uint32_t>(proof.epochs.size()));
    for (const EpochProof& epoch : proof.epochs) {
        encoder.var_bytes(epoch.encode());
    }
}

void decode(Decoder& decoder, FinalityProof& proof) {
    const std::optional<BlockHeader> header =
        BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    std::optional<QuorumCertificate> certificate =
        QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    if (!decoder.ok() || !header || !certificate) {
        decoder.fail();
        return;
    }
    proof.header = *header;
    proof.certificate = std::move(*certificate);
    const std::uint32_t epochs = decoder.count(proven_epochs_max, 4 + BlockHeader::encoded_bytes);
    for (std::uint32_t i = 0; i < epochs && decoder.ok(); ++i) {
        std::optional<EpochProof> epoch =
            EpochProof::decode(decoder.var_bytes(epoch_proof_bytes_max));
        if (!epoch) {
            decoder.fail();
            return;
        }
        proof.epochs.push_back(std::move(*epoch));
    }
}

std::optional<std::string> find_problem(const FinalityProof& proof, const Genesis& genesis) {
    const Hash chain_id = genesis.chain_id();
    if (proof.header.chain_id != chain_id) {
        return "the proof is of another chain: " + to_hex(proof.header.chain_id);
    }
    if (std::optional<std::string> problem = check_statement(proof.certificate, proof.header)) {
        return problem;
    }
    if (proof.epochs.size() != proof.header.epoch) {
        return "the block is of epoch " + std::to_string(proof.header.epoch) + ", but " +
               std::to_string(proof.epochs.size()) + " epochs are proven";
    }
    const Expected<std::vector<Validator>, std::string> validators =
        follow_epochs(proof.epochs, chain_id, validators_of(genesis.members));
    if (!validators) {
        return validators.error();
    }
    const std::optional<std::vector<VerifyKey>> keys = validator_keys(*validators);
    if (!keys) {
        return "a validator's key is not on the curve";
    }
    if (const std::optional<CertificateError> error =
            check_certificate(proof.certificate, chain_id, *keys)) {
        return std::string{"the certificate does not hold: "} + to_text(*error);
    }
    return std::nullopt;
}

}  // namespace tally
