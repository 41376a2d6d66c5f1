#pragma once

#include "ledger/base/expected.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

inline constexpr std::size_t http_target_bytes_max{4096};
inline constexpr std::size_t http_query_fields_max{32};

/// Why a request target is refused (400).
enum class HttpTargetError : std::uint8_t {
    too_long,
    not_a_path,     ///< does not start with '/': absolute URLs and "*" are for proxies
    bad_escape,     ///< '%' without two hexadecimal digits
    bad_character,  ///< a control character, space or '#', or one of them escaped
    dot_segment,    ///< "." or ".." between slashes, also when escaped
    too_many_fields,
};
[[nodiscard]] const char* to_text(HttpTargetError error);

struct HttpTarget {
    std::string path;                          ///< decoded
    std::map<std::string, std::string> query;  ///< decoded; the last of repeated names
};

/// Reads an origin-form request target (RFC 9112, 3.2.1), hostile until proven otherwise.
[[nodiscard]] Expected<HttpTarget, HttpTargetError> parse_http_target(std::string_view target);

/// The token of "Bearer TOKEN" (the scheme in any case); empty when it is something else.
[[nodiscard]] std::string bearer_token_of(std::string_view authorization);

/// The parts of "http://host[:port][/path]"; the path keeps its escapes and its query.
struct HttpUrl {
    std::string host;  ///< without brackets
    std::uint16_t port{80};
    std::string target{"/"};
};
/// Nothing for other schemes, user names in the URL, or an impossible port.
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view url);
/// Escapes everything but unreserved characters, for one segment of a path or a query value.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace tally::node
