#include "node/runtime/process.h"

#include "node/runtime/asio.h"

#include <boost/asio/signal_set.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <vector>

namespace tally::node {

class SignalWatcher::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& io, std::function<void()> stop)
        : m_signals{io, SIGTERM, SIGINT}, m_stop{std::move(stop)} {}

    void wait() {
        m_signals.async_wait([weak = weak_from_this()](const ErrorCode& error, int signal) {
            const std::shared_ptr<Impl> self = weak.lock();
            if (self && !error) {
                self->received(signal);
            }
        });
    }
    void cancel() {
        ErrorCode ignored;
        m_signals.cancel(ignored);
    }

private:
    void received(int signal) {
        if (m_stopping) {
            ::_exit(128 + signal);
        }
        m_stopping = true;
        wait();
        m_stop();
    }

    asio::signal_set m_signals;
    std::function<void()> m_stop;
    bool m_stopping{false};
};

SignalWatcher::SignalWatcher(asio::io_context& io, std::function<void()> stop)
    : m_impl{std::make_shared<Impl>(io, std::move(stop))} {
    // A peer that goes away while we write is an error code, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    m_impl->wait();
}
SignalWatcher::~SignalWatcher() { m_impl->cancel(); }

void protect_process_memory() {
    const rlimit no_core{0, 0};
    // Both are asked for; where the kernel refuses one, the other still holds.
    static_cast<void>(setrlimit(RLIMIT_CORE, &no_core));
    static_cast<void>(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

std::uint64_t allow_open_files(std::uint64_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::max(before, std::min<rlim_t>(limit.rlim_max, wanted));
    return limit.rlim_cur == before || ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur
                                                                               : before;
}

int own_pid() { return ::getpid(); }

namespace {

/// The fields of /proc/<pid>/stat behind the command's name, which may itself hold spaces.
std::vector<std::string> stat_fields(int pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const std::size_t name_end = text.rfind(')');
    std::vector<std::string> fields;
    if (name_end == std::string::npos) {
        return fields;
    }
    std::istringstream rest{text.substr(name_end + 1)};
    for (std::string field; rest >> field;) {
        fields.push_back(field);
    }
    return fields;
}

// Places after the name, see proc(5): field 3 of the file is index 0 here.
constexpr std::size_t state_field{0};
constexpr std::size_t user_time_field{11};
constexpr std::size_t system_time_field{12};
constexpr std::size_t threads_field{17};
constexpr std::size_t resident_pages_field{21};

std::uint64_t number(const std::string& text) {
    std::uint64_t value{0};
    std::istringstream{text} >> value;
    return value;
}

std::chrono::milliseconds from_ticks(const std::string& ticks) {
    const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return std::chrono::milliseconds{number(ticks) * 1000 / per_second};
}

}  // namespace

bool process_alive(int pid) {
    const std::vector<std::string> fields = stat_fields(pid);
    return !fields.empty() && fields[state_field] != "Z" && fields[state_field] != "X";
}

Expected<ProcessUsage, std::string> process_usage(int pid) {
    const std::vector<std::string> fields = stat_fields(pid);
    if (fields.size() <= resident_pages_field) {
        return Unexpected{"cannot read /proc/" + std::to_string(pid) + "/stat"};
    }
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    ProcessUsage usage;
    usage.user_time = from_ticks(fields[user_time_field]);
    usage.system_time = from_ticks(fields[system_time_field]);
    usage.threads = static_cast<std::uint32_t>(number(fields[threads_field]));
    usage.resident_bytes = number(fields[resident_pages_field]) * page_bytes;
    return usage;
}

}  // namespace tally::node
