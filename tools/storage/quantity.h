#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::tools {

/// "90d", "36h", "15m", "30s". Nothing for anything else and above 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> duration_from_text(std::string_view text);
/// "500", "500K", "64M", "20G": multiples of 1024. Nothing for anything else and from 2^63 on.
[[nodiscard]] std::optional<std::uint64_t> bytes_from_text(std::string_view text);
/// "64.0 MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// One line on standard error that is written over, if that is a terminal. Draws at most once for
/// each percent.
class ProgressLine {
public:
    explicit ProgressLine(std::string what);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    void show(std::uint64_t done, std::uint64_t total);

private:
    std::string m_what;
    bool m_is_terminal;
    int m_shown{-1};
};

}  // namespace tally::tools
