#include "node/config/node_config.h"

#include "tests/ledger/base/temporary_folder.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace tally;
using namespace tally::node;
using tally::test::TemporaryFolder;

namespace {

// Line numbers in the tests below count from this text's first line.
constexpr const char* full{R"(member = "AAA"
data_dir = "data"
genesis = "/etc/tally/genesis.json"
[keys]
member = "keys/member.key"
consensus = "keys/consensus.key"
link = "keys/link.key"
[link]
listen = "0.0.0.0:7001"
[[peer]]
member = "BBB"
address = "b.example:7003"
[[peer]]
member = "HUB"
address = "[::1]:7000"
[api]
listen = "127.0.0.1:7002"
token_file = "api.token"
[accounts]
customers = "customers.json"
[log]
level = "debug"
file = "tallyd.log"
[limits]
verify_threads = 4
[roaming]
review_from = "50.00"
review_margin_ms = 600000
)"};

struct ConfigFile {
    TemporaryFolder folder;
    std::string path{folder.file("node.toml")};

    Expected<NodeConfig, ConfigProblems> load(const std::string& text) const {
        std::ofstream{path} << text;
        return load_node_config(path);
    }
    /// All problems of `full` with `from` replaced, each without the file's name.
    std::vector<std::string> problems(const std::string& from, const std::string& to) const {
        std::string text{full};
        const std::size_t place = text.find(from);
        REQUIRE(place != std::string::npos);
        const auto config = load(text.replace(place, from.size(), to));
        std::vector<std::string> texts;
        if (!config) {
            for (const ConfigProblem& problem : config.error()) {
                REQUIRE(problem.text().starts_with(path + ":"));
                texts.push_back(problem.text().substr(path.size() + 1));
            }
        }
        return texts;
    }
};

}  // namespace

SCENARIO("every key of a node's configuration is read, and paths start at the file's folder") {
    const ConfigFile file;
    const auto config = file.load(full);
    REQUIRE(config);
    CHECK(to_text(config->member) == "AAA");
    CHECK(config->data_dir == file.folder.file("data"));
    CHECK(config->genesis_file == "/etc/tally/genesis.json");
    CHECK(config->member_key_file == file.folder.file("keys/member.key"));
    CHECK(config->consensus_key_file == file.folder.file("keys/consensus.key"));
    CHECK(config->link_key_file == file.folder.file("keys/link.key"));
    CHECK(config->link_listen == HostPort{"0.0.0.0", 7001});
    REQUIRE(config->peers.size() == 2);
    CHECK(to_text(config->peers[0].member) == "BBB");
    CHECK(config->peers[1].address == HostPort{"::1", 7000});
    CHECK(config->api_listen == HostPort{"127.0.0.1", 7002});
    CHECK(config->api_token_file == file.folder.file("api.token"));
    CHECK(config->customers_file == file.folder.file("customers.json"));
    CHECK(config->review_from == 500'000);
    CHECK(config->review_margin == std::chrono::minutes{10});
    CHECK(config->log_level == "debug");
    CHECK(config->log_file == file.folder.file("tallyd.log"));
    CHECK(config->verify_threads == 4);
}

SCENARIO("customers, log and limits may be left out") {
    const ConfigFile file;
    std::string text{full};
    const auto config = file.load(text.substr(0, text.find("[accounts]")));
    REQUIRE(config);
    CHECK(config->customers_file.empty());
    CHECK(config->log_file.empty());
    CHECK(config->log_level == "info");
    CHECK(config->verify_threads == 2);
    CHECK(config->keep_finished == std::chrono::days{400});
    CHECK_FALSE(config->review_from);
    CHECK(config->review_margin == std::chrono::hours{1});
}

SCENARIO("how long finished authorizations are kept can be told") {
    const ConfigFile file;
    const auto config = file.load(std::string{full} + "\n[state]\nkeep_finished_d = 0\n");
    REQUIRE(config);
    CHECK(config->keep_finished == std::chrono::days{0});
    for (const char* value : {"-1", "36501", "\"x\""}) {
        CHECK_FALSE(file.load(std::string{full} + "\n[state]\nkeep_finished_d = " + value + "\n"));
    }
}

SCENARIO("old segments go to the folder of [archive], by age, by size or both") {
    const ConfigFile file;
    const std::string text{full};
    const auto with = [&](const std::string& lines) {
        const auto config = file.load(text + "\n[archive]\n" + lines);
        REQUIRE(config);
        return config->archive;
    };
    const auto plain = file.load(text);
    REQUIRE(plain);
    CHECK(plain->archive.folder.empty());
    CHECK(plain->archive.segment_bytes == LedgerOptions{}.segment_bytes);
    const ArchiveConfig aged = with("folder = \"old\"\n");
    CHECK(aged.folder == file.folder.file("old"));
    CHECK(aged.rule.older_than == std::chrono::days{90});
    CHECK_FALSE(aged.rule.keep_bytes);
    const ArchiveConfig sized = with("folder = \"/old\"\nkeep_bytes = 0\nsegment_bytes = 65536");
    CHECK_FALSE(sized.rule.older_than);
    CHECK(sized.rule.keep_bytes == 0U);
    CHECK(sized.segment_bytes == 65536);
    const ArchiveConfig both = with("folder = \"/old\"\nkeep_bytes = 7\nolder_than_d = 1");
    CHECK(both.rule.older_than == std::chrono::days{1});
    CHECK(both.rule.keep_bytes == 7U);
    for (const char* wrong :
         {"keep_bytes = 1", "folder = \"x\"\nolder_than_d = 0", "folder = \"x\"\nkeep_bytes = -1",
          "segment_bytes = 1000", "folder = \"x\"\nolder_than = 3"}) {
        INFO(wrong);
        CHECK_FALSE(file.load(text + "\n[archive]\n" + wrong));
    }
}

SCENARIO("every wrong line is named by file, line and key") {
    struct Case {
        const char* from;
        const char* to;
        const char* problem;  ///< begins with line and column
        const char* key;
    };
    const std::vector<Case> cases{
        {"member = \"AAA\"", "member = \"AAAA\"", "1:", "member: must be three letters, but"},
        {"member = \"AAA\"", "member = 5", "1:", "member: "},
        {"data_dir", "data_folder", "", "data_dir: is missing"},
        {"data_dir", "data_folder", "2:", "data_folder: "},
        {"genesis = \"/etc/tally/genesis.json\"", "genesis = 1", "3:", "genesis: "},
        {"consensus = \"keys/consensus.key\"", "", "4:", "keys.consensus: "},
        {"0.0.0.0:7001", "0.0.0.0:70001", "9:", "link.listen: "},
        {"0.0.0.0:7001", "7001", "9:", "link.listen: "},
        {"member = \"BBB\"", "member = \"B2B\"", "11:", "peer[0].member: must be three letters"},
        {"[::1]:7000", "[::1]", "15:", "peer[1].address: "},
        {"token_file = \"api.token\"", "", "16:", "api.token_file: "},
        {"level = \"debug\"", "level = \"loud\"", "22:", "log.level: "},
        {"verify_threads = 4", "verify_threads = 0", "25:", "limits.verify_threads: "},
        {"verify_threads = 4", "verify_threads = 257", "25:", "limits.verify_threads: "},
        {"verify_threads = 4", "verify_threads = \"4\"", "25:", "limits.verify_threads: "},
        {"verify_threads = 4", "verify_threads = 4\nnice = 1", "26:", "limits.nice: "},
        {"review_from = \"50.00\"", "review_from = \"-1\"", "27:", "roaming.review_from: must be"},
        {"review_from = \"50.00\"", "review_from = 50", "27:", "roaming.review_from: "},
        {"review_margin_ms = 600000", "review_margin_ms = -1", "28:", "roaming.review_margin_ms: "},
        {"member = \"HUB\"", "member = \"BBB\"", "14:", "peer[1].member: is listed twice"},
    };
    const ConfigFile file;
    for (const Case& wrong : cases) {
        const std::vector<std::string> problems = file.problems(wrong.from, wrong.to);
        INFO(wrong.from << " -> " << wrong.to);
        REQUIRE_FALSE(problems.empty());
        INFO(problems.front());
        bool found{false};
        for (const std::string& problem : problems) {
            found = found || (problem.starts_with(wrong.problem) &&
                              problem.find(std::string{" "} + wrong.key) != std::string::npos);
        }
        CHECK(found);
    }
}

SCENARIO("all problems of a file are given at once, in the file's order") {
    const ConfigFile file;
    const auto config = file.load("member = \"A\"\n[link]\nlisten = 3\n[log]\nlevel = \"x\"\n");
    REQUIRE_FALSE(config);
    REQUIRE(config.error().size() >= 8);
    for (std::size_t index = 1; index < config.error().size(); ++index) {
        CHECK(config.error()[index - 1].line <= config.error()[index].line);
    }
}

SCENARIO("b of the driver's figures is a decimal for each class of connectors") {
    const ConfigFile file;
    const auto config = file.load(std::string{full} +
                                  "[[coefficient]]\nup_to_w = 22000\nb = \"0.850\"\n"
                                  "[[coefficient]]\nb = \"0\"\n");
    REQUIRE(config);
    CHECK(coefficient_for(config->coefficients, 22'000) == 850);
    CHECK(coefficient_for(config->coefficients, 22'001) == 0);
    CHECK(coefficient_for({}, 22'000) == 1'000);
    for (const char* wrong : {"b = \"1000.001\"", "b = \"-1\"", "b = \"0.0005\"", "b = \"x\"",
                              "b = 1", "up_to_w = 0\nb = \"1\"",
                              "up_to_w = 9\nb = \"1\"\n[[coefficient]]\nup_to_w = 9\nb = \"1\""}) {
        INFO(wrong);
        CHECK_FALSE(file.load(std::string{full} + "[[coefficient]]\n" + wrong + "\n"));
    }
}

SCENARIO("token keys are a short list of files beside the configuration") {
    const ConfigFile file;
    const auto config = file.load(std::string{full} + "[tokens]\nkeys = [\"a.key\", \"/b.key\"]\n");
    REQUIRE(config);
    REQUIRE(config->token_key_files.size() == 2);
    CHECK(config->token_key_files[0].ends_with("/a.key"));
    CHECK(config->token_key_files[1] == "/b.key");
    CHECK_FALSE(file.load(std::string{full} + "[tokens]\nkeys = [\"a\", \"b\", \"c\", \"d\"]\n"));
}

SCENARIO("broken syntax, a missing file and too many peers are problems of the file") {
    const ConfigFile file;
    CHECK(load_node_config(file.path).error().front().file == file.path);
    const auto broken = file.load("member = \"AAA\"\ndata_dir = \n");
    REQUIRE_FALSE(broken);
    CHECK(broken.error().front().line == 2);
    const auto twice = file.load("member = \"AAA\"\nmember = \"BBB\"\n");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().front().line == 2);
    std::string text{full};
    for (std::size_t index = 0; index < peers_max; ++index) {
        text += "[[peer]]\nmember = \"CCC\"\naddress = \"c:1\"\n";
    }
    const auto many = file.load(text);
    REQUIRE_FALSE(many);
    CHECK(many.error().front().key == "peer");
}
