#pragma once

// Frames on an authenticated link: length of the body (4 bytes, big-endian), kind (1 byte), body.

#include "ledger/base/bytes.h"
#include "node/link/link_metrics.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

namespace tally::node {

inline constexpr std::size_t frame_header_bytes{5};

// Kinds of the link itself; those of FrameKind are below 16.
inline constexpr std::uint8_t kind_ready{16};  ///< ends the handshake; empty
inline constexpr std::uint8_t kind_ping{17};   ///< 8 bytes, sent back as they are
inline constexpr std::uint8_t kind_pong{18};
inline constexpr std::size_t ping_bytes{8};

/// Largest body of a kind, link kinds included; nothing for kinds that do not exist.
[[nodiscard]] std::optional<std::size_t> frame_body_limit(std::uint8_t kind);

/// Adds one frame at the end of `out`.
void append_frame(Bytes& out, std::uint8_t kind, ByteView body);

/// Cuts a stream of bytes into frames, hostile until proven otherwise.
///
/// A header is judged as soon as it is complete: unknown kinds and lengths beyond the kind's bound
/// fail for good, before anything is allocated. Memory grows with what has arrived, never with
/// what was announced.
class FrameReader {
public:
    /// Receives one frame; false stops reading (the rest of the input is dropped).
    using Sink = std::function<bool(std::uint8_t kind, Bytes body)>;

    /// Takes the next bytes of the stream. Nothing when all is well, else why the stream is wrong;
    /// after that it must not be called again.
    [[nodiscard]] std::optional<LinkRefusal> feed(ByteView bytes, const Sink& sink);

private:
    [[nodiscard]] std::optional<LinkRefusal> begin_body();

    std::array<std::uint8_t, frame_header_bytes> m_header{};
    std::size_t m_header_bytes{0};
    std::size_t m_body_bytes{0};  ///< announced
    Bytes m_body;
};

}  // namespace tally::node
