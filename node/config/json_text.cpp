#include "node/config/json_text.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

#include <cstdint>
#include <set>
#include <vector>

namespace tally::node {

namespace json = boost::json;

namespace {

/// Looks only at keys, for Boost.JSON's parser keeps the last of equal ones without a word.
class KeyChecker {
public:
    static constexpr std::size_t max_object_size = SIZE_MAX;
    static constexpr std::size_t max_array_size = SIZE_MAX;
    static constexpr std::size_t max_key_size = SIZE_MAX;
    static constexpr std::size_t max_string_size = SIZE_MAX;

    [[nodiscard]] const std::string& repeated() const { return m_repeated; }

    bool on_document_begin(json::error_code& /*error*/) { return true; }
    bool on_document_end(json::error_code& /*error*/) { return true; }
    bool on_object_begin(json::error_code& /*error*/) {
        m_open.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t /*count*/, json::error_code& /*error*/) {
        m_open.pop_back();
        return true;
    }
    bool on_array_begin(json::error_code& /*error*/) { return true; }
    bool on_array_end(std::size_t /*count*/, json::error_code& /*error*/) { return true; }
    bool on_key_part(json::string_view text, std::size_t /*size*/, json::error_code& /*error*/) {
        m_key.append(text.data(), text.size());
        return true;
    }
    bool on_key(json::string_view text, std::size_t /*size*/, json::error_code& error) {
        m_key.append(text.data(), text.size());
        if (!m_open.back().insert(m_key).second) {
            m_repeated = m_key;
            error = json::error::syntax;
            return false;
        }
        m_key.clear();
        return true;
    }
    bool on_string_part(json::string_view /*text*/, std::size_t /*size*/,
                        json::error_code& /*error*/) {
        return true;
    }
    bool on_string(json::string_view /*text*/, std::size_t /*size*/, json::error_code& /*error*/) {
        return true;
    }
    bool on_number_part(json::string_view /*text*/, json::error_code& /*error*/) { return true; }
    bool on_int64(std::int64_t /*value*/, json::string_view /*text*/, json::error_code& /*error*/) {
        return true;
    }
    bool on_uint64(std::uint64_t /*value*/, json::string_view /*text*/,
                   json::error_code& /*error*/) {
        return true;
    }
    bool on_double(double /*value*/, json::string_view /*text*/, json::error_code& /*error*/) {
        return true;
    }
    bool on_bool(bool /*value*/, json::error_code& /*error*/) { return true; }
    bool on_null(json::error_code& /*error*/) { return true; }
    bool on_comment_part(json::string_view /*text*/, json::error_code& /*error*/) { return true; }
    bool on_comment(json::string_view /*text*/, json::error_code& /*error*/) { return true; }

private:
    std::vector<std::set<std::string>> m_open;  ///< keys of every object that is not closed yet
    std::string m_key;
    std::string m_repeated;
};

}  // namespace

Expected<json::value, std::string> parse_json(std::string_view text) {
    json::error_code error;
    json::value document = json::parse({text.data(), text.size()}, error);
    if (error) {
        return Unexpected{"not JSON: " + error.message()};
    }
    json::basic_parser<KeyChecker> parser{json::parse_options{}};
    parser.write_some(false, text.data(), text.size(), error);
    if (!parser.handler().repeated().empty() || error) {
        return Unexpected{parser.handler().repeated() + ": is given twice"};
    }
    return document;
}

}  // namespace tally::node
