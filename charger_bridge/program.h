#pragma once

#include <string>

namespace tally::bridge {

/// Runs the bridge until it is told to stop (SIGTERM); SIGHUP makes it read its certificates again.
/// Gives the exit code: 0, 78 for a wrong configuration (each problem on standard error), 74 when
/// storage or a port refuses.
[[nodiscard]] int run_bridge(const std::string& config_path);

/// Reads a password from standard input, one line, and prints the line for `password_hash`. Gives
/// the exit code: 0, or 64 when there is no password or it is too long.
[[nodiscard]] int hash_password();

}  // namespace tally::bridge
