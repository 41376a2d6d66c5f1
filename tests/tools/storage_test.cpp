// `tally archive`, as an operator uses it on a data folder.

#include "ledger/base/lock_file.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/store/leveldb_store.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tests/ledger/store/test_ledger.h"
#include "tools/storage/archive_command.h"
#include "tools/storage/quantity.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include <iostream>
#include <sstream>

using namespace tally;
using namespace tally::test;
using namespace tally::tools;

namespace {

/// What a command printed while this lived.
class Captured {
public:
    Captured() : m_out{std::cout.rdbuf(m_text.rdbuf())}, m_err{std::cerr.rdbuf(m_text.rdbuf())} {}
    ~Captured() {
        std::cout.rdbuf(m_out);
        std::cerr.rdbuf(m_err);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    [[nodiscard]] std::string text() const { return m_text.str(); }

private:
    std::ostringstream m_text;
    std::streambuf* m_out;
    std::streambuf* m_err;
};

/// The data folder of a stopped node with eight blocks, an hour apart, each in its own segment.
struct DataFolder {
    static constexpr int blocks{8};

    TemporaryFolder folder;
    PosixFileSystem files;
    std::string printed;

    DataFolder() {
        REQUIRE(files.create_directories(data() + "/ledger/segments"));
        TestChain chain;
        with_ledger([&](TestLedger& ledger) {
            ledger.initialize();
            REQUIRE(ledger.open(1).empty());
            for (int i = 0; i < blocks; ++i) {
                ledger.add(chain.pass(hour_ms).block);
            }
        });
    }
    [[nodiscard]] std::string data() const { return folder.file("data"); }
    [[nodiscard]] std::string segments() const { return data() + "/ledger/segments"; }
    template <typename Work>
    void with_ledger(Work work) {
        const auto store = std::move(LevelDbStore::open(data() + "/ledger/state")).value();
        TestLedger ledger{files, *store, segments()};
        work(ledger);
        if (ledger.is_open()) {
            ledger.get().sync_state();
        }
    }
    int run(const std::string& arguments) {
        CLI::App app;
        int exit_code{-1};
        add_archive_command(app, exit_code);
        const Captured captured;
        app.parse("archive " + arguments);
        printed = captured.text();
        return exit_code;
    }
    [[nodiscard]] std::size_t count(const std::string& where) const {
        const auto names = files.list(where);
        return names ? names->size() : 0;
    }
    void check_all_blocks() {
        with_ledger([&](TestLedger& ledger) {
            REQUIRE(ledger.open(1).empty());
            for (std::uint64_t height = 1; height <= blocks; ++height) {
                CHECK(ledger.get().read_block(height));
            }
        });
    }
};

}  // namespace

SCENARIO("tally archive says what would go, and moves it when told to") {
    DataFolder node;
    const std::string archive = node.folder.file("old");
    const std::string options = "--data " + node.data() + " --to " + archive + " --older-than 3h";
    REQUIRE(node.run(options + " --dry-run") == 0);
    CHECK(node.printed.find("would move 4 segments") != std::string::npos);
    CHECK(node.count(archive) == 0);
    REQUIRE(node.run(options) == 0);
    CHECK(node.printed.find("moved 4 segments") != std::string::npos);
    CHECK(node.count(archive) == 4);
    CHECK(node.count(node.segments()) == 5);
    node.check_all_blocks();
    REQUIRE(node.run("--data " + node.data() + " --keep-bytes 0 --json") == 0);
    CHECK(node.printed.find("\"archive\":\"" + archive + "\"") != std::string::npos);
    CHECK(node.count(archive) == 6);  // the newest stays, and the base of its 120 s
    node.check_all_blocks();
}

SCENARIO("tally archive with no rule takes what is older than 90 days") {
    DataFolder node;
    REQUIRE(node.run("--data " + node.data() + " --to " + node.folder.file("old")) == 0);
    CHECK(node.printed.find("moved 0 segments") != std::string::npos);
}

SCENARIO("tally archive refuses what it cannot do, and says what to do instead") {
    DataFolder node;
    const std::string old = " --to " + node.folder.file("old");
    CHECK(node.run("--data " + node.folder.file("nothing") + old) == 2);
    CHECK(node.run("--data " + node.data() + old + " --older-than 3x") == 1);
    CHECK(node.run("--data " + node.data() + old + " --keep-bytes -1") == 1);
    CHECK(node.run("--data " + node.data()) == 1);
    CHECK(node.printed.find("--to") != std::string::npos);
    CHECK(node.run("--data " + node.data() + " --to " + node.segments() + " --keep-bytes 0") == 1);
    const auto lock = LockFile::acquire(node.data() + "/lock");
    REQUIRE(lock);
    CHECK(node.run("--data " + node.data() + old + " --keep-bytes 0") == 1);
    CHECK(node.printed.find("[archive]") != std::string::npos);
    CHECK(node.count(node.folder.file("old")) == 0);
}

SCENARIO("durations and sizes are numbers with a unit") {
    CHECK(duration_from_text("90d") == std::chrono::hours{90 * 24});
    CHECK(duration_from_text("36h") == std::chrono::hours{36});
    CHECK(duration_from_text("15m") == std::chrono::minutes{15});
    CHECK(duration_from_text("0s") == std::chrono::seconds{0});
    for (const char* wrong :
         {"", "d", "90", "-1d", "1.5d", "9d9", "99999999d", "90 d", "99999999999999999999d"}) {
        CHECK_FALSE(duration_from_text(wrong));
    }
    CHECK(bytes_from_text("0") == 0U);
    CHECK(bytes_from_text("3K") == 3072U);
    CHECK(bytes_from_text("2G") == 2147483648U);
    for (const char* wrong : {"", "K", "-1", "1T", "9223372036854775808", "9999999999G", "1 G"}) {
        CHECK_FALSE(bytes_from_text(wrong));
    }
    CHECK(bytes_text(1023) == "1023 bytes");
    CHECK(bytes_text(64UL * 1024 * 1024) == "64.0 MiB");
    CHECK(bytes_text(1536) == "1.5 KiB");
}
