// Who may vote in a new epoch, and as whom.

#include "tests/consensus/epochs.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a new validator votes only after others have shown what they saw of it") {
    Epochs world{4, 1};
    world.start();
    const auto lose_status = [](PeerId, PeerId to, const Bytes& frame) {
        return to != 104 || !read_as<Status>(frame);
    };
    world.cluster.filter = lose_status;
    world.change(0, "ABCDE");
    REQUIRE(world.go_on(10));
    CHECK(world.status(4).role == Role::waiting);
    CHECK(world.status(4).safety.sequence <= 1);  // the empty record of the new epoch
    CHECK(world.status(0).role == Role::validator);
    world.cluster.filter = nullptr;
    REQUIRE(world.cluster.run_until([&] { return world.status(4).role == Role::validator; }, 2s));
    // From then on it goes from epoch to epoch like the others.
    world.cluster.filter = lose_status;
    world.change(1, "ABCDE");
    CHECK(world.status(4).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a validator that did not vote for the end of the epoch waits in the next one") {
    Epochs world{4};
    world.start();
    // Node 3 learns of the end from the blocks alone.
    world.cluster.filter = [](PeerId, PeerId to, const Bytes& frame) {
        return to != 103 || read_as<RangeResponse>(frame) || read_as<EpochProofResponse>(frame) ||
               (read_as<Status>(frame) && read_as<Status>(frame)->epoch == test_epoch);
    };
    world.node(0).submit("set:ABCD");
    REQUIRE(world.cluster.run_until(
        [&] { return world.node(0).application.epoch().epoch == test_epoch + 1; }, 10s));
    Status ahead;
    ahead.epoch = test_epoch + 1;
    ahead.last_final_height = world.node(0).application.chain.size();
    world.node(3).driver->on_message(100, encode_message(ahead));
    REQUIRE(world.cluster.run_until([&] { return world.status(3).epoch == test_epoch + 1; }, 10s));
    CHECK(world.status(3).role == Role::waiting);
    world.cluster.filter = nullptr;
    REQUIRE(world.cluster.run_until([&] { return world.status(3).role == Role::validator; }, 2s));
    world.check_nothing_went_wrong();
}

TEST_CASE("a validator votes as itself although another one has copied a key of it") {
    Epochs world{4};
    world.node(3).add_key(1);
    for (const auto& node : world.cluster.nodes) {
        node->application.genesis.epoch.validators[0].key =
            world.node(3).other_keys[0]->public_key();
    }
    std::set<ValidatorIndex> signers;
    world.cluster.filter = [&](PeerId from, PeerId, const Bytes& frame) {
        if (const auto vote = read_as<Vote>(frame); vote && from == 103) {
            signers.insert(vote->signer);
        }
        return true;
    };
    for (std::size_t i = 1; i < 4; ++i) {
        world.node(i).start();
    }
    world.cluster.connect_all();
    REQUIRE(world.go_on(10));
    CHECK(signers == std::set<ValidatorIndex>{3});
    world.check_nothing_went_wrong();
}

TEST_CASE("a node that stops anywhere in the hand-over votes in the new epoch") {
    Epochs world{4};
    world.start();
    Node& node = world.node(3);
    REQUIRE(world.cluster.run_until([&] { return world.status(3).safety.finalize.view > 0; }, 10s));
    const auto before = node.files.files;
    std::optional<std::map<std::string, MemoryFiles::File>> after;
    std::size_t chain{0};
    world.node(0).submit("set:ABCD");
    REQUIRE(world.cluster.run_until(
        [&] {
            if (!after && node.application.epoch().epoch == test_epoch + 1) {
                after = node.files.files;
                chain = node.application.chain.size();
            }
            return after.has_value();
        },
        20s));
    REQUIRE(world.reach(test_epoch + 1));
    node.crash();
    node.application.chain.resize(chain);
    const std::string slots{"consensus/safety_record"};
    auto disk = before;
    SECTION("after the block was committed") {}
    SECTION("after the new journal file was begun") {
        for (const auto& [path, file] : *after) {
            disk.insert({path, {Bytes(5, 1), Bytes(5, 1)}});
        }
    }
    SECTION("after the new journal file was written") { disk.insert(after->begin(), after->end()); }
    SECTION("after the record was written") {
        disk.insert(after->begin(), after->end());
        disk[slots] = after->at(slots);
    }
    SECTION("after the old files were removed") { disk = *after; }
    node.files.files = disk;
    node.start();
    CHECK(world.status(3).epoch == test_epoch + 1);
    CHECK(world.status(3).role == Role::waiting);
    CHECK(world.status(3).safety.epoch == test_epoch + 1);
    world.cluster.connect_all();
    REQUIRE(world.go_on());
    world.node(0).crash();
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a validator whose record is lost observes, and votes from the next epoch on") {
    Epochs world{4};
    world.start();
    Node& node = world.node(3);
    node.crash();
    node.loses_record = true;
    node.start();
    world.cluster.connect_all();
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::observer);
    CHECK(world.status(3).safety.sequence == 0);
    // It stays an observer over a restart: that the record is lost is on disk.
    node.crash();
    node.start();
    world.cluster.connect_all();
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::observer);
    world.change(0, "ABCD");
    REQUIRE(world.cluster.run_until([&] { return world.status(3).role == Role::validator; }, 2s));
    world.node(0).crash();
    REQUIRE(world.go_on());
    CHECK(world.status(3).safety.epoch == test_epoch + 1);
    world.check_nothing_went_wrong();
}

TEST_CASE("a lost record is not taken for a new one by catching up into a later epoch") {
    Epochs world{4};
    world.start();
    Node& node = world.node(3);
    node.crash();
    const std::size_t length = node.application.chain.size();
    node.start();
    world.cluster.connect_all();
    world.change(0, "ABCD");
    REQUIRE(world.cluster.run_until([&] { return world.status(3).safety.sequence > 3; }, 20s));
    node.crash();  // it has voted in the new epoch, and loses that with everything else
    node.application.chain.resize(length);
    node.loses_record = true;
    node.start();
    CHECK(world.status(3).epoch == test_epoch);
    world.cluster.connect_all();
    REQUIRE(world.reach(test_epoch + 1));
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::observer);
    CHECK_FALSE(node.journal->has_record());
    world.change(0, "ABCD");
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a data folder put back from an earlier epoch is found out by Status") {
    Epochs world{4};
    world.start();
    Node& node = world.node(3);
    const auto old_files = node.files.files;
    const auto old_chain = node.application.chain;
    world.change(0, "ABCD");
    REQUIRE(world.cluster.run_until([&] { return world.status(3).safety.sequence > 6; }, 20s));
    node.crash();
    node.files.files = old_files;
    node.application.chain = old_chain;
    node.start();
    world.cluster.connect_all();
    REQUIRE(world.reach(test_epoch + 1));
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::observer);
    CHECK_FALSE(node.journal->has_record());
    CHECK(world.status(0).evidence == 0);
    world.change(0, "ABCD");
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a journal of a later epoch than the ledger's is kept until the ledger is there") {
    Epochs world{4};
    world.start();
    Node& node = world.node(3);
    const auto old_chain = node.application.chain;
    world.change(0, "ABCD");
    REQUIRE(world.cluster.run_until([&] { return world.status(3).safety.sequence > 3; }, 20s));
    const SafetyRecord record = node.journal->safety();
    node.crash();
    node.application.chain = old_chain;
    node.start();
    CHECK(world.status(3).epoch == test_epoch);
    CHECK(world.status(3).role == Role::observer);
    CHECK(node.journal->safety().sequence >= record.sequence);
    world.cluster.connect_all();
    REQUIRE(world.reach(test_epoch + 1));
    CHECK(node.journal->safety().sequence >= record.sequence);
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    world.check_nothing_went_wrong();
}

}  // namespace
}  // namespace tally::consensus::testing
