#pragma once

// What the parts of the HTTP interface share: answers, errors and query parameters.

#include "node/runtime/http_server.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

[[nodiscard]] HttpResponse json_response(const boost::json::object& body, unsigned status = 200);
/// application/octet-stream.
[[nodiscard]] HttpResponse bytes_response(ByteView body);
[[nodiscard]] HttpResponse not_found(const std::string& what);
[[nodiscard]] HttpResponse bad_parameter(const std::string& name, const std::string& rule);

/// Text of the client's own in an answer: what is not printable ASCII becomes '?', for JSON must be
/// UTF-8 and a decoded path need not be.
[[nodiscard]] std::string printable(std::string text);

/// A whole number, and nothing else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);
/// A query parameter as a number, or the fallback when it is absent.
[[nodiscard]] std::optional<std::uint64_t> query_number(const HttpRequest& request,
                                                        const std::string& name,
                                                        std::uint64_t fallback);

}  // namespace tally::node
