#pragma once

// A charger's connection, plain or under TLS, as Boost.Beast's websocket wants its lower layer. For
// websocket_server.cpp.

#include "charger_bridge/server/tls_session.h"
#include "node/runtime/asio.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace tally::bridge {

namespace asio = boost::asio;

/// Reads and writes one socket; TLS calls are repeated whenever the socket is ready again. At most
/// one read and one write at a time, on the io_context's thread. Closing the socket ends both.
class ChargerStream {
public:
    using Socket = boost::asio::ip::tcp::socket;
    using executor_type = Socket::executor_type;
    using next_layer_type = Socket;

    /// No settings: plain.
    ChargerStream(Socket socket, const std::shared_ptr<const ServerTls>& settings)
        : m_socket{std::move(socket)} {
        if (settings) {
            node::ErrorCode ignored;  // A socket that cannot be made so fails in its first read.
            m_socket.non_blocking(true, ignored);
            m_tls = std::make_unique<TlsSession>(settings, m_socket.native_handle());
        }
    }

    [[nodiscard]] executor_type get_executor() { return m_socket.get_executor(); }
    [[nodiscard]] Socket& next_layer() { return m_socket; }
    [[nodiscard]] const Socket& next_layer() const { return m_socket; }
    [[nodiscard]] bool is_encrypted() const { return m_tls != nullptr; }
    [[nodiscard]] std::optional<CertificateNames> client() const {
        return m_tls ? m_tls->client() : std::nullopt;
    }
    void close_notify() {
        if (m_tls && m_socket.is_open()) {
            m_tls->close_notify();
        }
    }

    /// Completes with (error, 0). Only under TLS.
    template <typename Token>
    auto async_handshake(Token&& token) {
        const auto attempt = [this] { return m_tls->handshake(); };
        return run(attempt, std::forward<Token>(token));
    }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        const auto attempt = [this, buffers] {
            for (auto at = asio::buffer_sequence_begin(buffers);
                 at != asio::buffer_sequence_end(buffers); ++at) {
                const asio::mutable_buffer part{*at};
                if (part.size() != 0) {
                    return m_tls->read({static_cast<std::uint8_t*>(part.data()), part.size()});
                }
            }
            return TlsSession::Progress{TlsSession::Outcome::done, 0};
        };
        if (m_tls) {
            return run(attempt, std::forward<Token>(token));
        }
        return m_socket.async_read_some(buffers, std::forward<Token>(token));
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        const auto attempt = [this, buffers] {
            // Header and payload of a frame go into one record.
            std::array<std::uint8_t, record_bytes_max> record;
            const std::size_t size = asio::buffer_copy(asio::buffer(record), buffers);
            if (size == 0) {
                return TlsSession::Progress{TlsSession::Outcome::done, 0};
            }
            return m_tls->write({record.data(), size});
        };
        if (m_tls) {
            return run(attempt, std::forward<Token>(token));
        }
        return m_socket.async_write_some(buffers, std::forward<Token>(token));
    }

private:
    static constexpr std::size_t record_bytes_max{4096};

    /// Tries, waits for the socket, tries again.
    template <typename Attempt>
    struct Operation {
        ChargerStream* stream;
        Attempt attempt;
        std::optional<TlsSession::Progress> result{};
        bool waited{false};

        template <typename Self>
        void operator()(Self& self, const node::ErrorCode& error = {}) {
            if (error || !stream->m_socket.is_open()) {
                self.complete(error ? error : node::ErrorCode{asio::error::operation_aborted}, 0);
                return;
            }
            if (!result) {
                result = attempt();
            }
            Socket& socket = stream->m_socket;
            switch (result->outcome) {
                case TlsSession::Outcome::want_read:
                case TlsSession::Outcome::want_write: {
                    const auto what = result->outcome == TlsSession::Outcome::want_read
                                          ? Socket::wait_read
                                          : Socket::wait_write;
                    result.reset();
                    waited = true;
                    socket.async_wait(what, std::move(self));
                    return;
                }
                case TlsSession::Outcome::done:
                case TlsSession::Outcome::closed:
                case TlsSession::Outcome::failed:
                    break;
            }
            if (!waited) {  // Nobody may be called back from inside the call that asked.
                waited = true;
                asio::post(socket.get_executor(), std::move(self));
                return;
            }
            self.complete(error_of(result->outcome), result->bytes);
        }

        static node::ErrorCode error_of(TlsSession::Outcome outcome) {
            if (outcome == TlsSession::Outcome::done) {
                return {};
            }
            return outcome == TlsSession::Outcome::closed
                       ? node::ErrorCode{asio::error::eof}
                       : node::ErrorCode{asio::error::connection_aborted};
        }
    };

    template <typename Attempt, typename Token>
    auto run(const Attempt& attempt, Token&& token) {
        return asio::async_compose<Token, void(node::ErrorCode, std::size_t)>(
            Operation<Attempt>{this, attempt}, token, m_socket);
    }

    Socket m_socket;
    std::unique_ptr<TlsSession> m_tls;
};

}  // namespace tally::bridge
