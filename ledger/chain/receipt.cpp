#include "ledger/chain/receipt.h"

#include "ledger/chain/finality.h"
#include "ledger/crypto/merkle.h"
#include "ledger/model/transaction.h"

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYRCP"};
constexpr std::uint16_t version{2};
constexpr std::size_t leaf_bytes{8 + 8 + 32 + 3 + 2};

}  // namespace

Bytes Receipt::encode() const {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version).var_bytes(transaction).raw(leaf.encode());
    encoder.u32(static_cast<std::uint32_t>(path.size()));
    for (const Hash& hash : path) {
        encoder.fixed(hash);
    }
    encoder.raw(header.encode()).var_bytes(certificate.encode());
    encoder.u32(static_cast<std::uint32_t>(epochs.size()));
    for (const EpochProof& proof : epochs) {
        encoder.var_bytes(proof.encode());
    }
    return std::move(encoder).take();
}

std::optional<Receipt> Receipt::decode(ByteView bytes) {
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    Receipt receipt;
    const ByteView transaction = decoder.var_bytes(transaction_bytes_max);
    receipt.transaction.assign(transaction.begin(), transaction.end());
    const std::optional<Leaf> leaf = Leaf::decode(decoder.raw(leaf_bytes));
    const std::uint32_t hashes = decoder.count(merkle_proof_hashes_max, Hash::size);
    for (std::uint32_t i = 0; i < hashes; ++i) {
        receipt.path.push_back(decoder.fixed<Hash>());
    }
    const std::optional<BlockHeader> header =
        BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    const std::optional<QuorumCertificate> certificate =
        QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    const std::uint32_t proofs = decoder.count(receipt_epochs_max, 4 + BlockHeader::encoded_bytes);
    for (std::uint32_t i = 0; i < proofs && decoder.ok(); ++i) {
        std::optional<EpochProof> proof =
            EpochProof::decode(decoder.var_bytes(epoch_proof_bytes_max));
        if (!proof) {
            return std::nullopt;
        }
        receipt.epochs.push_back(std::move(*proof));
    }
    if (!decoder.finished() || !leaf || !header || !certificate) {
        return std::nullopt;
    }
    receipt.leaf = *leaf;
    receipt.header = *header;
    receipt.certificate = *certificate;
    return receipt;
}

std::optional<std::string> verify_receipt(const Receipt& receipt, const Genesis& genesis) {
    const Hash chain_id = genesis.chain_id();
    if (receipt.header.chain_id != chain_id) {
        return "the receipt is of another chain: " + to_hex(receipt.header.chain_id);
    }
    if (!decode_transaction(receipt.transaction)) {
        return "the transaction cannot be decoded";
    }
    if (receipt.leaf.hash != transaction_hash(receipt.transaction)) {
        return "the leaf is of another transaction";
    }
    if (receipt.leaf.height > receipt.header.height) {
        return "the block that is proven is older than the transaction's";
    }
    if (receipt.leaf.index >= receipt.header.log_size) {
        return "the leaf's index is beyond the proven log";
    }
    if (!verify_inclusion(receipt.leaf.leaf_hash(), receipt.leaf.index, receipt.header.log_size,
                          receipt.path, receipt.header.log_root)) {
        return "the path does not lead from the leaf to the block's log root";
    }
    if (const std::optional<std::string> problem =
            check_statement(receipt.certificate, receipt.header)) {
        return problem;
    }
    if (receipt.epochs.size() != receipt.header.epoch) {
        return "the block is of epoch " + std::to_string(receipt.header.epoch) + ", but " +
               std::to_string(receipt.epochs.size()) + " epochs are proven";
    }
    const Expected<std::vector<Validator>, std::string> validators =
        follow_epochs(receipt.epochs, chain_id, validators_of(genesis.members));
    if (!validators) {
        return validators.error();
    }
    const std::optional<std::vector<VerifyKey>> keys = validator_keys(*validators);
    if (!keys) {
        return "a validator's key is not on the curve";
    }
    if (const std::optional<CertificateError> error =
            check_certificate(receipt.certificate, chain_id, *keys)) {
        return std::string{"the certificate does not hold: "} + to_text(*error);
    }
    return std::nullopt;
}

}  // namespace tally
