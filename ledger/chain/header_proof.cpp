#include "ledger/chain/header_proof.h"

#include "ledger/base/check.h"
#include "ledger/chain/finality.h"

#include <string_view>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYHDR"};
constexpr std::uint16_t version{1};

std::optional<std::string> check_headers(const HeaderProof& proof, const Hash& chain_id) {
    for (std::size_t i = 0; i < proof.headers.size(); ++i) {
        const BlockHeader& header = proof.headers[i];
        if (header.chain_id != chain_id) {
            return "the proof is of another chain: " + to_hex(header.chain_id);
        }
        if (i == 0) {
            continue;
        }
        const BlockHeader& before = proof.headers[i - 1];
        if (header.height != before.height + 1 || header.parent != before.digest()) {
            return "block " + std::to_string(header.height) + " does not follow the one before it";
        }
    }
    return std::nullopt;
}

}  // namespace

const BlockHeader& HeaderProof::header() const {
    ENSURE(!headers.empty());
    return headers.front();
}

Bytes HeaderProof::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version).u32(static_cast<std::uint32_t>(headers.size()));
    for (const BlockHeader& one : headers) {
        encoder.raw(one.encode());
    }
    encoder.var_bytes(finalization.encode()).u32(static_cast<std::uint32_t>(epochs.size()));
    for (const EpochProof& epoch : epochs) {
        encoder.var_bytes(epoch.encode());
    }
    return std::move(encoder).take();
}

std::optional<HeaderProof> HeaderProof::decode(ByteView bytes) {
    if (bytes.size() > header_proof_bytes_max) {
        return std::nullopt;
    }
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    HeaderProof proof;
    const std::uint32_t headers = decoder.count(proof_headers_max, BlockHeader::encoded_bytes);
    for (std::uint32_t i = 0; i < headers; ++i) {
        const auto header = BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
        if (!header) {
            return std::nullopt;
        }
        proof.headers.push_back(*header);
    }
    std::optional<QuorumCertificate> finalization =
        QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    const std::uint32_t epochs =
        decoder.count(header_proof_epochs_max, 4 + BlockHeader::encoded_bytes);
    for (std::uint32_t i = 0; i < epochs && decoder.ok(); ++i) {
        std::optional<EpochProof> epoch =
            EpochProof::decode(decoder.var_bytes(epoch_proof_bytes_max));
        if (!epoch) {
            return std::nullopt;
        }
        proof.epochs.push_back(std::move(*epoch));
    }
    if (!decoder.finished() || headers == 0 || !finalization) {
        return std::nullopt;
    }
    proof.finalization = std::move(*finalization);
    return proof;
}

Expected<std::vector<Validator>, std::string> verify_header_proof(const HeaderProof& proof,
                                                                  const Genesis& genesis) {
    const Hash chain_id = genesis.chain_id();
    if (proof.headers.empty()) {
        return Unexpected{std::string{"there is no header"}};
    }
    if (std::optional<std::string> problem = check_headers(proof, chain_id)) {
        return Unexpected{std::move(*problem)};
    }
    const BlockHeader& last = proof.headers.back();
    if (std::optional<std::string> problem = check_statement(proof.finalization, last)) {
        return Unexpected{std::move(*problem)};
    }
    if (proof.epochs.size() != last.epoch) {
        return Unexpected{"the block is of epoch " + std::to_string(last.epoch) + ", but " +
                          std::to_string(proof.epochs.size()) + " epochs are proven"};
    }
    Expected<std::vector<Validator>, std::string> validators =
        follow_epochs(proof.epochs, chain_id, validators_of(genesis.members));
    if (!validators) {
        return validators;
    }
    const std::optional<std::vector<VerifyKey>> keys = validator_keys(*validators);
    if (!keys) {
        return Unexpected{std::string{"a validator's key is not on the curve"}};
    }
    if (const auto error = check_certificate(proof.finalization, chain_id, *keys)) {
        return Unexpected{std::string{"the certificate does not hold: "} + to_text(*error)};
    }
    return validators;
}

}  // namespace tally
