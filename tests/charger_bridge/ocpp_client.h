#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace tally::bridge::test {

/// A charger as bytes on a socket: says exactly what the test wants, right or wrong. Blocking, with
/// a deadline on every read. Fails the test when it cannot connect.
class OcppClient {
public:
    explicit OcppClient(std::uint16_t port);
    ~OcppClient();
    OcppClient(const OcppClient&) = delete;
    OcppClient& operator=(const OcppClient&) = delete;

    /// From here on under TLS; false when the handshake fails.
    [[nodiscard]] bool secure(ssl_ctx_st* context);
    /// Null without TLS.
    [[nodiscard]] ssl_st* tls() const { return m_tls; }

    struct Handshake {
        std::string path{"/ocpp/CP1"};
        std::string authorization{"Basic Q1AxOnNlY3JldA=="};  ///< CP1:secret
        std::string protocols{"ocpp1.6"};
    };
    /// Sends the handshake and gives the head of the response.
    std::string shake(const Handshake& handshake);
    void write(std::string_view bytes);

    enum class Opcode : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9 };
    void send(std::string_view payload, Opcode opcode = Opcode::text, bool last = true);
    /// The next text; answers pings on the way. Empty when the server closed.
    std::string receive();
    /// True when the server ends the connection before the deadline, whatever it sends before.
    bool is_closed();
    /// Sends a text and gives the answer with the same id; calls of the server are kept.
    std::string ask(const std::string& id, std::string_view text);
    /// The next CALL of the server, or one kept by `ask`.
    std::string next_call();

private:
    std::string read_exactly(std::size_t count);
    [[nodiscard]] long read_some(char* into, std::size_t size);
    int m_socket{-1};
    ssl_st* m_tls{nullptr};
    bool m_timed_out{false};
    std::string m_kept;
};

}  // namespace tally::bridge::test
