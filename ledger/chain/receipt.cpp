#include "ledger/chain/receipt.h"

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
    tally::encode(encoder, *this);
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
    tally::decode(decoder, receipt);
    if (!decoder.finished() || !leaf) {
        return std::nullopt;
    }
    receipt.leaf = *leaf;
    return receipt;
}

std::optional<std::string> verify_receipt(const Receipt& receipt, const Genesis& genesis) {
    if (receipt.header.chain_id != genesis.chain_id()) {
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
    return find_problem(static_cast<const FinalityProof&>(receipt), genesis);
}

}  // namespace tally
