#pragma once

// Reading of OCPI objects: places are JSON pointers, numbers are exact decimals, null is absent.

#include "ledger/base/clock.h"
#include "node/config/json_fields.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

/// What a decimal number may be, and its unit: 10 to the power of -`decimals`.
struct DecimalRule {
    unsigned decimals{4};  ///< at most 9
    std::int64_t min{0};   ///< in that unit
    std::int64_t max{0};
    /// Digits beyond are rounded half away from zero, not refused.
    bool rounds{false};
};

/// A JSON number, or a decimal text, in the unit of the rule; nothing when it breaks the rule. A
/// number of up to 15 significant digits is taken exactly as it is written.
[[nodiscard]] std::optional<std::int64_t> decimal_from_json(const boost::json::value& value,
                                                            const DecimalRule& rule);
/// How many decimals a JSON number shows; 0 for anything else.
[[nodiscard]] unsigned decimals_shown(const boost::json::value& value);

/// RFC 3339 as OCPI uses it: "2015-06-29T22:39:09.5Z"; an offset is taken into account, without any
/// it is UTC. Fractions are cut to milliseconds. Nothing outside 1970 to 9999.
[[nodiscard]] std::optional<UnixMillis> date_time_from_text(std::string_view text);
/// "2015-06-29" as days since 1970-01-01.
[[nodiscard]] std::optional<std::int32_t> day_from_text(std::string_view text);
/// "23:59" as minutes since midnight.
[[nodiscard]] std::optional<std::uint16_t> minute_from_text(std::string_view text);
/// "2015-06-29T22:39:09Z", with milliseconds only when there are any.
[[nodiscard]] std::string date_time_to_text(UnixMillis time);
[[nodiscard]] std::string day_to_text(std::int32_t day);

/// One OCPI object at a JSON pointer. The first problem is kept in `problems`, getters then give
/// nothing. Lifetime: refers to the document and the problems.
class OcpiFields {
public:
    OcpiFields(const boost::json::value& value, std::string pointer, JsonProblems& problems);

    /// The value of a key; null and absent are both nothing.
    [[nodiscard]] const boost::json::value* find(std::string_view key);
    /// As `find`, and a problem when there is nothing.
    [[nodiscard]] const boost::json::value* require(std::string_view key);

    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, const DecimalRule& rule);
    [[nodiscard]] std::int64_t required_number(std::string_view key, const DecimalRule& rule);
    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::optional<UnixMillis> date_time(std::string_view key);
    /// A list that must be there with 1 to `count_max` items.
    [[nodiscard]] const boost::json::array& required_list(std::string_view key,
                                                          std::size_t count_max);
    /// An object of `rule`'s numbers is read by the caller from this place.
    [[nodiscard]] std::string pointer_of(std::string_view key) const;

    /// "is 0.12345, but <rule>" at a key.
    void problem(std::string_view key, const std::string& rule);
    /// Reports the first key that no getter asked for: it might change the price.
    void refuse_unknown();

private:
    const boost::json::object* m_object{nullptr};
    std::string m_pointer;
    JsonProblems& m_problems;
    std::set<std::string, std::less<>> m_asked;
};

}  // namespace tally::node
