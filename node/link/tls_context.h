#pragma once

// The TLS settings of links, on OpenSSL's own interface. TLS carries the bytes; who the peer is, is
// decided by AUTH1 and AUTH2 over the exporter value and by nothing in a certificate.

#include "node/link/auth_message.h"

#include <memory>
#include <optional>

struct ssl_ctx_st;
struct ssl_st;

namespace tally::node {

struct TlsContextDeleter {
    void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;

/// TLS 1.3 and nothing else, X25519 or P-256, the three AEAD suites, no tickets, no session cache,
/// no early data.
[[nodiscard]] TlsContext make_dialer_tls();
/// As the dialer's, with a fresh Ed25519 certificate that never leaves memory.
[[nodiscard]] TlsContext make_listener_tls();

/// Whether both ends agreed on ALPN "tally/1".
[[nodiscard]] bool negotiated_our_protocol(const ssl_st* connection);
/// The exporter value; nothing before the handshake is complete or below TLS 1.3.
[[nodiscard]] std::optional<ChannelBinding> channel_binding(ssl_st* connection);
/// Asks for a new sending key with the next write.
void request_key_update(ssl_st* connection);

}  // namespace tally::node
