// One validator of four, driven by hand: each rule of the protocol as a scenario.

#include "tests/consensus/support.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

constexpr Time delta{50'000};

template <typename T>
std::vector<T> all_of(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* concrete = std::get_if<T>(&effect)) {
            found.push_back(*concrete);
        }
    }
    return found;
}

std::vector<VoteStatement> votes_in(const Effects& effects) {
    std::vector<VoteStatement> statements;
    for (const CastVote& cast : all_of<CastVote>(effects)) {
        statements.push_back(cast.statement);
    }
    return statements;
}

/// A core with its signer: signs whatever is asked, as the driver does.
struct Validator {
    explicit Validator(ValidatorIndex index = 0, CoreStart start = fresh()) : self{index} {
        CoreOptions options;
        options.chain_id = test_chain_id();
        options.epoch = test_epoch;
        options.validators = verify_keys(4);
        options.self = index;
        core = std::make_unique<Core>(std::move(options), std::move(start));
        effects = core->step(Started{}, now);
        step(VotingAllowed{});
    }
    static CoreStart fresh() {
        CoreStart start;
        start.final_digest = genesis_meta().digest;
        start.safety.epoch = test_epoch;
        return start;
    }
    /// Feeds the event, then everything that follows from signing.
    Effects step(const Event& event) {
        Effects all = core->step(event, now);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const CastVote* cast = std::get_if<CastVote>(&all[i]);
            if (cast == nullptr) {
                continue;
            }
            const VoteStatement statement = cast->statement;
            const Effects more = core->step(VoteCast{vote(self, statement)}, now);
            all.insert(all.end(), more.begin(), more.end());
        }
        return all;
    }
    Effects wait(Time time) {
        now += time;
        return step(Tick{});
    }
    /// The certificate of the three others, from somebody.
    Effects certify(const VoteStatement& statement) {
        std::vector<ValidatorIndex> others;
        for (ValidatorIndex signer = 0; signer < 4; ++signer) {
            if (signer != self) {
                others.push_back(signer);
            }
        }
        return certify(statement, others);
    }
    Effects certify(const VoteStatement& statement, const std::vector<ValidatorIndex>& signers) {
        return step(CertificateReceived{certificate(statement, signers)});
    }

    Time now{1'000'000};
    ValidatorIndex self;
    std::unique_ptr<Core> core;
    Effects effects;
};

View view_led_by(ValidatorIndex leader, View from) {
    const LeaderSchedule schedule{test_chain_id(), test_epoch, 4};
    while (schedule.leader(from) != leader) {
        ++from;
    }
    return from;
}
ValidatorIndex leader_of(View view) {
    return LeaderSchedule{test_chain_id(), test_epoch, 4}.leader(view);
}
/// A validator that does not lead this view.
ValidatorIndex follower_of(View view) { return (leader_of(view) + 1) % 4; }

struct Offered {
    ProposalReceived event;
    VoteStatement statement;
};

/// What the leader of `view` sends on this parent (genesis without a certificate).
Offered offer(View view, const std::optional<QuorumCertificate>& parent,
              std::vector<QuorumCertificate> nullifications, std::uint8_t salt = 0) {
    BlockMeta meta = genesis_meta();
    meta.parent = parent ? parent->statement.digest : genesis_meta().digest;
    meta.parent_view = parent ? parent->statement.view : 0;
    meta.height = meta.parent_view + 1;
    meta.view = view;
    meta.time = 1'000 + salt;
    meta.proposer = leader_of(view);
    Proposal proposal;
    proposal.epoch = test_epoch;
    proposal.view = view;
    proposal.parent_view = meta.parent_view;
    proposal.header = encode_header(meta, {});
    proposal.justification = {parent, std::move(nullifications)};
    meta = *decode_test_header(proposal.header);
    const VoteStatement statement = notarize(view, meta.parent_view, meta.digest);
    proposal.leader_signature = vote(leader_of(view), statement).signature;
    return {{proposal, meta, leader_of(view)}, statement};
}

BlockExamined verdict(const VoteStatement& statement, bool valid) {
    return {statement.view, statement.digest, valid};
}

TEST_CASE("R0: the record allows votes in rising views only, and never NULLIFY against FINALIZE") {
    SafetyRecord record;
    record.epoch = test_epoch;
    record.notarize = {5, 4, digest_of('a'), {}};
    record.nullify.view = 3;
    record.finalize = {4, 3, digest_of('b'), {}};
    CHECK(record.allows(notarize(6, 5, digest_of('c'))));
    CHECK(record.allows(notarize(5, 4, digest_of('a'))));  // the same once more
    CHECK_FALSE(record.allows(notarize(5, 4, digest_of('c'))));
    CHECK_FALSE(record.allows(notarize(5, 3, digest_of('a'))));
    CHECK_FALSE(record.allows(notarize(4, 3, digest_of('c'))));
    CHECK(record.allows(nullify(5)));
    CHECK(record.allows(nullify(3)));
    CHECK_FALSE(record.allows(nullify(4)));  // finalized there
    CHECK(record.allows(finalize(5, 4, digest_of('a'))));
    CHECK_FALSE(record.allows(finalize(4, 3, digest_of('c'))));
    record.nullify.view = 6;
    CHECK_FALSE(record.allows(finalize(6, 5, digest_of('c'))));
    CHECK_FALSE(record.allows(notarize(6, 5, digest_of('c'))));
    VoteStatement other_epoch = notarize(9, 5, digest_of('c'));
    other_epoch.epoch = test_epoch + 1;
    CHECK_FALSE(record.allows(other_epoch));
    CHECK_FALSE(record.allows(notarize(0, 0, digest_of('c'))));
}

TEST_CASE("R1: a notarization, nullification or finalization of a later view moves us behind it") {
    Validator one;
    one.certify(nullify(4));
    CHECK(one.core->view() == 5);
    one.certify(notarize(7, 6, digest_of('a')));
    CHECK(one.core->view() == 8);
    one.certify(finalize(9, 8, digest_of('b')));
    CHECK(one.core->view() == 10);
    one.certify(nullify(3));
    CHECK(one.core->view() == 10);
}

TEST_CASE("R2: a leader builds on the highest notarization when all views since are nullified") {
    const View view = view_led_by(0, 4);
    Validator leader{0};
    leader.certify(notarize(view - 3, 0, digest_of('a')));
    leader.certify(nullify(view - 1));
    CHECK(leader.core->view() == view);
    SECTION("with a hole it waits, and says which view is lacking") {
        CHECK(all_of<BuildBlock>(leader.step(PendingChanged{true})).empty());
        const auto missing = leader.core->missing_views();
        REQUIRE(missing);
        CHECK(missing->second == view - 2);
        AND_WHEN("the certificate arrives") {
            const auto builds = all_of<BuildBlock>(leader.certify(nullify(view - 2)));
            REQUIRE(builds.size() == 1);
            CHECK(builds[0].parent == digest_of('a'));
            CHECK(builds[0].parent_view == view - 3);
            REQUIRE(builds[0].justification.nullifications.size() == 2);
            CHECK(builds[0].justification.nullifications[0].statement.view == view - 2);
        }
    }
    SECTION("it prefers the notarization when both are held for one view") {
        leader.certify(nullify(view - 2));
        leader.certify(notarize(view - 2, view - 3, digest_of('b')));
        const auto builds = all_of<BuildBlock>(leader.step(PendingChanged{true}));
        REQUIRE(builds.size() == 1);
        CHECK(builds[0].parent == digest_of('b'));
    }
}

TEST_CASE("R2: a leader votes for its own block only after it was built, and once") {
    const View view = view_led_by(0, 2);
    Validator leader{0};
    leader.certify(finalize(view - 1, 0, digest_of('a')));
    REQUIRE(all_of<BuildBlock>(leader.step(PendingChanged{true})).size() == 1);
    CHECK(all_of<BuildBlock>(leader.step(PendingChanged{true})).empty());
    const Effects effects = leader.step(BlockBuilt{view, view - 1, digest_of('b')});
    CHECK(votes_in(effects) == std::vector{notarize(view, view - 1, digest_of('b'))});
    CHECK(votes_in(leader.step(BlockBuilt{view, view - 1, digest_of('c')})).empty());
}

TEST_CASE("R2: a leader that cannot build gives its view up at once") {
    const View view = view_led_by(0, 2);
    Validator leader{0};
    leader.certify(finalize(view - 1, 0, digest_of('a')));
    leader.step(PendingChanged{true});
    CHECK(votes_in(leader.step(BuildFailed{view})) == std::vector{nullify(view)});
}

TEST_CASE("R3: a valid proposal is examined, then voted for, once") {
    Validator one{follower_of(1)};
    const Offered first = offer(1, std::nullopt, {});
    const auto examined = all_of<ExamineBlock>(one.step(first.event));
    REQUIRE(examined.size() == 1);
    CHECK(examined[0].digest == first.statement.digest);
    CHECK(votes_in(one.step(verdict(first.statement, true))) == std::vector{first.statement});
    SECTION("a second proposal of the same leader is evidence and is not examined") {
        const Effects effects = one.step(offer(1, std::nullopt, {}, 1).event);
        CHECK(all_of<ExamineBlock>(effects).empty());
        CHECK(votes_in(effects).empty());
        CHECK(all_of<ReportEvidence>(effects).size() == 1);
    }
    SECTION("the same proposal again changes nothing") { CHECK(one.step(first.event).empty()); }
}

TEST_CASE("R3: the certificates of a proposal bring a lagging validator into its view") {
    const QuorumCertificate parent = certificate(notarize(6, 5, digest_of('p')), {0, 1, 2});
    const Offered offered = offer(8, parent, {certificate(nullify(7), {0, 1, 2})});
    Validator one{follower_of(8)};
    const Effects effects = one.step(offered.event);
    CHECK(one.core->view() == 8);
    CHECK(all_of<ExamineBlock>(effects).size() == 1);
    CHECK(all_of<KeepCertificate>(effects).size() == 2);
}

TEST_CASE("R3: what no honest leader sends is rejected without a vote") {
    Validator one{follower_of(3)};
    const QuorumCertificate parent = certificate(notarize(1, 0, digest_of('p')), {0, 1, 2});
    const QuorumCertificate nullified = certificate(nullify(2), {0, 1, 2});
    Offered offered = offer(3, parent, {nullified});
    Proposal& proposal = offered.event.proposal;
    SECTION("not from the leader") { offered.event.from = (leader_of(3) + 1) % 4; }
    SECTION("wrong signature") { proposal.leader_signature.data[5] ^= 1; }
    SECTION("parent_view not below the view") { proposal.parent_view = 3; }
    SECTION("header of another view") { offered.event.meta.view = 2; }
    SECTION("header of another proposer") { offered.event.meta.proposer = (leader_of(3) + 1) % 4; }
    SECTION("header with another parent") { offered.event.meta.parent = digest_of('q'); }
    SECTION("no parent certificate") { proposal.justification.parent.reset(); }
    SECTION("no nullification") { proposal.justification.nullifications.clear(); }
    SECTION("a nullification of another view") {
        proposal.justification.nullifications = {certificate(nullify(1), {0, 1, 2})};
    }
    SECTION("one nullification too many") {
        proposal.justification.nullifications.push_back(nullified);
    }
    SECTION("a nullification in place of the parent") {
        proposal.justification.parent = certificate(nullify(1), {0, 1, 2});
    }
    SECTION("a certificate with too few signers") {
        proposal.justification.parent = certificate(notarize(1, 0, digest_of('p')), {0, 1});
    }
    SECTION("a certificate with a forged signature") {
        proposal.justification.parent->signatures[2].data[9] ^= 1;
    }
    const Effects effects = one.step(offered.event);
    CHECK(all_of<RejectSender>(effects).size() == 1);
    CHECK(all_of<ExamineBlock>(effects).empty());
    CHECK(one.core->view() == 1);
}

TEST_CASE("R3: a parent below or beside the last final block is not voted for") {
    Validator one{follower_of(6)};
    one.certify(finalize(4, 3, digest_of('f')));
    one.certify(nullify(5));
    SECTION("below") {
        const auto parent = certificate(notarize(3, 2, digest_of('p')), {0, 1, 2});
        const Effects effects =
            one.step(offer(6, parent,
                           {certificate(nullify(4), {0, 1, 2}), certificate(nullify(5), {0, 1, 2})})
                         .event);
        CHECK(all_of<ExamineBlock>(effects).empty());
    }
    SECTION("beside, with a certificate nobody checked because the view is final") {
        const auto parent = certificate(notarize(4, 3, digest_of('p')), {0, 1, 2});
        const Effects effects =
            one.step(offer(6, parent, {certificate(nullify(5), {0, 1, 2})}).event);
        CHECK(all_of<ExamineBlock>(effects).empty());
    }
}

TEST_CASE("R3: a gap longer than a proposal can justify is settled by range before examining") {
    const View view = inline_nullifications_max + 4;
    Validator one{follower_of(view)};
    const QuorumCertificate parent = certificate(notarize(1, 0, digest_of('p')), {0, 1, 2});
    std::vector<QuorumCertificate> newest;
    for (View v = view - inline_nullifications_max; v < view; ++v) {
        newest.push_back(certificate(nullify(v), {0, 1, 2}));
    }
    CHECK(all_of<ExamineBlock>(one.step(offer(view, parent, newest).event)).empty());
    CHECK(one.core->view() == view);
    REQUIRE(one.core->missing_views());
    CHECK(*one.core->missing_views() == std::pair{View{2}, View{3}});
    CHECK(all_of<ExamineBlock>(one.certify(nullify(3))).empty());
    CHECK(all_of<ExamineBlock>(one.certify(nullify(2))).size() == 1);
}

TEST_CASE("R3: an invalid block makes us give the view up, and no vote for it") {
    Validator one{follower_of(1)};
    const Offered offered = offer(1, std::nullopt, {});
    one.step(offered.event);
    CHECK(votes_in(one.step(verdict(offered.statement, false))) == std::vector{nullify(1)});
    CHECK(votes_in(one.step(verdict(offered.statement, true))).empty());
}

TEST_CASE("R4: a quorum of equal votes makes a certificate, others do not count") {
    Validator one;
    const VoteStatement a = notarize(1, 0, digest_of('a'));
    const VoteStatement b = notarize(1, 0, digest_of('b'));
    CHECK(one.step(VoteReceived{vote(1, a), 1}).empty());
    one.step(VoteReceived{vote(1, a), 1});
    one.step(VoteReceived{vote(2, b), 2});
    CHECK(one.core->view() == 1);
    one.step(VoteReceived{vote(3, a), 3});
    CHECK(one.core->view() == 1);
    SECTION("a second vote of one signer is evidence and does not replace the first") {
        const auto evidence = all_of<ReportEvidence>(one.step(VoteReceived{vote(2, a), 2}));
        REQUIRE(evidence.size() == 1);
        CHECK(evidence[0].first.statement == b);
        CHECK(evidence[0].second.statement == a);
        CHECK(one.core->view() == 1);
        CHECK(all_of<ReportEvidence>(one.step(VoteReceived{vote(2, a), 2})).empty());
    }
    SECTION("NULLIFY next to FINALIZE is evidence, NULLIFY next to NOTARIZE is not") {
        CHECK(all_of<ReportEvidence>(one.step(VoteReceived{vote(1, nullify(1)), 1})).empty());
        const VoteStatement f = finalize(1, 0, digest_of('a'));
        CHECK(all_of<ReportEvidence>(one.step(VoteReceived{vote(1, f), 1})).size() == 1);
    }
}

TEST_CASE("R4: votes count only from their signer, in the window, of this epoch") {
    Validator one;
    CHECK(all_of<RejectSender>(one.step(VoteReceived{vote(1, nullify(1)), 2})).size() == 1);
    Vote forged = vote(1, nullify(1));
    forged.signature.data[1] ^= 1;
    CHECK(all_of<RejectSender>(one.step(VoteReceived{forged, 1})).size() == 1);
    VoteStatement other = nullify(1);
    other.epoch = 9;
    for (const ValidatorIndex signer : {1U, 2U, 3U}) {
        CHECK(one.step(VoteReceived{vote(signer, other), signer}).empty());
        CHECK(one.step(VoteReceived{vote(signer, nullify(3)), signer}).empty());  // beyond view + 1
    }
    CHECK(one.core->view() == 1);
    for (const ValidatorIndex signer : {1U, 2U, 3U}) {
        one.step(VoteReceived{vote(signer, nullify(2)), signer});  // view + 1 is inside
    }
    CHECK(one.core->view() == 3);
}

TEST_CASE("R5: a notarization is kept and sent once, and answered with FINALIZE") {
    Validator one;
    const VoteStatement n = notarize(1, 0, digest_of('a'));
    const Effects effects = one.certify(n);
    CHECK(all_of<KeepCertificate>(effects).size() == 1);
    CHECK(votes_in(effects) == std::vector{finalize(1, 0, digest_of('a'))});
    CHECK(one.certify(n, {0, 2, 3}).empty());
}

TEST_CASE("R5: no FINALIZE in a view that was nullified or left") {
    Validator one;
    SECTION("nullified by us") {
        one.step(PendingChanged{true});
        CHECK(votes_in(one.wait(3 * delta)) == std::vector{nullify(1)});
        CHECK(votes_in(one.certify(notarize(1, 0, digest_of('a')))).empty());
        CHECK(one.core->view() == 2);
    }
    SECTION("left") {
        one.certify(nullify(1));
        CHECK(votes_in(one.certify(notarize(1, 0, digest_of('a')))).empty());
        CHECK(one.core->tip() == digest_of('a'));
    }
}

TEST_CASE("R5: a finalization makes everything below moot") {
    Validator one;
    one.certify(notarize(1, 0, digest_of('a')));
    one.certify(nullify(2));
    one.certify(finalize(3, 1, digest_of('c')));
    CHECK(one.core->last_final_view() == 3);
    CHECK(one.core->tip() == digest_of('c'));
    CHECK(one.core->nullifications().empty());
    CHECK(one.certify(notarize(2, 1, digest_of('b'))).empty());
    CHECK(one.core->settling_certificate(2)->statement.kind == VoteKind::finalize);
}

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
        const LeaderSchedule schedule{test_chain_id(), test_epoch, count};
        std::vector<bool> seen(count, false);
        for (View view = 0; view < count; ++view) {
            seen[schedule.leader(view)] = true;
            CHECK(schedule.leader(view) == schedule.leader(view + count));
        }
        CHECK(std::count(seen.begin(), seen.end(), true) == static_cast<std::ptrdiff_t>(count));
    }
}

}  // namespace
}  // namespace tally::consensus::testing
