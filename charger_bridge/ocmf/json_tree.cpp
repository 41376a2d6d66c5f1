#include "charger_bridge/ocmf/json_tree.h"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace tally::bridge {
namespace json = boost::json;

namespace {

/// Builds the tree from the parser's events. The open lists and objects are a stack of values: no
/// recursion, and nothing points into a vector that grows.
class TreeHandler {
public:
    // Names and types that boost::json::basic_parser asks for.
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
    using Error = json::error_code;
    using Text = json::string_view;

    bool on_document_begin(Error& /*error*/) { return true; }
    bool on_document_end(Error& /*error*/) { return true; }
    bool on_object_begin(Error& /*error*/) { return open(JsonKind::object); }
    bool on_array_begin(Error& /*error*/) { return open(JsonKind::list); }
    bool on_object_end(std::size_t /*count*/, Error& error) {
        std::vector<std::string> names = m_open.back().names;
        std::sort(names.begin(), names.end());
        if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
            error = json::error::syntax;
            repeated = true;
            return false;
        }
        return close();
    }
    bool on_array_end(std::size_t /*count*/, Error& /*error*/) { return close(); }
    bool on_key_part(Text part, std::size_t /*size*/, Error& /*error*/) { return gather(part); }
    bool on_key(Text part, std::size_t /*size*/, Error& /*error*/) {
        gather(part);
        m_open.back().names.push_back(std::exchange(m_text, {}));
        return true;
    }
    bool on_string_part(Text part, std::size_t /*size*/, Error& /*error*/) { return gather(part); }
    bool on_string(Text part, std::size_t /*size*/, Error& /*error*/) {
        return add(JsonKind::text, part);
    }
    bool on_number_part(Text part, Error& /*error*/) { return gather(part); }
    bool on_int64(std::int64_t /*value*/, Text part, Error& /*error*/) {
        return add(JsonKind::number, part);
    }
    bool on_uint64(std::uint64_t /*value*/, Text part, Error& /*error*/) {
        return add(JsonKind::number, part);
    }
    bool on_double(double /*value*/, Text part, Error& /*error*/) {
        return add(JsonKind::number, part);
    }
    bool on_bool(bool value, Error& /*error*/) {
        return add(JsonKind::boolean, value ? "true" : "false");
    }
    bool on_null(Error& /*error*/) { return add(JsonKind::null, {}); }
    bool on_comment_part(Text /*part*/, Error& /*error*/) { return true; }
    bool on_comment(Text /*part*/, Error& /*error*/) { return true; }

    JsonNode root;
    bool repeated{false};

private:
    bool gather(Text part) {
        m_text.append(part.data(), part.size());
        return true;
    }
    bool add(JsonKind kind, Text part) {
        gather(part);
        JsonNode node;
        node.kind = kind;
        node.text = std::exchange(m_text, {});
        return place(std::move(node));
    }
    bool open(JsonKind kind) {
        m_open.emplace_back();
        m_open.back().kind = kind;
        return true;
    }
    bool close() {
        JsonNode node = std::move(m_open.back());
        m_open.pop_back();
        return place(std::move(node));
    }
    bool place(JsonNode node) {
        if (m_open.empty()) {
            root = std::move(node);
        } else {
            m_open.back().items.push_back(std::move(node));
        }
        return true;
    }

    std::vector<JsonNode> m_open;
    std::string m_text;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) {
            return &items[i];
        }
    }
    return nullptr;
}

Expected<JsonPrefix, std::string> parse_json_prefix(std::string_view text) {
    json::parse_options options;
    options.max_depth = json_tree_depth_max;
    json::basic_parser<TreeHandler> parser{options};
    json::error_code error;
    const std::size_t bytes = parser.write_some(false, text.data(), text.size(), error);
    if (parser.handler().repeated) {
        return Unexpected{std::string{"an object has a name twice"}};
    }
    if (error) {
        return Unexpected{error.message()};
    }
    return JsonPrefix{std::move(parser.handler().root), bytes};
}

Expected<JsonNode, std::string> parse_json_tree(std::string_view text) {
    auto prefix = parse_json_prefix(text);
    if (!prefix) {
        return Unexpected{prefix.error()};
    }
    if (prefix->bytes != text.size()) {
        return Unexpected{std::string{"something follows the JSON value"}};
    }
    return std::move(prefix->root);
}

}  // namespace tally::bridge
