#pragma once

#include <string>

namespace tally::bridge {

/// Runs the bridge until it is told to stop (SIGTERM). Gives the exit code: 0, 78 for a wrong
/// configuration (each problem on standard error), 74 when storage or a port refuses.
[[nodiscard]] int run_bridge(const std::string& config_path);

}  // namespace tally::bridge
