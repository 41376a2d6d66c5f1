#include "ledger/chain/block.h"

#include "ledger/crypto/merkle.h"
#include "ledger/model/envelope.h"
#include "ledger/state/cycles.h"

#include <utility>

namespace tally {
namespace {

constexpr std::uint32_t block_results_max{block_envelopes_max * envelope_transactions_max};
constexpr std::size_t early_events_max{cycle_currencies_per_block_max + sweep_items_max};
constexpr std::uint32_t block_events_max{early_events_max + 1};

std::vector<Bytes> decode_envelopes(Decoder& decoder) {
    std::vector<Bytes> envelopes;
    std::size_t total{0};
    const std::uint32_t count = decoder.count(block_envelopes_max, 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const ByteView envelope = decoder.var_bytes(envelope_bytes_max);
        total += envelope.size();
        if (total > block_bytes_max) {
            decoder.fail();
            break;
        }
        envelopes.emplace_back(envelope.begin(), envelope.end());
    }
    return envelopes;
}

std::vector<ResultCode> decode_results(Decoder& decoder) {
    std::vector<ResultCode> results;
    const std::uint32_t count = decoder.count(block_results_max, 2);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const std::optional<ResultCode> result = result_code_from_number(decoder.u16());
        if (!result) {
            decoder.fail();
            break;
        }
        results.push_back(*result);
    }
    return results;
}

std::vector<Event> decode_events(Decoder& decoder) {
    std::vector<Event> events;
    const std::uint32_t count = decoder.count(block_events_max, 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        const std::optional<Event> event = Event::decode(decoder.var_bytes(event_bytes_max));
        if (!event) {
            decoder.fail();
            break;
        }
        if (find_seal(events) != nullptr) {
            decoder.fail();  // Nothing happens behind the seal.
        }
        events.push_back(*event);
    }
    if (events_before_transactions(events) > early_events_max) {
        decoder.fail();
    }
    return events;
}

}  // namespace

std::size_t events_before_transactions(const std::vector<Event>& events) noexcept {
    return events.size() - (find_seal(events) == nullptr ? 0 : 1);
}

const Event* find_seal(const std::vector<Event>& events) noexcept {
    const bool sealed = !events.empty() && events.back().kind == EventKind::epoch_sealed;
    return sealed ? &events.back() : nullptr;
}

Bytes Leaf::encode() const {
    Encoder encoder;
    encoder.u64(index).u64(height).fixed(hash).fixed(signer).u16(
        static_cast<std::uint16_t>(result));
    return std::move(encoder).take();
}

std::optional<Leaf> Leaf::decode(ByteView bytes) {
    Decoder decoder{bytes};
    Leaf leaf;
    leaf.index = decoder.u64();
    leaf.height = decoder.u64();
    leaf.hash = decoder.fixed<Hash>();
    leaf.signer = decoder.fixed<PartyId>();
    const std::optional<ResultCode> result = result_code_from_number(decoder.u16());
    const bool signer_fits = leaf.signer.is_zero() || is_valid(leaf.signer);
    if (!decoder.finished() || !result || !signer_fits) {
        return std::nullopt;
    }
    leaf.result = *result;
    return leaf;
}

Hash Leaf::leaf_hash() const { return merkle_leaf_hash(encode()); }

Bytes FinalizedBlock::encode() const {
    Encoder encoder;
    encoder.raw(block.header.encode()).var_bytes(finalization.encode());
    encoder.u32(static_cast<std::uint32_t>(block.envelopes.size()));
    for (const Bytes& envelope : block.envelopes) {
        encoder.var_bytes(envelope);
    }
    encoder.u32(static_cast<std::uint32_t>(results.size()));
    for (const ResultCode result : results) {
        encoder.u16(static_cast<std::uint16_t>(result));
    }
    encoder.u32(static_cast<std::uint32_t>(events.size()));
    for (const Event& event : events) {
        encoder.var_bytes(event.encode());
    }
    return std::move(encoder).take();
}

std::optional<FinalizedBlock> FinalizedBlock::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const std::optional<BlockHeader> header =
        BlockHeader::decode(decoder.raw(BlockHeader::encoded_bytes));
    if (!header) {
        return std::nullopt;
    }
    std::optional<QuorumCertificate> finalization =
        QuorumCertificate::decode(decoder.var_bytes(certificate_bytes_max));
    if (!finalization) {
        return std::nullopt;
    }
    FinalizedBlock finalized;
    finalized.block.header = *header;
    finalized.finalization = std::move(*finalization);
    finalized.block.envelopes = decode_envelopes(decoder);
    finalized.results = decode_results(decoder);
    finalized.events = decode_events(decoder);
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return finalized;
}

}  // namespace tally
