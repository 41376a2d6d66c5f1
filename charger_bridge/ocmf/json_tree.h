#pragma once

#include "ledger/base/expected.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t json_tree_depth_max{12};

enum class JsonKind : std::uint8_t { null, boolean, number, text, list, object };

/// A JSON value with its numbers as they were written: a meter's digits must not pass through
/// floating point.
struct JsonNode {
    JsonKind kind{JsonKind::null};
    std::string text;                ///< of a number as written, of a text its content
    std::vector<std::string> names;  ///< of an object, one for each of `items`; no name twice
    std::vector<JsonNode> items;     ///< of a list or an object

    /// The member of an object; null when there is none.
    [[nodiscard]] const JsonNode* find(std::string_view name) const;
};

struct JsonPrefix {
    JsonNode root;
    std::size_t bytes{0};  ///< of the text, white space around the value included
};

/// Reads the one JSON value that `text` begins with; what follows it is not looked at. Refused,
/// with the reason in the error: what RFC 8259 does not allow, invalid UTF-8, more than
/// `json_tree_depth_max` levels, and an object that has a name twice, because readers differ in
/// which of the two they believe.
[[nodiscard]] Expected<JsonPrefix, std::string> parse_json_prefix(std::string_view text);

/// The same for a text that is one JSON value and nothing else.
[[nodiscard]] Expected<JsonNode, std::string> parse_json_tree(std::string_view text);

}  // namespace tally::bridge
