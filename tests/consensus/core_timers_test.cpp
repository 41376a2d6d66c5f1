// One validator of four, driven by hand: timers, idleness, start and restart (R6 to R8).

#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

TEST_CASE("R6: without a proposal a view ends after two delta, with one after three") {
    Validator one{follower_of(1)};
    one.step(PendingChanged{true});
    SECTION("no proposal") {
        CHECK(votes_in(one.wait(2 * delta - 1us)).empty());
        CHECK(one.core->next_deadline() == one.now + 1us);
        CHECK(votes_in(one.wait(1us)) == std::vector{nullify(1)});
        CHECK(votes_in(one.wait(1us)).empty());
    }
    SECTION("a proposal that finds no quorum") {
        const Offered offered = offer(1, std::nullopt, {});
        one.step(offered.event);
        one.step(verdict(offered.statement, true));
        CHECK(votes_in(one.wait(2 * delta)).empty());
        CHECK(votes_in(one.wait(delta)) == std::vector{nullify(1)});
    }
}

TEST_CASE("R6: a leader that nullifies its own view is not waited for") {
    Validator one{follower_of(1)};
    const Effects effects = one.step(VoteReceived{vote(leader_of(1), nullify(1)), leader_of(1)});
    CHECK(votes_in(effects) == std::vector{nullify(1)});
}

TEST_CASE(
    "R6: leaders that give up one after the other end their views at once only sixteen times") {
    Validator one{leader_of(17)};  // the silence of another leader would count as well
    View view{1};
    const auto leader_gives_up = [&] {
        const ValidatorIndex leader = leader_of(view);
        return leader == one.self ? one.step(BuildFailed{view})
                                  : one.step(VoteReceived{vote(leader, nullify(view)), leader});
    };
    for (; view <= 16; ++view) {
        CHECK(votes_in(leader_gives_up()) == std::vector{nullify(view)});
        one.certify(nullify(view));
    }
    one.step(PendingChanged{true});
    const Time wait = 2 * one.core->delta();
    CHECK(votes_in(leader_gives_up()).empty());
    CHECK(one.core->next_deadline() == one.now + wait);
    CHECK(votes_in(one.wait(wait - 1us)).empty());
    CHECK(votes_in(one.wait(1us)) == std::vector{nullify(view)});
    // A finalization makes it quick again.
    one.certify(finalize(view, 0, digest_of('a')));
    ++view;
    CHECK(votes_in(leader_gives_up()) == std::vector{nullify(view)});
}

TEST_CASE("R6: no view is given up too far past the last final one") {
    const View last = unfinalized_views_max;
    Validator one{0};
    one.certify(nullify(last - 1));
    REQUIRE(one.core->view() == last);
    CHECK(votes_in(one.wait(30s)) == std::vector{nullify(last)});
    one.certify(nullify(last));
    REQUIRE(one.core->view() == last + 1);
    CHECK(votes_in(one.wait(300s)).empty());
    CHECK_FALSE(one.core->next_deadline());
}

TEST_CASE("R6: a silent leader is skipped at once, unless everybody is silent") {
    const ValidatorIndex self = follower_of(2);
    Validator one{self};
    one.now += 2'000'000us;
    const bool others_are_heard = GENERATE(true, false);
    if (others_are_heard) {
        for (ValidatorIndex peer = 0; peer < 4; ++peer) {
            if (peer != self && peer != leader_of(2)) {
                static_cast<void>(one.core->step(ValidatorHeard{peer}, one.now));
            }
        }
    }
    const Effects effects = one.certify(finalize(1, 0, digest_of('a')));
    CHECK(one.core->view() == 2);
    CHECK(votes_in(effects).size() == (others_are_heard ? 1 : 0));
}

TEST_CASE("R6: a leader that is heard and casts no new vote is skipped at once") {
    constexpr View last{20};
    const ValidatorIndex lazy = leader_of(last + 1);
    Validator one{follower_of(last + 1)};
    const bool repeats_itself = GENERATE(true, false);
    one.now += 2'000'000us;
    Effects effects;
    for (View view = 1; view <= last; ++view) {
        for (ValidatorIndex peer = 0; peer < 4; ++peer) {
            const View voted = peer == lazy && repeats_itself ? 1 : view;
            if (peer != one.self) {
                one.step(ValidatorHeard{peer});
                one.step(VoteReceived{vote(peer, notarize(voted, 0, digest_of('o'))), peer});
            }
        }
        effects = one.certify(finalize(view, 0, digest_of('a')));
        one.now += 200'000us;
    }
    REQUIRE(one.core->view() == last + 1);
    CHECK(votes_in(effects).size() == (repeats_itself ? 1 : 0));
}

TEST_CASE("R6: a leader whose votes come late from far away takes part") {
    constexpr View last{300};
    constexpr View behind{vote_window + 16};
    const ValidatorIndex distant = leader_of(last + 1);
    Validator one{follower_of(last + 1)};
    one.now += 2'000'000us;
    Effects effects;
    for (View view = 1; view <= last; ++view) {
        for (ValidatorIndex peer = 0; peer < 4; ++peer) {
            const View voted = peer == distant ? view - std::min(view - 1, behind) : view;
            if (peer != one.self) {
                one.step(ValidatorHeard{peer});
                one.step(VoteReceived{vote(peer, notarize(voted, 0, digest_of('o'))), peer});
            }
        }
        effects = one.certify(finalize(view, 0, digest_of('a')));
        one.now += 20'000us;
    }
    REQUIRE(one.core->view() == last + 1);
    CHECK(votes_in(effects).empty());
}

TEST_CASE("R6: a NULLIFY that finds no quorum is repeated with the certificate of entry") {
    Validator one{follower_of(3)};
    one.certify(nullify(2));
    one.step(PendingChanged{true});
    one.wait(3 * delta);
    CHECK(all_of<RepeatVote>(one.wait(499ms)).empty());
    const auto repeated = all_of<RepeatVote>(one.wait(1ms));
    REQUIRE(repeated.size() == 1);
    CHECK(repeated[0].vote == vote(one.self, nullify(3)));
    CHECK(repeated[0].entry->statement == nullify(2));
    CHECK(all_of<RepeatVote>(one.wait(500ms)).size() == 1);
}

TEST_CASE("R6: two nullified views in a row lengthen delta up to its cap, finality shortens it") {
    Validator one;
    one.certify(nullify(1));
    CHECK(one.core->delta() == delta);
    one.certify(nullify(2));
    CHECK(one.core->delta() == delta * 3 / 2);
    for (View view = 3; view < 40; ++view) {
        one.certify(nullify(view));
    }
    CHECK(one.core->delta() == 8s);
    one.certify(finalize(40, 1, digest_of('a')));
    CHECK(one.core->delta() == 4s);
    for (View view = 41; view < 60; ++view) {
        one.certify(finalize(view, view - 1, digest_of('a')));
    }
    CHECK(one.core->delta() == delta);
}

TEST_CASE("R6: views that are notarized after they were given up lengthen delta too") {
    Validator one;
    for (View view = 1; view <= 2; ++view) {
        one.step(PendingChanged{true});
        REQUIRE(votes_in(one.wait(3 * delta)) == std::vector{nullify(view)});
        const Effects effects = one.certify(notarize(view, view - 1, digest_of('a')));
        CHECK(votes_in(effects).empty());  // R0: no FINALIZE after NULLIFY
    }
    CHECK(one.core->delta() == delta * 3 / 2);
    one.certify(notarize(3, 2, digest_of('b')));  // in time: nothing to lengthen
    CHECK(one.core->delta() == delta * 3 / 2);
}

TEST_CASE("R7: a vote in a view we left is answered with certificates, once per second") {
    Validator one;
    one.certify(nullify(1));
    one.certify(nullify(2));
    const auto help = all_of<SendCertificate>(one.step(VoteReceived{vote(3, nullify(1)), 3}));
    REQUIRE(help.size() == 2);
    CHECK(help[0].to == 3);
    CHECK(help[0].certificate.statement == nullify(1));
    CHECK(help[1].certificate.statement == nullify(2));
    CHECK(all_of<SendCertificate>(one.step(VoteReceived{vote(3, nullify(1)), 3})).empty());
    one.now += 1s;
    CHECK(all_of<SendCertificate>(one.step(VoteReceived{vote(3, nullify(1)), 3})).size() == 2);
}

TEST_CASE("idle: with nothing to do the leader waits, and proposes when an envelope arrives") {
    const View view = view_led_by(0, 2);
    Validator leader{0};
    leader.certify(finalize(view - 1, 0, digest_of('a')));
    CHECK(all_of<BuildBlock>(leader.wait(999ms)).empty());
    SECTION("an envelope arrives") {
        CHECK(all_of<BuildBlock>(leader.step(PendingChanged{true})).size() == 1);
    }
    SECTION("the idle interval ends") {
        CHECK(leader.core->next_deadline() == leader.now + 1ms);
        CHECK(all_of<BuildBlock>(leader.wait(1ms)).size() == 1);
    }
}

TEST_CASE("idle: while a notarized block is not final the leader waits for one delta only") {
    const View view = view_led_by(0, 2);
    Validator leader{0};
    leader.certify(notarize(view - 1, 0, digest_of('a')));
    for (View hole = 1; hole + 1 < view; ++hole) {
        leader.certify(nullify(hole));
    }
    CHECK(all_of<BuildBlock>(leader.wait(delta - 1us)).empty());
    SECTION("not final in time") { CHECK(all_of<BuildBlock>(leader.wait(1us)).size() == 1); }
    SECTION("final in time: idle") {
        leader.certify(finalize(view - 1, 0, digest_of('a')));
        CHECK(all_of<BuildBlock>(leader.wait(delta)).empty());
    }
}

TEST_CASE("idle: others nullify only after the idle interval and two delta") {
    Validator one{follower_of(2)};
    one.certify(finalize(1, 0, digest_of('a')));
    for (ValidatorIndex peer = 0; peer < 4; ++peer) {
        one.step(ValidatorHeard{peer});
    }
    CHECK(votes_in(one.wait(1s + 2 * delta - 1us)).empty());
    CHECK(votes_in(one.wait(1us)) == std::vector{nullify(2)});
}

TEST_CASE("idle: f + 1 others that vote start our timers, f do not") {
    Validator one{follower_of(2)};
    one.certify(finalize(1, 0, digest_of('a')));
    std::vector<ValidatorIndex> others;
    for (ValidatorIndex peer = 0; peer < 4; ++peer) {
        if (peer != one.self && peer != leader_of(2)) {
            others.push_back(peer);
        }
    }
    one.step(VoteReceived{vote(others[0], nullify(2)), others[0]});
    CHECK(votes_in(one.wait(3 * delta)).empty());
    one.step(VoteReceived{vote(others[1], nullify(2)), others[1]});
    CHECK(votes_in(one.wait(2 * delta)) == std::vector{nullify(2)});
}

TEST_CASE("start: before voting is allowed nothing is signed, whatever happens") {
    CoreOptions options;
    options.chain_id = test_chain_id();
    options.epoch = test_epoch;
    options.validators = verify_keys(4);
    options.self = follower_of(1);
    Core core{options, Validator::fresh()};
    Time now{5'000'000};
    CHECK(votes_in(core.step(Started{}, now)).empty());
    const Offered offered = offer(1, std::nullopt, {});
    CHECK(votes_in(core.step(offered.event, now)).empty());
    CHECK(votes_in(core.step(verdict(offered.statement, true), now)).empty());
    now += 10s;
    CHECK(votes_in(core.step(Tick{}, now)).empty());
    CHECK_FALSE(core.next_deadline());
    CHECK(votes_in(core.step(VotingAllowed{}, now)) == std::vector{offered.statement});
}

TEST_CASE("restart: the view follows from record and certificates, own votes count again") {
    CoreStart start = Validator::fresh();
    const Vote own = vote(0, nullify(7));
    start.safety.nullify = {7, 0, Hash{}, own.signature};
    start.safety.finalize = {5, 4, digest_of('a'), {}};
    start.certificates = {certificate(nullify(6), {1, 2, 3})};
    Validator one{0, start};
    CHECK(one.core->view() == 7);
    SECTION("the retry timer is armed although nothing new happens") {
        const auto repeated = all_of<RepeatVote>(one.wait(500ms));
        REQUIRE(repeated.size() == 1);
        CHECK(repeated[0].vote == own);
    }
    SECTION("two more votes complete the certificate") {
        one.step(VoteReceived{vote(1, nullify(7)), 1});
        one.step(VoteReceived{vote(2, nullify(7)), 2});
        CHECK(one.core->view() == 8);
    }
    SECTION("no vote that contradicts the record") {
        CHECK(votes_in(one.certify(notarize(7, 5, digest_of('b')))).empty());
    }
}

TEST_CASE("restart: a leader does not build again in a view it has voted in") {
    const View view = view_led_by(0, 2);
    CoreStart start = Validator::fresh();
    const Vote own = vote(0, notarize(view, 0, digest_of('a')));
    start.safety.notarize = {view, 0, digest_of('a'), own.signature};
    Validator leader{0, start};
    CHECK(leader.core->view() == view);
    CHECK(all_of<BuildBlock>(leader.step(PendingChanged{true})).empty());
    CHECK(all_of<BuildBlock>(leader.wait(10s)).empty());
}

TEST_CASE("restart: whoever is shown a newer vote of its own never votes again") {
    Validator one{follower_of(1)};
    SECTION("in a status") {
        one.step(OwnVoteShown{vote(one.self, notarize(4, 3, digest_of('z')))});
    }
    SECTION("inside a certificate") {
        one.certify(nullify(1), {one.self, leader_of(1), (one.self + 1) % 4});
    }
    CHECK(one.core->has_lost_record());
    one.step(PendingChanged{true});
    CHECK(votes_in(one.wait(10s)).empty());
}

TEST_CASE("restart: forged or equal votes shown to us are no proof") {
    Validator one{follower_of(1)};
    Vote forged = vote(one.self, notarize(4, 3, digest_of('z')));
    forged.signature.data[0] ^= 1;
    CHECK(all_of<RejectSender>(one.step(OwnVoteShown{forged})).size() == 1);
    one.step(PendingChanged{true});
    one.wait(3 * delta);
    one.step(OwnVoteShown{vote(one.self, nullify(1))});
    CHECK_FALSE(one.core->has_lost_record());
}

TEST_CASE("a follower examines and follows, and never asks for a vote or a timer") {
    CoreOptions options;
    options.chain_id = test_chain_id();
    options.epoch = test_epoch;
    options.validators = verify_keys(4);
    Core core{options, Validator::fresh()};
    static_cast<void>(core.step(Started{}, Time{1}));
    const Offered offered = offer(1, std::nullopt, {});
    CHECK(all_of<ExamineBlock>(core.step(offered.event, Time{2})).size() == 1);
    CHECK(votes_in(core.step(verdict(offered.statement, true), Time{3})).empty());
    const auto n = certificate(offered.statement, {0, 1, 2});
    CHECK(votes_in(core.step(CertificateReceived{n}, Time{4})).empty());
    CHECK(core.view() == 2);
    CHECK_FALSE(core.next_deadline());
}

TEST_CASE("the leader schedule is a permutation that is repeated") {
    for (const std::size_t count : {1U, 4U, 7U, 50U}) {
        const LeaderSchedule schedule{test_chain_id(), test_epoch, Hash{}, count};
        std::vector<bool> seen(count, false);
        for (View view = 0; view < count; ++view) {
            seen[schedule.leader(view)] = true;
            CHECK(schedule.leader(view) == schedule.leader(view + count));
        }
        CHECK(std::count(seen.begin(), seen.end(), true) == static_cast<std::ptrdiff_t>(count));
    }
}

TEST_CASE("the leader order follows from chain, epoch and the block that sealed the one before") {
    const auto order = [](const Hash& chain, std::uint64_t epoch, const Hash& seal) {
        const LeaderSchedule schedule{chain, epoch, seal, 50};
        std::vector<ValidatorIndex> leaders;
        for (View view = 0; view < 50; ++view) {
            leaders.push_back(schedule.leader(view));
        }
        return leaders;
    };
    const std::vector<ValidatorIndex> known = order(test_chain_id(), 3, digest_of('a'));
    CHECK(known == order(test_chain_id(), 3, digest_of('a')));
    CHECK(known != order(test_chain_id(), 3, digest_of('b')));
    CHECK(known != order(test_chain_id(), 4, digest_of('a')));
    CHECK(known != order(digest_of('c'), 3, digest_of('a')));
}

// A known answer, made outside of this program: the shuffle was written down a second time, with
// Python's hashlib and integers, from nothing but "Propose" in docs/protocol/consensus.md, and run
// for chain_id = 32 times 'c' and seven validators. A network whose programs disagree about the
// order stands still, so another order than this one is another protocol and needs another tag.
TEST_CASE("the leader order is the one of the document") {
    const auto order = [](std::uint64_t epoch, const Hash& seal) {
        const LeaderSchedule schedule{digest_of('c'), epoch, seal, 7};
        std::vector<ValidatorIndex> leaders;
        for (View view = 0; view < 7; ++view) {
            leaders.push_back(schedule.leader(view));
        }
        return leaders;
    };
    CHECK(order(0, Hash{}) == std::vector<ValidatorIndex>{3, 0, 5, 2, 6, 4, 1});
    CHECK(order(5, digest_of('s')) == std::vector<ValidatorIndex>{3, 1, 4, 2, 0, 6, 5});
}

TEST_CASE("start: our signature that the record does not know makes us an observer") {
    CoreStart start = Validator::fresh();
    start.safety.finalize.view = 4;
    const bool with_ours = GENERATE(true, false);
    const std::vector<ValidatorIndex> signers =
        with_ours ? std::vector<ValidatorIndex>{0, 1, 2} : std::vector<ValidatorIndex>{1, 2, 3};
    SECTION("in the ledger") {
        start.final_view = 5;
        start.final_digest = digest_of('a');
        start.final_certificate = certificate(finalize(5, 4, digest_of('a')), signers);
    }
    SECTION("in the journal") { start.certificates.push_back(certificate(nullify(5), signers)); }
    Validator one{0, start};
    CHECK(one.core->has_lost_record() == with_ours);
}

TEST_CASE("catch-up: our signature in a fetched block that the record does not know ends voting") {
    Validator one;
    one.core->note_certificate(certificate(notarize(7, 6, digest_of('a')), {1, 2, 3}));
    CHECK_FALSE(one.core->has_lost_record());
    one.core->note_certificate(certificate(notarize(7, 6, digest_of('a')), {0, 1, 2}));
    CHECK(one.core->has_lost_record());
}

}  // namespace
}  // namespace tally::consensus::testing
