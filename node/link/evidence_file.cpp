#include "node/link/evidence_file.h"

#include "ledger/base/codec.h"

#include <utility>

namespace tally::node {

Hash evidence_hash_begin(ByteView session) { return tagged_hash("tally/evidence/v1", session); }

Hash evidence_hash_add(const Hash& before, std::string_view text) {
    return sha256(before.view(), sha256(as_bytes(text)).view());
}

Hash evidence_hash(const EvidenceFile& file) {
    Hash chain = evidence_hash_begin(file.session.view());
    for (const std::string& text : file.texts) {
        chain = evidence_hash_add(chain, text);
    }
    return chain;
}

bool is_within_bounds(const EvidenceFile& file) {
    std::uint64_t bytes{0};
    for (const std::string& text : file.texts) {
        bytes += text.size();
    }
    return bytes <= evidence_text_bytes_max && file.texts.size() <= evidence_texts_max;
}

Bytes encode_evidence_file(const EvidenceFile& file) {
    Encoder encoder;
    encoder.fixed(file.session).u32(static_cast<std::uint32_t>(file.texts.size()));
    for (const std::string& text : file.texts) {
        encoder.text(text);
    }
    return std::move(encoder).take();
}

std::optional<EvidenceFile> decode_evidence_file(ByteView bytes) {
    Decoder decoder{bytes};
    EvidenceFile file;
    file.session = decoder.fixed<SessionId>();
    const std::uint32_t count = decoder.count(evidence_texts_max, 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        file.texts.push_back(decoder.text(evidence_text_bytes_max));
    }
    if (!decoder.finished() || !is_within_bounds(file)) {
        return std::nullopt;
    }
    return file;
}

}  // namespace tally::node
