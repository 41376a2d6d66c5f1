#include "tests/charger_bridge/ocpp_client.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace tally::bridge::test {

namespace {

constexpr long read_deadline_s{10};

}  // namespace

OcppClient::OcppClient(std::uint16_t port) : m_socket{::socket(AF_INET, SOCK_STREAM, 0)} {
    REQUIRE(m_socket >= 0);
    const timeval deadline{read_deadline_s, 0};
    ::setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    ::setsockopt(m_socket, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

OcppClient::~OcppClient() {
    SSL_free(m_tls);
    ::close(m_socket);
}

bool OcppClient::secure(ssl_ctx_st* context) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets raise it when the server hung up.
    m_tls = SSL_new(context);
    REQUIRE(SSL_set_fd(m_tls, m_socket) == 1);
    return SSL_connect(m_tls) == 1;
}

void OcppClient::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = m_tls != nullptr
                                 ? SSL_write(m_tls, bytes.data(), static_cast<int>(bytes.size()))
                                 : ::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // The server hung up; the test sees it when it reads.
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string OcppClient::shake(const Handshake& handshake) {
    std::string request = "GET " + handshake.path + " HTTP/1.1\r\nHost: bridge\r\n";
    request += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    request += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    request += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    if (!handshake.authorization.empty()) {
        request += "Authorization: " + handshake.authorization + "\r\n";
    }
    if (!handshake.protocols.empty()) {
        request += "Sec-WebSocket-Protocol: " + handshake.protocols + "\r\n";
    }
    write(request + "\r\n");
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        const std::string byte = read_exactly(1);
        if (byte.empty()) {
            break;
        }
        head += byte;
    }
    return head;
}

long OcppClient::read_some(char* into, std::size_t size) {
    errno = 0;
    return m_tls != nullptr ? SSL_read(m_tls, into, static_cast<int>(size))
                            : ::recv(m_socket, into, size, 0);
}

std::string OcppClient::read_exactly(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t done = 0;
    while (done < count) {
        const long got = read_some(bytes.data() + done, count - done);
        if (got <= 0) {
            m_timed_out = got < 0 && errno == EAGAIN;
            return {};
        }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

void OcppClient::send(std::string_view payload, Opcode opcode, bool last) {
    std::string frame;
    frame += static_cast<char>((last ? 0x80 : 0) | static_cast<int>(opcode));
    if (payload.size() < 126) {
        frame += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65'536) {
        frame += static_cast<char>(0x80 | 126);
        frame += static_cast<char>(payload.size() >> 8);
        frame += static_cast<char>(payload.size() & 0xff);
    } else {
        frame += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8) {
            frame += static_cast<char>(payload.size() >> shift & 0xff);
        }
    }
    frame += std::string(4, '\0');  // A mask of zeros leaves the payload as it is.
    frame += payload;
    write(frame);
}

std::string OcppClient::receive() {
    for (;;) {
        const std::string head = read_exactly(2);
        if (head.empty()) {
            return {};
        }
        const auto opcode = static_cast<Opcode>(head[0] & 0x0f);
        std::size_t length = static_cast<std::uint8_t>(head[1]);
        if (length == 126) {
            const std::string more = read_exactly(2);
            length = static_cast<std::uint8_t>(more[0]) * 256U + static_cast<std::uint8_t>(more[1]);
        }
        REQUIRE(length < 65536);
        const std::string payload = length == 0 ? std::string{} : read_exactly(length);
        if (opcode == Opcode::close) {
            return {};
        }
        if (opcode == Opcode::text) {
            return payload;
        }
    }
}

bool OcppClient::is_closed() {
    for (int i = 0; i < 100; ++i) {
        if (receive().empty()) {
            return !m_timed_out;
        }
    }
    return false;
}

std::string OcppClient::ask(const std::string& id, std::string_view text) {
    send(text);
    for (int i = 0; i < 100; ++i) {
        const std::string answer = receive();
        if (answer.empty() || answer.substr(3).starts_with("\"" + id + "\"")) {
            return answer;
        }
        m_kept = answer;
    }
    return {};
}

std::string OcppClient::next_call() {
    return m_kept.empty() ? receive() : std::exchange(m_kept, {});
}

}  // namespace tally::bridge::test
