// The values inside a record: decimal registers and times.

#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/record.h"
#include "ledger/model/meter_reading.h"

#include <charconv>
#include <chrono>
#include <limits>

namespace tally::bridge {
namespace {

constexpr std::int64_t mwh_a_wh{1000};
constexpr std::int64_t energy_mwh_max{register_wh_max * mwh_a_wh};
constexpr int mwh_digits{3};      ///< decimal places of a Wh
constexpr int mwh_kwh_digits{6};  ///< of a kWh
constexpr int exponent_max{64};
constexpr std::int64_t digit_base{10};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits without their point, and where it stood.
struct Decimal {
    std::string digits;
    int scale{0};  ///< value = digits * 10^scale
};

std::optional<int> exponent_from_text(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    int exponent{0};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, exponent);
    const bool read = error == std::errc{} && stop == end && !text.empty();
    return read && exponent >= -exponent_max && exponent <= exponent_max ? std::optional{exponent}
                                                                         : std::nullopt;
}

std::optional<Decimal> decimal_from_text(std::string_view text) {
    Decimal decimal;
    if (const std::size_t mark = text.find_first_of("eE"); mark != std::string_view::npos) {
        const std::optional<int> exponent = exponent_from_text(text.substr(mark + 1));
        if (!exponent) {
            return std::nullopt;
        }
        decimal.scale = *exponent;
        text = text.substr(0, mark);
    }
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (whole.empty() || (point != std::string_view::npos && fraction.empty()) ||
        fraction.size() > ocmf_text_bytes_max) {
        return std::nullopt;
    }
    for (const std::string_view part : {whole, fraction}) {
        for (const char c : part) {
            if (!is_digit(c)) {
                return std::nullopt;
            }
            decimal.digits += c;
        }
    }
    decimal.scale -= static_cast<int>(fraction.size());
    return decimal;
}

/// A number of exactly `count` digits at the front, which it takes away.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) {
        return std::nullopt;
    }
    int value{0};
    for (std::size_t i = 0; i < count; ++i) {
        if (!is_digit(text[i])) {
            return std::nullopt;
        }
        value = value * static_cast<int>(digit_base) + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take_mark(std::string_view& text, char mark) {
    if (!text.starts_with(mark)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

constexpr std::array<std::size_t, 7> time_digits{4, 2, 2, 2, 2, 2, 3};
constexpr std::string_view time_marks{"--T::,"};

/// Year, month, day, hour, minute, second, millisecond.
std::optional<std::array<int, time_digits.size()>> take_local_time(std::string_view& text) {
    std::array<int, time_digits.size()> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && !take_mark(text, time_marks[i - 1])) {
            return std::nullopt;
        }
        const std::optional<int> part = take_digits(text, time_digits.at(i));
        if (!part) {
            return std::nullopt;
        }
        parts.at(i) = *part;
    }
    return parts;
}

/// "+0200".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
    const bool east = text.starts_with('+');
    if (!east && !text.starts_with('-')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const std::optional<int> hours = take_digits(text, 2);
    const std::optional<int> minutes = hours ? take_digits(text, 2) : std::nullopt;
    constexpr int offset_hours_max{14};
    constexpr int minute_max{59};
    if (!minutes || *hours > offset_hours_max || *minutes > minute_max) {
        return std::nullopt;
    }
    const std::chrono::minutes offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return east ? offset : -offset;
}

}  // namespace

std::optional<std::int64_t> energy_mwh_from_text(std::string_view value, std::string_view unit) {
    if (unit != "Wh" && unit != "kWh") {
        return std::nullopt;
    }
    const std::optional<Decimal> decimal = decimal_from_text(trimmed(value));
    if (!decimal) {
        return std::nullopt;
    }
    const int scale = decimal->scale + (unit == "Wh" ? mwh_digits : mwh_kwh_digits);
    const auto size = static_cast<std::int64_t>(decimal->digits.size());
    const std::int64_t kept = size + scale;  // digits of the result; those behind are cut
    std::int64_t energy{0};
    for (std::int64_t i = 0; i < kept; ++i) {
        const int digit = i < size ? decimal->digits[static_cast<std::size_t>(i)] - '0' : 0;
        if (energy > (energy_mwh_max - digit) / digit_base) {
            return std::nullopt;
        }
        energy = energy * digit_base + digit;
    }
    return energy;
}

std::optional<OcmfTime> ocmf_time_from_text(std::string_view text) {
    const auto parts = take_local_time(text);
    const auto offset = parts ? take_offset(text) : std::nullopt;
    if (!offset || !take_mark(text, ' ') || text.size() != 1 ||
        std::string_view{"UISR"}.find(text.front()) == std::string_view::npos) {
        return std::nullopt;
    }
    const auto [year, month, day, hour, minute, second, millis] = *parts;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    constexpr int hour_max{23};
    constexpr int minute_max{59};
    constexpr int second_max{60};  // a leap second
    if (!date.ok() || hour > hour_max || minute > minute_max || second > second_max) {
        return std::nullopt;
    }
    const std::chrono::milliseconds since =
        std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
        std::chrono::minutes{minute} + std::chrono::seconds{second} +
        std::chrono::milliseconds{millis} - *offset;
    if (since.count() < 0 || since.count() > unix_millis_max) {
        return std::nullopt;
    }
    return OcmfTime{since.count(), text.front()};
}

}  // namespace tally::bridge
