#include "node/link/evidence_messages.h"

#include "ledger/base/codec.h"
#include "ledger/base/overloaded.h"

#include <utility>

namespace tally::node {

namespace {

constexpr std::uint8_t offer_kind{1};
constexpr std::uint8_t chunk_kind{2};
constexpr std::uint8_t answer_kind{3};

EvidenceOffer read_offer(Decoder& decoder) {
    EvidenceOffer offer;
    offer.hash = decoder.fixed<Hash>();
    offer.authorization.signer = decoder.fixed<PartyId>();
    offer.authorization.id = decoder.fixed<TransactionId>();
    offer.size = decoder.u32();
    if (!is_valid(offer.authorization.signer) || offer.size == 0 ||
        offer.size > evidence_file_bytes_max) {
        decoder.fail();
    }
    return offer;
}

EvidenceChunk read_chunk(Decoder& decoder) {
    EvidenceChunk chunk;
    chunk.hash = decoder.fixed<Hash>();
    chunk.offset = decoder.u32();
    const ByteView data = decoder.var_bytes(evidence_chunk_bytes_max);
    if (data.empty() || chunk.offset >= evidence_file_bytes_max) {
        decoder.fail();
    }
    chunk.data.assign(data.begin(), data.end());
    return chunk;
}

EvidenceAnswer read_answer(Decoder& decoder) {
    EvidenceAnswer answer;
    answer.hash = decoder.fixed<Hash>();
    const std::uint8_t verdict = decoder.u8();
    answer.next = decoder.u32();
    if (verdict < static_cast<std::uint8_t>(EvidenceVerdict::more) ||
        verdict > static_cast<std::uint8_t>(EvidenceVerdict::refused)) {
        decoder.fail();
        return answer;
    }
    answer.verdict = static_cast<EvidenceVerdict>(verdict);
    if (answer.next >= evidence_file_bytes_max ||
        (answer.verdict != EvidenceVerdict::more && answer.next != 0)) {
        decoder.fail();
    }
    return answer;
}

}  // namespace

const char* to_text(EvidenceVerdict verdict) {
    switch (verdict) {
        case EvidenceVerdict::more:
            return "more";
        case EvidenceVerdict::kept:
            return "kept";
        case EvidenceVerdict::unknown:
            return "unknown";
        case EvidenceVerdict::busy:
            return "busy";
        case EvidenceVerdict::refused:
            return "refused";
    }
    return "unknown";
}

Bytes encode_evidence_message(const EvidenceMessage& message) {
    Encoder encoder;
    std::visit(Overloaded{
                   [&](const EvidenceOffer& offer) {
                       encoder.u8(offer_kind).fixed(offer.hash);
                       encoder.fixed(offer.authorization.signer).fixed(offer.authorization.id);
                       encoder.u32(offer.size);
                   },
                   [&](const EvidenceChunk& chunk) {
                       encoder.u8(chunk_kind).fixed(chunk.hash).u32(chunk.offset);
                       encoder.var_bytes(chunk.data);
                   },
                   [&](const EvidenceAnswer& answer) {
                       encoder.u8(answer_kind).fixed(answer.hash);
                       encoder.u8(static_cast<std::uint8_t>(answer.verdict)).u32(answer.next);
                   },
               },
               message);
    return std::move(encoder).take();
}

std::optional<EvidenceMessage> decode_evidence_message(ByteView bytes) {
    if (bytes.size() > evidence_message_bytes_max) {
        return std::nullopt;
    }
    Decoder decoder{bytes};
    EvidenceMessage message;
    switch (decoder.u8()) {
        case offer_kind:
            message = read_offer(decoder);
            break;
        case chunk_kind:
            message = read_chunk(decoder);
            break;
        case answer_kind:
            message = read_answer(decoder);
            break;
        default:  // not an enumeration: any byte can come
            return std::nullopt;
    }
    if (!decoder.finished()) {
        return std::nullopt;
    }
    return message;
}

}  // namespace tally::node
