// Real drivers, journals and keys through changes of the validator set.

#include "consensus/driver/peer_table.h"
#include "tests/consensus/epochs.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a follower that becomes a validator votes without a restart") {
    Epochs world{4, 1};
    world.start();
    CHECK(world.status(4).role == Role::follower);
    world.change(0, "ABCDE");
    REQUIRE(world.go_on());
    CHECK(world.status(4).role == Role::validator);
    CHECK(world.status(4).epoch == test_epoch + 1);
    CHECK(world.status(4).safety.epoch == test_epoch + 1);
    world.node(0).crash();  // four of five are a quorum only with the new one
    REQUIRE(world.go_on());
    CHECK(world.status(4).safety.finalize.view > 0);
    world.check_nothing_went_wrong();
}

TEST_CASE("a validator that leaves follows and serves, and the rest goes on without it") {
    Epochs world{5};
    world.start();
    world.change(4, "ABCD");
    REQUIRE(world.go_on());
    CHECK(world.status(4).role == Role::follower);
    CHECK(world.status(4).validators_connected == 4);
    CHECK(world.status(0).validators_connected == 3);
    world.node(4).crash();
    REQUIRE(world.go_on());
    // It still gives what it has: a node that missed everything gets it from there alone.
    world.node(4).start();
    world.cluster.connect_all();
    REQUIRE(world.go_on(1));
    world.node(0).crash();
    const std::size_t held = world.node(4).application.chain.size();
    world.node(0).application.chain.clear();
    world.node(0).files.files.clear();
    world.node(0).loses_record = true;
    world.node(0).start();
    world.cluster.connect(world.node(0), world.node(4));
    REQUIRE(world.cluster.run_until([&] { return world.node(0).application.chain.size() >= held; },
                                    20s));
    CHECK(world.status(0).epoch == test_epoch + 1);
    world.check_nothing_went_wrong();
}

TEST_CASE("all validators may be replaced at once") {
    Epochs world{4, 4};
    world.start();
    world.change(1, "EFGH");
    for (std::size_t i = 0; i < 4; ++i) {
        world.node(i).crash();
    }
    REQUIRE(world.go_on());
    CHECK(world.status(5).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a consensus key changes with the epoch") {
    Epochs world{4};
    world.node(3).add_key(1);
    world.start();
    world.change(2, "ABCD1");
    world.node(0).crash();  // the one with the new key is needed now
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a validator without the key of the new epoch follows") {
    Epochs world{4};
    world.start();
    world.change(2, "ABCD1");
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::follower);
    world.check_nothing_went_wrong();
}

TEST_CASE("a sealing block that is notarized and not final is proposed again as it is") {
    Epochs world{4};
    world.start();
    std::map<View, Hash> proposed;  // on or after the seal, by view
    std::set<Hash> seals;
    bool finals_are_lost{false};
    const auto lose_finals = without(VoteKind::finalize);
    world.cluster.filter = [&](PeerId from, PeerId to, const Bytes& frame) {
        if (const auto proposal = read_as<Proposal>(frame)) {
            const auto meta = *decode_test_header(proposal->header);
            finals_are_lost = finals_are_lost || meta.seals_epoch;
            if (finals_are_lost && proposal->epoch == test_epoch) {
                proposed[proposal->view] = meta.digest;
                seals.insert(meta.digest);
                CHECK(meta.view <= proposal->view);
            }
        }
        return !finals_are_lost || lose_finals(from, to, frame);
    };
    world.node(0).submit("set:ABC");
    REQUIRE(world.cluster.run_until([&] { return proposed.size() >= 6; }, 60s));
    CHECK(seals.size() == 1);
    CHECK(world.all_in(test_epoch));
    const Height height = world.node(0).application.chain.size();
    world.cluster.filter = nullptr;
    REQUIRE(world.reach(test_epoch + 1));
    REQUIRE(world.go_on());
    const auto& seal = world.node(1).application.chain[height];
    CHECK(seal.block.meta.digest == *seals.begin());
    CHECK(seal.certificate.statement.kind == VoteKind::finalize);
    CHECK(seal.certificate.statement.view > seal.block.meta.view);
    world.check_nothing_went_wrong();
}

TEST_CASE("a cluster that crashes while it proposes the sealing block again ends the epoch") {
    Epochs world{4};
    world.start();
    std::optional<View> seal;
    const auto lose_finals = without(VoteKind::finalize);
    world.cluster.filter = [&](PeerId from, PeerId to, const Bytes& frame) {
        const auto proposal = read_as<Proposal>(frame);
        if (proposal && decode_test_header(proposal->header)->seals_epoch && !seal) {
            seal = proposal->view;
        }
        return !seal || lose_finals(from, to, frame);
    };
    world.node(0).submit("set:ABCD");
    // Long enough for every journal to be rewritten with the block notarized in many views.
    REQUIRE(
        world.cluster.run_until([&] { return seal && world.status(0).view > *seal + 60; }, 600s));
    for (std::size_t i = 0; i < 4; ++i) {
        world.node(i).crash();
    }
    world.cluster.filter = nullptr;
    for (std::size_t i = 0; i < 4; ++i) {
        world.node(i).start();
    }
    CHECK(world.all_in(test_epoch));
    world.cluster.connect_all();
    REQUIRE(world.reach(test_epoch + 1, 30s));
    REQUIRE(world.go_on());
    world.check_nothing_went_wrong();
}

TEST_CASE("nothing but the sealing block itself may follow it in its epoch") {
    Epochs world{4};
    world.start();
    std::optional<BlockMeta> seal;
    const auto lose_finals = without(VoteKind::finalize);
    world.cluster.filter = [&](PeerId from, PeerId to, const Bytes& frame) {
        const auto proposal = read_as<Proposal>(frame);
        const auto meta = proposal ? decode_test_header(proposal->header) : std::nullopt;
        if (meta && meta->seals_epoch) {
            seal = meta;
        }
        return !seal || lose_finals(from, to, frame);
    };
    world.node(0).submit("set:ABC");
    REQUIRE(world.cluster.run_until([&] { return seal && world.status(0).view == seal->view + 1; },
                                    20s));
    const View view = seal->view + 1;
    const ValidatorIndex leader = world.status(0).leader;
    const std::size_t voter = (leader + 1) % 4;
    REQUIRE(world.cluster.run_until([&] { return world.status(voter).view >= view; }, 1s));
    REQUIRE(world.status(voter).view == view);
    BlockMeta meta = *seal;
    meta.seals_epoch = GENERATE(true, false);
    meta.parent = seal->digest;
    meta.height = seal->height + 1;
    meta.view = view;
    meta.parent_view = seal->view;
    meta.time = seal->time + 1;
    meta.proposer = leader;
    Proposal proposal;
    proposal.epoch = test_epoch;
    proposal.view = view;
    proposal.parent_view = seal->view;
    proposal.header = encode_header(meta, {});
    const Hash digest = decode_test_header(proposal.header)->digest;
    proposal.justification.parent =
        certificate(notarize(seal->view, seal->parent_view, seal->digest), {0, 1, 2});
    proposal.leader_signature = vote(leader, notarize(view, seal->view, digest)).signature;
    world.node(voter).driver->on_message(100 + leader, encode_message(proposal));
    CHECK(world.status(voter).proposals_rejected == 1);
    CHECK(world.status(voter).safety.notarize.view < view);
    CHECK(world.status(voter).safety.nullify.view == view);
}

TEST_CASE("the epoch ends also when the leader of its last block dies after proposing it") {
    Epochs world{4};
    world.start();
    std::optional<PeerId> leader;
    world.cluster.filter = [&](PeerId from, PeerId, const Bytes& frame) {
        const auto proposal = read_as<Proposal>(frame);
        if (proposal && decode_test_header(proposal->header)->seals_epoch && !leader) {
            leader = from;
        }
        return true;
    };
    world.node(0).submit("set:ABCD");
    REQUIRE(world.cluster.run_until([&] { return leader.has_value(); }, 10s));
    world.node(*leader - 100).crash();
    REQUIRE(world.reach(test_epoch + 1, 60s));
    REQUIRE(world.go_on());
    world.node(*leader - 100).start();
    world.cluster.connect_all();
    REQUIRE(world.go_on());
    world.check_nothing_went_wrong();
}

TEST_CASE("a whole cluster that crashes around the end of an epoch goes on in the next one") {
    Epochs world{4};
    world.start();
    for (std::size_t round = 0; round < 30; ++round) {
        world.node(round % 4).submit("set:ABCD" + std::string(round, 'x'));
        std::size_t steps{0};
        world.cluster.run_until([&] { return steps++ >= round * 3; }, 1s);
        for (std::size_t i = 0; i < 4; ++i) {
            world.node(i).crash();
        }
        for (std::size_t i = 0; i < 4; ++i) {
            world.node(i).start();
        }
        world.cluster.connect_all();
        REQUIRE(world.cluster.agrees());
    }
    REQUIRE(world.go_on());
    CHECK(world.status(0).epoch > test_epoch);
    world.check_nothing_went_wrong();
}

TEST_CASE("whoever speaks in an epoch that is over gets its proof, once per second") {
    Epochs world{4, 1};
    world.start();
    world.change(0, "ABCD");
    REQUIRE(world.go_on(1));
    std::vector<EpochProofResponse> proofs;
    world.cluster.filter = [&](PeerId, PeerId to, const Bytes& frame) {
        const auto proof = read_as<EpochProofResponse>(frame);
        if (proof && to == 104) {
            proofs.push_back(*proof);
        }
        return true;
    };
    const View view = world.status(0).view;
    for (int i = 0; i < 5; ++i) {
        world.node(0).driver->on_message(104,
                                         encode_message(certificate(nullify(view), {0, 1, 2})));
        Status status;
        status.epoch = test_epoch;
        world.node(0).driver->on_message(104, encode_message(status));
    }
    REQUIRE(proofs.size() == 1);
    CHECK(proofs[0].id == 0);
    CHECK(world.status(0).view == view);  // the certificate changed nothing
    const auto seal = world.node(4).application.check_epoch_proof(proofs[0].proof);
    CHECK_FALSE(seal);  // of the epoch before
    world.cluster.run_until([] { return false; }, 1s);
    world.node(0).driver->on_message(104, encode_message(certificate(nullify(view), {0, 1, 2})));
    CHECK(proofs.size() == 2);
    world.node(0).driver->on_message(104, encode_message(EpochProofRequest{9, test_epoch}));
    REQUIRE(proofs.size() == 3);
    CHECK(proofs[2].id == 9);
    CHECK(proofs[2].proof == proofs[0].proof);
    world.node(0).driver->on_message(104, encode_message(EpochProofRequest{10, test_epoch + 1}));
    REQUIRE(proofs.size() == 4);
    CHECK(proofs[3].proof.empty());
}

TEST_CASE("a message of a later epoch is not processed: its sender is asked how ours ended") {
    Epochs world{4, 1};
    world.start();
    Node& node = world.node(0);
    const View view = world.status(0).view;
    std::vector<EpochProofRequest> requests;
    world.cluster.filter = [&](PeerId, PeerId to, const Bytes& frame) {
        const auto request = read_as<EpochProofRequest>(frame);
        if (request && to == 101) {
            requests.push_back(*request);
        }
        return true;
    };
    VoteStatement later = nullify(view + 3);
    later.epoch = test_epoch + 2;
    node.driver->on_message(101, encode_message(vote(1, later)));
    node.driver->on_message(101, encode_message(certificate(later, {1, 2, 3})));
    CHECK(world.status(0).view == view);
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].epoch == test_epoch);
    // Wrong answers: asked for, the peer is cut off; not asked for, nothing happens.
    node.driver->on_message(102, encode_message(EpochProofResponse{0, Bytes(100, 1)}));
    CHECK(node.disconnects.empty());
    node.driver->on_message(101, encode_message(EpochProofResponse{requests[0].id, Bytes(100, 1)}));
    CHECK(node.disconnects.size() == 1);
    CHECK(world.all_in(test_epoch));
}

TEST_CASE("a proof alone tells a node that its epoch is over") {
    Epochs world{4};
    world.start();
    const Node& teller = world.node(0);
    // Node 3 loses everything that is said about the end of the epoch.
    world.cluster.filter = [&](PeerId, PeerId to, const Bytes&) { return to != 103; };
    world.node(0).submit("set:ABCD");
    REQUIRE(world.cluster.run_until([&] { return teller.application.epoch().epoch > test_epoch; },
                                    20s));
    const auto proof = teller.application.read_epoch_proof(test_epoch);
    REQUIRE(proof);
    const Node& behind = world.node(3);
    CHECK(behind.application.epoch().epoch == test_epoch);
    Bytes wrong = *proof;
    wrong.back() ^= 1;
    world.node(3).driver->on_message(100, encode_message(EpochProofResponse{0, wrong}));
    CHECK(world.status(3).last_final_view <= behind.application.last_final().view);
    world.node(3).driver->on_message(100, encode_message(EpochProofResponse{0, *proof}));
    CHECK(world.status(3).last_final_view > behind.application.last_final().view);
    world.cluster.filter = nullptr;
    REQUIRE(world.reach(test_epoch + 1));
    world.check_nothing_went_wrong();
}

TEST_CASE("a flood of wrong proofs that nobody asked for costs two checks per second") {
    Epochs world{4};
    world.start();
    Node& node = world.node(0);
    const std::uint64_t before = node.application.proofs_checked;
    for (std::uint64_t i = 0; i < 100; ++i) {
        node.driver->on_message(101, encode_message(EpochProofResponse{0, Bytes(100, 1)}));
    }
    CHECK(node.application.proofs_checked == before + unasked_proofs_per_second_max);
    world.cluster.now += 1s;
    node.driver->on_message(101, encode_message(EpochProofResponse{0, Bytes(100, 1)}));
    CHECK(node.application.proofs_checked == before + unasked_proofs_per_second_max + 1);
    CHECK(node.disconnects.empty());
}

TEST_CASE("a node three epochs behind catches up without a restart and votes") {
    Epochs world{4, 1};
    world.start();
    Node& behind = world.node(3);
    for (std::size_t i = 0; i < 5; ++i) {
        world.cluster.cut(behind, world.node(i));
    }
    for (const std::string_view set : {"ABCE", "ABCDE", "ABCD"}) {
        const std::uint64_t next = world.node(0).application.epoch().epoch + 1;
        world.node(0).submit("set:" + std::string{set});
        REQUIRE(world.cluster.run_until(
            [&] { return world.node(0).application.epoch().epoch == next; }, 60s));
    }
    CHECK(behind.application.epoch().epoch == test_epoch);
    world.cluster.connect_all();
    REQUIRE(world.reach(test_epoch + 3, 10s));
    world.node(0).crash();
    REQUIRE(world.go_on());
    CHECK(world.status(3).role == Role::validator);
    CHECK(world.status(3).epochs_begun == 3);
    world.check_nothing_went_wrong();
}

TEST_CASE("the votes of whoever is no validator any more are not counted") {
    Epochs world{5};
    world.start();
    world.change(0, "ABCD");
    Node& node = world.node(0);
    const View view = world.status(0).view;
    VoteStatement statement = nullify(view);
    statement.epoch = test_epoch + 1;
    node.driver->on_message(104, encode_message(vote(4, statement)));
    CHECK(node.disconnects.size() == 1);
    node.driver->on_message(104, encode_message(vote(3, statement)));
    CHECK(node.disconnects.size() == 2);
    node.driver->on_message(104, encode_message(vote(4, nullify(view))));  // of the old epoch
    CHECK(node.disconnects.size() == 2);
    CHECK(world.status(0).view == view);
}

TEST_CASE("a next validator that is not ready does not stop the old ones") {
    Epochs world{4, 1};
    for (const auto& node : world.cluster.nodes) {
        node->application.needs_ready = true;
    }
    world.start();
    world.node(4).crash();
    world.node(0).submit("set:ABCDE");
    REQUIRE(world.go_on(10));
    CHECK(world.all_in(test_epoch));
    world.node(4).start();
    world.cluster.connect_all();
    world.node(4).submit("ready");
    REQUIRE(world.reach(test_epoch + 1));
    REQUIRE(world.go_on());
    CHECK(world.status(4).role == Role::validator);
    world.check_nothing_went_wrong();
}

TEST_CASE("a follower does not sync its journal on account of consensus") {
    Epochs world{4, 1};
    world.start();
    REQUIRE(world.go_on(10));
    const auto& follower = *world.node(4).journal;
    CHECK(follower.file_bytes() < 64);
    CHECK(world.node(0).journal->file_bytes() > 64);
}

}  // namespace
}  // namespace tally::consensus::testing
