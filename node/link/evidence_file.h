#pragma once

// The raw texts of one charge as one value, and the hash that its record on the ledger names.

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::node {

/// As in node/link/bridge_messages.h.
using SessionId = FixedBytes<16, struct SessionIdTag>;

/// Raw texts of one charge, all together.
inline constexpr std::uint64_t evidence_text_bytes_max{1024UL * 1024};
inline constexpr std::uint32_t evidence_texts_max{65'536};
/// Session, count, and a length in front of each text.
inline constexpr std::size_t evidence_file_bytes_max{16 + 4 + 4UL * evidence_texts_max +
                                                     evidence_text_bytes_max};

/// All texts of a charge in the order in which its bridge received them.
struct EvidenceFile {
    SessionId session;
    std::vector<std::string> texts;
    friend bool operator==(const EvidenceFile&, const EvidenceFile&) = default;
};

/// h0 = tagged_hash("tally/evidence/v1", session).
[[nodiscard]] Hash evidence_hash_begin(ByteView session);
/// h = SHA-256(h | SHA-256(text)).
[[nodiscard]] Hash evidence_hash_add(const Hash& before, std::string_view text);
[[nodiscard]] Hash evidence_hash(const EvidenceFile& file);

/// Whether it can be sent and kept: within the bounds above.
[[nodiscard]] bool is_within_bounds(const EvidenceFile& file);
/// session 16 | count u32 | each text behind its length.
[[nodiscard]] Bytes encode_evidence_file(const EvidenceFile& file);
/// Nothing when the bytes are no such file or go beyond a bound.
[[nodiscard]] std::optional<EvidenceFile> decode_evidence_file(ByteView bytes);

}  // namespace tally::node
