#include "ledger/store/ledger_index.h"

namespace tally::ledger_index {
namespace {

Encoder key_of(Table table) {
    Encoder encoder;
    encoder.u8(static_cast<std::uint8_t>(table));
    return encoder;
}

}  // namespace

Bytes applied_key() { return key_of(Table::applied).take(); }

Bytes encode(const Applied& applied) {
    Encoder encoder;
    encoder.fixed(applied.chain_id).u64(applied.height).fixed(applied.digest);
    encoder.u64(applied.log.size());
    encoder.u32(static_cast<std::uint32_t>(applied.log.subtrees().size()));
    for (const Hash& hash : applied.log.subtrees()) {
        encoder.fixed(hash);
    }
    return std::move(encoder).take();
}

std::optional<Applied> decode_applied(ByteView bytes) {
    Decoder decoder{bytes};
    Applied applied;
    applied.chain_id = decoder.fixed<Hash>();
    applied.height = decoder.u64();
    applied.digest = decoder.fixed<Hash>();
    const std::uint64_t log_size = decoder.u64();
    std::vector<Hash> subtrees;
    const std::uint32_t count = decoder.count(merkle_proof_hashes_max, Hash::size);
    for (std::uint32_t i = 0; i < count; ++i) {
        subtrees.push_back(decoder.fixed<Hash>());
    }
    if (!decoder.finished()) {
        return std::nullopt;
    }
    std::optional<MerkleFrontier> log = MerkleFrontier::restore(log_size, std::move(subtrees));
    if (!log) {
        return std::nullopt;
    }
    applied.log = std::move(*log);
    return applied;
}

Bytes block_key(std::uint64_t height) { return key_of(Table::block).u64(height).bytes(); }

Bytes encode(const BlockEntry& entry) {
    Encoder encoder;
    encoder.u64(entry.place.segment).u64(entry.place.offset).u32(entry.place.length);
    encoder.boolean(entry.finalized);
    return std::move(encoder).take();
}

std::optional<BlockEntry> decode_block_entry(ByteView bytes) {
    Decoder decoder{bytes};
    BlockEntry entry;
    entry.place.segment = decoder.u64();
    entry.place.offset = decoder.u64();
    entry.place.length = decoder.u32();
    entry.finalized = decoder.boolean();
    return decoder.finished() ? std::optional{entry} : std::nullopt;
}

Bytes transaction_key(const TransactionRef& ref) {
    Encoder encoder = key_of(Table::transaction);
    tally::encode(encoder, ref);
    return std::move(encoder).take();
}

Bytes encode(const TransactionLocation& location) {
    Encoder encoder;
    encoder.u64(location.height).u64(location.leaf_index);
    encoder.u16(static_cast<std::uint16_t>(location.result)).fixed(location.transaction_hash);
    return std::move(encoder).take();
}

std::optional<TransactionLocation> decode_location(ByteView bytes) {
    Decoder decoder{bytes};
    TransactionLocation location;
    location.height = decoder.u64();
    location.leaf_index = decoder.u64();
    const std::optional<ResultCode> result = result_code_from_number(decoder.u16());
    location.transaction_hash = decoder.fixed<Hash>();
    if (!decoder.finished() || !result) {
        return std::nullopt;
    }
    location.result = *result;
    return location;
}

Bytes tile_key(std::uint8_t tile_level, std::uint64_t tile) {
    return key_of(Table::tile).u8(tile_level).u64(tile).bytes();
}

Bytes epoch_proof_key(std::uint64_t epoch) { return key_of(Table::epoch_proof).u64(epoch).bytes(); }

Bytes sublog_prefix(const PartyId& party) { return key_of(Table::sublog).fixed(party).bytes(); }

Bytes sublog_key(const PartyId& party, std::uint64_t number) {
    return key_of(Table::sublog).fixed(party).u64(number).bytes();
}

Bytes sync_key() { return key_of(Table::sync).u8(0).bytes(); }

Bytes sync_chunk_prefix() { return key_of(Table::sync).u8(1).bytes(); }

Bytes sync_chunk_key(const ChunkName& name) {
    return key_of(Table::sync).u8(1).u8(name.depth).fixed(name.prefix).bytes();
}

}  // namespace tally::ledger_index
