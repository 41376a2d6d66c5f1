// Real drivers, journals and keys against each other: what a whole cluster does.

#include "tests/consensus/cluster.h"

#include "consensus/journal/safety_signer.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

bool has_envelope(const Node& node, std::string_view text) {
    const Hash hash = node.application.hash_of_envelope(as_bytes(text));
    for (const auto& final : node.application.chain) {
        for (const Hash& held : final.block.hashes) {
            if (held == hash) {
                return true;
            }
        }
    }
    return false;
}

bool all_have(const Cluster& cluster, std::string_view text) {
    for (const auto& node : cluster.nodes) {
        if (node->is_up() && !has_envelope(*node, text)) {
            return false;
        }
    }
    return true;
}

TEST_CASE("an envelope becomes final on four validators and a follower within one delta") {
    Cluster cluster{4, 1};
    cluster.start_all();
    REQUIRE(cluster.run_until(
        [&] { return cluster.nodes[0]->driver->status().role == Role::validator; }, 1s));
    cluster.nodes[2]->submit("hello");
    const Time before = cluster.now;
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "hello"); }, 1s));
    CHECK(cluster.now - before < 50ms);
    CHECK(cluster.agrees());
    for (const auto& node : cluster.nodes) {
        CHECK(node->disconnects.empty());
        CHECK(node->fatals.empty());
    }
}

TEST_CASE("an idle cluster makes a block per idle interval and no more") {
    Cluster cluster{4, 0};
    cluster.start_all();
    cluster.run_until([] { return false; }, 10s);
    const std::size_t height = cluster.nodes[0]->application.chain.size();
    CHECK(height >= 7);
    CHECK(height <= 22);
    CHECK(cluster.nodes[0]->driver->status().views_nullified == 0);
}

TEST_CASE("a cluster goes on without one validator and skips its views") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(2); }, 10s));
    cluster.nodes[1]->crash();
    for (int i = 0; i < 20; ++i) {
        const std::string text = "envelope " + std::to_string(i);
        cluster.nodes[0]->submit(text);
        REQUIRE(cluster.run_until([&] { return all_have(cluster, text); }, 5s));
    }
    CHECK(cluster.agrees());
}

TEST_CASE("a validator that comes back catches up on thousands of views and votes again") {
    Cluster cluster{4, 1};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    cluster.nodes[3]->crash();
    cluster.nodes[4]->crash();
    for (int i = 0; i < 300; ++i) {
        const std::string text = "while away " + std::to_string(i);
        cluster.nodes[0]->submit(text);
        REQUIRE(cluster.run_until([&] { return all_have(cluster, text); }, 5s));
    }
    cluster.nodes[3]->start();
    cluster.nodes[4]->start();
    cluster.connect_all();
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "while away 299"); }, 5s));
    cluster.nodes[0]->crash();  // now the one that came back is needed
    cluster.nodes[1]->submit("after");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "after"); }, 20s));
    CHECK(cluster.agrees());
    CHECK(cluster.nodes[3]->driver->status().role == Role::validator);
}

TEST_CASE("a whole cluster that crashes at any moment goes on from its journals") {
    Cluster cluster{4, 0};
    cluster.start_all();
    std::size_t steps{0};
    for (int round = 0; round < 60; ++round) {
        const std::string text = "round " + std::to_string(round);
        cluster.nodes[static_cast<std::size_t>(round) % 4]->submit(text);
        steps = 0;
        const std::size_t stop_after = static_cast<std::size_t>(round) * 2;
        cluster.run_until([&] { return steps++ >= stop_after; }, 1s);
        for (const auto& node : cluster.nodes) {
            node->crash();
        }
        for (const auto& node : cluster.nodes) {
            node->start();
        }
        cluster.connect_all();
        REQUIRE(cluster.agrees());
    }
    const std::size_t height = cluster.nodes[0]->application.chain.size();
    cluster.nodes[0]->submit("at last");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "at last"); }, 30s));
    CHECK(cluster.nodes[0]->application.chain.size() > height);
    CHECK(cluster.agrees());
    for (const auto& node : cluster.nodes) {
        CHECK(node->fatals.empty());
        CHECK(node->driver->status().evidence == 0);
    }
}

TEST_CASE("envelopes that were not gossiped are fetched from the proposer") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    cluster.filter = [](PeerId, PeerId, const Bytes& frame) {
        const auto message = decode_message(frame);
        return !message || !std::holds_alternative<EnvelopeGossip>(*message);
    };
    cluster.nodes[0]->submit("quiet");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "quiet"); }, 20s));
    CHECK(cluster.nodes[1]->driver->status().envelopes_fetched >= 1);
}

TEST_CASE("an envelope that a follower took while nobody was connected is shown to who connects") {
    Cluster cluster{4, 1};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    Node& follower = *cluster.nodes[4];
    for (std::size_t i = 0; i < 4; ++i) {
        cluster.cut(follower, *cluster.nodes[i]);
    }
    follower.submit("alone");
    cluster.run_until([] { return false; }, 3s);
    CHECK_FALSE(has_envelope(*cluster.nodes[0], "alone"));
    cluster.connect(follower, *cluster.nodes[2]);
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "alone"); }, 5s));
}

TEST_CASE("frames that are lost now and then do not stop the chain") {
    Cluster cluster{4, 0};
    std::uint64_t state{7};
    cluster.filter = [&state](PeerId, PeerId, const Bytes&) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33) % 10 != 0;
    };
    cluster.start_all();
    for (int i = 0; i < 20; ++i) {
        const std::string text = "lossy " + std::to_string(i);
        cluster.nodes[static_cast<std::size_t>(i) % 4]->submit(text);
        REQUIRE(cluster.run_until([&] { return all_have(cluster, text); }, 60s));
    }
    CHECK(cluster.agrees());
}

TEST_CASE("a validator restored from an old copy observes and never votes") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(2); }, 10s));
    const auto old_files = cluster.nodes[3]->files.files;
    const auto old_chain = cluster.nodes[3]->application.chain;
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(6); }, 10s));
    cluster.nodes[3]->crash();
    cluster.nodes[3]->files.files = old_files;
    cluster.nodes[3]->application.chain = old_chain;
    cluster.nodes[3]->start();
    cluster.connect_all();
    cluster.nodes[0]->submit("news");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "news"); }, 20s));
    CHECK(cluster.nodes[3]->driver->status().role == Role::observer);
    CHECK(cluster.nodes[0]->driver->status().evidence == 0);
}

TEST_CASE("a block from the future waits, and the view's timer decides") {
    Cluster cluster{4, 0};
    cluster.nodes[2]->clock_skew_ms = 20'000;
    cluster.start_all();
    for (int i = 0; i < 8; ++i) {
        const std::string text = "skewed " + std::to_string(i);
        cluster.nodes[0]->submit(text);
        REQUIRE(cluster.run_until([&] { return all_have(cluster, text); }, 30s));
    }
    const UnixMillis honest = cluster.nodes[0]->now();
    CHECK(cluster.nodes[0]->application.last_final().time <= honest + 1'000);
}

TEST_CASE("a disk that fails stops the node before anything unsynced leaves") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    cluster.nodes[1]->files.broken = true;
    cluster.nodes[0]->submit("go on without it");
    REQUIRE(cluster.run_until([&] { return !cluster.nodes[1]->fatals.empty(); }, 10s));
    CHECK(cluster.nodes[1]->fatals.size() == 1);
}

TEST_CASE("executed blocks that the application forgot are executed again, not refused") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    cluster.filter = [](PeerId, PeerId, const Bytes& frame) {
        const auto message = decode_message(frame);
        const Vote* vote = message ? std::get_if<Vote>(&*message) : nullptr;
        return vote == nullptr || vote->statement.kind != VoteKind::finalize;
    };
    Node& node = *cluster.nodes[1];
    REQUIRE(cluster.run_until([&] { return node.application.executed.size() >= 4; }, 30s));
    node.application.executed.clear();
    cluster.run_until([] { return false; }, 2s);
    CHECK(node.application.executed.size() >= 4);
    node.application.executed.clear();
    cluster.filter = nullptr;
    const std::size_t height = node.application.chain.size() + 6;
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(height); }, 30s));
    CHECK(node.fatals.empty());
    CHECK(cluster.agrees());
}

TEST_CASE("an own proposal that the safety record does not know is not sent after a restart") {
    Cluster cluster{4, 0};
    Node& leader = *cluster.nodes[leader_of(1)];
    Node& other = *cluster.nodes[follower_of(1)];
    const Offered offered = offer(1, std::nullopt, {});
    const bool is_recorded = GENERATE(true, false);
    {
        JournalOptions options;
        auto journal = Journal::open(leader.files, "consensus", std::move(options));
        REQUIRE(journal);
        if (is_recorded) {
            SafetySigner signer{*leader.signer, **journal, test_chain_id(), *leader.index};
            REQUIRE(signer.sign(offered.statement));
        }
        (*journal)->append_own_proposal(encode_message(offered.event.proposal));
        (*journal)->sync();
    }
    leader.start();
    other.start();
    std::size_t proposals{0};
    cluster.filter = [&](PeerId, PeerId, const Bytes& frame) {
        const auto message = decode_message(frame);
        proposals += message && std::holds_alternative<Proposal>(*message) ? 1U : 0U;
        return true;
    };
    cluster.connect(leader, other);
    CHECK(proposals == (is_recorded ? 1 : 0));
}

TEST_CASE("a block that has just become final is still given by its digest") {
    Cluster cluster{4, 0};
    cluster.start_all();
    cluster.nodes[0]->submit("in a final block");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "in a final block"); }, 10s));
    std::vector<BlockResponse> answers;
    cluster.filter = [&](PeerId, PeerId, const Bytes& frame) {
        const auto message = decode_message(frame);
        if (message && std::holds_alternative<BlockResponse>(*message)) {
            answers.push_back(std::get<BlockResponse>(*message));
        }
        return true;
    };
    Node& node = *cluster.nodes[1];
    const auto& final = node.application.chain.back().block;
    node.driver->on_message(100, encode_message(BlockRequest{1, final.meta.digest}));
    node.driver->on_message(100, encode_message(BlockRequest{2, digest_of('x')}));
    REQUIRE(answers.size() == 2);
    CHECK(answers[0] == BlockResponse{1, final.header, final.envelopes});
    CHECK(answers[1].header.empty());
}

TEST_CASE("a single validator is its own quorum") {
    Cluster cluster{1, 1};
    cluster.start_all();
    cluster.nodes[0]->submit("alone");
    REQUIRE(cluster.run_until([&] { return all_have(cluster, "alone"); }, 5s));
}

TEST_CASE("hostile frames are rejected and change nothing") {
    Cluster cluster{4, 1};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
    Node& node = *cluster.nodes[0];
    const std::uint64_t before = node.driver->status().messages_rejected;
    const View view = node.driver->status().view;
    node.driver->on_message(101, as_bytes("not a message"));
    node.driver->on_message(104, encode_message(vote(1, nullify(view))));  // from a follower
    node.driver->on_message(101, encode_message(vote(2, nullify(view))));  // of another signer
    Vote forged = vote(1, nullify(view));
    forged.signature = vote(2, nullify(view)).signature;
    node.driver->on_message(101, encode_message(forged));
    QuorumCertificate weak = certificate(nullify(view), {1, 2, 3});
    weak.signatures[1] = weak.signatures[0];
    node.driver->on_message(104, encode_message(weak));
    CHECK(node.driver->status().messages_rejected == before + 5);
    CHECK(node.disconnects.size() == 5);
    CHECK(node.driver->status().view == view);
}

}  // namespace
}  // namespace tally::consensus::testing
