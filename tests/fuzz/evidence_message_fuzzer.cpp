// Messages about the evidence of charges. The encoding is canonical: what decodes encodes to the
// same bytes. A receiver that takes it holds no more than was announced, and lets through nothing
// that does not have its hash.

#include "ledger/base/check.h"
#include "node/link/evidence_receiver.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tally;
    using namespace tally::node;
    const ByteView input{data, size};
    if (const auto file = decode_evidence_file(input)) {
        const Bytes again = encode_evidence_file(*file);
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
    }
    const auto message = decode_evidence_message(input);
    if (!message) {
        return 0;
    }
    const Bytes again = encode_evidence_message(*message);
    ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
    EvidenceReceiver receiver{
        [](const std::string&, const EvidenceOffer&) { return EvidenceReceiver::Wanted::wanted; }};
    const std::chrono::milliseconds now{1};
    if (const auto* chunk = std::get_if<EvidenceChunk>(&*message)) {
        const EvidenceOffer offer{chunk->hash, {}, static_cast<std::uint32_t>(chunk->data.size())};
        ENSURE(receiver.on_offer("peer", offer, now).verdict == EvidenceVerdict::more);
        const auto result = receiver.on_chunk("peer", *chunk, now);
        const auto file = decode_evidence_file(chunk->data);
        const bool fits = file && evidence_hash(*file) == chunk->hash;
        ENSURE(result.whole.has_value() == (fits && chunk->offset == 0));
    } else if (const auto* offer = std::get_if<EvidenceOffer>(&*message)) {
        ENSURE(receiver.on_offer("peer", *offer, now).verdict == EvidenceVerdict::more);
        ENSURE(receiver.on_offer("peer", *offer, now).next == 0);
    }
    return 0;
}
