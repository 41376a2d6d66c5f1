#pragma once

// Strict reading of JSON objects: every access names its place, the first problem is kept, and keys
// that nobody asked for are an error.

#include "ledger/base/bytes.h"
#include "ledger/model/money.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tally::node {

/// Collects the first problem found while a document is read.
class JsonProblems {
public:
    void add(const std::string& place, const std::string& rule) {
        if (m_first.empty()) {
            m_first = place + ": " + rule;
        }
    }
    [[nodiscard]] bool any() const noexcept { return !m_first.empty(); }
    [[nodiscard]] const std::string& first() const noexcept { return m_first; }

private:
    std::string m_first;
};

/// One JSON object at `place`. Getters give a default after a problem, so that a caller reads all
/// fields and asks `problems` once. Lifetime: refers to the document and the problems.
class JsonFields {
public:
    JsonFields(const boost::json::value& value, std::string place, JsonProblems& problems);

    [[nodiscard]] bool has(std::string_view key);
    [[nodiscard]] std::string text(std::string_view key);
    [[nodiscard]] std::string text_or(std::string_view key, std::string fallback);
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max);
    [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t min, std::int64_t max,
                                          std::int64_t fallback);
    [[nodiscard]] bool boolean_or(std::string_view key, bool fallback);
    /// Decimal text with at most four places, 0 to `amount_max`.
    [[nodiscard]] Money amount(std::string_view key);
    [[nodiscard]] Money amount_or(std::string_view key, Money fallback);
    template <typename Fixed>
    [[nodiscard]] Fixed hex(std::string_view key) {
        const std::optional<Fixed> value = fixed_from_hex<Fixed>(text(key));
        if (!value) {
            problem(key, "must be " + std::to_string(Fixed::size * 2) + " hexadecimal digits");
        }
        return value.value_or(Fixed{});
    }
    /// The items of a list, or none when the key is absent.
    [[nodiscard]] const boost::json::array& list(std::string_view key, std::size_t count_max);
    [[nodiscard]] const boost::json::value* find(std::string_view key);

    void problem(std::string_view key, const std::string& rule);
    [[nodiscard]] std::string place_of(std::string_view key) const;
    /// Reports the first key that no getter asked for.
    void finish();

private:
    const boost::json::object* m_object{nullptr};
    std::string m_place;
    JsonProblems& m_problems;
    std::set<std::string, std::less<>> m_asked;
};

}  // namespace tally::node
