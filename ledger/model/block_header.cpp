#include "ledger/model/block_header.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/merkle.h"
#include "ledger/crypto/sha256.h"

namespace tally {

Bytes BlockHeader::encode() const {
    Encoder encoder;
    encoder.u16(version)
        .fixed(chain_id)
        .u64(epoch)
        .u64(height)
        .u64(view)
        .fixed(parent)
        .u64(parent_view)
        .i64(time)
        .u32(proposer)
        .fixed(body_root)
        .u64(log_size)
        .fixed(log_root)
        .fixed(state_root)
        .fixed(next_validators_hash)
        .boolean(seals_epoch);
    return std::move(encoder).take();
}

std::optional<BlockHeader> BlockHeader::decode(ByteView bytes) {
    Decoder decoder{bytes};
    BlockHeader header;
    header.version = decoder.u16();
    header.chain_id = decoder.fixed<Hash>();
    header.epoch = decoder.u64();
    header.height = decoder.u64();
    header.view = decoder.u64();
    header.parent = decoder.fixed<Hash>();
    header.parent_view = decoder.u64();
    header.time = decoder.i64();
    header.proposer = decoder.u32();
    header.body_root = decoder.fixed<Hash>();
    header.log_size = decoder.u64();
    header.log_root = decoder.fixed<Hash>();
    header.state_root = decoder.fixed<Hash>();
    header.next_validators_hash = decoder.fixed<Hash>();
    header.seals_epoch = decoder.boolean();
    if (!decoder.finished() || header.version != protocol_version) {
        return std::nullopt;
    }
    return header;
}

Hash BlockHeader::digest() const { return tagged_hash("tally/block-header/v1", encode()); }

Hash body_root(std::span<const Hash> envelope_hashes) {
    std::vector<Hash> leaves;
    leaves.reserve(envelope_hashes.size());
    for (const Hash& hash : envelope_hashes) {
        leaves.push_back(merkle_leaf_hash(hash.view()));
    }
    return merkle_root(leaves);
}

}  // namespace tally
