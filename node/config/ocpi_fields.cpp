#include "node/config/ocpi_fields.h"

#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

__extension__ using Wide = __int128;

/// Above this no number has a meaning here, and all its text would be zeros.
constexpr double magnitude_max{1e18};
constexpr std::size_t shown_value_bytes_max{60};
constexpr std::size_t digits_max{30};

/// The shortest decimal text that is this number, without exponent.
std::optional<std::string> decimal_text(const json::value& value) {
    if (value.is_string()) {
        return std::string{value.get_string()};
    }
    std::array<char, 400> text{};
    std::to_chars_result end{};
    if (value.is_int64()) {
        end = std::to_chars(text.data(), text.data() + text.size(), value.get_int64());
    } else if (value.is_uint64()) {
        end = std::to_chars(text.data(), text.data() + text.size(), value.get_uint64());
    } else if (value.is_double() && std::isfinite(value.get_double()) &&
               std::abs(value.get_double()) < magnitude_max) {
        end = std::to_chars(text.data(), text.data() + text.size(), value.get_double(),
                            std::chars_format::fixed);
    } else {
        return std::nullopt;
    }
    return end.ec == std::errc{} ? std::optional{std::string{text.data(), end.ptr}} : std::nullopt;
}

struct DecimalParts {
    bool negative{false};
    std::string whole;
    std::string fraction;
};

bool are_digits(std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<DecimalParts> split_decimal(std::string_view text) {
    DecimalParts parts;
    parts.negative = text.starts_with('-');
    text.remove_prefix(parts.negative ? 1 : 0);
    const std::size_t point = text.find('.');
    parts.whole = std::string{text.substr(0, point)};
    if (point != std::string_view::npos) {
        parts.fraction = std::string{text.substr(point + 1)};
        if (parts.fraction.empty()) {
            return std::nullopt;
        }
    }
    if (parts.whole.empty() || !are_digits(parts.whole) || !are_digits(parts.fraction) ||
        parts.whole.size() > digits_max) {
        return std::nullopt;
    }
    return parts;
}

std::optional<std::int64_t> scale(const DecimalParts& parts, const DecimalRule& rule) {
    std::string kept = parts.fraction.substr(0, rule.decimals);
    const std::string beyond = parts.fraction.substr(kept.size());
    if (!rule.rounds && beyond.find_first_not_of('0') != std::string::npos) {
        return std::nullopt;
    }
    kept.append(rule.decimals - kept.size(), '0');
    Wide value{0};
    for (const char digit : parts.whole + kept) {
        value = value * 10 + (digit - '0');
        if (value > Wide{1} << 100) {
            return std::nullopt;
        }
    }
    value += !beyond.empty() && beyond.front() >= '5' ? 1 : 0;
    value = parts.negative ? -value : value;
    if (value < rule.min || value > rule.max) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(value);
}

// ---- dates

constexpr std::int64_t ms_per_second{1000};
constexpr std::int64_t ms_per_minute{60'000};
constexpr std::int64_t ms_per_day{24LL * 3'600'000};
constexpr int year_max{9999};

/// Days since 1970-01-01 in the Gregorian calendar, by counting eras of 400 years from March on.
std::int64_t days_from_civil(int year, int month, int day) {
    const int shifted = month <= 2 ? year - 1 : year;
    const int era = shifted / 400;
    const int year_of_era = shifted - era * 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return std::int64_t{era} * 146'097 + day_of_era - 719'468;
}

struct Civil {
    int year{0};
    int month{0};
    int day{0};
};

/// The reverse, for days from 1970 on.
Civil civil_from_days(std::int64_t days) {
    const std::int64_t shifted = days + 719'468;
    const auto era = static_cast<int>(shifted / 146'097);
    const auto day_of_era = static_cast<int>(shifted % 146'097);
    const int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int month_index = (5 * day_of_year + 2) / 153;
    const int month = month_index < 10 ? month_index + 3 : month_index - 9;
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * month_index + 2) / 5 + 1};
}

/// Takes fixed pieces off the front of a text; fails for good at the first that is not there.
class TextScanner {
public:
    explicit TextScanner(std::string_view text) : m_rest{text} {}

    int digits(std::size_t count) {
        if (m_rest.size() < count || !are_digits(m_rest.substr(0, count))) {
            m_ok = false;
            return 0;
        }
        int value{0};
        for (const char digit : m_rest.substr(0, count)) {
            value = value * 10 + (digit - '0');
        }
        m_rest.remove_prefix(count);
        return value;
    }
    void expect(std::string_view any_of) {
        m_ok = m_ok && !m_rest.empty() && any_of.find(m_rest.front()) != std::string_view::npos;
        m_rest.remove_prefix(m_rest.empty() ? 0 : 1);
    }
    bool take(char wanted) {
        const bool is_there = m_rest.starts_with(wanted);
        m_rest.remove_prefix(is_there ? 1 : 0);
        return is_there;
    }
    /// The value of a fraction's first three digits; all of them are taken.
    int milliseconds() {
        int value{0};
        std::size_t count{0};
        for (; !m_rest.empty() && are_digits(m_rest.substr(0, 1)); ++count) {
            value = count < 3 ? value * 10 + (m_rest.front() - '0') : value;
            m_rest.remove_prefix(1);
        }
        m_ok = m_ok && count > 0;
        for (; count < 3; ++count) {
            value *= 10;
        }
        return value;
    }
    void require(bool condition) { m_ok = m_ok && condition; }
    [[nodiscard]] bool at_end() const { return m_rest.empty(); }
    [[nodiscard]] bool finished() const { return m_ok && m_rest.empty(); }

private:
    std::string_view m_rest;
    bool m_ok{true};
};

std::int64_t scan_day(TextScanner& scanner) {
    const int year = scanner.digits(4);
    scanner.expect("-");
    const int month = scanner.digits(2);
    scanner.expect("-");
    const int day = scanner.digits(2);
    scanner.require(year >= 1970 && month >= 1 && month <= 12 && day >= 1);
    const std::int64_t days = days_from_civil(year, month, day);
    const std::int64_t next_month =
        month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
    scanner.require(days < next_month);
    return days;
}

std::int64_t scan_minutes(TextScanner& scanner) {
    const int hours = scanner.digits(2);
    scanner.expect(":");
    const int minutes = scanner.digits(2);
    scanner.require(hours < 24 && minutes < 60);
    return std::int64_t{hours} * 60 + minutes;
}

std::int64_t scan_offset_minutes(TextScanner& scanner) {
    if (scanner.at_end() || scanner.take('Z') || scanner.take('z')) {
        return 0;
    }
    if (scanner.take('-')) {
        return -scan_minutes(scanner);
    }
    scanner.expect("+");
    return scan_minutes(scanner);
}

std::string padded(std::int64_t number, std::size_t digits) {
    std::string text = std::to_string(number);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

}  // namespace

std::optional<std::int64_t> decimal_from_json(const json::value& value, const DecimalRule& rule) {
    const std::optional<std::string> text = decimal_text(value);
    const std::optional<DecimalParts> parts = text ? split_decimal(*text) : std::nullopt;
    return parts ? scale(*parts, rule) : std::nullopt;
}

unsigned decimals_shown(const json::value& value) {
    const std::optional<std::string> text = decimal_text(value);
    const std::optional<DecimalParts> parts = text ? split_decimal(*text) : std::nullopt;
    return parts ? static_cast<unsigned>(parts->fraction.size()) : 0;
}

std::optional<UnixMillis> date_time_from_text(std::string_view text) {
    TextScanner scanner{text};
    const std::int64_t day = scan_day(scanner);
    scanner.expect("Tt");
    const std::int64_t minutes = scan_minutes(scanner);
    scanner.expect(":");
    const int seconds = scanner.digits(2);
    scanner.require(seconds < 60);
    const int milliseconds = scanner.take('.') ? scanner.milliseconds() : 0;
    const std::int64_t offset = scan_offset_minutes(scanner);
    const UnixMillis time = day * ms_per_day + (minutes - offset) * ms_per_minute +
                            seconds * ms_per_second + milliseconds;
    return scanner.finished() && time >= 0 && time <= unix_millis_max ? std::optional{time}
                                                                      : std::nullopt;
}

std::optional<std::int32_t> day_from_text(std::string_view text) {
    TextScanner scanner{text};
    const std::int64_t day = scan_day(scanner);
    return scanner.finished() ? std::optional{static_cast<std::int32_t>(day)} : std::nullopt;
}

std::optional<std::uint16_t> minute_from_text(std::string_view text) {
    TextScanner scanner{text};
    const std::int64_t minute = scan_minutes(scanner);
    return scanner.finished() ? std::optional{static_cast<std::uint16_t>(minute)} : std::nullopt;
}

std::string day_to_text(std::int32_t day) {
    const Civil civil = civil_from_days(day);
    return padded(std::min(civil.year, year_max), 4) + "-" + padded(civil.month, 2) + "-" +
           padded(civil.day, 2);
}

std::string date_time_to_text(UnixMillis time) {
    const std::int64_t of_day = time % ms_per_day;
    const std::int64_t seconds = of_day / ms_per_second;
    const std::int64_t rest = of_day % ms_per_second;
    return day_to_text(static_cast<std::int32_t>(time / ms_per_day)) + "T" +
           padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" +
           padded(seconds % 60, 2) + (rest == 0 ? "" : "." + padded(rest, 3)) + "Z";
}

OcpiFields::OcpiFields(const json::value& value, std::string pointer, JsonProblems& problems)
    : m_object{value.if_object()}, m_pointer{std::move(pointer)}, m_problems{problems} {
    if (m_object == nullptr) {
        m_problems.add(m_pointer.empty() ? "document" : m_pointer, "must be an object");
    }
}

std::string OcpiFields::pointer_of(std::string_view key) const {
    return m_pointer + "/" + std::string{key};
}

void OcpiFields::problem(std::string_view key, const std::string& rule) {
    const json::value* value = m_object == nullptr ? nullptr : m_object->if_contains(key);
    std::string shown = value == nullptr ? "" : json::serialize(*value);
    if (shown.size() > shown_value_bytes_max) {
        shown = shown.substr(0, shown_value_bytes_max) + "...";
    }
    m_problems.add(pointer_of(key), shown.empty() ? rule : "is " + shown + ", but " + rule);
}

const json::value* OcpiFields::find(std::string_view key) {
    m_asked.emplace(key);
    const json::value* value = m_object == nullptr ? nullptr : m_object->if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
}

const json::value* OcpiFields::require(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr && m_object != nullptr) {
        m_problems.add(pointer_of(key), "is missing");
    }
    return value;
}

std::optional<std::int64_t> OcpiFields::number(std::string_view key, const DecimalRule& rule) {
    const json::value* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> number = decimal_from_json(*value, rule);
    if (!number) {
        const std::int64_t unit = [&rule] {
            std::int64_t power{1};
            for (unsigned i = 0; i < rule.decimals; ++i) {
                power *= 10;
            }
            return power;
        }();
        const std::string digits =
            rule.rounds ? "" : " with at most " + std::to_string(rule.decimals) + " decimals";
        problem(key, "must be a number from " + std::to_string(rule.min / unit) + " to " +
                         std::to_string(rule.max / unit) + digits);
    }
    return number;
}

std::int64_t OcpiFields::required_number(std::string_view key, const DecimalRule& rule) {
    return require(key) == nullptr ? rule.min : number(key, rule).value_or(rule.min);
}

std::optional<std::string> OcpiFields::text(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        problem(key, "must be a text");
        return std::nullopt;
    }
    return std::string{value->get_string()};
}

std::optional<UnixMillis> OcpiFields::date_time(std::string_view key) {
    const std::optional<std::string> written = text(key);
    if (!written) {
        return std::nullopt;
    }
    const std::optional<UnixMillis> time = date_time_from_text(*written);
    if (!time) {
        problem(key, "must be a date and time like \"2015-06-29T20:39:09Z\", from 1970 to 9999");
    }
    return time;
}

const json::array& OcpiFields::required_list(std::string_view key, std::size_t count_max) {
    static const json::array none;
    const json::value* value = require(key);
    if (value == nullptr) {
        return none;
    }
    if (!value->is_array() || value->get_array().empty() || value->get_array().size() > count_max) {
        const std::string found =
            value->is_array() ? "has " + std::to_string(value->get_array().size()) + " items, but "
                              : "";
        m_problems.add(pointer_of(key),
                       found + "must be a list of 1 to " + std::to_string(count_max) + " items");
        return none;
    }
    return value->get_array();
}

void OcpiFields::refuse_unknown() {
    if (m_object == nullptr) {
        return;
    }
    for (const auto& member : *m_object) {
        const std::string_view key{member.key()};
        if (m_asked.find(key) == m_asked.end()) {
            m_problems.add(pointer_of(key), "is not a key of OCPI 2.2.1 here");
            return;
        }
    }
}

}  // namespace tally::node
