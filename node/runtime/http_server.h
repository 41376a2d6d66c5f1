#pragma once

// The HTTP/1.1 server that node and bridge share (Boost.Beast inside http_server.cpp only).

#include "ledger/base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace tally::node {

inline constexpr std::size_t http_header_bytes_max{8UL * 1024};
inline constexpr std::size_t http_body_bytes_max{1024UL * 1024};  ///< one envelope and its framing
inline constexpr std::size_t http_connections_max{512};
/// Most items of any list that a page of the API gives.
inline constexpr std::size_t http_list_items_max{100};

struct HttpRequest {
    std::string method;                        ///< "GET", "POST"
    std::string path;                          ///< decoded, without the query
    std::map<std::string, std::string> query;  ///< decoded; the last of repeated names
    std::string bearer_token;                  ///< of the Authorization header, empty when none
    std::string content_type;
    std::string body;
};

struct HttpResponse {
    unsigned status{200};
    std::string content_type{"application/json"};
    std::string body;
    /// When set, the body is this file from `file_offset`, at most `file_length` bytes; `body` is
    /// ignored. Sent in pieces, so that a segment of any size takes little memory.
    std::string file_path;
    std::uint64_t file_offset{0};
    std::uint64_t file_length{0};
};

/// Called on the io_context's thread. `reply` must be called exactly once, now or later, on the
/// same thread; the server answers 504 by itself after `http_reply_deadline`.
using HttpReply = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest&, HttpReply)>;
inline constexpr std::chrono::seconds http_reply_deadline{30};
inline constexpr std::chrono::seconds http_header_deadline{10};
inline constexpr std::chrono::seconds http_body_deadline{15};

class HttpServer {
public:
    /// Listens at once; throws std::system_error when the port is taken. `port` 0 picks one.
    HttpServer(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
               HttpHandler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// Stops accepting and closes idle connections.
    void stop();

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

/// {"error": {"code": ..., "message": ...}} with the given status.
[[nodiscard]] HttpResponse http_error(unsigned status, const std::string& code,
                                      const std::string& message);

}  // namespace tally::node
