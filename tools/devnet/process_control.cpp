#include "tools/devnet/process_control.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace tally::tools {

namespace {

Expected<int, std::string> spawn(const std::vector<std::string>& command,
                                 const std::string& log_file) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): exec does not write to them.
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    pid_t pid{0};
    const int error = posix_spawn(&pid, command.front().c_str(), &actions, &attributes,
                                  arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return Unexpected{command.front() + ": cannot be started: " +
                          std::error_code{error, std::generic_category()}.message()};
    }
    return static_cast<int>(pid);
}

/// What a process was started with, each argument ended by a zero byte. Empty for one that ended,
/// and for an instant while it is being started.
std::string command_line(int pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool has_ended(int pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == pid;
}

/// Collects children that ended, so that they do not look alive.
void reap() {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
}

}  // namespace

Expected<int, std::string> spawn_detached(const std::vector<std::string>& command,
                                          const std::string& log_file) {
    const Expected<int, std::string> pid = spawn(command, log_file);
    if (pid) {
        // The kernel wakes us before the new program's arguments can be read, and by them we know
        // it again.
        static_cast<void>(wait_until(Deadline{std::chrono::seconds{5}}, [&pid] {
            return !command_line(*pid).empty() || has_ended(*pid);
        }));
    }
    return pid;
}

Expected<Done, std::string> run_to_end(const std::vector<std::string>& command,
                                       const std::string& log_file) {
    const Expected<int, std::string> pid = spawn(command, log_file);
    if (!pid) {
        return Unexpected{pid.error()};
    }
    int status{0};
    while (waitpid(*pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return Unexpected{command.front() + ": was lost"};
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return Unexpected{command.front() + " failed:\n" + tail_of(log_file, 10)};
    }
    return Done{};
}

bool is_ours(int pid, const std::string& marker) {
    reap();
    if (pid <= 0 || marker.empty()) {
        return false;
    }
    std::istringstream arguments{command_line(pid)};
    for (std::string argument; std::getline(arguments, argument, '\0');) {
        if (argument == marker) {
            return true;
        }
    }
    return false;
}

bool stop_process(int pid, const std::string& marker, std::chrono::milliseconds patience) {
    if (!is_ours(pid, marker)) {
        return true;
    }
    ::kill(pid, SIGTERM);
    if (wait_until(Deadline{patience}, [&] { return !is_ours(pid, marker); })) {
        return true;
    }
    return kill_process(pid, marker);
}

bool kill_process(int pid, const std::string& marker) {
    if (is_ours(pid, marker)) {
        ::kill(pid, SIGKILL);
    }
    return wait_until(Deadline{std::chrono::seconds{10}}, [&] { return !is_ours(pid, marker); });
}

std::string tail_of(const std::string& file, std::size_t lines) {
    std::ifstream input{file};
    std::deque<std::string> last;
    for (std::string line; std::getline(input, line);) {
        last.push_back(line);
        if (last.size() > lines) {
            last.pop_front();
        }
    }
    std::string text;
    for (const std::string& line : last) {
        text += "  | " + line + "\n";
    }
    return text;
}

std::string program_folder() {
    std::array<char, 4096> path{};
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) {
        return ".";
    }
    const std::string program{path.data(), static_cast<std::size_t>(length)};
    return program.substr(0, program.rfind('/'));
}

bool is_port_free(int port) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return false;
    }
    const int reuse{1};
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const bool is_free = bind(descriptor, generic, sizeof(address)) == 0;
    close(descriptor);
    return is_free;
}

}  // namespace tally::tools
