#pragma once

// A blocking HTTP/1.1 client for tools and tests (plain http only; Beast in http_client.cpp).

#include "ledger/base/expected.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tally::node {

struct HttpClientRequest {
    std::string method{"GET"};
    std::string url;                               ///< "http://host:port/path?query", escaped
    std::string bearer_token;                      ///< empty: no Authorization
    std::string content_type{"application/json"};  ///< sent when there is a body
    std::string body;
    std::map<std::string, std::string> headers;        ///< further ones
    std::chrono::milliseconds deadline{30'000};        ///< from connecting to the last byte
    std::uint64_t body_bytes_max{16UL * 1024 * 1024};  ///< of the response
};

struct HttpClientResponse {
    unsigned status{0};
    std::string content_type;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

/// Why there is no response: a sentence that names the URL. A status of 400 and more is a response.
struct HttpClientError {
    std::string text;
};

/// Receives the body piece by piece; false ends the download, which is then an error.
using HttpBodySink = std::function<bool(std::string_view piece)>;

/// Keeps one connection open between requests to the same host and port. A kept connection that
/// turns out closed before any byte of the response is replaced once, for GET and HEAD only: other
/// methods may have been carried out. One thread at a time.
class HttpClient {
public:
    HttpClient();
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    [[nodiscard]] Expected<HttpClientResponse, HttpClientError> request(
        const HttpClientRequest& request);
    /// As `request`, with the body of a 2xx response going to `sink` (`body` stays empty). Other
    /// bodies are collected as usual.
    [[nodiscard]] Expected<HttpClientResponse, HttpClientError> download(
        const HttpClientRequest& request, const HttpBodySink& sink);

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

/// One request on a connection of its own.
[[nodiscard]] Expected<HttpClientResponse, HttpClientError> http_request(
    const HttpClientRequest& request);
[[nodiscard]] Expected<HttpClientResponse, HttpClientError> http_download(
    const HttpClientRequest& request, const HttpBodySink& sink);

}  // namespace tally::node
