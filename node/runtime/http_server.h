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
/// Connections beyond the cap that are still told 503; what comes on top is closed unanswered.
inline constexpr std::size_t http_refusals_max{64};
inline constexpr std::size_t http_connections_per_address_max{64};  ///< loopback is exempt
/// Most items of any list that a page of the API gives.
inline constexpr std::size_t http_list_items_max{100};

struct HttpRequest {
    std::string method;  ///< "GET", "POST"; HEAD arrives as GET and the server drops the body
    std::string path;    ///< decoded, without the query
    std::map<std::string, std::string> query;  ///< decoded; the last of repeated names
    std::string bearer_token;                  ///< of the Authorization header, empty when none
    std::string content_type;
    std::string body;
    std::string remote_address;  ///< of the client's socket, without the port
};

struct HttpResponse {
    unsigned status{200};
    std::string content_type{"application/json"};
    std::string body;
    /// When set, the body is this file from `file_offset`, at most `file_length` bytes; `body` is
    /// ignored. Sent in pieces, so that a segment of any size takes little memory.
    std::string file_path;
    std::uint64_t file_offset{0};
    std::uint64_t file_length{UINT64_MAX};
    /// Further header fields. Names and values must hold no control characters.
    std::map<std::string, std::string> headers;
};

/// Called on the io_context's thread. `reply` must be called exactly once, now or later, on the
/// same thread; the server answers 504 by itself after `http_reply_deadline`, and ignores a reply
/// that comes later or twice. A handler that throws is answered 500.
using HttpReply = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest&, HttpReply)>;
inline constexpr std::chrono::seconds http_reply_deadline{30};
inline constexpr std::chrono::seconds http_header_deadline{10};
inline constexpr std::chrono::seconds http_body_deadline{15};
inline constexpr std::chrono::seconds http_write_deadline{30};  ///< per response or piece of a file
inline constexpr std::chrono::seconds http_idle_deadline{60};   ///< between requests

/// The bounds of one server; tests shorten them.
struct HttpLimits {
    std::size_t body_bytes_max{http_body_bytes_max};
    std::size_t connections_max{http_connections_max};
    std::size_t connections_per_address_max{http_connections_per_address_max};
    std::chrono::milliseconds header_deadline{http_header_deadline};
    std::chrono::milliseconds body_deadline{http_body_deadline};
    std::chrono::milliseconds reply_deadline{http_reply_deadline};
    std::chrono::milliseconds write_deadline{http_write_deadline};
    std::chrono::milliseconds idle_deadline{http_idle_deadline};
};

/// What a server has seen, for metrics.
struct HttpCounts {
    std::size_t connections{0};                ///< open now
    std::uint64_t requests{0};                 ///< handed to the handler
    std::map<unsigned, std::uint64_t> status;  ///< responses by status code
};

/// Answers HTTP/1.1 with keep-alive and pipelining.
///
/// Every deadline is absolute: a client that sends a byte now and then does not extend it. Wrong
/// requests are answered and cut off without reaching the handler: 400 (syntax, ambiguous length,
/// bad target), 408 (too slow), 411 (Transfer-Encoding), 413 (body), 431 (header), 503 (too many
/// connections). Requests of one connection are handled one after the other.
/// One io_context thread; all members are called there.
class HttpServer {
public:
    /// Listens at once; throws std::system_error when the port is taken. `port` 0 picks one.
    HttpServer(boost::asio::io_context& io, const std::string& host, std::uint16_t port,
               HttpHandler handler, const HttpLimits& limits = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] HttpCounts counts() const;
    /// Stops accepting and closes idle connections; requests under way are still answered.
    void stop();

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

/// {"error": {"code": ..., "message": ...}} with the given status.
[[nodiscard]] HttpResponse http_error(unsigned status, const std::string& code,
                                      const std::string& message);

}  // namespace tally::node
