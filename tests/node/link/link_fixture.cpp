#include "tests/node/link/link_fixture.h"

#include "node/link/frame_codec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace tally::node::test {

SecretKey secret_key(std::uint8_t number) {
    SecretKey key;
    key.data.fill(7);
    key.data[31] = number;
    return key;
}

PublicKey public_key(std::uint8_t number) { return public_key_of(secret_key(number)); }

Hash chain_id(std::uint8_t number) {
    Hash id;
    id.data.fill(number);
    return id;
}

Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

bool run_until(asio::io_context& io, const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > give_up) {
            return false;
        }
        io.restart();
        io.run_one_for(std::chrono::milliseconds{5});
    }
    return true;
}

LinkConfig listening() {
    LinkConfig config;
    config.chain_id = chain_id();
    config.listen_host = "127.0.0.1";
    config.reconnect_min = std::chrono::milliseconds{10};
    config.reconnect_max = std::chrono::milliseconds{100};
    return config;
}

DialTarget target_of(const TestHub& hub) { return {hub.key(), "127.0.0.1", hub.hub->port()}; }

TestHub::TestHub(asio::io_context& io, std::uint8_t key_number, LinkConfig config)
    : m_signer{secret_key(key_number)} {
    LinkHandlers handlers;
    handlers.admit = [this](const PublicKey& key) -> std::optional<PeerIdentity> {
        if (!admitted.contains(key)) {
            return std::nullopt;
        }
        return PeerIdentity{key, party_from_text("AAA"), ""};
    };
    handlers.connected = [this](const PeerIdentity& peer) { connected.push_back(peer.link_key); };
    handlers.disconnected = [this](const PeerIdentity& peer) {
        disconnected.push_back(peer.link_key);
    };
    handlers.received = [this](const PeerIdentity& peer, FrameKind kind, Bytes body) {
        frames.push_back({peer.link_key, kind, std::move(body)});
    };
    handlers.not_connected = [this](const PublicKey& /*target*/, LinkRefusal reason) {
        not_connected.insert(reason);
    };
    hub = std::make_unique<LinkHub>(io, std::move(config), m_signer, std::move(handlers));
    hub->start();
}

std::uint64_t TestHub::refused(LinkRefusal reason) const {
    const LinkMetrics metrics = hub->metrics();
    const auto found = metrics.refusals.find(reason);
    return found == metrics.refusals.end() ? 0 : found->second;
}

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// The sockets API takes every kind of address through the one general type.
const sockaddr* general(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

int connected_socket(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(fd, general(address), sizeof address) != 0) {
        throw std::runtime_error{"cannot connect"};
    }
    return fd;
}

}  // namespace

RawPeer::RawPeer(std::uint16_t port, ssl_ctx_st* context)
    : RawPeer{connected_socket(port), context, false} {}

RawPeer::RawPeer(int fd, ssl_ctx_st* context, bool accept) : m_fd{fd} {
    // OpenSSL's own sockets raise SIGPIPE when a hub has hung up on us.
    std::signal(SIGPIPE, SIG_IGN);
    const timeval timeout{2, 0};
    ::setsockopt(m_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(m_fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (context != nullptr) {
        m_tls = SSL_new(context);
        SSL_set_fd(m_tls, m_fd);
        m_tls_ready = (accept ? SSL_accept(m_tls) : SSL_connect(m_tls)) == 1;
    }
}

RawPeer::RawPeer(RawPeer&& other) noexcept
    : m_fd{std::exchange(other.m_fd, -1)},
      m_tls{std::exchange(other.m_tls, nullptr)},
      m_tls_ready{other.m_tls_ready} {}

RawPeer::~RawPeer() {
    SSL_free(m_tls);
    if (m_fd >= 0) {
        ::close(m_fd);
    }
}

ChannelBinding RawPeer::binding() const {
    return channel_binding(m_tls).value_or(ChannelBinding{});
}

bool RawPeer::write(ByteView bytes) {
    std::size_t written{0};
    if (m_tls != nullptr) {
        return SSL_write_ex(m_tls, bytes.data(), bytes.size(), &written) == 1;
    }
    return ::send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

Bytes RawPeer::read(std::size_t length) {
    Bytes result(length);
    std::size_t have{0};
    while (have < length) {
        std::size_t count{0};
        if (m_tls != nullptr) {
            if (SSL_read_ex(m_tls, result.data() + have, length - have, &count) != 1) {
                break;
            }
        } else {
            const ssize_t got = ::recv(m_fd, result.data() + have, length - have, 0);
            if (got <= 0) {
                break;
            }
            count = static_cast<std::size_t>(got);
        }
        have += count;
    }
    result.resize(have);
    return result;
}

bool RawPeer::closed_without_a_word() {
    if (!read(1).empty()) {
        return false;
    }
    char rest{0};
    const ssize_t got = ::recv(m_fd, &rest, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

RawListener::RawListener() : m_fd{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    if (::bind(m_fd, general(address), length) != 0 || ::listen(m_fd, 4) != 0 ||
        ::getsockname(m_fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        throw std::runtime_error{"cannot listen"};
    }
    const timeval timeout{5, 0};
    ::setsockopt(m_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    m_port = ntohs(address.sin_port);
}

RawListener::~RawListener() { ::close(m_fd); }

RawPeer RawListener::accept(ssl_ctx_st* context) {
    const int fd = ::accept(m_fd, nullptr, nullptr);
    if (fd < 0) {
        throw std::runtime_error{"nobody connected"};
    }
    return RawPeer{fd, context, true};
}

Bytes auth_of(std::uint8_t key_number, AuthRole role, const PublicKey& receiver,
              const ChannelBinding& binding) {
    KeySigner signer{secret_key(key_number)};
    AuthContext context;
    context.chain_id = chain_id();
    context.own_key = signer.public_key();
    context.own_role = role;
    context.binding = binding;
    return make_auth(context, receiver, signer);
}

bool authenticate(RawPeer& peer, std::uint8_t key_number, const PublicKey& listener) {
    Bytes ready;
    append_frame(ready, kind_ready, {});
    return peer.write(auth_of(key_number, AuthRole::dialer, listener, peer.binding())) &&
           peer.read(auth_message_bytes).size() == auth_message_bytes && peer.write(ready) &&
           peer.read(frame_header_bytes) == ready;
}

}  // namespace tally::node::test
