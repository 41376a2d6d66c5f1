// A node that was away gets final blocks whose proof comes much later.

#include "tests/consensus/cluster.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

/// Heights at the end of node 0's chain whose own certificate is no FINALIZE, longest run.
std::size_t longest_unfinalized_run(const Node& node) {
    std::size_t longest{0};
    std::size_t run{0};
    for (const auto& final : node.application.chain) {
        run = final.certificate.statement.kind == VoteKind::finalize ? 0 : run + 1;
        longest = std::max(longest, run);
    }
    return longest;
}

bool carries_finalize(const Bytes& frame) {
    const auto message = decode_message(frame);
    const Vote* vote = message ? std::get_if<Vote>(&*message) : nullptr;
    const auto* certificate = message ? std::get_if<QuorumCertificate>(&*message) : nullptr;
    return (vote != nullptr && vote->statement.kind == VoteKind::finalize) ||
           (certificate != nullptr && certificate->statement.kind == VoteKind::finalize);
}

/// Four validators that make far more blocks than an answer holds before any of them is final,
/// while the follower is away.
struct LongRun {
    LongRun() {
        cluster.start_all();
        REQUIRE(cluster.run_until([&] { return cluster.everyone_final(1); }, 10s));
        for (std::size_t i = 0; i < 4; ++i) {
            cluster.cut(follower(), *cluster.nodes[i]);
        }
        Node& teller = *cluster.nodes[0];
        cluster.filter = [](PeerId, PeerId, const Bytes& frame) {
            return !carries_finalize(frame);
        };
        REQUIRE(cluster.run_until(
            [&] { return teller.driver->status().unfinalized_blocks > 2 * response_blocks_max; },
            120s));
        cluster.filter = nullptr;
        REQUIRE(cluster.run_until(
            [&] { return teller.application.chain.size() > 2 * response_blocks_max; }, 30s));
        REQUIRE(longest_unfinalized_run(teller) > response_blocks_max);
    }
    [[nodiscard]] Node& follower() { return *cluster.nodes[4]; }
    [[nodiscard]] bool catches_up() {
        return cluster.run_until(
            [&] { return follower().application.chain.size() > 2 * response_blocks_max; }, 30s);
    }

    Cluster cluster{4, 1};
};

TEST_CASE("a run without finalizations that is longer than any answer reaches who was away") {
    LongRun run;
    run.cluster.connect_all();
    REQUIRE(run.catches_up());
    CHECK(run.cluster.agrees());
    CHECK(run.follower().disconnects.empty());
    CHECK(run.follower().fatals.empty());
}

TEST_CASE("the first part of such a run helps only with the peer that sent it") {
    LongRun run;
    std::map<PeerId, std::vector<Height>> asked;
    std::size_t given{0};
    run.cluster.filter = [&](PeerId from, PeerId to, const Bytes& frame) {
        const auto message = decode_message(frame);
        const auto* request = message ? std::get_if<RangeRequest>(&*message) : nullptr;
        if (request != nullptr && from == 104) {
            asked[to].push_back(request->from_height);
        }
        // The first two answers of node 0 arrive, then it is silent.
        const bool is_answer = message && std::holds_alternative<RangeResponse>(*message);
        return !is_answer || from != 100 || ++given <= 2;
    };
    run.cluster.connect_all();
    REQUIRE(run.catches_up());
    REQUIRE(asked[100].size() >= 3);
    CHECK(asked[100][0] < asked[100][1]);
    CHECK(asked[100][1] < asked[100][2]);
    REQUIRE(asked[101].size() >= 2);
    CHECK(asked[101][0] == asked[100][0]);
    CHECK(asked[101][1] > asked[101][0]);
    CHECK(run.cluster.agrees());
    CHECK(run.follower().disconnects.empty());
}

TEST_CASE("a made-up notarization in a run is rejected") {
    LongRun run;
    run.cluster.filter = [&](PeerId, PeerId to, const Bytes& frame) {
        const auto message = decode_message(frame);
        const auto* answer = message ? std::get_if<RangeResponse>(&*message) : nullptr;
        if (answer == nullptr || to != 104 || answer->blocks.empty()) {
            return true;
        }
        RangeResponse forged = *answer;
        forged.blocks.back().certificate.signatures[0].data[5] ^= 1;
        run.follower().driver->on_message(100, encode_message(forged));
        return false;
    };
    run.cluster.connect(run.follower(), *run.cluster.nodes[0]);
    run.cluster.run_until([&] { return !run.follower().disconnects.empty(); }, 10s);
    CHECK(run.follower().disconnects.size() >= 1);
    CHECK(run.follower().application.chain.size() < response_blocks_max);
}

}  // namespace
}  // namespace tally::consensus::testing
