// Large charges wait for a person at the home operator: settled by hand, disputed, or settled in
// time when nobody comes.

#include "ledger/state/keys.h"
#include "tests/node/roaming/roaming_world.h"

#include <catch2/catch.hpp>

namespace tally::node::test {
namespace {

using tally::test::currency;
using tally::test::party;
using tally::test::units;

/// 10 kWh at 1.5000 a kWh.
constexpr Money ten_kwh{15 * money_scale};
constexpr UnixMillis settle_window_ms{20'000};
constexpr UnixMillis margin_ms{5'000};

/// BBB reviews charges of `from` on.
struct Reviewing {
    World world{1, {}, genesis()};
    SessionId session;

    static Genesis genesis() {
        Genesis genesis = World::default_genesis();
        genesis.parameters.settle_window = settle_window_ms;
        return genesis;
    }
    explicit Reviewing(Money from) {
        world.customer("BBB-1", units(100));
        MemberProcess& home = world.member("BBB");
        home.crash();
        home.options.review_from = from;
        home.options.review_margin_ms = margin_ms;
        home.start();
        session = world.bridge().swipe({});
    }
    [[nodiscard]] bool is_recorded() { return world.is_in("BBB", session, SessionState::recorded); }
    [[nodiscard]] bool is_settled() { return world.is_in("BBB", session, SessionState::settled); }
    [[nodiscard]] AuthorizationRef authorization() {
        return world.view("BBB", session)->authorization.value();
    }
    /// Signed by hand with the member's key, as `tally settle` and `tally dispute` do.
    void sign(const char* name, const Action& action) {
        const PartyId signer = party(name);
        REQUIRE(world.offer(
            world.chain().envelope(signer, {world.chain().transaction(signer, action)})));
    }
    [[nodiscard]] Customer customer() {
        return world.member("BBB").accounts().find("BBB-1").value();
    }
};

}  // namespace

TEST_CASE("a charge below the border is settled at once", "[roaming][review]") {
    Reviewing review{ten_kwh + 1};
    CHECK(review.world.run_until([&] { return review.is_settled(); }, 5'000));
    CHECK(review.world.member("BBB").counts()["roaming_review_wanted"] == 0);
}

TEST_CASE("a charge at the border waits, and is settled in time", "[roaming][review]") {
    Reviewing review{ten_kwh};
    REQUIRE(review.world.run_until([&] { return review.is_recorded(); }, 5'000));
    CHECK(review.world.member("BBB").counts()["roaming_review_wanted"] == 1);
    const UnixMillis recorded = review.world.now();
    review.world.run(settle_window_ms - margin_ms - 2'000);
    CHECK(review.is_recorded());
    CHECK(review.customer().held > 0);
    SECTION("in a process that ran on") {}
    SECTION("in a process that was started anew") {
        review.world.member("BBB").crash();
        review.world.member("BBB").start();
    }
    CHECK(review.world.run_until([&] { return review.is_settled(); }, margin_ms));
    CHECK(review.world.now() < recorded + settle_window_ms);
    CHECK(review.customer().balance == units(100) - ten_kwh);
    CHECK(review.customer().held == 0);
}

TEST_CASE("several charges under review are settled each in its time", "[roaming][review]") {
    Reviewing review{ten_kwh};
    REQUIRE(review.world.run_until([&] { return review.is_recorded(); }, 5'000));
    const SessionId first = review.session;
    review.world.run(4'000);
    review.world.customer("BBB-2", units(100));
    ChargePlan plan;
    plan.token = "BBB-2";
    plan.connector = 2;
    const SessionId second = review.world.bridge().swipe(plan);
    REQUIRE(review.world.run_until(
        [&] { return review.world.is_in("BBB", second, SessionState::recorded); }, 5'000));
    CHECK(review.world.is_in("BBB", first, SessionState::recorded));
    REQUIRE(review.world.run_until([&] { return review.is_settled(); }, settle_window_ms));
    CHECK(review.world.is_in("BBB", second, SessionState::recorded));
    CHECK(review.world.run_until(
        [&] { return review.world.is_in("BBB", second, SessionState::settled); },
        settle_window_ms));
    CHECK(review.customer().held == 0);
}

TEST_CASE("a margin of the whole settle window leaves nothing to review", "[roaming][review]") {
    RoamingOptions options;
    options.review_margin_ms = settle_window_ms;
    CHECK_FALSE(leaves_no_review(options, settle_window_ms));  // Nothing is to be reviewed.
    options.review_from = ten_kwh;
    CHECK(leaves_no_review(options, settle_window_ms));
    CHECK_FALSE(leaves_no_review(options, settle_window_ms + 1));
}

TEST_CASE("a charge under review is settled by hand", "[roaming][review]") {
    Reviewing review{ten_kwh};
    REQUIRE(review.world.run_until([&] { return review.is_recorded(); }, 5'000));
    review.sign("BBB", SettleCharge{review.authorization(), ten_kwh});
    CHECK(review.world.run_until([&] { return review.is_settled(); }, 2'000));
    review.world.run(settle_window_ms);
    CHECK(review.is_settled());
    CHECK(review.customer().balance == units(100) - ten_kwh);
}

TEST_CASE("a charge under review is disputed by hand", "[roaming][review]") {
    Reviewing review{ten_kwh};
    REQUIRE(review.world.run_until([&] { return review.is_recorded(); }, 5'000));
    review.sign("BBB", OpenDispute{review.authorization(), units(5), DisputeReason::energy, {}});
    review.world.run(settle_window_ms);
    CHECK_FALSE(review.is_settled());
    CHECK(find_live_authorization(review.world.chain().state(), review.authorization())->status ==
          AuthorizationStatus::disputed);
    review.sign("AAA", AcceptDispute{review.authorization()});
    CHECK(review.world.run_until([&] { return review.is_settled(); }, 2'000));
    CHECK(review.world.is_in("AAA", review.session, SessionState::settled));
    CHECK(review.customer().balance == units(90));
    CHECK(review.customer().held == 0);
}

TEST_CASE("a dispute whose end is not kept any more is left for people to see",
          "[roaming][review]") {
    Reviewing review{ten_kwh};
    REQUIRE(review.world.run_until([&] { return review.is_recorded(); }, 5'000));
    const AuthorizationRef ref = review.authorization();
    review.sign("BBB", OpenDispute{ref, units(5), DisputeReason::energy, {}});
    REQUIRE(review.world.run_until(
        [&] {
            return find_live_authorization(review.world.chain().state(), ref)->status ==
                   AuthorizationStatus::disputed;
        },
        2'000));
    MemberProcess& home = review.world.member("BBB");
    home.crash();
    review.sign("AAA", AcceptDispute{ref});
    REQUIRE(review.world.run_until(
        [&] { return review.world.is_in("AAA", review.session, SessionState::settled); }, 2'000));
    // BBB is put back from an old copy when its ledger has already let go of the charge.
    WriteBatch batch;
    batch.erase(keys::finished(ref));
    REQUIRE(review.world.chain().base().write(batch, true));
    home.start();
    review.world.run(2'000);
    CHECK(home.counts()["roaming_dispute_end_unknown"] == 1);
    CHECK(review.is_recorded());
    CHECK(review.customer().balance == units(100));
    CHECK(review.customer().held > 0);
}

}  // namespace tally::node::test
