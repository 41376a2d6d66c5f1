#pragma once

#include "ledger/base/expected.h"
#include "tools/support/wait.h"

#include <chrono>
#include <string>
#include <vector>

namespace tally::tools {

/// Starts a program detached from this one (own session, standard output and error appended to
/// `log_file`). Returns its process id.
[[nodiscard]] Expected<int, std::string> spawn_detached(const std::vector<std::string>& command,
                                                        const std::string& log_file);

/// Runs a program to its end; the error holds what it printed on standard error.
[[nodiscard]] Expected<Done, std::string> run_to_end(const std::vector<std::string>& command,
                                                     const std::string& log_file);

/// Whether `pid` runs and has `marker` as one of its arguments, whole. A number that the kernel has
/// given to another program since is not ours, and is never signalled; nothing is ours by an empty
/// marker.
[[nodiscard]] bool is_ours(int pid, const std::string& marker);

/// SIGTERM, and SIGKILL when it is still there after `patience`. True when it is gone.
bool stop_process(int pid, const std::string& marker, std::chrono::milliseconds patience);
/// SIGKILL at once.
bool kill_process(int pid, const std::string& marker);

/// The last lines of a log file, for messages about a program that did not start.
[[nodiscard]] std::string tail_of(const std::string& file, std::size_t lines);

/// Folder of the running program, where its siblings are.
[[nodiscard]] std::string program_folder();

/// Whether nobody listens on this loopback port.
[[nodiscard]] bool is_port_free(int port);

}  // namespace tally::tools
