#include "node/link/frame_codec.h"

#include "ledger/base/check.h"
#include "node/link/bridge_messages.h"
#include "node/link/evidence_messages.h"
#include "node/link/link.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

constexpr std::size_t consensus_frame_bytes_max{6UL * 1024 * 1024};
constexpr std::size_t roaming_frame_bytes_max{1024UL * 1024};
/// A body's memory before its first bytes are here.
constexpr std::size_t body_reserve_max{16UL * 1024};

}  // namespace

std::size_t frame_bytes_max(FrameKind kind) {
    switch (kind) {
        case FrameKind::consensus:
            return consensus_frame_bytes_max;
        case FrameKind::roaming:
            return roaming_frame_bytes_max;
        case FrameKind::bridge:
            return bridge_frame_bytes_max;
        case FrameKind::evidence:
            return evidence_message_bytes_max;
    }
    return 0;
}

std::optional<std::size_t> frame_body_limit(std::uint8_t kind) {
    if (kind == kind_ready) {
        return 0;
    }
    if (kind == kind_ping || kind == kind_pong) {
        return ping_bytes;
    }
    const bool known = kind >= static_cast<std::uint8_t>(FrameKind::consensus) &&
                       kind <= static_cast<std::uint8_t>(FrameKind::evidence);
    if (!known) {
        return std::nullopt;
    }
    return frame_bytes_max(static_cast<FrameKind>(kind));
}

void append_frame(Bytes& out, std::uint8_t kind, ByteView body) {
    ENSURE(body.size() <= frame_body_limit(kind).value_or(0));
    const auto length = static_cast<std::uint32_t>(body.size());
    const std::array<std::uint8_t, frame_header_bytes> header{
        static_cast<std::uint8_t>(length >> 24U), static_cast<std::uint8_t>(length >> 16U),
        static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length), kind};
    append(out, header);
    append(out, body);
}

std::optional<LinkRefusal> FrameReader::begin_body() {
    std::uint32_t length{0};
    for (std::size_t i = 0; i < 4; ++i) {
        length = (length << 8U) | m_header[i];
    }
    const std::optional<std::size_t> limit = frame_body_limit(m_header[4]);
    if (!limit) {
        return LinkRefusal::unknown_kind;
    }
    if (length > *limit) {
        return LinkRefusal::oversized_frame;
    }
    m_body_bytes = length;
    m_body.clear();
    m_body.reserve(std::min<std::size_t>(length, body_reserve_max));
    return std::nullopt;
}

std::optional<LinkRefusal> FrameReader::feed(ByteView bytes, const Sink& sink) {
    for (;;) {
        if (m_header_bytes < frame_header_bytes) {
            const std::size_t taken = std::min(frame_header_bytes - m_header_bytes, bytes.size());
            std::copy_n(bytes.begin(), taken,
                        m_header.begin() + static_cast<std::ptrdiff_t>(m_header_bytes));
            m_header_bytes += taken;
            bytes = bytes.subspan(taken);
            if (m_header_bytes < frame_header_bytes) {
                return std::nullopt;
            }
            if (const std::optional<LinkRefusal> refusal = begin_body()) {
                return refusal;
            }
        }
        const std::size_t taken = std::min(m_body_bytes - m_body.size(), bytes.size());
        append(m_body, bytes.first(taken));
        bytes = bytes.subspan(taken);
        if (m_body.size() < m_body_bytes) {
            return std::nullopt;
        }
        m_header_bytes = 0;
        if (!sink(m_header[4], std::exchange(m_body, {}))) {
            return std::nullopt;
        }
    }
}

}  // namespace tally::node
