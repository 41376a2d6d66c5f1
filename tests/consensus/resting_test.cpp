// Members that have used up their allowance rest. The others still have to expect a block of a
// leader once it may have something for it.

#include "tests/consensus/cluster.h"
#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

bool has_all(const Node& node, const std::vector<Hash>& hashes) {
    std::set<Hash> final;
    for (const auto& block : node.application.chain) {
        final.insert(block.block.hashes.begin(), block.block.hashes.end());
    }
    return std::all_of(hashes.begin(), hashes.end(),
                       [&final](const Hash& hash) { return final.count(hash) != 0; });
}

TEST_CASE("a leader that is gone costs no more while all that waits has to rest") {
    Cluster cluster{4, 0};
    cluster.start_all();
    REQUIRE(cluster.run_until([&] { return cluster.everyone_final(2); }, 10s));
    cluster.nodes[3]->crash();
    cluster.nodes[1]->submit("company");
    std::vector<Hash> hashes;
    constexpr int count{80};  // of 2 KiB each by `envelope_cost`: 312 ms of allowance
    for (int i = 0; i < count; ++i) {
        const std::string text = std::to_string(i) + std::string(1'020, 'x');
        hashes.push_back(cluster.nodes[0]->application.hash_of_envelope(as_bytes(text)));
        cluster.nodes[0]->submit(text);
    }
    const Time before = cluster.now;
    REQUIRE(cluster.run_until([&] { return has_all(*cluster.nodes[2], hashes); }, 20s));
    const Time took = cluster.now - before;
    CHECK(took >= 250ms);
    // In a view of the one that is gone the others wait for the clock tolerance and two delta; were
    // they to expect nothing, they would wait for the idle interval: 2 s in all.
    CHECK(took < 1'700ms);
    CHECK(cluster.agrees());
}

}  // namespace
}  // namespace tally::consensus::testing
