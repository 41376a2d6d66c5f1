// Each bound of the core, reached.

#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace tally::consensus::testing {
namespace {

/// By all but validator 3.
constexpr ValidatorIndex absent{3};
std::vector<QuorumCertificate> nullified(View from, View to) {
    std::vector<QuorumCertificate> made;
    for (View view = from; view <= to; ++view) {
        made.push_back(certificate(nullify(view), {0, 1, 2}));
    }
    return made;
}

TEST_CASE("bound: votes count up to the view after ours, and no further") {
    Validator validator;
    const auto all_nullify = [&validator](View view) {
        for (ValidatorIndex signer = 1; signer < 4; ++signer) {
            validator.step(VoteReceived{vote(signer, nullify(view)), signer});
        }
    };
    all_nullify(3);
    CHECK(validator.core->view() == 1);
    CHECK(validator.core->newest_votes(1).empty());
    all_nullify(2);
    CHECK(validator.core->view() == 3);
}

TEST_CASE("bound: votes are kept for the vote window behind our view") {
    Validator validator;
    validator.certify(nullify(vote_window), {0, 1, 2});
    REQUIRE(validator.core->view() == vote_window + 1);
    validator.step(VoteReceived{vote(absent, nullify(1)), absent});
    CHECK(validator.core->newest_votes(absent).empty());
    validator.step(VoteReceived{vote(absent, nullify(2)), absent});
    CHECK(validator.core->newest_votes(absent).size() == 1);
}

TEST_CASE("bound: one vote of a kind, signer and view is kept, and one contradiction reported") {
    Validator validator;
    std::size_t reported{0};
    for (View parent = 0; parent < 1'000; ++parent) {
        VoteStatement statement = notarize(1, 0, digest_of('a'));
        statement.digest.data[0] = static_cast<std::uint8_t>(parent);
        statement.digest.data[1] = static_cast<std::uint8_t>(parent >> 8);
        reported +=
            all_of<ReportEvidence>(validator.step(VoteReceived{vote(1, statement), 1})).size();
    }
    CHECK(reported == 1);
    CHECK(validator.core->newest_votes(1).size() == 1);
    validator.step(VoteReceived{vote(1, nullify(1)), 1});
    validator.step(VoteReceived{vote(1, finalize(1, 0, digest_of('a'))), 1});
    CHECK(validator.core->newest_votes(1).size() == 3);  // all that a Status may carry
}

TEST_CASE("bound: one proposal per view is examined, however many its leader makes") {
    Validator validator{follower_of(1)};
    std::size_t examined{0};
    for (int salt = 0; salt < 50; ++salt) {
        const Offered made = offer(1, std::nullopt, {}, static_cast<std::uint8_t>(salt));
        examined += all_of<ExamineBlock>(validator.step(made.event)).size();
    }
    CHECK(examined == 1);
}

TEST_CASE("bound: a view has two candidates at most, the one examined and the one certified") {
    Validator validator{follower_of(1)};
    const Offered offered = offer(1, std::nullopt, {}, 1);
    validator.step(offered.event);
    validator.certify(notarize(1, 0, digest_of('x')));
    CHECK(validator.core->view() == 2);
    CHECK(validator.core->certificates_of(1).size() == 1);
    validator.certify(notarize(1, 0, digest_of('y')));  // no honest quorum signs that
    REQUIRE(validator.core->certificates_of(1).size() == 1);
    CHECK(validator.core->certificates_of(1).front()->statement.digest == digest_of('x'));
}

TEST_CASE("bound: a proposal carries the newest nullifications of a longer gap") {
    const ValidatorIndex self = absent;
    const View view = view_led_by(self, inline_nullifications_max + 10);
    Validator leader{self};
    Effects last;
    for (const QuorumCertificate& gap : nullified(1, view - 1)) {
        last = leader.step(CertificateReceived{gap});
    }
    REQUIRE(leader.core->view() == view);
    std::vector<BuildBlock> builds = all_of<BuildBlock>(last);
    if (builds.empty()) {
        builds = all_of<BuildBlock>(leader.step(PendingChanged{true}));
    }
    REQUIRE(builds.size() == 1);
    const auto& carried = builds[0].justification.nullifications;
    REQUIRE(carried.size() == inline_nullifications_max);
    CHECK(carried.front().statement.view == view - inline_nullifications_max);
    CHECK(carried.back().statement.view == view - 1);

    // Who lacks the others does not examine the block before it has them.
    Validator voter;
    const Offered made = offer(view, std::nullopt, carried);
    CHECK(all_of<ExamineBlock>(voter.step(made.event)).empty());
    const auto missing = voter.core->missing_views();
    REQUIRE(missing.has_value());
    CHECK(*missing == std::pair{View{1}, view - inline_nullifications_max - 1});
    std::size_t examined{0};
    for (const QuorumCertificate& gap : nullified(missing->first, missing->second)) {
        examined += all_of<ExamineBlock>(voter.step(CertificateReceived{gap})).size();
    }
    CHECK(examined == 1);
}

TEST_CASE("bound: a request for certificates spans no more views than one may") {
    Validator validator;
    validator.certify(nullify(3 * request_views_max));
    const auto missing = validator.core->missing_views();
    REQUIRE(missing.has_value());
    CHECK(missing->second - missing->first + 1 == request_views_max);
}

TEST_CASE("bound: delta grows to its maximum") {
    Validator validator;
    for (View view = 1; view <= 60; ++view) {
        validator.certify(nullify(view));
    }
    CHECK(validator.core->delta() == CoreOptions{}.delta_max);
}

TEST_CASE("each reason to give a view up is told with the vote, and has a name of its own") {
    const auto reason_of = [](const Effects& effects) {
        for (const CastVote& cast : all_of<CastVote>(effects)) {
            if (cast.statement.kind == VoteKind::nullify) {
                return cast.reason;
            }
        }
        return NullifyReason::none;
    };
    Validator validator{follower_of(1)};
    SECTION("no proposal") {
        validator.step(PendingChanged{true});
        CHECK(reason_of(validator.wait(2 * delta)) == NullifyReason::no_proposal);
    }
    SECTION("no notarization") {
        const Offered made = offer(1, std::nullopt, {});
        validator.step(made.event);
        CHECK(reason_of(validator.wait(3 * delta)) == NullifyReason::view_timeout);
    }
    SECTION("an invalid proposal") {
        const Offered made = offer(1, std::nullopt, {});
        validator.step(made.event);
        CHECK(reason_of(validator.step(verdict(made.statement, false))) ==
              NullifyReason::invalid_proposal);
    }
    SECTION("the leader gave up") {
        CHECK(
            reason_of(validator.step(VoteReceived{vote(leader_of(1), nullify(1)), leader_of(1)})) ==
            NullifyReason::leader_nullified);
    }
    SECTION("we cannot build") {
        Validator leader{leader_of(1)};
        leader.step(PendingChanged{true});
        CHECK(reason_of(leader.step(BuildFailed{1})) == NullifyReason::build_failed);
    }
    SECTION("the leader is silent") {
        const ValidatorIndex self = follower_of(2);
        Validator one{self};
        one.now += CoreOptions{}.skip_timeout;
        for (ValidatorIndex other = 0; other < 4; ++other) {
            if (other != self && other != leader_of(2)) {
                static_cast<void>(one.core->step(ValidatorHeard{other}, one.now));
            }
        }
        CHECK(reason_of(one.certify(finalize(1, 0, digest_of('a')))) ==
              NullifyReason::leader_silent);
    }
    std::set<std::string> names;
    for (const NullifyReason reason :
         {NullifyReason::none, NullifyReason::no_proposal, NullifyReason::view_timeout,
          NullifyReason::invalid_proposal, NullifyReason::leader_nullified,
          NullifyReason::build_failed, NullifyReason::leader_silent}) {
        names.insert(to_text(reason));
    }
    CHECK(names.size() == 7);
}

}  // namespace
}  // namespace tally::consensus::testing
