#pragma once

#include "ledger/base/expected.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace tally::node {

/// Turns SIGTERM and SIGINT into a call on the io_context's thread.
///
/// The first signal calls `stop`; the second ends the process at once (exit code 128 + signal),
/// which is always safe: nothing is acknowledged before it is on disk. SIGPIPE is ignored from
/// construction on. At most one of these per process.
class SignalWatcher {
public:
    SignalWatcher(boost::asio::io_context& io, std::function<void()> stop);
    ~SignalWatcher();
    SignalWatcher(const SignalWatcher&) = delete;
    SignalWatcher& operator=(const SignalWatcher&) = delete;

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

/// No core dumps of this process and no attaching to it by others of the same user: its memory
/// holds keys and card numbers. Called first thing in every program that runs for long.
void protect_process_memory();

/// Raises the soft limit on open files to `wanted`, or as far as the hard limit allows; never
/// lowers it. Gives the limit that is in force then.
[[nodiscard]] std::uint64_t allow_open_files(std::uint64_t wanted);

[[nodiscard]] int own_pid();
/// Whether a process with this id exists (zombies count as gone).
[[nodiscard]] bool process_alive(int pid);

/// What the kernel says a process uses.
struct ProcessUsage {
    std::uint64_t resident_bytes{0};
    std::chrono::milliseconds user_time{0};
    std::chrono::milliseconds system_time{0};
    std::uint32_t threads{0};
};
/// From /proc. The error says which file could not be read.
[[nodiscard]] Expected<ProcessUsage, std::string> process_usage(int pid);

}  // namespace tally::node
