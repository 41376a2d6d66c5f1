#include "charger_bridge/ocpp/time_text.h"

#include <fmt/format.h>

#include <chrono>

namespace tally::bridge {

namespace {

/// Takes fixed-width numbers and separators off the front of a text.
class Scanner {
public:
    explicit Scanner(std::string_view text) : m_rest{text} {}

    int digits(std::size_t count) {
        int value = 0;
        if (m_rest.size() < count) {
            m_failed = true;
            return 0;
        }
        for (const char c : m_rest.substr(0, count)) {
            if (c < '0' || c > '9') {
                m_failed = true;
                return 0;
            }
            value = value * 10 + (c - '0');
        }
        m_rest.remove_prefix(count);
        return value;
    }
    bool take(char expected) {
        if (m_rest.empty() || m_rest.front() != expected) {
            return false;
        }
        m_rest.remove_prefix(1);
        return true;
    }
    void need(char expected) {
        if (!take(expected)) {
            m_failed = true;
        }
    }
    /// Milliseconds out of the digits after the point; at least one digit.
    int fraction() {
        int value = 0;
        std::size_t count = 0;
        while (!m_rest.empty() && m_rest.front() >= '0' && m_rest.front() <= '9') {
            if (count < 3) {
                value = value * 10 + (m_rest.front() - '0');
            }
            ++count;
            m_rest.remove_prefix(1);
        }
        m_failed = m_failed || count == 0;
        for (std::size_t i = count; i < 3; ++i) {
            value *= 10;
        }
        return value;
    }
    [[nodiscard]] bool finished() const { return !m_failed && m_rest.empty(); }
    void fail() { m_failed = true; }

private:
    std::string_view m_rest;
    bool m_failed{false};
};

std::chrono::minutes read_zone(Scanner& scanner) {
    if (scanner.take('Z') || scanner.take('z')) {
        return {};
    }
    const bool east = scanner.take('+');
    if (!east && !scanner.take('-')) {
        return {};
    }
    const int hours = scanner.digits(2);
    static_cast<void>(scanner.take(':'));
    const int minutes = scanner.digits(2);
    if (hours > 14 || minutes > 59) {
        scanner.fail();
    }
    const std::chrono::minutes offset{hours * 60 + minutes};
    return east ? offset : -offset;
}

}  // namespace

std::optional<UnixMillis> time_from_text(std::string_view text) {
    if (text.size() > 64) {
        return std::nullopt;
    }
    Scanner scanner{text};
    const std::chrono::year year{scanner.digits(4)};
    scanner.need('-');
    const std::chrono::month month{static_cast<unsigned>(scanner.digits(2))};
    scanner.need('-');
    const std::chrono::day day{static_cast<unsigned>(scanner.digits(2))};
    if (!scanner.take('T') && !scanner.take('t')) {
        scanner.need(' ');
    }
    const int hour = scanner.digits(2);
    scanner.need(':');
    const int minute = scanner.digits(2);
    scanner.need(':');
    const int second = scanner.digits(2);
    const int millis = scanner.take('.') ? scanner.fraction() : 0;
    const std::chrono::minutes offset = read_zone(scanner);
    const std::chrono::year_month_day date{year, month, day};
    if (!scanner.finished() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const auto since_epoch = std::chrono::sys_days{date}.time_since_epoch() +
                             std::chrono::hours{hour} + std::chrono::minutes{minute} +
                             std::chrono::seconds{second} + std::chrono::milliseconds{millis} -
                             offset;
    const UnixMillis time =
        std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    return time < 0 ? std::nullopt : std::optional{time};
}

std::string time_to_text(UnixMillis time) {
    const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds{time}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{point - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

}  // namespace tally::bridge
