#include "tools/storage/quantity.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace tally::tools {
namespace {

/// Number and unit; nothing when the text does not begin with a number.
std::optional<std::pair<std::uint64_t, std::string_view>> split(std::string_view text) {
    std::uint64_t number{0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

template <std::size_t N>
std::optional<std::uint64_t> multiplied(
    std::string_view text, const std::array<std::pair<std::string_view, std::uint64_t>, N>& units,
    std::uint64_t max) {
    const auto parts = split(text);
    for (const auto& [name, factor] : units) {
        if (parts && parts->second == name && parts->first <= max / factor) {
            return parts->first * factor;
        }
    }
    return std::nullopt;
}

constexpr std::uint64_t second_ms{1000};
constexpr std::uint64_t day_ms{24 * 3600 * second_ms};
constexpr std::uint64_t duration_max_ms{36'525 * day_ms};
constexpr std::uint64_t kibi{1024};

}  // namespace

std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"d", day_ms}, {"h", 3600 * second_ms}, {"m", 60 * second_ms}, {"s", second_ms}}};
    const auto ms = multiplied(text, units, duration_max_ms);
    return ms ? std::optional{std::chrono::milliseconds{static_cast<std::int64_t>(*ms)}}
              : std::nullopt;
}

std::optional<std::uint64_t> bytes_from_text(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
        {{"", 1}, {"K", kibi}, {"M", kibi * kibi}, {"G", kibi * kibi * kibi}}};
    return multiplied(text, units, static_cast<std::uint64_t>(INT64_MAX));
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> units{"bytes", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit{0};
    std::uint64_t tenths = bytes * 10;
    if (bytes < kibi) {
        return std::to_string(bytes) + " bytes";
    }
    while (tenths >= kibi * 10 && unit + 1 < units.size()) {
        tenths /= kibi;
        ++unit;
    }
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + units.at(unit);
}

ProgressLine::ProgressLine(std::string what)
    : m_what{std::move(what)}, m_is_terminal{::isatty(STDERR_FILENO) != 0} {}

ProgressLine::~ProgressLine() {
    if (m_shown >= 0) {
        static_cast<void>(std::fputc('\n', stderr));
    }
}

void ProgressLine::show(std::uint64_t done, std::uint64_t total) {
    const int percent = total == 0 ? 100 : static_cast<int>(100 * done / total);
    if (!m_is_terminal || percent == m_shown) {
        return;
    }
    m_shown = percent;
    static_cast<void>(std::fprintf(stderr, "\r%s %3d %%", m_what.c_str(), percent));
}

}  // namespace tally::tools
