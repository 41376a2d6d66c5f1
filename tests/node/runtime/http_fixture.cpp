#include "tests/node/runtime/http_fixture.h"

#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <stdexcept>
#include <utility>

namespace tally::node::test {

RunningServer::RunningServer(HttpHandler handler, const HttpLimits& limits)
    : m_server{std::make_unique<HttpServer>(m_io, "127.0.0.1", 0, std::move(handler), limits)},
      m_port{m_server->port()},
      m_thread{[this] {
          const auto guard = asio::make_work_guard(m_io);
          m_io.run();
      }} {}

RunningServer::~RunningServer() {
    asio::post(m_io, [this] {
        m_server.reset();
        m_io.stop();
    });
    m_thread.join();
}

std::string RunningServer::url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(m_port) + target;
}

void RunningServer::on_loop(const std::function<void(HttpServer&)>& work) {
    std::promise<void> done;
    asio::post(m_io, [this, &work, &done] {
        work(*m_server);
        done.set_value();
    });
    done.get_future().wait();
}

HttpCounts RunningServer::counts() {
    HttpCounts counts;
    on_loop([&counts](HttpServer& server) { counts = server.counts(); });
    return counts;
}

RawClient::RawClient(std::uint16_t port) : m_fd{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout{3, 0};
    ::setsockopt(m_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (::connect(m_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error{"cannot connect"};
    }
}

RawClient::RawClient(RawClient&& other) noexcept : m_fd{std::exchange(other.m_fd, -1)} {}

RawClient::~RawClient() {
    if (m_fd >= 0) {
        ::close(m_fd);
    }
}

bool RawClient::send(const std::string& text) {
    return ::send(m_fd, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
}

std::string RawClient::read_until(const std::string& end) {
    std::string text;
    std::array<char, 4096> piece{};
    while (end.empty() || text.find(end) == std::string::npos) {
        const ssize_t count = ::recv(m_fd, piece.data(), piece.size(), 0);
        if (count < 0 && errno == EAGAIN) {
            return text + "(timeout)";
        }
        if (count <= 0) {
            break;
        }
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
}

std::string RawClient::read_all() { return read_until(""); }

std::string say(std::uint16_t port, const std::string& text) {
    RawClient client{port};
    client.send(text);
    return client.read_all();
}

unsigned status_of(const std::string& text) {
    constexpr std::size_t status_at{9};  // "HTTP/1.1 "
    if (text.size() < status_at + 3 || text.rfind("HTTP/1.1 ", 0) != 0) {
        return 0;
    }
    return static_cast<unsigned>(std::stoul(text.substr(status_at, 3)));
}

void echo(const HttpRequest& request, const HttpReply& reply) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + ' ' + request.path + ' ' + request.body;
    reply(std::move(response));
}

}  // namespace tally::node::test
