// Random worlds in which every vote and certificate that a production node lets out is judged by a
// naive second implementation of the rules.

#include "tests/simulator/naive_model.h"
#include "tests/simulator/world.h"

#include <catch2/catch.hpp>

#include <set>
#include <utility>

namespace tally::consensus {

using simulator::World;
using simulator::WorldOptions;

TEST_CASE("every vote of a production node is legal by the naive model", "[consensus][property]") {
    std::uint64_t votes{0};
    std::uint64_t certificates{0};
    std::uint64_t worlds{0};
    std::uint64_t with_epochs{0};
    std::uint64_t with_damage{0};
    for (std::uint64_t seed = 100'001; worlds < 100; ++seed) {
        const WorldOptions options = simulator::options_of_seed(seed);
        const bool records_last = !options.faults.contains(simulator::Happening::backup_restored);
        with_epochs += options.changes != 0 || options.epoch_blocks_max != 0 ? 1U : 0U;
        with_damage += options.damages() ? 1U : 0U;
        std::set<std::size_t> liars;
        for (const auto& [node, actor] : options.actors) {
            liars.insert(node);
        }
        ++worlds;
        World world{seed, options};
        const auto kind = simulator::make_fake_kind(
            {.machines = options.nodes + options.spares, .validators = options.nodes, .check = {}});
        NaiveModel model{options.nodes, *kind, std::move(liars), records_last};
        world.observe(model);
        world.run_chaos();
        world.run_liveness();
        INFO("seed " << seed);
        INFO(world.oracle().violation().value_or("no rule of the oracle is broken"));
        REQUIRE(world.sound());
        INFO(model.problem().value_or("the naive model agrees"));
        REQUIRE_FALSE(model.problem().has_value());
        votes += model.votes_judged();
        certificates += model.certificates_judged();
    }
    CHECK(votes > 10'000);
    CHECK(certificates > 10'000);
    CHECK(with_epochs > 5);
    CHECK(with_damage > 5);
}

TEST_CASE("the naive model refuses what the rules forbid", "[consensus][property]") {
    const auto kind = simulator::make_fake_kind({.machines = 4, .validators = 4, .check = {}});
    const VoteStatement finalize{
        .epoch = 0, .kind = VoteKind::finalize, .view = 1, .parent_view = 0, .digest = {}};
    const auto vote = [](VoteKind kind_of_vote, View view) {
        Vote made;
        made.statement.kind = kind_of_vote;
        made.statement.view = view;
        return Message{made};
    };
    SECTION("a finalize without notarization") {
        NaiveModel model{4, *kind};
        model.sent(0, 1, Vote{finalize, 0, {}});
        CHECK(model.problem().has_value());
    }
    SECTION("a vote for a view that no certificate opened") {
        NaiveModel model{4, *kind};
        model.sent(0, 1, vote(VoteKind::nullify, 2));
        CHECK(model.problem().has_value());
    }
    SECTION("two votes and one's own are a quorum of four") {
        NaiveModel model{4, *kind};
        model.delivered(1, 0, vote(VoteKind::nullify, 1));
        model.delivered(2, 0, vote(VoteKind::nullify, 1));
        model.sent(0, 1, vote(VoteKind::nullify, 2));
        CHECK_FALSE(model.problem().has_value());
    }
    SECTION("one vote and one's own are not") {
        NaiveModel model{4, *kind};
        model.delivered(1, 0, vote(VoteKind::nullify, 1));
        model.sent(0, 1, vote(VoteKind::nullify, 2));
        CHECK(model.problem().has_value());
    }
    SECTION("a certificate out of nothing") {
        NaiveModel model{4, *kind};
        model.sent(0, 1, QuorumCertificate{finalize, 7, {}});
        CHECK(model.problem().has_value());
    }
}

}  // namespace tally::consensus
