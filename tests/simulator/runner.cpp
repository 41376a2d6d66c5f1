#include "tests/simulator/runner.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <map>

namespace tally::simulator {

namespace {

/// Longest record that a child writes, in bytes.
constexpr std::uint32_t record_bytes_max{1U << 20U};

Bytes encode_result(const RunResult& result) {
    Encoder encoder;
    encoder.u64(result.seed).boolean(result.violation.has_value());
    encoder.text(result.violation.value_or(""));
    encoder.u64(result.hash).u64(result.lines).u64(result.height).u64(result.views);
    encoder.i64(result.liveness_time.count());
    for (std::size_t i = 0; i < Coverage::kinds; ++i) {
        encoder.u64(result.coverage.of(static_cast<Happening>(i)));
    }
    encoder.u32(static_cast<std::uint32_t>(result.last_lines.size()));
    for (const std::string& line : result.last_lines) {
        encoder.text(line);
    }
    return encoder.bytes();
}

RunResult decode_result(ByteView bytes) {
    Decoder decoder{bytes};
    RunResult result;
    result.seed = decoder.u64();
    const bool violated = decoder.boolean();
    std::string violation = decoder.text(record_bytes_max);
    if (violated) {
        result.violation = std::move(violation);
    }
    result.hash = decoder.u64();
    result.lines = decoder.u64();
    result.height = decoder.u64();
    result.views = decoder.u64();
    result.liveness_time = SimTime{decoder.i64()};
    for (std::size_t i = 0; i < Coverage::kinds; ++i) {
        result.coverage.add(static_cast<Happening>(i), decoder.u64());
    }
    const std::uint32_t count = decoder.count(1U << 10U, 4);
    for (std::uint32_t i = 0; i < count; ++i) {
        result.last_lines.push_back(decoder.text(record_bytes_max));
    }
    ENSURE(decoder.finished());
    return result;
}

void write_all(int descriptor, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        ENSURE(written > 0 || errno == EINTR);
        bytes = bytes.subspan(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
}

/// One child process and what was read of its pipe but is not a whole record yet.
struct Child {
    pid_t process{-1};
    int pipe{-1};
    Bytes unread;
    std::optional<std::uint64_t> running;  ///< the seed it announced last
};

/// Runs seeds first, first + step, ... in a child; each is announced by an empty record.
Child start_child(const BatchOptions& options, std::uint64_t first, std::uint64_t step) {
    std::array<int, 2> ends{};
    ENSURE(::pipe(ends.data()) == 0);
    const pid_t process = ::fork();
    ENSURE(process >= 0);
    if (process > 0) {
        ::close(ends[1]);
        return Child{.process = process, .pipe = ends[0], .unread = {}, .running = {}};
    }
    ::close(ends[0]);
    for (std::uint64_t seed = first; seed <= options.last; seed += step) {
        Encoder announcement;
        announcement.u32(0).u64(seed);
        write_all(ends[1], announcement.bytes());
        const RunResult result = options.run ? options.run(seed)
                                             : run_seed(seed, {.real_ledger = options.real_ledger,
                                                               .canary = options.canary,
                                                               .sink = {}});
        Encoder record;
        record.var_bytes(encode_result(result));
        write_all(ends[1], record.bytes());
    }
    ::close(ends[1]);
    ::_exit(0);
}

/// Puts the results of a range together.
class Batch {
public:
    explicit Batch(const BatchOptions& options)
        : m_options{options}, m_begin{std::chrono::steady_clock::now()} {
        const std::size_t jobs = std::clamp<std::size_t>(options.jobs, 1, jobs_max);
        for (std::size_t job = 0; job < jobs; ++job) {
            m_children.push_back(start_child(options, options.first + job, jobs));
        }
    }

    BatchResult run() {
        while (!m_children.empty() && m_result.violations.size() < m_options.stop_after) {
            wait_for_input();
        }
        for (const Child& child : m_children) {
            ::kill(child.process, SIGKILL);
            ::close(child.pipe);
            ::waitpid(child.process, nullptr, 0);
        }
        m_result.wall_time = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - m_begin);
        return std::move(m_result);
    }

private:
    void wait_for_input() {
        std::vector<pollfd> waits;
        for (const Child& child : m_children) {
            waits.push_back({.fd = child.pipe, .events = POLLIN, .revents = 0});
        }
        if (::poll(waits.data(), waits.size(), -1) < 0) {
            ENSURE(errno == EINTR);
            return;
        }
        for (std::size_t i = waits.size(); i > 0; --i) {
            if (waits[i - 1].revents != 0 && !read_from(m_children[i - 1])) {
                m_children.erase(m_children.begin() + static_cast<std::ptrdiff_t>(i - 1));
            }
        }
    }

    /// False when the child is gone.
    bool read_from(Child& child) {
        std::array<std::uint8_t, 65536> buffer{};
        const ssize_t count = ::read(child.pipe, buffer.data(), buffer.size());
        if (count > 0) {
            append(child.unread, ByteView{buffer}.first(static_cast<std::size_t>(count)));
            take_records(child);
            return true;
        }
        int status{0};
        ::close(child.pipe);
        ::waitpid(child.process, &status, 0);
        if (child.running) {
            RunResult died;
            died.seed = *child.running;
            died.violation = fmt::format("the process died (wait status {:#x})", status);
            take(std::move(died));
            // The seeds behind the one that died still have to run.
            const std::uint64_t next = *child.running + m_options.jobs;
            if (next <= m_options.last) {
                child = start_child(m_options, next, m_options.jobs);
                return true;
            }
        }
        return false;
    }

    void take_records(Child& child) {
        for (;;) {
            Decoder length{child.unread};
            const std::uint32_t bytes = length.u32();
            const std::size_t whole = bytes == 0 ? 12 : 4 + std::size_t{bytes};
            if (!length.ok() || child.unread.size() < whole) {
                return;
            }
            if (bytes == 0) {
                child.running = length.u64();
            } else {
                take(decode_result(ByteView{child.unread}.subspan(4, bytes)));
                child.running.reset();
            }
            child.unread.erase(child.unread.begin(),
                               child.unread.begin() + static_cast<std::ptrdiff_t>(whole));
        }
    }

    void take(RunResult result) {
        ++m_result.seeds;
        m_result.views += result.views;
        m_result.heights += result.height;
        m_result.liveness_time_max = std::max(m_result.liveness_time_max, result.liveness_time);
        m_result.coverage.add(result.coverage);
        if (result.violation) {
            m_result.violations.push_back(std::move(result));
        }
        if (m_options.progress) {
            m_options.progress(m_result.seeds, m_result.violations.size());
        }
    }

    BatchOptions m_options;
    std::chrono::steady_clock::time_point m_begin;
    std::vector<Child> m_children;
    BatchResult m_result;
};

}  // namespace

RunResult run_seed(std::uint64_t seed, const RunOptions& options) {
    WorldOptions world_options =
        options.real_ledger ? ledger_options_of_seed(seed) : options_of_seed(seed);
    world_options.canary = options.canary;
    World world{seed, std::move(world_options)};
    world.trace().set_sink(options.sink);
    world.run_chaos();
    world.run_liveness();
    world.check_end();
    return result_of(world, seed);
}

RunResult result_of(World& world, std::uint64_t seed) {
    RunResult result;
    result.seed = seed;
    result.violation = world.oracle().violation();
    result.hash = world.trace().hash();
    result.lines = world.trace().lines();
    result.height = world.oracle().highest_final();
    result.views = world.oracle().highest_final_view();
    result.liveness_time = world.liveness_time();
    result.coverage = world.coverage();
    if (result.violation) {
        const auto& lines = world.trace().last_lines();
        result.last_lines.assign(lines.begin(), lines.end());
    }
    return result;
}

BatchResult run_batch(const BatchOptions& options) {
    BatchOptions checked = options;
    checked.jobs = std::clamp<std::size_t>(options.jobs, 1, jobs_max);
    return Batch{checked}.run();
}

}  // namespace tally::simulator
