#pragma once

// Hubs on loopback in one event loop, and raw TLS peers that break the rules on purpose.

#include "node/link/auth_message.h"
#include "node/link/link.h"
#include "node/link/tls_context.h"
#include "node/runtime/asio.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tally::node::test {

inline constexpr std::chrono::seconds patience{10};

[[nodiscard]] SecretKey secret_key(std::uint8_t number);
[[nodiscard]] PublicKey public_key(std::uint8_t number);
[[nodiscard]] Hash chain_id(std::uint8_t number = 1);
[[nodiscard]] Bytes bytes_of(std::string_view text);

/// Runs the loop until the condition holds; false when it did not within `patience`.
[[nodiscard]] bool run_until(asio::io_context& io, const std::function<bool()>& condition);

/// Runs a blocking peer in its own thread while the loop runs here.
template <typename Work>
auto run_beside(asio::io_context& io, Work work) {
    auto result = std::async(std::launch::async, std::move(work));
    const bool finished = run_until(io, [&result] {
        return result.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
    });
    static_cast<void>(finished);
    return result.get();
}

/// A hub that notes what it is told.
class TestHub {
public:
    struct Frame {
        PublicKey from;
        FrameKind kind;
        Bytes body;
    };

    TestHub(asio::io_context& io, std::uint8_t key_number, LinkConfig config);

    [[nodiscard]] const PublicKey& key() const { return m_signer.public_key(); }
    [[nodiscard]] std::uint64_t refused(LinkRefusal reason) const;
    [[nodiscard]] bool linked_to(const TestHub& other) const {
        return hub->is_connected(other.key());
    }

    std::set<PublicKey> admitted;
    std::vector<PublicKey> connected;
    std::vector<PublicKey> disconnected;
    std::vector<Frame> frames;
    std::set<LinkRefusal> not_connected;

private:
    KeySigner m_signer;

public:
    std::unique_ptr<LinkHub> hub;  ///< last: it refers to everything above
};

/// Listens on a free port of loopback.
[[nodiscard]] LinkConfig listening();
[[nodiscard]] DialTarget target_of(const TestHub& hub);

/// A blocking TLS peer of loopback. Every read gives up after two seconds.
class RawPeer {
public:
    /// Connects and, with a context, does the TLS handshake.
    RawPeer(std::uint16_t port, ssl_ctx_st* context);
    ~RawPeer();
    RawPeer(RawPeer&& other) noexcept;
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;
    RawPeer& operator=(RawPeer&&) = delete;

    [[nodiscard]] bool tls_ready() const { return m_tls_ready; }
    [[nodiscard]] ChannelBinding binding() const;
    /// False when the connection is broken.
    bool write(ByteView bytes);
    /// Fewer bytes when the other side closed or nothing came in time.
    [[nodiscard]] Bytes read(std::size_t length);
    /// Whether the other side closes without sending one more byte.
    [[nodiscard]] bool closed_without_a_word();

private:
    friend class RawListener;
    RawPeer(int fd, ssl_ctx_st* context, bool accept);

    int m_fd{-1};
    ssl_st* m_tls{nullptr};
    bool m_tls_ready{false};
};

/// Accepts one raw connection at a time.
class RawListener {
public:
    RawListener();
    ~RawListener();
    RawListener(const RawListener&) = delete;
    RawListener& operator=(const RawListener&) = delete;
    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] RawPeer accept(ssl_ctx_st* context);

private:
    int m_fd{-1};
    std::uint16_t m_port{0};
};

/// The dialer's side of a correct handshake up to READY; nothing when the hub refused.
[[nodiscard]] bool authenticate(RawPeer& peer, std::uint8_t key_number, const PublicKey& listener);
/// A correct AUTH message of key `key_number` for this connection.
[[nodiscard]] Bytes auth_of(std::uint8_t key_number, AuthRole role, const PublicKey& receiver,
                            const ChannelBinding& binding);

}  // namespace tally::node::test
