#pragma once

// Logs: one line a fact, logfmt: ts=... level=info comp=link event=connected peer=02ab...
// Values are quoted when needed and control characters are escaped, so that nothing from outside
// can forge a line. Never logged: payloads, tokens of cards, secrets (see `redacted`).

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tally::node {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
[[nodiscard]] const char* to_text(LogLevel level);
/// "trace", "debug", "info", "warn" or "error".
[[nodiscard]] std::optional<LogLevel> log_level_from_text(std::string_view text);

struct LogConfig {
    LogLevel level{LogLevel::info};
    std::string file;  ///< empty: standard error
};

/// Most lines of one (component, event) a minute; the rest is counted and reported with the next
/// minute's first line as suppressed=N.
inline constexpr std::uint32_t log_lines_per_minute_max{600};
/// Longest value of one field, in bytes; the rest is cut and marked "...".
inline constexpr std::size_t log_value_bytes_max{512};

/// Sets up logging of the process; may be called again (new level, reopened file). Before the first
/// call lines of level `info` and above go to standard error. False when the file cannot be opened;
/// then nothing changes.
[[nodiscard]] bool configure_logging(const LogConfig& config);
[[nodiscard]] bool log_enabled(LogLevel level);

/// One name and value of a line.
struct LogField {
    LogField(std::string_view field_name, std::string_view text) : name{field_name}, value{text} {}
    LogField(std::string_view field_name, const char* text) : name{field_name}, value{text} {}
    LogField(std::string_view field_name, const std::string& text)
        : name{field_name}, value{text} {}
    LogField(std::string_view field_name, bool flag)
        : name{field_name}, value{flag ? "true" : "false"} {}
    template <std::integral Number>
    LogField(std::string_view field_name, Number number)
        : name{field_name}, value{std::to_string(number)} {}

    std::string_view name;
    std::string value;
};
using LogFields = std::initializer_list<LogField>;

/// Writes one line when `level` is enabled. `comp` and `event` are literals of snake_case.
/// Thread safe.
void log_line(LogLevel level, std::string_view comp, std::string_view event, LogFields fields);

inline void log_debug(std::string_view comp, std::string_view event, LogFields fields = {}) {
    log_line(LogLevel::debug, comp, event, fields);
}
inline void log_info(std::string_view comp, std::string_view event, LogFields fields = {}) {
    log_line(LogLevel::info, comp, event, fields);
}
inline void log_warn(std::string_view comp, std::string_view event, LogFields fields = {}) {
    log_line(LogLevel::warn, comp, event, fields);
}
inline void log_error(std::string_view comp, std::string_view event, LogFields fields = {}) {
    log_line(LogLevel::error, comp, event, fields);
}

/// What may be said of a driver's token in a log: its operator's prefix and nothing that tells two
/// tokens apart, "BBB-***". Anything without a prefix is "***".
[[nodiscard]] std::string redacted(std::string_view token);

/// The text of a line without time and level; what `log_line` writes. For tests.
[[nodiscard]] std::string format_log_fields(std::string_view comp, std::string_view event,
                                            LogFields fields);

}  // namespace tally::node
