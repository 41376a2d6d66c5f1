#include "node/runtime/http_target.h"

#include <algorithm>
#include <charconv>

namespace tally::node {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Decodes one part of a target; in queries '+' is a space.
Expected<std::string, HttpTargetError> decode(std::string_view text, bool plus_is_space) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == ' ' || c == '#') {
            return Unexpected{HttpTargetError::bad_character};
        }
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return Unexpected{HttpTargetError::bad_escape};
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (is_control(c)) {
            return Unexpected{HttpTargetError::bad_character};
        }
        result += c;
    }
    return result;
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") {
            return true;
        }
        path.remove_prefix(segment.size());
    }
    return false;
}

Expected<Done, HttpTargetError> parse_query(std::string_view query, HttpTarget& target) {
    std::size_t fields{0};
    while (!query.empty()) {
        const std::string_view field = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), field.size() + 1));
        if (field.empty()) {
            continue;
        }
        if (++fields > http_query_fields_max) {
            return Unexpected{HttpTargetError::too_many_fields};
        }
        const std::size_t equals = std::min(field.find('='), field.size());
        const auto name = decode(field.substr(0, equals), true);
        const auto value = decode(field.substr(std::min(equals + 1, field.size())), true);
        if (!name || !value) {
            return Unexpected{name ? value.error() : name.error()};
        }
        target.query[*name] = *value;
    }
    return Done{};
}

}  // namespace

const char* to_text(HttpTargetError error) {
    switch (error) {
        case HttpTargetError::too_long:
            return "the request target is too long";
        case HttpTargetError::not_a_path:
            return "the request target must start with '/'";
        case HttpTargetError::bad_escape:
            return "'%' must be followed by two hexadecimal digits";
        case HttpTargetError::bad_character:
            return "the request target holds a character that is not allowed";
        case HttpTargetError::dot_segment:
            return "the path must not hold '.' or '..' segments";
        case HttpTargetError::too_many_fields:
            return "the query has too many fields";
    }
    return "unknown";
}

Expected<HttpTarget, HttpTargetError> parse_http_target(std::string_view target) {
    if (target.size() > http_target_bytes_max) {
        return Unexpected{HttpTargetError::too_long};
    }
    if (target.empty() || target.front() != '/') {
        return Unexpected{HttpTargetError::not_a_path};
    }
    const std::size_t question = std::min(target.find('?'), target.size());
    const auto path = decode(target.substr(0, question), false);
    if (!path) {
        return Unexpected{path.error()};
    }
    HttpTarget result;
    result.path = *path;
    if (has_dot_segment(result.path)) {
        return Unexpected{HttpTargetError::dot_segment};
    }
    const auto query = parse_query(target.substr(std::min(question + 1, target.size())), result);
    if (!query) {
        return Unexpected{query.error()};
    }
    return result;
}

std::string bearer_token_of(std::string_view authorization) {
    constexpr std::string_view scheme{"bearer "};
    if (authorization.size() <= scheme.size()) {
        return {};
    }
    const bool is_bearer =
        std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char want, char c) {
            return want == (c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
        });
    return is_bearer ? std::string{authorization.substr(scheme.size())} : std::string{};
}

std::optional<HttpUrl> parse_http_url(std::string_view url) {
    constexpr std::string_view scheme{"http://"};
    if (url.substr(0, scheme.size()) != scheme) {
        return std::nullopt;
    }
    url.remove_prefix(scheme.size());
    const std::size_t slash = std::min(url.find_first_of("/?"), url.size());
    std::string_view authority = url.substr(0, slash);
    HttpUrl result;
    result.target = std::string{url.substr(slash)};
    if (result.target.empty() || result.target.front() != '/') {
        result.target.insert(0, 1, '/');
    }
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t bracket = authority.find(']');
        if (bracket == std::string_view::npos) {
            return std::nullopt;
        }
        result.host = std::string{authority.substr(1, bracket - 1)};
        authority.remove_prefix(bracket + 1);
    } else {
        result.host = std::string{authority.substr(0, authority.find(':'))};
        authority.remove_prefix(result.host.size());
    }
    if (!authority.empty()) {
        const std::string_view digits = authority.substr(1);
        const char* const end = digits.data() + digits.size();
        const auto [rest, error] = std::from_chars(digits.data(), end, result.port);
        if (authority.front() != ':' || error != std::errc{} || rest != end || result.port == 0) {
            return std::nullopt;
        }
    }
    const auto is_bad = [](char c) { return is_control(c) || c == ' ' || c == '@'; };
    const bool bad_host = std::any_of(result.host.begin(), result.host.end(), is_bad);
    const bool bad_target = std::any_of(result.target.begin(), result.target.end(),
                                        [](char c) { return is_control(c) || c == ' '; });
    if (result.host.empty() || bad_host || bad_target) {
        return std::nullopt;
    }
    return result;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits{"0123456789ABCDEF"};
    std::string result;
    for (const char c : text) {
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved) {
            result += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        result += '%';
        result += digits[octet >> 4U];
        result += digits[octet & 0xfU];
    }
    return result;
}

}  // namespace tally::node
