#include "node/config/json_fields.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

JsonFields::JsonFields(const json::value& value, std::string place, JsonProblems& problems)
    : m_object{value.if_object()}, m_place{std::move(place)}, m_problems{problems} {
    if (m_object == nullptr) {
        m_problems.add(m_place.empty() ? "document" : m_place, "must be an object");
    }
}

std::string JsonFields::place_of(std::string_view key) const {
    return m_place.empty() ? std::string{key} : m_place + "." + std::string{key};
}

void JsonFields::problem(std::string_view key, const std::string& rule) {
    m_problems.add(place_of(key), rule);
}

const json::value* JsonFields::find(std::string_view key) {
    m_asked.emplace(key);
    return m_object == nullptr ? nullptr : m_object->if_contains(key);
}

bool JsonFields::has(std::string_view key) { return find(key) != nullptr; }

std::string JsonFields::text(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr) {
        problem(key, "is missing");
        return {};
    }
    if (!value->is_string()) {
        problem(key, "must be a text");
        return {};
    }
    return std::string{value->get_string()};
}

std::string JsonFields::text_or(std::string_view key, std::string fallback) {
    return has(key) ? text(key) : std::move(fallback);
}

std::int64_t JsonFields::integer(std::string_view key, std::int64_t min, std::int64_t max) {
    const json::value* value = find(key);
    if (value == nullptr) {
        problem(key, "is missing");
        return min;
    }
    json::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    if (error || value->is_double() || number < min || number > max) {
        problem(key, "must be a whole number from " + std::to_string(min) + " to " +
                         std::to_string(max));
        return min;
    }
    return number;
}

std::int64_t JsonFields::integer_or(std::string_view key, std::int64_t min, std::int64_t max,
                                    std::int64_t fallback) {
    return has(key) ? integer(key, min, max) : fallback;
}

bool JsonFields::boolean_or(std::string_view key, bool fallback) {
    const json::value* value = find(key);
    if (value == nullptr) {
        return fallback;
    }
    if (!value->is_bool()) {
        problem(key, "must be true or false");
        return fallback;
    }
    return value->get_bool();
}

Money JsonFields::amount(std::string_view key) {
    const std::optional<Money> amount = money_from_text(text(key));
    if (!amount || *amount < 0 || *amount > amount_max) {
        problem(key, "must be a decimal text with at most four places, such as \"50.00\"");
        return 0;
    }
    return *amount;
}

Money JsonFields::amount_or(std::string_view key, Money fallback) {
    return has(key) ? amount(key) : fallback;
}

const json::array& JsonFields::list(std::string_view key, std::size_t count_max) {
    static const json::array none;
    const json::value* value = find(key);
    if (value == nullptr) {
        return none;
    }
    if (!value->is_array()) {
        problem(key, "must be a list");
        return none;
    }
    if (value->get_array().size() > count_max) {
        problem(key, "has more than " + std::to_string(count_max) + " items");
        return none;
    }
    return value->get_array();
}

void JsonFields::finish() {
    if (m_object == nullptr) {
        return;
    }
    for (const auto& member : *m_object) {
        const std::string_view key{member.key()};
        if (m_asked.find(key) == m_asked.end()) {
            problem(key, "is not a known key");
            return;
        }
    }
}

}  // namespace tally::node
