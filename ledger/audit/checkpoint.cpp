#include "ledger/audit/checkpoint.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/merkle.h"
#include "ledger/state/state_chunk.h"

#include <string_view>

namespace tally {
namespace {

constexpr std::string_view magic{"TALLYAUD"};
constexpr std::uint16_t version{2};
constexpr std::uint32_t items_max{100'000'000};
constexpr std::size_t business_bytes_max{1UL << 30U};
constexpr std::size_t books_bytes_max{1UL << 31U};

constexpr std::uint64_t height_max{1ULL << 62U};

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

void encode_ids(Encoder& encoder, const IdWindow::BlockIds& ids) {
    encoder.i64(ids.time).u32(static_cast<std::uint32_t>(ids.transactions.size()));
    for (const auto& [ref, hash] : ids.transactions) {
        encode(encoder, ref);
        encoder.fixed(hash);
    }
    encoder.u32(static_cast<std::uint32_t>(ids.envelope_roots.size()));
    for (const Hash& root : ids.envelope_roots) {
        encoder.fixed(root);
    }
}

IdWindow::BlockIds decode_ids(Decoder& decoder) {
    IdWindow::BlockIds ids;
    ids.time = decoder.i64();
    if (ids.time < 0 || ids.time > unix_millis_max) {
        decoder.fail();
    }
    for (auto left = decoder.count(items_max, transaction_ref_bytes + Hash::size);
         left > 0 && decoder.ok(); --left) {
        const TransactionRef ref = decode_transaction_ref(decoder);
        ids.transactions[ref] = decoder.fixed<Hash>();
    }
    for (auto left = decoder.count(items_max, Hash::size); left > 0 && decoder.ok(); --left) {
        ids.envelope_roots.insert(decoder.fixed<Hash>());
    }
    return ids;
}

/// Bounds that nothing later has to look at again: heights and times have room to go on.
bool is_plausible(const BlockHeader& header) {
    return header.height <= height_max && header.time >= 0 && header.time <= unix_millis_max;
}

void decode_state(Decoder& decoder, std::vector<KeyValueStore::Entry>& state) {
    for (auto left = decoder.count(items_max, 8); left > 0 && decoder.ok(); --left) {
        Bytes key = to_bytes(decoder.var_bytes(chunk_key_bytes_max));
        KeyValueStore::Entry entry{std::move(key),
                                   to_bytes(decoder.var_bytes(chunk_value_bytes_max))};
        const bool rising = state.empty() || state.back().key < entry.key;
        if (!decoder.ok() || !rising) {
            decoder.fail();
            return;
        }
        state.push_back(std::move(entry));
    }
}

void decode_window(Decoder& decoder, std::vector<IdWindow::BlockIds>& blocks) {
    for (auto left = decoder.count(items_max, 16); left > 0 && decoder.ok(); --left) {
        IdWindow::BlockIds ids = decode_ids(decoder);
        if (!blocks.empty() && ids.time <= blocks.back().time) {
            decoder.fail();
            return;
        }
        blocks.push_back(std::move(ids));
    }
}

}  // namespace

Bytes encode(const AuditCheckpoint& checkpoint) {
    Encoder encoder;
    encoder.raw(as_bytes(magic)).u16(version).raw(checkpoint.header.encode());
    encoder.u8(static_cast<std::uint8_t>(checkpoint.log_subtrees.size()));
    for (const Hash& hash : checkpoint.log_subtrees) {
        encoder.fixed(hash);
    }
    encoder.u32(static_cast<std::uint32_t>(checkpoint.state.size()));
    for (const KeyValueStore::Entry& entry : checkpoint.state) {
        encoder.var_bytes(entry.key).var_bytes(entry.value);
    }
    encoder.u32(static_cast<std::uint32_t>(checkpoint.ids.size()));
    for (const IdWindow::BlockIds& ids : checkpoint.ids) {
        encode_ids(encoder, ids);
    }
    encoder.u64(checkpoint.uncovered).u64(checkpoint.transactions);
    encoder.boolean(checkpoint.has_business).var_bytes(encode(checkpoint.business));
    encoder.var_bytes(checkpoint.books);
    return std::move(encoder).take();
}

std::optional<AuditCheckpoint> decode_audit_checkpoint(ByteView bytes) {
    Decoder decoder{bytes};
    if (as_text(decoder.raw(magic.size())) != magic || decoder.u16() != version) {
        return std::nullopt;
    }
    const std::optional<BlockHeader> header =
        BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    if (!header || !is_plausible(*header)) {
        return std::nullopt;
    }
    AuditCheckpoint checkpoint;
    checkpoint.header = *header;
    const std::uint8_t hashes = decoder.u8();
    if (hashes > merkle_proof_hashes_max) {
        return std::nullopt;
    }
    for (std::uint8_t i = 0; i < hashes; ++i) {
        checkpoint.log_subtrees.push_back(decoder.fixed<Hash>());
    }
    decode_state(decoder, checkpoint.state);
    decode_window(decoder, checkpoint.ids);
    checkpoint.uncovered = decoder.u64();
    checkpoint.transactions = decoder.u64();
    checkpoint.has_business = decoder.boolean();
    std::optional<BusinessReport> business =
        decode_business_report(decoder.var_bytes(business_bytes_max));
    checkpoint.books = to_bytes(decoder.var_bytes(books_bytes_max));
    const bool window_fits = checkpoint.ids.empty() || checkpoint.ids.back().time <= header->time;
    if (!decoder.finished() || !business || !window_fits || checkpoint.uncovered > header->height) {
        return std::nullopt;
    }
    checkpoint.business = std::move(*business);
    return checkpoint;
}

}  // namespace tally
