#pragma once

// How the evidence of charges travels: from a bridge to its node, and from the visited operator to
// the home operator (docs/protocol/roaming.md). Plain values; the wire form is the fixed-width
// codec, alone in a frame of kind `evidence` or inside a signed roaming message.

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/ids.h"
#include "node/link/evidence_file.h"

#include <cstdint>
#include <optional>
#include <variant>

namespace tally::node {

inline constexpr std::size_t evidence_chunk_bytes_max{32UL * 1024};
/// Largest encoded message.
inline constexpr std::size_t evidence_message_bytes_max{evidence_chunk_bytes_max + 64};

/// I have this: do you need it?
struct EvidenceOffer {
    Hash hash;  ///< as in the charge's record
    AuthorizationRef authorization;
    std::uint32_t size{0};  ///< of the file, 1 to `evidence_file_bytes_max`
    friend bool operator==(const EvidenceOffer&, const EvidenceOffer&) = default;
};

/// The next bytes of a file that was offered.
struct EvidenceChunk {
    Hash hash;
    std::uint32_t offset{0};
    Bytes data;  ///< 1 to `evidence_chunk_bytes_max`
    friend bool operator==(const EvidenceChunk&, const EvidenceChunk&) = default;
};

enum class EvidenceVerdict : std::uint8_t {
    more = 1,     ///< go on at `next`
    kept = 2,     ///< it is on disk here: never send it again
    unknown = 3,  ///< no record of the ledger names it (yet), or it was not offered: offer it later
    busy = 4,     ///< too much at once: offer it later
    refused = 5,  ///< what was sent does not have the hash, or does not fit the offer
};
[[nodiscard]] const char* to_text(EvidenceVerdict verdict);

/// The answer to either.
struct EvidenceAnswer {
    Hash hash;
    EvidenceVerdict verdict{EvidenceVerdict::unknown};
    std::uint32_t next{0};  ///< of `more`; 0 otherwise
    friend bool operator==(const EvidenceAnswer&, const EvidenceAnswer&) = default;
};

using EvidenceMessage = std::variant<EvidenceOffer, EvidenceChunk, EvidenceAnswer>;

[[nodiscard]] Bytes encode_evidence_message(const EvidenceMessage& message);
/// Nothing unless the bytes are exactly what one message encodes to, within every bound.
[[nodiscard]] std::optional<EvidenceMessage> decode_evidence_message(ByteView bytes);

}  // namespace tally::node
