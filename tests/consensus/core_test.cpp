// One validator of four, driven by hand: proposing, voting, certificates (R0 to R5).

#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

namespace tally::consensus::testing {
namespace {

using namespace std::chrono_literals;

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
    CHECK(one.core->unfinalized_certificates().empty());
    CHECK(one.certify(notarize(2, 1, digest_of('b'))).empty());
    CHECK(one.core->settling_certificate(2)->statement.kind == VoteKind::finalize);
}

TEST_CASE("R3: a long gap's nullification is asked for although its view is notarized too") {
    constexpr View view{70};
    Validator one{follower_of(view)};
    one.certify(notarize(1, 0, digest_of('a')));
    std::vector<QuorumCertificate> newest;
    for (View hole = 2; hole < view; ++hole) {
        one.certify(nullify(hole));
        if (hole + inline_nullifications_max >= view) {
            newest.push_back(certificate(nullify(hole), {0, 1, 2}));
        }
    }
    REQUIRE(one.core->view() == view);
    CHECK_FALSE(one.core->missing_views());
    CHECK(all_of<ExamineBlock>(one.step(offer(view, std::nullopt, newest).event)).empty());
    CHECK(one.core->missing_views() == std::pair{View{1}, View{1}});
    CHECK(all_of<ExamineBlock>(one.certify(nullify(1))).size() == 1);
    CHECK_FALSE(one.core->missing_views());
    CHECK(one.core->certificates_of(1).size() == 2);
}

/// A block that seals the epoch, on the genesis.
Offered sealing(View view) {
    Offered made = offer(view, std::nullopt, {});
    BlockMeta meta = made.event.meta;
    meta.seals_epoch = true;
    made.event.proposal.header = encode_header(meta, {});
    made.event.meta = *decode_test_header(made.event.proposal.header);
    made.statement = notarize(view, 0, made.event.meta.digest);
    made.event.proposal.leader_signature = vote(leader_of(view), made.statement).signature;
    return made;
}

/// The same block, offered in a later view.
Offered again(const Offered& first, View view, const QuorumCertificate& parent,
              std::vector<QuorumCertificate> nullifications) {
    Offered made = first;
    made.event.from = leader_of(view);
    made.event.proposal.view = view;
    made.event.proposal.parent_view = parent.statement.view;
    made.event.proposal.justification = {parent, std::move(nullifications)};
    made.statement = notarize(view, parent.statement.view, first.event.meta.digest);
    made.event.proposal.leader_signature = vote(leader_of(view), made.statement).signature;
    return made;
}

TEST_CASE("R3: a sealing block is notarized again in a later view, and only as it is") {
    const Offered first = sealing(1);
    const QuorumCertificate parent = certificate(first.statement, {0, 1, 2});
    Validator one{follower_of(3)};
    one.certify(first.statement);
    one.certify(nullify(2));
    REQUIRE(one.core->view() == 3);
    const QuorumCertificate gap = certificate(nullify(2), {0, 1, 2});
    SECTION("the same block") {
        const Offered second = again(first, 3, parent, {gap});
        REQUIRE(all_of<ExamineBlock>(one.step(second.event)).size() == 1);
        CHECK(votes_in(one.step(verdict(second.statement, true))) == std::vector{second.statement});
        // Notarized again, it is finalized again, and is its own parent in the view after.
        CHECK(votes_in(one.certify(second.statement)) ==
              std::vector{finalize(3, 1, first.event.meta.digest)});
        CHECK(one.core->tip() == first.event.meta.digest);
    }
    SECTION("a certificate of another block as its parent") {
        const QuorumCertificate other = certificate(notarize(1, 0, digest_of('x')), {0, 1, 2});
        CHECK_FALSE(all_of<RejectSender>(one.step(again(first, 3, other, {gap}).event)).empty());
    }
    SECTION("a view before its own") {
        const Offered late = sealing(2);
        CHECK_FALSE(all_of<RejectSender>(one.step(again(late, 3, parent, {gap}).event)).empty());
    }
    SECTION("without the nullifications in between") {
        CHECK_FALSE(all_of<RejectSender>(one.step(again(first, 3, parent, {}).event)).empty());
    }
    SECTION("without a certificate") {
        Offered bare = again(first, 3, parent, {gap});
        bare.event.proposal.justification.parent.reset();
        CHECK_FALSE(all_of<RejectSender>(one.step(bare.event)).empty());
    }
    SECTION("a block that does not seal") {
        const Offered plain = offer(1, std::nullopt, {});
        const QuorumCertificate of_plain = certificate(plain.statement, {0, 1, 2});
        CHECK_FALSE(all_of<RejectSender>(one.step(again(plain, 3, of_plain, {gap}).event)).empty());
    }
}

}  // namespace
}  // namespace tally::consensus::testing
