// Real drivers against one validator that does not keep to the protocol.

#include "consensus/driver/peer_table.h"
#include "tests/consensus/cluster.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

/// Four validators; the leader of view 1 is not started: the test speaks for it.
struct HostileLeader {
    HostileLeader() {
        for (const auto& node : cluster.nodes) {
            if (node->index != leader) {
                node->start();
            }
        }
        cluster.connect_all();
        victim().driver->on_connected({peer(), member_of(leader)});
    }
    [[nodiscard]] PeerId peer() const { return 100 + leader; }
    Node& victim() { return *cluster.nodes[follower_of(1)]; }
    void say(const Message& message) {
        victim().driver->on_message(peer(), encode_message(message));
    }
    void propose(Height height, const std::vector<Bytes>& envelopes) {
        BlockMeta meta = genesis_meta();
        meta.parent = genesis_meta().digest;
        meta.height = height;
        meta.view = 1;
        meta.time = victim().now();
        meta.proposer = leader;
        Proposal proposal;
        for (const Bytes& envelope : envelopes) {
            proposal.envelopes.push_back(victim().application.hash_of_envelope(envelope));
        }
        proposal.epoch = test_epoch;
        proposal.view = 1;
        proposal.header = encode_header(meta, proposal.envelopes);
        digest = decode_test_header(proposal.header)->digest;
        proposal.leader_signature = vote(leader, notarize(1, 0, digest)).signature;
        say(proposal);
    }

    Cluster cluster{4, 0};
    ValidatorIndex leader{leader_of(1)};
    Hash digest;
};

std::vector<Bytes> large_envelopes() {
    std::vector<Bytes> envelopes;
    for (std::uint8_t i = 0; i < 13; ++i) {
        envelopes.emplace_back(wire_envelope_bytes_max, i);
    }
    return envelopes;
}

TEST_CASE("a block too large for a message is refused, and asking for it does no harm") {
    HostileLeader hostile;
    const std::vector<Bytes> envelopes = large_envelopes();
    hostile.propose(1, envelopes);
    CHECK(hostile.victim().driver->status().unfinalized_blocks == 1);
    for (const Bytes& envelope : envelopes) {
        hostile.say(EnvelopeGossip{envelope});
    }
    CHECK(hostile.victim().driver->status().proposals_rejected == 1);
    hostile.say(BlockRequest{1, hostile.digest});
    hostile.say(EnvelopeRequest{2, {hostile.victim().application.hash_of_envelope(envelopes[0])}});
    CHECK(hostile.victim().fatals.empty());
    REQUIRE(hostile.cluster.run_until([&] { return hostile.cluster.everyone_final(2); }, 30s));
}

TEST_CASE("a proposal with a wrong height on a known parent does not enter the tree") {
    HostileLeader hostile;
    hostile.propose(Height{1} << 62, {Bytes(1)});
    CHECK(hostile.victim().driver->status().proposals_rejected == 1);
    CHECK(hostile.victim().driver->status().unfinalized_blocks == 0);
    REQUIRE(hostile.cluster.run_until([&] { return hostile.cluster.everyone_final(2); }, 30s));
}

TEST_CASE("what one peer may gossip or ask for in a second is bounded by bytes too") {
    HostileLeader hostile;
    Node& victim = hostile.victim();
    const std::size_t frames = gossip_bytes_per_second_max / wire_envelope_bytes_max;
    for (std::size_t i = 0; i < frames + 5; ++i) {
        Bytes envelope(wire_envelope_bytes_max);
        envelope[0] = static_cast<std::uint8_t>(i);
        hostile.say(EnvelopeGossip{envelope});
    }
    CHECK(victim.mempool->size() == frames);
    std::size_t answers{0};
    hostile.cluster.links.insert({victim.id, hostile.peer()});
    hostile.cluster.filter = [&](PeerId, PeerId to, const Bytes&) {
        answers += to == hostile.peer() ? 1U : 0U;
        return to != hostile.peer();
    };
    EnvelopeRequest request;
    for (std::size_t i = 0; i < 4; ++i) {
        Bytes envelope(wire_envelope_bytes_max);
        envelope[0] = static_cast<std::uint8_t>(i);
        request.hashes.push_back(victim.application.hash_of_envelope(envelope));
    }
    for (request.id = 1; request.id <= 20; ++request.id) {
        hostile.say(request);
    }
    CHECK(answers == answer_bytes_per_second_max / response_bytes_max);
}

}  // namespace
}  // namespace tally::consensus::testing
