#pragma once

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace tally::test {

/// Whether a child process that does this is ended by SIGABRT. Exit code 0: it came through.
template <typename Work>
bool stops(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) {
            ::_exit(1);
        }
        std::signal(SIGABRT, SIG_DFL);  // Catch2's handler would report it as a failure
        work();
        ::_exit(0);
    }
    int status{0};
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) {
        CHECK(WTERMSIG(status) == SIGABRT);
        return true;
    }
    CHECK(WEXITSTATUS(status) == 0);
    return false;
}

}  // namespace tally::test
