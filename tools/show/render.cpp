#include "tools/show/render.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace tally::tools {

namespace json = boost::json;

namespace {

using Line = std::pair<std::string, std::string>;

std::string plain(const json::value& value) {
    if (value.is_string()) {
        return std::string{value.get_string()};
    }
    if (value.is_double()) {
        return fmt::format("{:.3f}", value.get_double());
    }
    return value.is_null() ? "-" : json::serialize(value);
}

bool is_plain_list(const json::array& list) {
    return std::none_of(list.begin(), list.end(), [](const json::value& item) {
        return item.is_object() || item.is_array();
    });
}

std::string joined(const json::array& list) {
    std::string text;
    for (const json::value& item : list) {
        text += (text.empty() ? "" : " ") + plain(item);
    }
    return text.empty() ? "-" : text;
}

std::string cell(const json::value& value) {
    return value.is_array() && is_plain_list(value.get_array()) ? joined(value.get_array())
                                                                : plain(value);
}

/// Walks the value without recursion: what is still to be shown waits on a stack, next on top.
std::vector<Line> flatten(const json::value& answer) {
    std::vector<Line> lines;
    std::vector<std::pair<std::string, const json::value*>> waiting{{"", &answer}};
    while (!waiting.empty()) {
        const auto [name, value] = waiting.back();
        waiting.pop_back();
        if (value->is_object()) {
            const json::object& object = value->get_object();
            for (auto member = object.end(); member != object.begin();) {
                --member;
                const std::string key{member->key()};
                waiting.emplace_back(name.empty() ? key : name + "." + key, &member->value());
            }
        } else if (value->is_array() && !is_plain_list(value->get_array())) {
            const json::array& list = value->get_array();
            for (std::size_t index = list.size(); index > 0; --index) {
                waiting.emplace_back(name + "[" + std::to_string(index - 1) + "]",
                                     &list[index - 1]);
            }
        } else {
            lines.emplace_back(name,
                               value->is_array() ? joined(value->get_array()) : plain(*value));
        }
    }
    return lines;
}

}  // namespace

std::string render_fields(const json::value& answer) {
    const std::vector<Line> lines = flatten(answer);
    std::size_t width{0};
    for (const Line& line : lines) {
        width = std::max(width, line.first.size());
    }
    std::string text;
    for (const auto& [name, value] : lines) {
        text += name + std::string(width - name.size() + 2, ' ') + value + "\n";
    }
    return text;
}

std::string render_table(const json::array& items, const std::vector<std::string>& columns) {
    std::vector<std::vector<std::string>> rows{columns};
    for (const json::value& item : items) {
        std::vector<std::string> row;
        for (const std::string& column : columns) {
            const json::value* value =
                item.is_object() ? item.get_object().if_contains(column) : nullptr;
            row.push_back(value == nullptr ? "-" : cell(*value));
        }
        rows.push_back(std::move(row));
    }
    std::vector<std::size_t> widths(columns.size(), 0);
    for (const auto& row : rows) {
        for (std::size_t index = 0; index < row.size(); ++index) {
            widths[index] = std::max(widths[index], row[index].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t index = 0; index < row.size(); ++index) {
            line += row[index] + std::string(widths[index] - row[index].size() + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace tally::tools
