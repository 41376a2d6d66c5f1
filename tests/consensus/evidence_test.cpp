// Which contradictions of a signer the core finds, and by which ways they may come.

#include "tests/consensus/hand_driven.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

namespace tally::consensus::testing {
namespace {

/// A validator that has no part in view 1, and one whose votes are looked at.
constexpr ValidatorIndex liar{2};

struct Witness : Validator {
    Witness() : Validator{self_index()} {}
    static ValidatorIndex self_index() {
        return leader_of(1) == 0 ? 1 : 0;  // neither the leader of view 1 nor the liar
    }
    std::vector<ReportEvidence> hear(const VoteStatement& statement, ValidatorIndex signer = liar) {
        return all_of<ReportEvidence>(step(VoteReceived{vote(signer, statement), signer}));
    }
    std::vector<ReportEvidence> hear_certificate(const VoteStatement& statement) {
        std::vector<ValidatorIndex> signers;
        for (ValidatorIndex signer = 0; signer < 4; ++signer) {
            if (signer != self) {
                signers.push_back(signer);
            }
        }
        return all_of<ReportEvidence>(certify(statement, signers));
    }
};

void check_evidence(const std::vector<ReportEvidence>& found) {
    REQUIRE(found.size() == 1);
    CHECK(found[0].first.signer == liar);
    CHECK(found[0].second.signer == liar);
    CHECK(is_equivocation(found[0].first.statement, found[0].second.statement));
    for (const Vote& shown : {found[0].first, found[0].second}) {
        CHECK(shown == vote(liar, shown.statement));
    }
}

TEST_CASE("two votes that no honest validator signs both are reported, in either order") {
    using Pair = std::pair<VoteStatement, VoteStatement>;
    const std::vector<Pair> pairs{
        {notarize(1, 0, digest_of('a')), notarize(1, 0, digest_of('b'))},
        {finalize(1, 0, digest_of('a')), finalize(1, 0, digest_of('b'))},
        {nullify(1), finalize(1, 0, digest_of('a'))},
    };
    for (Pair pair : pairs) {
        for (int order = 0; order < 2; ++order) {
            Witness alone;
            CHECK(alone.hear(pair.first).empty());
            check_evidence(alone.hear(pair.second));
            CHECK(alone.hear(pair.second).empty());  // once
            CHECK(alone.hear(pair.first).empty());

            Witness with_certificate;
            CHECK(with_certificate.hear(pair.first).empty());
            check_evidence(with_certificate.hear_certificate(pair.second));

            Witness after_certificate;
            CHECK(after_certificate.hear_certificate(pair.first).empty());
            check_evidence(after_certificate.hear(pair.second));
            std::swap(pair.first, pair.second);
        }
    }
}

TEST_CASE("votes that an honest validator may sign both are no evidence") {
    Witness witness;
    CHECK(witness.hear(notarize(1, 0, digest_of('a'))).empty());
    CHECK(witness.hear(nullify(1)).empty());
    CHECK(witness.hear(nullify(1)).empty());
    CHECK(witness.hear(notarize(1, 0, digest_of('a'))).empty());
    CHECK(witness.hear(notarize(1, 0, digest_of('a')), 3).empty());
    CHECK(witness.hear(finalize(1, 0, digest_of('a')), 3).empty());
    CHECK(witness.hear(notarize(2, 0, digest_of('b'))).empty());
}

TEST_CASE("a leader's two proposals are evidence, also when its view is over") {
    const View view = view_led_by(liar, 1);
    Validator watching{(liar + 1) % 4};
    for (View before = 1; before < view; ++before) {
        watching.certify(nullify(before));
    }
    std::vector<QuorumCertificate> gap;
    for (View before = 1; before < view; ++before) {
        gap.push_back(certificate(nullify(before), {0, 1, 2}));
    }
    const Offered first = offer(view, std::nullopt, gap, 1);
    const Offered second = offer(view, std::nullopt, gap, 2);
    SECTION("in the view") {
        CHECK(all_of<ReportEvidence>(watching.step(first.event)).empty());
        check_evidence(all_of<ReportEvidence>(watching.step(second.event)));
    }
    SECTION("in a later one") {
        CHECK(all_of<ReportEvidence>(watching.step(first.event)).empty());
        watching.certify(nullify(view));
        check_evidence(all_of<ReportEvidence>(watching.step(second.event)));
    }
    SECTION("with a justification that does not hold") {
        CHECK(all_of<ReportEvidence>(watching.step(first.event)).empty());
        Offered worthless = second;
        worthless.event.proposal.justification.nullifications = {};
        if (!gap.empty()) {
            QuorumCertificate forged = gap.back();
            forged.signatures[0].data[7] ^= 1U;
            worthless.event.proposal.justification.nullifications = gap;
            worthless.event.proposal.justification.nullifications.back() = forged;
        }
        check_evidence(all_of<ReportEvidence>(watching.step(worthless.event)));
    }
}

TEST_CASE("a contradiction shows also in views that are final, as long as the window is") {
    Witness witness;
    witness.hear_certificate(finalize(1, 0, digest_of('a')));
    witness.certify(finalize(2, 1, digest_of('b')));
    REQUIRE(witness.core->last_final_view() == 2);
    SECTION("right after") { check_evidence(witness.hear(finalize(1, 0, digest_of('c')))); }
    SECTION("at the end of the window") {
        witness.certify(finalize(vote_window - 1, 2, digest_of('c')));
        REQUIRE(witness.core->view() == vote_window);
        check_evidence(witness.hear(nullify(1)));
    }
    SECTION("not behind it") {
        witness.certify(finalize(vote_window, 2, digest_of('c')));
        REQUIRE(witness.core->view() == vote_window + 1);
        CHECK(witness.hear(nullify(1)).empty());
    }
}

TEST_CASE("what is kept unchecked accuses nobody") {
    Witness witness;
    std::vector<ValidatorIndex> others;
    for (ValidatorIndex signer = 0; signer < 4; ++signer) {
        if (signer != liar) {
            others.push_back(signer);
        }
    }
    witness.certify(nullify(1), others);
    Vote forged = vote(liar, nullify(1));
    forged.signature.data[3] ^= 1U;
    Effects effects = witness.step(VoteReceived{forged, liar});
    CHECK(all_of<RejectSender>(effects).empty());  // it changes nothing: not looked at
    CHECK(witness.hear(finalize(1, 0, digest_of('a'))).empty());
    check_evidence(witness.hear(nullify(1)));
    CHECK(witness.core->newest_votes(liar).size() == 1);  // the forged one is not shown to anybody
}

TEST_CASE("a forged vote beside a right one is refused and no evidence") {
    Witness witness;
    CHECK(witness.hear(notarize(1, 0, digest_of('a'))).empty());
    Vote forged = vote(liar, notarize(1, 0, digest_of('b')));
    forged.signature.data[3] ^= 1U;
    const Effects effects = witness.step(VoteReceived{forged, liar});
    CHECK(all_of<ReportEvidence>(effects).empty());
    CHECK(all_of<RejectSender>(effects).size() == 1);
}

TEST_CASE("votes for what is settled cost no signature check") {
    std::size_t checks{0};
    CoreOptions options;
    options.chain_id = test_chain_id();
    options.epoch = test_epoch;
    options.validators = verify_keys(4);
    options.self = 0;
    options.check_signature = [&checks](const VerifyKey& key, const Hash& digest,
                                        const Signature& signature) {
        ++checks;
        return key.verify(digest, signature);
    };
    Core core{std::move(options), Validator::fresh()};
    static_cast<void>(core.step(Started{}, Time{0}));
    const auto hear = [&core](ValidatorIndex signer, const VoteStatement& statement) {
        return core.step(VoteReceived{vote(signer, statement), signer}, Time{0});
    };
    static_cast<void>(core.step(CertificateReceived{certificate(nullify(1), {0, 1, 2})}, Time{0}));
    REQUIRE(core.view() == 2);
    CHECK(checks == 3);
    static_cast<void>(hear(1, nullify(1)));
    static_cast<void>(hear(3, nullify(1)));
    CHECK(checks == 3);
    CHECK(core.newest_votes(3).size() == 1);  // checked when it is shown to somebody
    CHECK(checks == 4);
    static_cast<void>(hear(3, nullify(2)));
    CHECK(checks == 5);
}

}  // namespace
}  // namespace tally::consensus::testing
