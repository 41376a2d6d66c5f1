#pragma once

// An HTTP server on loopback with its loop in a thread, and a blocking raw socket to abuse it.

#include "node/runtime/asio.h"
#include "node/runtime/http_server.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace tally::node::test {

/// A server on its own loop; the handler runs on that loop's thread.
class RunningServer {
public:
    explicit RunningServer(HttpHandler handler, const HttpLimits& limits = {});
    ~RunningServer();
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return m_port; }
    [[nodiscard]] std::string url(const std::string& target) const;
    /// Runs `work` on the loop and waits for it.
    void on_loop(const std::function<void(HttpServer&)>& work);
    [[nodiscard]] HttpCounts counts();
    [[nodiscard]] asio::io_context& io() { return m_io; }

private:
    asio::io_context m_io;
    std::unique_ptr<HttpServer> m_server;
    std::uint16_t m_port{0};
    std::thread m_thread;
};

/// A plain socket that sends what it is told and reads what comes, for at most three seconds.
class RawClient {
public:
    explicit RawClient(std::uint16_t port);
    ~RawClient();
    RawClient(RawClient&& other) noexcept;
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    RawClient& operator=(RawClient&&) = delete;

    bool send(const std::string& text);
    /// Until the server closes.
    [[nodiscard]] std::string read_all();
    /// Until `end` was read, or the server closes.
    [[nodiscard]] std::string read_until(const std::string& end);

private:
    int m_fd;
};

/// One raw request on a connection of its own: everything the server says until it closes.
[[nodiscard]] std::string say(std::uint16_t port, const std::string& text);
/// The status of the first response in `text`, 0 when there is none.
[[nodiscard]] unsigned status_of(const std::string& text);
/// Answers 200 with "METHOD path body".
void echo(const HttpRequest& request, const HttpReply& reply);

}  // namespace tally::node::test
