// Protocol features: asked for by vote, active from the epoch that enough programs are ready for.

#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/proposals.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId hub = party("HUB");

ProposeChange feature_change(ChangeKind kind, std::uint32_t feature) {
    ProposeChange change;
    change.kind = kind;
    change.feature = feature;
    return change;
}

ProposeChange activate(std::uint32_t feature) {
    return feature_change(ChangeKind::activate_feature, feature);
}

ProposeChange withdraw(std::uint32_t feature) {
    return feature_change(ChangeKind::withdraw_feature, feature);
}

void decide(TestChain& chain, const ProposeChange& change) {
    REQUIRE(chain.apply(aaa, change) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    for (const PartyId& voter : {bbb, hub, ccc}) {
        const ResultCode result = chain.apply(voter, VoteOnChange{ref, true});
        REQUIRE((result == ResultCode::ok || result == ResultCode::unknown_proposal));
    }
}

EpochRecord epoch_of(const TestChain& chain) { return find_epoch(chain.state()); }

ReportReady report(const TestChain& chain) {
    return {epoch_of(chain).epoch, wanted_epoch(chain.state()).hash(),
            chain.tip().block.header.height};
}

}  // namespace

TEST_CASE("a feature is active from the epoch that a quorum is ready for", "[state][feature]") {
    TestChain chain;
    decide(chain, activate(7));
    CHECK(epoch_of(chain).wanted_features == FeatureList{7});
    CHECK(epoch_of(chain).features.empty());
    const std::vector<Validator> validators = epoch_of(chain).validators;
    for (const PartyId& ready : {aaa, hub}) {
        CHECK(chain.apply(ready, report(chain)) == ResultCode::ok);
        CHECK_FALSE(is_next_epoch_ready(chain.state()));
    }
    CHECK(chain.apply(ccc, report(chain)) == ResultCode::ok);
    CHECK(is_next_epoch_ready(chain.state()));
    CHECK(sealed_epoch(chain.state()) == NextEpoch{validators, {7}});
    const ExecutedBlock& sealing = chain.pass(second_ms);
    CHECK(sealing.block.header.seals_epoch);
    CHECK(sealing.block.header.next_validators_hash == validators_hash(validators));
    REQUIRE(sealing.events.size() == 1);
    CHECK(sealing.events[0].features == FeatureList{7});
    CHECK(epoch_of(chain).features == FeatureList{7});
    CHECK(epoch_of(chain).wanted_features.empty());
    CHECK(epoch_of(chain).ready.empty());
    CHECK(epoch_of(chain).validators == validators);

    // It stays, and nothing is left to report ready for.
    CHECK(chain.apply(aaa, report(chain)) == ResultCode::not_ready_for);
    decide(chain, activate(3));
    chain.change_epoch();
    CHECK(epoch_of(chain).features == FeatureList{3, 7});
}

TEST_CASE("the longest epoch ends without a feature that too few know", "[state][feature]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 20;
    TestChain chain{genesis};
    decide(chain, activate(7));
    for (const PartyId& ready : {aaa, hub}) {
        REQUIRE(chain.apply(ready, report(chain)) == ResultCode::ok);
    }
    while (epoch_of(chain).epoch < 2) {
        const ExecutedBlock& block = chain.pass(second_ms);
        if (block.block.header.seals_epoch) {
            CHECK(block.events.back().features.empty());
        }
    }
    CHECK(epoch_of(chain).features.empty());
    CHECK(epoch_of(chain).wanted_features == FeatureList{7});
    CHECK(epoch_of(chain).ready == std::vector<PartyId>{aaa, hub});  // and need not say it again
    CHECK(chain.apply(bbb, report(chain)) == ResultCode::ok);
    chain.pass(second_ms);
    CHECK(epoch_of(chain).features == FeatureList{7});
}

TEST_CASE("readiness for a set is not readiness for a feature", "[state][feature]") {
    TestChain chain;
    REQUIRE(chain.apply(
                bbb, RotateKey{KeyRole::consensus, public_key_of(secret_of("BBB/consensus-1"))}) ==
            ResultCode::ok);
    const ReportReady old = report(chain);
    for (const PartyId& ready : {aaa, hub}) {
        REQUIRE(chain.apply(ready, old) == ResultCode::ok);
    }
    decide(chain, activate(7));
    CHECK(chain.apply(ccc, old) == ResultCode::not_ready_for);
    CHECK(chain.apply(ccc, report(chain)) == ResultCode::ok);
    CHECK(epoch_of(chain).ready == std::vector<PartyId>{ccc});

    // Withdrawn, the set alone is wanted again.
    decide(chain, withdraw(7));
    CHECK(epoch_of(chain).wanted_features.empty());
    CHECK(chain.apply(ccc, report(chain)) == ResultCode::ok);
    chain.change_epoch();
    CHECK(epoch_of(chain).features.empty());
}

TEST_CASE("features that cannot be asked for or withdrawn", "[state][feature]") {
    TestChain chain;
    CHECK(chain.apply(aaa, withdraw(7)) == ResultCode::nothing_to_change);
    decide(chain, activate(7));
    CHECK(chain.apply(aaa, activate(7)) == ResultCode::nothing_to_change);
    chain.change_epoch();
    CHECK(chain.apply(aaa, activate(7)) == ResultCode::nothing_to_change);
    CHECK(chain.apply(aaa, withdraw(7)) == ResultCode::nothing_to_change);
    // Without the hub, as any change.
    CHECK(chain.apply(aaa, activate(8)) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    CHECK(chain.apply(bbb, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(chain.apply(ccc, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(epoch_of(chain).wanted_features.empty());
    CHECK(chain.apply(hub, VoteOnChange{ref, true}) == ResultCode::ok);
    CHECK(epoch_of(chain).wanted_features == FeatureList{8});
}

TEST_CASE("bound: so many features and no more", "[state][feature]") {
    TestChain chain;
    StateOverlay state = chain.state();
    EpochRecord epoch = find_epoch(state);
    for (std::uint32_t feature = 1; feature < features_max; ++feature) {
        (feature % 2 == 0 ? epoch.features : epoch.wanted_features).push_back(feature);
    }
    REQUIRE(enact(state, {}, activate(1000)) == ResultCode::ok);
    CHECK(find_epoch(state).wanted_features == FeatureList{1000});
    epoch.wanted_features.push_back(1000);
    REQUIRE(epoch.features.size() + epoch.wanted_features.size() == features_max);
    state.put(keys::epoch(), encode(epoch));
    CHECK(check_change(state, activate(1001)) == ResultCode::too_many_features);
    CHECK(check_change(state, withdraw(1000)) == ResultCode::ok);
    REQUIRE(enact(state, {}, withdraw(1000)) == ResultCode::ok);
    CHECK(check_change(state, activate(1001)) == ResultCode::ok);
}

TEST_CASE("a feature withdrawn in the sealing block does not become active", "[state][feature]") {
    TestChain chain;
    decide(chain, activate(3));
    decide(chain, activate(7));
    // The withdrawal lacks one vote, the epoch one report.
    REQUIRE(chain.apply(aaa, withdraw(7)) == ResultCode::ok);
    const TransactionRef withdrawal = chain.last_ref();
    REQUIRE(chain.apply(bbb, VoteOnChange{withdrawal, true}) == ResultCode::ok);
    for (const PartyId& ready : {aaa, bbb, hub}) {
        REQUIRE(chain.apply(ready, report(chain)) == ResultCode::ok);
    }
    const std::vector<Validator> validators = epoch_of(chain).validators;
    REQUIRE(sealed_epoch(chain.state()) == NextEpoch{validators, {3, 7}});

    REQUIRE(chain.apply(hub, VoteOnChange{withdrawal, true}) == ResultCode::ok);
    const ExecutedBlock& sealing = chain.tip();
    REQUIRE(sealing.block.header.seals_epoch);
    CHECK(sealing.block.header.next_validators_hash == validators_hash(validators));
    REQUIRE(sealing.events.size() == 1);
    CHECK(sealing.events[0].features == FeatureList{3});
    CHECK(epoch_of(chain).epoch == 1);
    CHECK(epoch_of(chain).features == FeatureList{3});
    CHECK(epoch_of(chain).wanted_features.empty());
    CHECK_FALSE(is_next_epoch_ready(chain.state()));

    // It is as if it had never been asked for.
    CHECK(check_change(chain.state(), withdraw(7)) == ResultCode::nothing_to_change);
    decide(chain, activate(7));
    CHECK(epoch_of(chain).wanted_features == FeatureList{7});
}

TEST_CASE("a feature withdrawn and asked for again in the sealing block becomes active",
          "[state][feature]") {
    const TestChain chain;
    StateOverlay state = chain.state();
    REQUIRE(enact(state, {}, activate(7)) == ResultCode::ok);
    const NextEpoch next = wanted_epoch(state);
    REQUIRE(enact(state, {}, withdraw(7)) == ResultCode::ok);
    REQUIRE(enact(state, {}, activate(7)) == ResultCode::ok);
    CHECK(seal_epoch(state, 1, next).features == FeatureList{7});
    CHECK(find_epoch(state).features == FeatureList{7});
    CHECK(find_epoch(state).wanted_features.empty());
}

TEST_CASE("bound: one feature for another in the sealing block", "[state][feature]") {
    const TestChain chain;
    StateOverlay state = chain.state();
    EpochRecord epoch = find_epoch(state);
    for (std::uint32_t feature = 1; feature < features_max; ++feature) {
        epoch.features.push_back(feature);
    }
    epoch.wanted_features = {1000};
    state.put(keys::epoch(), encode(epoch));
    const NextEpoch next = wanted_epoch(state);
    REQUIRE(enact(state, {}, withdraw(1000)) == ResultCode::ok);
    REQUIRE(check_change(state, activate(1001)) == ResultCode::ok);
    REQUIRE(enact(state, {}, activate(1001)) == ResultCode::ok);

    CHECK(seal_epoch(state, 1, next).features.empty());
    const EpochRecord after = find_epoch(state);
    CHECK(after.features == epoch.features);
    CHECK(after.wanted_features == FeatureList{1001});
    CHECK(after.features.size() + after.wanted_features.size() == features_max);
}

TEST_CASE("what a program does not know is found", "[state][feature]") {
    CHECK_FALSE(find_unknown_feature({}, {}));
    CHECK_FALSE(find_unknown_feature({2, 5}, {1, 2, 5, 9}));
    CHECK(find_unknown_feature({2, 5, 9}, {2}) == 5);
    CHECK(find_unknown_feature({1}, {}) == 1);
}

TEST_CASE("ready for is another thing with another set or feature", "[state][feature]") {
    const TestChain chain;
    const std::vector<Validator> all = find_epoch(chain.state()).validators;
    const std::vector<Validator> fewer{all.begin() + 1, all.end()};
    CHECK(NextEpoch{all, {}}.hash() == NextEpoch{all, {}}.hash());
    CHECK(NextEpoch{all, {}}.hash() != NextEpoch{fewer, {}}.hash());
    CHECK(NextEpoch{all, {}}.hash() != NextEpoch{all, {1}}.hash());
    CHECK(NextEpoch{all, {1, 2}}.hash() != NextEpoch{all, {1, 3}}.hash());
}

}  // namespace tally::test
