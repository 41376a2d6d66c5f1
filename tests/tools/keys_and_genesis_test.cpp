#include "ledger/base/system_random.h"
#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tools/genesis/genesis_config.h"
#include "tools/keys/key_set.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace tally;
using namespace tally::tools;
using tally::test::TemporaryFolder;

namespace {

constexpr UnixMillis now{1'750'000'000'000};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

// Line numbers in the tests below count from this text's first line.
constexpr const char* network{R"(name = "testnet"
time_ms = 1748736000000
[parameters]
settle_window_ms = 60000
minimum_approval = "5.00"
[[member]]
party = "HUB"
country = "CN"
role = "hub"
keys = "HUB/public.json"
[[member]]
party = "AAA"
country = "CN"
operator_id = "MA0123456"
keys = "AAA/public.json"
[[member]]
party = "BBB"
country = "DE"
validator = false
keys = "BBB/public.json"
[[agreement]]
member = "AAA"
partner = "BBB"
currency = "CNY"
tariffs_offered = ["std"]
exposure_cap = "100.00"
[[limit]]
member = "AAA"
currency = "CNY"
limit = "1000.00"
)"};

struct Network {
    Network() {
        SystemRandom random;
        for (const char* member : {"HUB", "AAA", "BBB"}) {
            REQUIRE(generate_member_keys(folder.file(member), random));
        }
    }
    [[nodiscard]] Expected<Genesis, node::ConfigProblems> load(const std::string& text) const {
        std::ofstream{path} << text;
        return load_genesis_config(path, now);
    }
    [[nodiscard]] std::string problems(const std::string& from, const std::string& to) const {
        std::string text{network};
        const std::size_t place = text.find(from);
        REQUIRE(place != std::string::npos);
        const auto genesis = load(text.replace(place, from.size(), to));
        std::string all;
        if (!genesis) {
            for (const node::ConfigProblem& problem : genesis.error()) {
                all += problem.text() + "\n";
            }
        }
        return all;
    }
    TemporaryFolder folder;
    std::string path{folder.file("network.toml")};
};

}  // namespace

SCENARIO("a member's keys are three secrets of mode 0600 and their public halves") {
    const TemporaryFolder folder;
    SystemRandom random;
    const std::string keys = folder.file("new/keys");
    const auto made = generate_member_keys(keys, random);
    REQUIRE(made);
    const auto check = [&keys](const char* name, const PublicKey& expected) {
        const std::string path = keys + "/" + name;
        CHECK(mode_of(path) == 0600);
        const auto secret = node::read_secret_key(path);
        REQUIRE(secret);
        CHECK(public_key_of(*secret) == expected);
    };
    check("member.key", made->member);
    check("consensus.key", made->consensus);
    check("link.key", made->link);
    CHECK(made->member != made->consensus);
    CHECK(made->member != made->link);
    const auto read = load_public_keys(keys + "/public.json");
    REQUIRE(read);
    CHECK(read->member == made->member);
    CHECK(read->consensus == made->consensus);
    CHECK(read->link == made->link);
}

SCENARIO("keys are never overwritten, whichever of them is there") {
    SystemRandom random;
    for (const char* name : {"member.key", "consensus.key", "link.key"}) {
        const TemporaryFolder folder;
        std::ofstream{folder.file(name)} << "precious";
        const auto made = generate_member_keys(folder.path(), random);
        REQUIRE_FALSE(made);
        CHECK(contains(made.error(), folder.file(name)));
        std::string content;
        std::getline(std::ifstream{folder.file(name)}, content);
        CHECK(content == "precious");
        CHECK_FALSE(std::filesystem::exists(folder.file("public.json")));
    }
    const TemporaryFolder folder;
    REQUIRE(generate_bridge_key(folder.path(), random));
    CHECK(mode_of(folder.file("bridge.key")) == 0600);
    const auto before = node::read_secret_key(folder.file("bridge.key"));
    CHECK_FALSE(generate_bridge_key(folder.path(), random));
    CHECK(node::read_secret_key(folder.file("bridge.key")).value() == before.value());
}

SCENARIO("public.json of a bridge, or a broken one, is no member's keys") {
    const TemporaryFolder folder;
    SystemRandom random;
    const std::string path = folder.file("public.json");
    REQUIRE(generate_bridge_key(folder.path(), random));
    CHECK(contains(load_public_keys(path).error(), path + ": member_key: is missing"));
    std::ofstream{path} << "{";
    CHECK(contains(load_public_keys(path).error(), path + ": not JSON"));
    std::ofstream{path} << R"({"member_key":"00","consensus_key":"","link_key":""})";
    CHECK(contains(load_public_keys(path).error(), "member_key: must be 66 hexadecimal digits"));
    CHECK(contains(load_public_keys(folder.file("none")).error(), "cannot be read"));
    std::ofstream{folder.file("blocked")} << "a file in the way";
    CHECK(contains(generate_member_keys(folder.file("blocked/keys"), random).error(), "blocked"));
}

SCENARIO("a network's description becomes a genesis that reads back the same") {
    const Network network_files;
    const auto genesis = network_files.load(network);
    REQUIRE(genesis);
    CHECK(genesis->name == "testnet");
    CHECK(genesis->time == 1'748'736'000'000);
    CHECK(genesis->parameters.settle_window == 60'000);
    CHECK(genesis->parameters.claim_window == Parameters{}.claim_window);
    CHECK(genesis->parameters.minimum_approval == 50'000);
    REQUIRE(genesis->members.size() == 3);
    CHECK(to_text(genesis->members[0].party) == "AAA");
    CHECK(genesis->members[0].operator_id == "MA0123456");
    CHECK(genesis->members[1].country == "DE");
    CHECK_FALSE(genesis->members[1].validator);
    CHECK(genesis->members[2].role == MemberRole::hub);
    REQUIRE(genesis->agreements.size() == 1);
    CHECK(genesis->agreements[0].agreement.tariffs_offered == std::vector<std::string>{"std"});
    CHECK(genesis->limits.at(0).limit == 10'000'000);
    const auto keys = load_public_keys(network_files.folder.file("HUB/public.json"));
    CHECK(genesis->members[2].link_key == keys.value().link);
    CHECK(node::genesis_from_json(node::genesis_to_json(*genesis)).value() == *genesis);
}

SCENARIO("without a time the network begins now") {
    const Network network_files;
    std::string text{network};
    text.erase(text.find("time_ms"), std::string{"time_ms = 1748736000000\n"}.size());
    const auto genesis = network_files.load(text);
    REQUIRE(genesis);
    CHECK(genesis->time == now);
}

SCENARIO("every mistake in a network's description is named with its line and key") {
    const Network files;
    struct Case {
        const char* from;
        const char* to;
        const char* line;
        const char* problem;
    };
    const std::vector<Case> cases{
        {"name = \"testnet\"", "", "", "name: is missing"},
        {"time_ms = 1748736000000", "time_ms = -1", ":2:", "time_ms: "},
        {"settle_window_ms = 60000", "settle_window_ms = 0", ":4:", "parameters.settle_window_ms"},
        {"settle_window_ms = 60000", "settle = 1", ":4:", "parameters.settle: "},
        {"settle_window_ms = 60000", "epoch_blocks_max = 9", ":4:", "parameters.epoch_blocks_max"},
        {"settle_window_ms = 60000", "epoch_blocks_min = 0", ":4:", "parameters.epoch_blocks_min"},
        {"settle_window_ms = 60000", "admissions_per_epoch = 257",
         ":4:", "parameters.admissions_per_epoch"},
        {"\"5.00\"", "5.00", ":5:", "parameters.minimum_approval"},
        {"\"5.00\"", "\"-5\"", ":5:", "parameters.minimum_approval: must be a decimal text"},
        {"party = \"HUB\"", "party = \"HU\"", ":7:", "member[0].party: must be three letters"},
        {"role = \"hub\"", "role = \"bank\"", ":9:", "member[0].role: "},
        {"HUB/public.json", "none.json", ":10:", "member[0].keys: "},
        {"HUB/public.json", "network.toml", ":10:", "not JSON"},
        {"validator = false", "validator = 0", ":19:", "member[2].validator: "},
        {"partner = \"BBB\"", "partner = \"BBBB\"", ":23:", "agreement[0].partner: must be three"},
        {"currency = \"CNY\"", "currency = \"yuan\"", ":24:", "agreement[0].currency: must be an"},
        {"[\"std\"]", "\"std\"", ":25:", "agreement[0].tariffs_offered: "},
        {"limit = \"1000.00\"", "limit = \"much\"", ":30:", "limit[0].limit: must be a decimal"},
        {"limit = \"1000.00\"", "limt = \"1\"", ":30:", "limit[0].limt: "},
        // Rules across entries have no line of their own.
        {"role = \"hub\"", "", "network.toml", "genesis: members must have exactly one hub"},
        {"party = \"AAA\"", "party = \"HUB\"", "network.toml", "genesis: "},
        {"AAA/public.json", "BBB/public.json", "network.toml", "is also another member's"},
        {"partner = \"BBB\"", "partner = \"ZZZ\"", "network.toml", "partner is not another"},
    };
    for (const Case& wrong : cases) {
        const std::string problems = files.problems(wrong.from, wrong.to);
        INFO(wrong.from << " -> " << wrong.to << ": " << problems);
        CHECK(contains(problems, wrong.line));
        CHECK(contains(problems, wrong.problem));
        CHECK(problems.starts_with(files.path));
    }
    CHECK(load_genesis_config(files.folder.file("none.toml"), now).error().size() == 1);
}
