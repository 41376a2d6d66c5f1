#include "node/runtime/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>

namespace tally::node {

namespace {

constexpr std::array<LogLevel, 5> all_levels{LogLevel::trace, LogLevel::debug, LogLevel::info,
                                             LogLevel::warn, LogLevel::error};

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

void set_up(spdlog::logger& logger, LogLevel level) {
    // UTC with milliseconds; the level's word comes from us, spdlog's own spelling is "warning".
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "ts=%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
    logger.set_level(to_spdlog(level));
    logger.flush_on(spdlog::level::trace);
}

/// The logger of the process and how often each event was logged this minute.
class LogState {
public:
    LogState() : m_logger{std::make_shared<spdlog::logger>("tally", stderr_sink())} {
        set_up(*m_logger, LogLevel::info);
    }

    bool configure(const LogConfig& config) {
        std::shared_ptr<spdlog::logger> logger;
        try {
            logger = config.file.empty()
                         ? std::make_shared<spdlog::logger>("tally", stderr_sink())
                         : std::make_shared<spdlog::logger>(
                               "tally",
                               std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file));
        } catch (const spdlog::spdlog_ex&) {
            return false;
        }
        set_up(*logger, config.level);
        const std::lock_guard lock{m_mutex};
        m_logger = std::move(logger);
        return true;
    }

    std::shared_ptr<spdlog::logger> logger() {
        const std::lock_guard lock{m_mutex};
        return m_logger;
    }

    /// Whether this line may be written, and how many of its kind were not since the last one.
    std::optional<std::uint32_t> admit(std::string_view comp, std::string_view event) {
        using namespace std::chrono;
        const auto minute = duration_cast<minutes>(steady_clock::now().time_since_epoch()).count();
        const std::lock_guard lock{m_mutex};
        Count& count = m_counts[{std::string{comp}, std::string{event}}];
        std::uint32_t suppressed{0};
        if (count.minute != minute) {
            suppressed = count.lines - std::min(count.lines, log_lines_per_minute_max);
            count = {minute, 0};
        }
        ++count.lines;
        if (count.lines > log_lines_per_minute_max) {
            return std::nullopt;
        }
        return suppressed;
    }

private:
    struct Count {
        std::int64_t minute{0};
        std::uint32_t lines{0};
    };

    static std::shared_ptr<spdlog::sinks::sink> stderr_sink() {
        return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }

    std::mutex m_mutex;
    std::shared_ptr<spdlog::logger> m_logger;
    std::map<std::pair<std::string, std::string>, Count> m_counts;
};

LogState& state() {
    static LogState instance;
    return instance;
}

bool is_plain(char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\'; }

void append_escaped(std::string& line, char c) {
    constexpr std::string_view digits{"0123456789abcdef"};
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
        line += '\\';
        line += c;
    } else if (octet < 0x20 || octet == 0x7f) {
        line += "\\x";
        line += digits[octet >> 4U];
        line += digits[octet & 0xfU];
    } else {
        line += c;
    }
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
    line += ' ';
    line += name;
    line += '=';
    const bool cut = value.size() > log_value_bytes_max;
    value = value.substr(0, log_value_bytes_max);
    if (!cut && !value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        append_escaped(line, c);
    }
    line += cut ? "...\"" : "\"";
}

}  // namespace

const char* to_text(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return "trace";
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
    }
    return "unknown";
}

std::optional<LogLevel> log_level_from_text(std::string_view text) {
    for (const LogLevel level : all_levels) {
        if (text == to_text(level)) {
            return level;
        }
    }
    return std::nullopt;
}

bool configure_logging(const LogConfig& config) { return state().configure(config); }

bool log_enabled(LogLevel level) { return state().logger()->should_log(to_spdlog(level)); }

std::string format_log_fields(std::string_view comp, std::string_view event, LogFields fields) {
    std::string line{"comp="};
    line += comp;
    line += " event=";
    line += event;
    for (const LogField& field : fields) {
        append_field(line, field.name, field.value);
    }
    return line;
}

void log_line(LogLevel level, std::string_view comp, std::string_view event, LogFields fields) {
    const std::shared_ptr<spdlog::logger> logger = state().logger();
    if (!logger->should_log(to_spdlog(level))) {
        return;
    }
    const std::optional<std::uint32_t> suppressed = state().admit(comp, event);
    if (!suppressed) {
        return;
    }
    std::string line = std::string{"level="} + to_text(level) + ' ';
    line += format_log_fields(comp, event, fields);
    if (*suppressed > 0) {
        append_field(line, "suppressed", std::to_string(*suppressed));
    }
    logger->log(to_spdlog(level), line);
}

std::string redacted(std::string_view token) {
    constexpr std::size_t prefix_length{4};  // "PTY-"
    const bool has_prefix = token.size() > prefix_length && token[prefix_length - 1] == '-';
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    if (!has_prefix || !std::all_of(token.begin(), token.begin() + 3, is_letter)) {
        return "***";
    }
    return std::string{token.substr(0, prefix_length)} + "***";
}

}  // namespace tally::node
