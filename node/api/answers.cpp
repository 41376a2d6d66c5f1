#include "node/api/answers.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tally::node {

HttpResponse json_response(const boost::json::object& body, unsigned status) {
    HttpResponse response;
    response.status = status;
    response.body = boost::json::serialize(body) + "\n";
    return response;
}

HttpResponse bytes_response(ByteView body) {
    HttpResponse response;
    response.content_type = "application/octet-stream";
    response.body = std::string{as_text(body)};
    return response;
}

HttpResponse not_found(const std::string& what) {
    return http_error(404, "not_found", printable(what));
}

HttpResponse bad_parameter(const std::string& name, const std::string& rule) {
    return http_error(400, "bad_parameter", name + ": " + rule);
}

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char symbol) { return symbol < ' ' || symbol > '~'; }, '?');
    return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number{0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::optional<std::uint64_t> query_number(const HttpRequest& request, const std::string& name,
                                          std::uint64_t fallback) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? fallback : parse_number(found->second);
}

}  // namespace tally::node
