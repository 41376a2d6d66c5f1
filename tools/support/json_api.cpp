#include "tools/support/json_api.h"

#include "node/runtime/http_client.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;

JsonApi::JsonApi(std::string url, std::string bearer_token)
    : m_url{std::move(url)}, m_token{std::move(bearer_token)} {
    while (!m_url.empty() && m_url.back() == '/') {
        m_url.pop_back();
    }
}

Expected<json::value, ApiError> JsonApi::get(const std::string& path) const {
    node::HttpClientRequest request;
    request.url = m_url + path;
    request.bearer_token = m_token;
    const auto response = node::http_request(request);
    if (!response) {
        return Unexpected{ApiError{0, response.error().text}};
    }
    json::error_code error;
    json::value body = json::parse(response->body, error);
    if (response->status >= 400) {
        const json::value* detail =
            body.is_object() ? body.get_object().if_contains("error") : nullptr;
        return Unexpected{
            ApiError{response->status,
                     request.url + ": " + std::to_string(response->status) + ": " +
                         (detail != nullptr ? json_text(*detail, "message") : response->body)}};
    }
    if (error) {
        return Unexpected{ApiError{response->status, request.url + ": the answer is not JSON"}};
    }
    return body;
}

std::string json_text(const json::value& object, const char* key) {
    const json::value* value = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::uint64_t json_number(const json::value& object, const char* key) {
    const json::value* value = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    if (value == nullptr) {
        return 0;
    }
    json::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    return error ? 0 : number;
}

const json::array& json_items(const json::value& object) {
    static const json::array none;
    const json::value* value =
        object.is_object() ? object.get_object().if_contains("items") : nullptr;
    return value != nullptr && value->is_array() ? value->get_array() : none;
}

}  // namespace tally::tools
