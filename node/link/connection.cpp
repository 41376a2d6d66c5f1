#include "node/link/connection.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "node/link/frame_codec.h"
#include "node/link/read_pace.h"
#include "node/link/tls_context.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>

#include <array>
#include <utility>
#include <vector>

namespace tally::node {

using asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t read_piece_bytes{32UL * 1024};
/// Buffers that a burst has grown beyond this are given back afterwards.
constexpr std::size_t idle_buffer_bytes_max{1024UL * 1024};
constexpr std::chrono::seconds shut_down_deadline{1};

class TlsConnection final : public Connection {
public:
    TlsConnection(asio::io_context& io, const ConnectionSettings& settings, tcp::socket socket,
                  ConnectionOwner& owner)
        : m_io{io},
          m_settings{settings},
          m_owner{&owner},
          m_stream{std::move(socket), SSL_new(settings.listener_tls)},
          m_deadline{io} {}

    TlsConnection(asio::io_context& io, const ConnectionSettings& settings,
                  const DialTarget& target, ConnectionOwner& owner)
        : m_io{io},
          m_settings{settings},
          m_owner{&owner},
          m_target{target},
          m_peer{target.link_key},
          m_stream{tcp::socket{io}, SSL_new(settings.dialer_tls)},
          m_deadline{io} {}

    void start() override {
        m_deadline.expires_after(m_settings.config.handshake_deadline);
        m_deadline.async_wait([weak = weak_self()](const ErrorCode& error) {
            const std::shared_ptr<TlsConnection> self = weak.lock();
            if (self && !error && !self->m_open) {
                self->close(LinkRefusal::deadline);
            }
        });
        asio::co_spawn(m_io, run(shared_self()), asio::detached);
    }

    Queued send(std::uint8_t kind, ByteView body) override;
    void tick(steady_clock::time_point now) override;
    void forgive_silence(steady_clock::time_point now) override { m_heard = now; }
    void close(LinkRefusal reason) override;
    void shut_down() override;
    void abandon() override {
        m_owner = nullptr;
        close(LinkRefusal::stopped);
    }

    [[nodiscard]] bool dialed_by_us() const override { return m_target.has_value(); }
    [[nodiscard]] const PublicKey& peer_key() const override { return m_peer; }
    [[nodiscard]] std::uint64_t peer_features() const override { return m_peer_features; }
    [[nodiscard]] std::size_t queued_bytes() const override {
        return m_pending.size() + m_writing.size();
    }
    [[nodiscard]] std::uint64_t writes() const override { return m_writes; }
    [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() const override {
        return m_round_trip;
    }

private:
    using Self = std::shared_ptr<TlsConnection>;
    using Refused = std::optional<LinkRefusal>;

    [[nodiscard]] Self shared_self() {
        return std::static_pointer_cast<TlsConnection>(shared_from_this());
    }
    [[nodiscard]] std::weak_ptr<TlsConnection> weak_self() { return shared_self(); }

    static asio::awaitable<void> run(Self self);
    asio::awaitable<Refused> establish();
    asio::awaitable<Refused> connect();
    asio::awaitable<Refused> start_tls();
    asio::awaitable<Refused> dialer_auth();
    asio::awaitable<Refused> listener_auth();
    asio::awaitable<Refused> write_bytes(Bytes bytes);
    asio::awaitable<Refused> read_ready();
    asio::awaitable<Expected<Bytes, LinkRefusal>> read_exactly(std::size_t length);
    asio::awaitable<LinkRefusal> read_frames();

    [[nodiscard]] AuthAdmission admission();
    [[nodiscard]] Refused become_ready();
    bool take_frame(std::uint8_t kind, Bytes body);
    void take_pong(ByteView body);
    void flush_soon();
    void flush();
    void written(const ErrorCode& error);
    void close_socket();

    asio::io_context& m_io;
    const ConnectionSettings& m_settings;
    ConnectionOwner* m_owner;  ///< null: abandoned
    std::optional<DialTarget> m_target;
    PublicKey m_peer;
    std::uint64_t m_peer_features{0};
    AuthContext m_auth;
    asio::ssl::stream<tcp::socket> m_stream;
    asio::steady_timer m_deadline;
    asio::steady_timer m_paused{m_io};
    tcp::resolver m_resolver{m_io};

    bool m_open{false};  ///< READY and not ended
    bool m_closed{false};
    bool m_shutting_down{false};
    LinkRefusal m_reason{LinkRefusal::transport_failed};

    FrameReader m_reader;
    ReadPace m_pace{m_settings.config.consensus_frames_per_second, steady_clock::now()};
    Bytes m_pending;
    Bytes m_writing;
    bool m_flush_posted{false};
    std::uint64_t m_writes{0};
    steady_clock::time_point m_heard;
    steady_clock::time_point m_pinged;
    std::optional<std::chrono::microseconds> m_round_trip;
};

asio::awaitable<void> TlsConnection::run(Self self) {
    const Refused refused = co_await self->establish();
    if (refused) {
        self->close(*refused);
    } else {
        const LinkRefusal reason = co_await self->read_frames();
        self->close(reason);
    }
    self->m_open = false;
    if (self->m_owner != nullptr) {
        std::exchange(self->m_owner, nullptr)->ended(*self, self->m_reason);
    }
}

asio::awaitable<TlsConnection::Refused> TlsConnection::establish() {
    if (m_target) {
        if (const Refused refused = co_await connect()) {
            co_return refused;
        }
    }
    ErrorCode ignored;
    m_stream.next_layer().set_option(tcp::no_delay{true}, ignored);
    if (const Refused refused = co_await start_tls()) {
        co_return refused;
    }
    if (m_target) {
        co_return co_await dialer_auth();
    }
    co_return co_await listener_auth();
}

asio::awaitable<TlsConnection::Refused> TlsConnection::connect() {
    ErrorCode error;
    const asio::ip::address address = asio::ip::make_address(m_target->host, error);
    if (!error) {  // No name to look up, so no resolver thread.
        const tcp::endpoint endpoint{address, m_target->port};
        co_await m_stream.next_layer().async_connect(endpoint, await_into(error));
    } else {
        const std::string port = std::to_string(m_target->port);
        const auto found =
            co_await m_resolver.async_resolve(m_target->host, port, await_into(error));
        if (error) {
            co_return LinkRefusal::name_not_found;
        }
        co_await asio::async_connect(m_stream.next_layer(), found, await_into(error));
    }
    if (error == asio::error::connection_refused) {
        co_return LinkRefusal::connection_refused;
    }
    if (error || m_closed) {
        co_return LinkRefusal::unreachable;
    }
    co_return std::nullopt;
}

asio::awaitable<TlsConnection::Refused> TlsConnection::start_tls() {
    ErrorCode error;
    const auto side = m_target ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
    co_await m_stream.async_handshake(side, await_into(error));
    if (error || m_closed) {
        co_return LinkRefusal::tls_failed;
    }
    if (!negotiated_our_protocol(m_stream.native_handle())) {
        co_return LinkRefusal::no_alpn;
    }
    const std::optional<ChannelBinding> binding = channel_binding(m_stream.native_handle());
    if (!binding) {
        co_return LinkRefusal::tls_failed;
    }
    m_auth.chain_id = m_settings.config.chain_id;
    m_auth.own_key = m_settings.signer.public_key();
    m_auth.own_role = m_target ? AuthRole::dialer : AuthRole::listener;
    m_auth.features = m_settings.config.features;
    m_auth.binding = *binding;
    co_return std::nullopt;
}

AuthAdmission TlsConnection::admission() {
    return [this](const PublicKey& key) -> Refused {
        if (m_target && key != m_target->link_key) {
            return LinkRefusal::wrong_peer;
        }
        if (m_owner == nullptr || m_closed) {
            return LinkRefusal::stopped;
        }
        return m_owner->admission(key, dialed_by_us());
    };
}

asio::awaitable<TlsConnection::Refused> TlsConnection::dialer_auth() {
    Bytes auth1 = make_auth(m_auth, m_target->link_key, m_settings.signer);
    if (const Refused refused = co_await write_bytes(std::move(auth1))) {
        co_return refused;
    }
    const Expected<Bytes, LinkRefusal> auth2 = co_await read_exactly(auth_message_bytes);
    if (!auth2) {
        co_return auth2.error();
    }
    const auto peer = check_auth(m_auth, *auth2, admission());
    if (!peer) {
        co_return peer.error();
    }
    m_peer_features = peer->features;
    Bytes ready;
    append_frame(ready, kind_ready, {});
    if (const Refused refused = co_await write_bytes(std::move(ready))) {
        co_return refused;
    }
    if (const Refused refused = co_await read_ready()) {
        co_return refused;
    }
    co_return become_ready();
}

asio::awaitable<TlsConnection::Refused> TlsConnection::listener_auth() {
    const Expected<Bytes, LinkRefusal> auth1 = co_await read_exactly(auth_message_bytes);
    if (!auth1) {
        co_return auth1.error();
    }
    const auto peer = check_auth(m_auth, *auth1, admission());
    if (!peer) {
        co_return peer.error();
    }
    m_peer = peer->sender;
    m_peer_features = peer->features;
    Bytes auth2 = make_auth(m_auth, m_peer, m_settings.signer);
    if (const Refused refused = co_await write_bytes(std::move(auth2))) {
        co_return refused;
    }
    if (const Refused refused = co_await read_ready()) {
        co_return refused;
    }
    // Membership and the other connections may have changed since AUTH1.
    if (const Refused refused = admission()(m_peer)) {
        co_return refused;
    }
    Bytes ready;
    append_frame(ready, kind_ready, {});
    if (const Refused refused = co_await write_bytes(std::move(ready))) {
        co_return refused;
    }
    co_return become_ready();
}

TlsConnection::Refused TlsConnection::become_ready() {
    if (m_owner == nullptr || m_closed) {
        return LinkRefusal::stopped;
    }
    m_deadline.cancel();
    m_heard = steady_clock::now();
    m_pinged = m_heard;
    m_open = true;
    const Refused refused = m_owner->ready(*this);
    if (refused) {
        m_open = false;
    }
    return refused;
}

asio::awaitable<TlsConnection::Refused> TlsConnection::write_bytes(Bytes bytes) {
    ErrorCode error;
    co_await asio::async_write(m_stream, asio::buffer(bytes), await_into(error));
    if (error || m_closed) {
        co_return LinkRefusal::cut_off;
    }
    co_return std::nullopt;
}

asio::awaitable<Expected<Bytes, LinkRefusal>> TlsConnection::read_exactly(std::size_t length) {
    Bytes bytes(length);
    ErrorCode error;
    co_await asio::async_read(m_stream, asio::buffer(bytes), await_into(error));
    if (error || m_closed) {
        co_return Unexpected{LinkRefusal::cut_off};
    }
    co_return bytes;
}

asio::awaitable<TlsConnection::Refused> TlsConnection::read_ready() {
    const Expected<Bytes, LinkRefusal> bytes = co_await read_exactly(frame_header_bytes);
    if (!bytes) {
        co_return bytes.error();
    }
    Bytes expected;
    append_frame(expected, kind_ready, {});
    if (*bytes != expected) {
        co_return LinkRefusal::not_ready;
    }
    co_return std::nullopt;
}

asio::awaitable<LinkRefusal> TlsConnection::read_frames() {
    std::vector<std::uint8_t> piece(read_piece_bytes);
    const FrameReader::Sink sink = [this](std::uint8_t kind, Bytes body) {
        return take_frame(kind, std::move(body));
    };
    while (m_open) {
        ErrorCode error;
        const std::size_t received =
            co_await m_stream.async_read_some(asio::buffer(piece), await_into(error));
        if (error) {
            const bool orderly = error == asio::error::eof ||
                                 error == asio::ssl::error::stream_truncated ||
                                 error == asio::error::connection_reset;
            co_return orderly ? LinkRefusal::closed_by_peer : LinkRefusal::transport_failed;
        }
        m_heard = steady_clock::now();
        const ByteView bytes{piece.data(), received};
        if (const Refused refused = m_reader.feed(bytes, sink)) {
            co_return *refused;
        }
        if (const auto pause = m_pace.pause(steady_clock::now()); pause.count() != 0) {
            m_paused.expires_after(pause);
            co_await m_paused.async_wait(await_into(error));
            m_heard = steady_clock::now();  // It was we who did not listen.
        }
    }
    co_return m_reason;
}

/// False ends reading: the connection was closed by what the frame caused.
bool TlsConnection::take_frame(std::uint8_t kind, Bytes body) {
    switch (kind) {
        case kind_ping:
            if (body.size() == ping_bytes) {
                send(kind_pong, body);
            } else {
                close(LinkRefusal::malformed_control);
            }
            break;
        case kind_pong:
            take_pong(body);
            break;
        case kind_ready:
            close(LinkRefusal::malformed_control);  // Said twice.
            break;
        default:
            if (kind == static_cast<std::uint8_t>(FrameKind::consensus)) {
                m_pace.took_frame();
            }
            if (m_owner != nullptr) {
                m_owner->received(*this, kind, std::move(body));
            }
            break;
    }
    return m_open && m_owner != nullptr;
}

void TlsConnection::take_pong(ByteView body) {
    Decoder decoder{body};
    const auto sent = std::chrono::microseconds{decoder.i64()};
    if (!decoder.finished()) {
        close(LinkRefusal::malformed_control);
        return;
    }
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        steady_clock::now().time_since_epoch());
    if (sent.count() >= 0 && sent <= now) {  // The peer could send any number back.
        m_round_trip = now - sent;
    }
}

Connection::Queued TlsConnection::send(std::uint8_t kind, ByteView body) {
    if (!m_open || m_shutting_down) {
        return Queued::not_open;
    }
    if (queued_bytes() + frame_header_bytes + body.size() > outbound_bytes_max) {
        return Queued::full;
    }
    append_frame(m_pending, kind, body);
    flush_soon();
    return Queued::yes;
}

/// Frames sent in the same turn of the event loop share one TLS write.
void TlsConnection::flush_soon() {
    if (m_flush_posted || !m_writing.empty()) {
        return;
    }
    m_flush_posted = true;
    asio::post(m_io, [weak = weak_self()] {
        if (const Self self = weak.lock()) {
            self->m_flush_posted = false;
            self->flush();
        }
    });
}

void TlsConnection::flush() {
    if (m_closed || m_shutting_down || m_pending.empty() || !m_writing.empty()) {
        return;
    }
    m_writing.swap(m_pending);
    if (++m_writes % m_settings.config.writes_per_key_max == 0) {
        request_key_update(m_stream.native_handle());
    }
    asio::async_write(
        m_stream, asio::buffer(m_writing),
        [self = shared_self()](const ErrorCode& error, std::size_t) { self->written(error); });
}

void TlsConnection::written(const ErrorCode& error) {
    m_writing.clear();
    if (m_writing.capacity() > idle_buffer_bytes_max && m_pending.empty()) {
        m_writing.shrink_to_fit();
        m_pending.shrink_to_fit();
    }
    if (error) {
        close(LinkRefusal::transport_failed);
    } else {
        flush();
    }
}

void TlsConnection::tick(steady_clock::time_point now) {
    if (!m_open) {
        return;
    }
    if (now - m_heard > m_settings.config.silence_max) {
        close(LinkRefusal::silent);
        return;
    }
    if (now - m_pinged >= m_settings.config.heartbeat_interval) {
        m_pinged = now;
        const auto stamp =
            std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
        Encoder encoder;
        encoder.i64(stamp.count());
        send(kind_ping, encoder.bytes());  // A full queue says as much as a ping.
    }
}

void TlsConnection::close(LinkRefusal reason) {
    if (m_closed) {
        return;
    }
    m_closed = true;
    m_open = false;
    m_reason = reason;
    close_socket();
}

void TlsConnection::close_socket() {
    ErrorCode ignored;
    m_deadline.cancel();
    m_paused.cancel();
    m_resolver.cancel();
    m_stream.next_layer().close(ignored);
}

void TlsConnection::shut_down() {
    m_owner = nullptr;
    if (!m_open || !m_writing.empty()) {  // Mid-write there is no room for a close_notify.
        close(LinkRefusal::stopped);
        return;
    }
    m_shutting_down = true;
    m_deadline.expires_after(shut_down_deadline);
    m_deadline.async_wait([weak = weak_self()](const ErrorCode& error) {
        const Self self = weak.lock();
        if (self && !error) {
            self->close(LinkRefusal::stopped);
        }
    });
    m_stream.async_shutdown(
        [self = shared_self()](const ErrorCode&) { self->close(LinkRefusal::stopped); });
}

}  // namespace

std::shared_ptr<Connection> make_dialed_connection(asio::io_context& io,
                                                   const ConnectionSettings& settings,
                                                   const DialTarget& target,
                                                   ConnectionOwner& owner) {
    return std::make_shared<TlsConnection>(io, settings, target, owner);
}

std::shared_ptr<Connection> make_accepted_connection(asio::io_context& io,
                                                     const ConnectionSettings& settings,
                                                     tcp::socket socket, ConnectionOwner& owner) {
    return std::make_shared<TlsConnection>(io, settings, std::move(socket), owner);
}

}  // namespace tally::node
