// The smaller parts: timers, verification pool, logs, metrics, processes, key files.

#include "ledger/base/system_random.h"
#include "node/runtime/asio.h"
#include "node/runtime/asio_timers.h"
#include "node/runtime/key_file.h"
#include "node/runtime/logging.h"
#include "node/runtime/metrics.h"
#include "node/runtime/process.h"
#include "node/runtime/verify_pool.h"

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

using namespace tally;
using namespace tally::node;

namespace {

void run_while(asio::io_context& io, const std::function<bool()>& busy) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (busy() && std::chrono::steady_clock::now() < give_up) {
        io.restart();
        io.run_one_for(std::chrono::milliseconds{5});
    }
}

struct TemporaryFolder {
    TemporaryFolder() : path{"/tmp/tally-runtime-test-" + std::to_string(::getpid())} {
        std::filesystem::create_directories(path);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string path;
};

std::string content_of(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

SCENARIO("timers fire once, in order of time, and not when cancelled", "[timers]") {
    asio::io_context io;
    AsioTimers timers{io};
    std::string fired;
    timers.after(std::chrono::milliseconds{20}, [&] { fired += 'b'; });
    timers.after(std::chrono::milliseconds{1}, [&] { fired += 'a'; });
    const AsioTimers::Id cancelled =
        timers.after(std::chrono::milliseconds{5}, [&] { fired += 'x'; });
    timers.cancel(cancelled);
    CHECK(fired.empty());
    io.run();
    CHECK(fired == "ab");
    CHECK(timers.pending() == 0);
}

SCENARIO("an expired timer that is cancelled before its turn does not fire", "[timers]") {
    asio::io_context io;
    AsioTimers timers{io};
    bool second{false};
    AsioTimers::Id later{0};
    timers.after(std::chrono::microseconds{0}, [&] { timers.cancel(later); });
    later = timers.after(std::chrono::microseconds{0}, [&] { second = true; });
    std::this_thread::yield();
    io.run();
    CHECK_FALSE(second);
}

SCENARIO("destroyed timers fire nothing", "[timers]") {
    asio::io_context io;
    bool fired{false};
    {
        AsioTimers timers{io};
        timers.after(std::chrono::microseconds{0}, [&] { fired = true; });
    }
    io.run();
    CHECK_FALSE(fired);
}

SCENARIO("jobs run on the pool's threads and report on the loop's", "[pool]") {
    asio::io_context io;
    VerifyPool pool{io, 2, 1000};
    const std::thread::id loop = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
    int done{0};
    int sum{0};
    for (int i = 0; i < 1000; ++i) {
        const std::function<int()> work = [i, loop, &elsewhere] {
            elsewhere += std::this_thread::get_id() != loop ? 1 : 0;
            return i;
        };
        const std::function<void(int)> report = [&, loop](int value) {
            done += std::this_thread::get_id() == loop ? 1 : 0;
            sum += value;
        };
        REQUIRE(pool.submit_for<int>(work, report));
    }
    run_while(io, [&] { return pool.pending() > 0; });
    CHECK(done == 1000);
    CHECK(elsewhere == 1000);
    CHECK(sum == 499'500);
}

SCENARIO("a full queue refuses", "[pool]") {
    asio::io_context io;
    std::mutex gate;
    gate.lock();
    int done{0};
    VerifyPool pool{io, 1, 2};
    const auto blocked = [&gate] { const std::lock_guard wait{gate}; };
    CHECK(pool.submit(blocked, [&] { ++done; }));
    CHECK(pool.submit(blocked, [&] { ++done; }));
    CHECK_FALSE(pool.submit(blocked, [&] { ++done; }));
    gate.unlock();
    run_while(io, [&] { return pool.pending() > 0; });
    CHECK(done == 2);
    CHECK(pool.submit([] {}, [] {}));
}

SCENARIO("nothing is reported after the pool is gone", "[pool]") {
    asio::io_context io;
    bool reported{false};
    {
        VerifyPool pool{io, 1, 10};
        std::atomic<bool> ran{false};
        REQUIRE(pool.submit([&ran] { ran = true; }, [&] { reported = true; }));
        while (!ran) {
            std::this_thread::yield();
        }
    }
    io.run();
    CHECK_FALSE(reported);
}

SCENARIO("log values cannot forge lines or fields", "[log]") {
    CHECK(
        format_log_fields("link", "connected", {{"peer", "02ab"}, {"port", 7000}, {"up", true}}) ==
        "comp=link event=connected peer=02ab port=7000 up=true");
    CHECK(format_log_fields("a", "b", {{"v", "x\nlevel=error \"q\" \\ \x7f"}}) ==
          "comp=a event=b v=\"x\\x0alevel=error \\\"q\\\" \\\\ \\x7f\"");
    CHECK(format_log_fields("a", "b", {{"v", ""}}) == "comp=a event=b v=\"\"");
    const std::string cut =
        format_log_fields("a", "b", {{"v", std::string(log_value_bytes_max + 1, 'x')}});
    CHECK(cut == "comp=a event=b v=\"" + std::string(log_value_bytes_max, 'x') + "...\"");
}

SCENARIO("logs have levels, time and a bounded rate", "[log]") {
    const TemporaryFolder folder;
    const std::string path = folder.path + "/log";
    REQUIRE(configure_logging({LogLevel::warn, path}));
    log_info("test", "hidden");
    log_warn("test", "shown", {{"n", 1}});
    for (std::uint32_t i = 0; i < log_lines_per_minute_max * 2; ++i) {
        log_error("test", "flood");
    }
    REQUIRE(configure_logging({LogLevel::info, ""}));
    const std::string text = content_of(path);
    CHECK(text.find("hidden") == std::string::npos);
    CHECK(text.find("Z level=warn comp=test event=shown n=1\n") != std::string::npos);
    CHECK(text.rfind("ts=20", 0) == 0);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    CHECK(lines >= log_lines_per_minute_max);
    CHECK(lines < log_lines_per_minute_max * 2);  // A minute may end in between, once.
    CHECK_FALSE(configure_logging({LogLevel::info, path + "/below-a-file"}));
}

SCENARIO("levels have names", "[log]") {
    CHECK(log_level_from_text("warn") == LogLevel::warn);
    CHECK_FALSE(log_level_from_text("warning"));
}

SCENARIO("tokens are redacted to their operator", "[log]") {
    CHECK(redacted("BBB-00012345") == "BBB-***");
    CHECK(redacted("BBB-99999999") == redacted("BBB-00012345"));
    CHECK(redacted("04a1b2c3d4") == "***");
    CHECK(redacted("12-4567") == "***");
    CHECK(redacted("BBB-") == "***");
    CHECK(redacted("") == "***");
}

SCENARIO("metrics are exposed in the text format", "[metrics]") {
    Metrics metrics;
    metrics.counter("tally_things_total", "Things.", {{"kind", "a\"b"}}).add(2);
    metrics.counter("tally_things_total", "Things.", {{"kind", "a\"b"}}).add();
    metrics.counter("tally_elsewhere_total", "Kept elsewhere.").advance_to(7);
    metrics.counter("tally_elsewhere_total", "Kept elsewhere.").advance_to(5);
    metrics.gauge("tally_height", "Height.").set(42);
    metrics.histogram("tally_wait_seconds", "Waiting.", {0.1, 1}).observe(0.5);
    metrics.on_collect([](Metrics& m) { m.gauge("tally_collected", "At exposition.").set(9); });
    const std::string text = metrics.metrics_text();
    CHECK(text.find("tally_things_total{kind=\"a\\\"b\"} 3\n") != std::string::npos);
    CHECK(text.find("tally_elsewhere_total 7\n") != std::string::npos);
    CHECK(text.find("# TYPE tally_height gauge\n") != std::string::npos);
    CHECK(text.find("tally_height 42\n") != std::string::npos);
    CHECK(text.find("tally_wait_seconds_bucket{le=\"1\"} 1\n") != std::string::npos);
    CHECK(text.find("tally_collected 9\n") != std::string::npos);
}

SCENARIO("the limit on open files is raised as far as it goes, and never lowered") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low{256, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK(allow_open_files(300) == 300);
    CHECK(allow_open_files(100) == 300);
    rlimit after{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
    CHECK(after.rlim_cur == 300);
    CHECK(after.rlim_max == before.rlim_max);
    if (before.rlim_max != RLIM_INFINITY) {
        CHECK(allow_open_files(std::uint64_t{before.rlim_max} + 1) == before.rlim_max);
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

SCENARIO("the kernel tells what a process uses", "[process]") {
    CHECK(process_alive(own_pid()));
    const auto usage = process_usage(own_pid());
    REQUIRE(usage);
    CHECK(usage->resident_bytes > 1'000'000);
    CHECK(usage->threads >= 1);
    CHECK_FALSE(process_alive(0x3fffffff));
    CHECK_FALSE(process_usage(0x3fffffff));
}

SCENARIO("SIGTERM asks to stop", "[process]") {
    asio::io_context io;
    int stops{0};
    const SignalWatcher watcher{io, [&stops] { ++stops; }};
    std::raise(SIGTERM);
    run_while(io, [&] { return stops == 0; });
    CHECK(stops == 1);
}

SCENARIO("a secret key is written once and read back", "[key]") {
    const TemporaryFolder folder;
    const std::string path = folder.path + "/member.key";
    SystemRandom random;
    const SecretKey key = generate_secret(random);
    REQUIRE(write_new_secret_key(path, key));
    const auto read = read_secret_key(path);
    REQUIRE(read);
    CHECK(*read == key);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);

    const auto again = write_new_secret_key(path, generate_secret(random));
    REQUIRE_FALSE(again);
    CHECK(again.error().text == path + ": exists already and is not overwritten");
    CHECK(*read_secret_key(path) == key);
}

SCENARIO("key files that others may read or that hold no key are refused", "[key]") {
    const TemporaryFolder folder;
    const std::string path = folder.path + "/k";
    SystemRandom random;
    REQUIRE(write_new_secret_key(path, generate_secret(random)));
    for (const mode_t mode : {0640U, 0604U, 0660U, 0602U}) {
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto read = read_secret_key(path);
        REQUIRE_FALSE(read);
        CHECK(read.error().text.find("chmod 600") != std::string::npos);
    }
    const auto with_content = [&path](const std::string& content) {
        std::ofstream{path, std::ios::trunc} << content;
        ::chmod(path.c_str(), 0600);
        return read_secret_key(path);
    };
    CHECK_FALSE(with_content(""));
    CHECK_FALSE(with_content(std::string(64, '0')));  // zero is no secret key
    CHECK_FALSE(with_content(std::string(63, '1')));
    CHECK_FALSE(with_content(std::string(64, 'g')));
    CHECK_FALSE(with_content(std::string(10'000, '1')));
    CHECK_FALSE(with_content(std::string(64, '1') + "\n\n"));
    CHECK(with_content(std::string(64, '1') + "\n"));
    CHECK_FALSE(read_secret_key(folder.path));
    CHECK_FALSE(read_secret_key(folder.path + "/absent"));
    CHECK_FALSE(write_new_secret_text(folder.path + "/t", "two\nlines"));
}
