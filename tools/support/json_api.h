#pragma once

#include "ledger/base/expected.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <string>

namespace tally::tools {

/// Why a node's API gave no value: `status` 0 when it was not reached.
struct ApiError {
    unsigned status{0};
    std::string text;
};

/// GET requests for JSON at one node.
class JsonApi {
public:
    /// `bearer_token` may be empty: then only public paths answer.
    JsonApi(std::string url, std::string bearer_token);
    [[nodiscard]] Expected<boost::json::value, ApiError> get(const std::string& path) const;
    [[nodiscard]] const std::string& url() const noexcept { return m_url; }

private:
    std::string m_url;
    std::string m_token;
};

/// A field of an object; empty or 0 when it is missing or of another type.
[[nodiscard]] std::string json_text(const boost::json::value& object, const char* key);
[[nodiscard]] std::uint64_t json_number(const boost::json::value& object, const char* key);
/// The items of {"items": [...]}; empty when there are none.
[[nodiscard]] const boost::json::array& json_items(const boost::json::value& object);

}  // namespace tally::tools
