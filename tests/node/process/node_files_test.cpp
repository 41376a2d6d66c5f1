#include "node/process/node_files.h"

#include "ledger/base/posix_file_system.h"
#include "node/process/peer_book.h"
#include "node/runtime/exit_codes.h"
#include "tests/node/process/member_folder.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <filesystem>

using namespace tally;
using namespace tally::node;
using tally::node::test::MemberFolder;
using tally::test::genesis_time;
using tally::test::party;
using tally::test::secret_of;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// The error of files that must be refused as wrong configuration.
std::string refusal(const MemberFolder& folder) {
    const auto inputs = folder.load();
    if (inputs) {
        return "accepted";
    }
    CHECK(inputs.error().exit_code == exit_config);
    return inputs.error().text;
}

void replace_key(const MemberFolder& folder, const std::string& name, const SecretKey& key) {
    std::filesystem::remove(folder.file(name));
    REQUIRE(write_new_secret_key(folder.file(name), key));
}

}  // namespace

SCENARIO("a member's files belong together") {
    const MemberFolder folder;
    const auto inputs = folder.load();
    REQUIRE(inputs);
    CHECK(inputs->member.party == party("AAA"));
    CHECK(inputs->genesis == MemberFolder::default_genesis());
    CHECK(public_key_of(inputs->keys.member) == inputs->member.member_key);
    CHECK(public_key_of(inputs->keys.consensus) == inputs->member.consensus_key);
    CHECK(public_key_of(inputs->keys.link) == inputs->member.link_key);
    CHECK(inputs->config.data_dir == folder.file("data"));
}

SCENARIO("a key that the genesis does not name for the member is refused at init by its file") {
    PosixFileSystem files;
    const auto init_refusal = [&files](const MemberFolder& folder) {
        const auto inputs = folder.load();
        REQUIRE(inputs);
        const auto made = initialize_node(*inputs, files);
        REQUIRE_FALSE(made);
        CHECK(made.error().exit_code == exit_config);
        CHECK_FALSE(std::filesystem::exists(folder.file("data")));
        return made.error().text;
    };
    for (const std::string name : {"member", "consensus", "link"}) {
        const MemberFolder folder;
        replace_key(folder, name + ".key", secret_of("BBB/" + name));
        const std::string text = init_refusal(folder);
        INFO(text);
        CHECK(contains(text, folder.file(name + ".key") + ": is not the " + name + " key"));
        CHECK(contains(text, to_hex(public_key_of(secret_of("AAA/" + name)))));
        CHECK_FALSE(contains(text, to_hex(secret_of("BBB/" + name).view())));
    }
    const MemberFolder swapped;
    replace_key(swapped, "link.key", secret_of("AAA/member"));
    CHECK(contains(init_refusal(swapped), "link.key: is not the link key"));
}

SCENARIO("a key file that others may read, that is missing or broken, is refused") {
    const MemberFolder folder;
    REQUIRE(::chmod(folder.file("link.key").c_str(), 0644) == 0);
    CHECK(contains(refusal(folder), folder.file("link.key")));
    REQUIRE(::chmod(folder.file("link.key").c_str(), 0600) == 0);
    CHECK(folder.load());
    folder.write("link.key", "nonsense\n");
    CHECK(contains(refusal(folder), folder.file("link.key")));
    std::filesystem::remove(folder.file("link.key"));
    CHECK(contains(refusal(folder), folder.file("link.key")));
}

SCENARIO("a member or peer that the genesis does not know may join later") {
    const MemberFolder folder{"XYZ"};
    folder.write("node.toml",
                 folder.config() + "[[peer]]\naddress = \"127.0.0.1:1\"\nmember = \"EEE\"\n");
    const auto inputs = folder.load();
    REQUIRE(inputs);
    CHECK(inputs->joining);
    CHECK(inputs->member.party == party("XYZ"));
    CHECK_FALSE(inputs->member.validator);
    CHECK(inputs->member.link_key == public_key_of(secret_of("XYZ/link")));
    PosixFileSystem files;
    CHECK(initialize_node(*inputs, files));
}

SCENARIO("after a loss the data folder is made without a safety record, with any keys") {
    const MemberFolder folder;
    replace_key(folder, "link.key", secret_of("AAA/link-1"));
    const auto inputs = folder.load();
    REQUIRE(inputs);
    PosixFileSystem files;
    REQUIRE(initialize_node(*inputs, files, InitMode::after_loss));
    const DataFolders folders{inputs->config.data_dir};
    CHECK_FALSE(std::filesystem::is_empty(folders.segments));
    CHECK(std::filesystem::is_empty(folders.consensus));
}

SCENARIO("a broken configuration or genesis is named, every problem of it") {
    const MemberFolder folder;
    folder.write("node.toml", "member = \"A\"\n");
    const std::string text = refusal(folder);
    CHECK(contains(text, "node.toml:1:"));
    CHECK(contains(text, "data_dir: is missing"));
    CHECK(contains(text, "\n"));
    folder.write("node.toml", folder.config());
    folder.write("genesis.json", "{}");
    CHECK(contains(refusal(folder), folder.file("genesis.json") + ": genesis: name: is missing"));
    std::filesystem::remove(folder.file("genesis.json"));
    CHECK(contains(refusal(folder), folder.file("genesis.json") + ": cannot be opened"));
    const auto missing = load_inputs(folder.file("other.toml"));
    REQUIRE_FALSE(missing);
    CHECK(contains(missing.error().text, "other.toml"));
}

SCENARIO("a data folder is made once; its safety record is never made anew") {
    const MemberFolder folder;
    const auto inputs = folder.load();
    REQUIRE(inputs);
    PosixFileSystem files;
    REQUIRE(initialize_node(*inputs, files));
    const DataFolders folders{inputs->config.data_dir};
    for (const std::string& made : {folders.segments, folders.state, folders.consensus}) {
        INFO(made);
        CHECK_FALSE(std::filesystem::is_empty(made));
    }
    const std::string record = folders.consensus + "/safety_record";
    const auto before = files.read(record, 0, 1UL << 20U);
    REQUIRE(before);
    const auto again = initialize_node(*inputs, files);
    REQUIRE_FALSE(again);
    CHECK(again.error().exit_code == exit_io);
    INFO(again.error().text);
    CHECK(contains(again.error().text, inputs->config.data_dir));
    CHECK(files.read(record, 0, 1UL << 20U).value() == *before);

    // Also when the ledger was removed by hand: the votes in the record still count.
    std::filesystem::remove_all(folders.segments);
    std::filesystem::remove_all(folders.state);
    const auto third = initialize_node(*inputs, files);
    REQUIRE_FALSE(third);
    CHECK(files.read(record, 0, 1UL << 20U).value() == *before);
}

SCENARIO("a follower's data folder has a safety record too, for when it is promoted") {
    Genesis genesis = MemberFolder::default_genesis();
    genesis.members.front().validator = false;
    const MemberFolder folder{"AAA", genesis};
    const auto inputs = folder.load();
    REQUIRE(inputs);
    PosixFileSystem files;
    REQUIRE(initialize_node(*inputs, files));
    CHECK_FALSE(std::filesystem::is_empty(DataFolders{inputs->config.data_dir}.consensus));
}

SCENARIO("a data folder that cannot be made is an I/O error with its name") {
    const MemberFolder folder;
    folder.write("data", "a file in the way");
    const auto inputs = folder.load();
    REQUIRE(inputs);
    PosixFileSystem files;
    const auto made = initialize_node(*inputs, files);
    REQUIRE_FALSE(made);
    CHECK(made.error().exit_code == exit_io);
    CHECK(contains(made.error().text, folder.file("data")));
}

SCENARIO("the peer book knows members, own bridges and nobody else") {
    tally::test::TestChain chain{tally::test::make_genesis(), {party("AAA"), party("BBB")}};
    const StateOverlay state = chain.state();
    const auto key = [](const char* name) { return public_key_of(secret_of(name)); };
    const PartyId self = party("AAA");

    const auto member = identify_peer(state, self, key("BBB/link"));
    REQUIRE(member);
    CHECK(member->member == party("BBB"));
    CHECK(member->bridge_id.empty());
    CHECK(member->link_key == key("BBB/link"));
    const auto bridge = identify_peer(state, self, key("AAA/bridge-1"));
    REQUIRE(bridge);
    CHECK_FALSE(bridge->member);
    CHECK(bridge->bridge_id == "bridge-1");

    CHECK_FALSE(identify_peer(state, self, key("AAA/link")));      // ourselves
    CHECK_FALSE(identify_peer(state, self, key("BBB/bridge-1")));  // another operator's bridge
    CHECK_FALSE(identify_peer(state, self, key("BBB/member")));    // a key for something else
    CHECK_FALSE(identify_peer(state, self, key("BBB/consensus")));
    CHECK_FALSE(identify_peer(state, self, key("stranger")));
    CHECK_FALSE(identify_peer(state, self, PublicKey{}));

    CHECK(link_key_of(state, party("HUB")) == key("HUB/link"));
    CHECK_FALSE(link_key_of(state, party("XYZ")));
    CHECK(bridge_key_of(state, party("BBB"), "bridge-1") == key("BBB/bridge-1"));
    CHECK_FALSE(bridge_key_of(state, party("BBB"), "bridge-2"));
    CHECK_FALSE(bridge_key_of(state, party("CCC"), "bridge-1"));
}
