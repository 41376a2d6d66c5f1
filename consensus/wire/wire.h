#pragma once

#include "consensus/simplex/messages.h"
#include "ledger/base/expected.h"

namespace tally::consensus {

/// Largest encoded message. A block with its envelopes fits.
inline constexpr std::size_t message_bytes_max{6UL * 1024 * 1024};
/// Largest header and envelope inside a message.
inline constexpr std::size_t wire_header_bytes_max{4096};
inline constexpr std::size_t wire_envelope_bytes_max{512UL * 1024};
/// Envelopes of one block in an answer; what is around them always fits into a message then.
inline constexpr std::size_t block_response_bytes_max{5UL * 1024 * 1024};

/// Why bytes are not a message. Each of them means that the sender does not keep the protocol.
enum class WireError : std::uint8_t {
    too_large,
    malformed,     ///< not protobuf, not the one encoding we write, or empty
    out_of_range,  ///< a field has a length or value that no message may have
    too_many,      ///< more items than the named maximum
    bad_certificate,
};
[[nodiscard]] const char* to_text(WireError error);

/// Bytes for a frame (consensus/wire/consensus.proto). Never larger than `message_bytes_max` for
/// messages within the limits of messages.h.
[[nodiscard]] Bytes encode_message(const Message& message);
/// Strict: unknown fields, repeated singular fields, explicit defaults and non-minimal numbers are
/// refused, so that every message has one encoding. Signatures are not checked here.
[[nodiscard]] Expected<Message, WireError> decode_message(ByteView bytes);

}  // namespace tally::consensus
