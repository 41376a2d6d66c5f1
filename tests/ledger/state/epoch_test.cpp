// When an epoch ends, and who votes in the next one.

#include "ledger/state/epochs.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <limits>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const PartyId ccc = party("CCC");
const PartyId ddd = party("DDD");
const PartyId hub = party("HUB");

/// DDD is a member and asked to be a validator.
struct Promoted {
    TestChain chain;
    std::vector<Validator> wanted;

    explicit Promoted(Genesis genesis = make_genesis()) : chain{std::move(genesis)} {
        REQUIRE(chain.apply(hub, AdmitFollower{make_follower("DDD")}) == ResultCode::ok);
        ProposeChange promote;
        promote.member = ddd;
        decide(promote);
        wanted = wanted_validators(chain.state());
        REQUIRE(wanted.size() == 5);
    }
    void decide(const ProposeChange& change) {
        REQUIRE(chain.apply(aaa, change) == ResultCode::ok);
        const TransactionRef ref = chain.last_ref();
        for (const PartyId& voter : {bbb, ccc, hub}) {
            REQUIRE(chain.apply(voter, VoteOnChange{ref, true}) == ResultCode::ok);
        }
    }
    [[nodiscard]] ReportReady report() const {
        return {0, NextEpoch{wanted, {}}.hash(), chain.tip().block.header.height};
    }
    [[nodiscard]] EpochRecord epoch() const { return find_epoch(chain.state()); }
};

}  // namespace

TEST_CASE("the genesis begins epoch 0 with its validators", "[state][epoch]") {
    TestChain chain;
    const EpochRecord epoch = find_epoch(chain.state());
    CHECK(epoch.epoch == 0);
    CHECK(epoch.first_height == 1);
    CHECK(epoch.validators == validators_of(chain.genesis().members));
    CHECK(epoch.previous.empty());
    CHECK(find_parameters(chain.state()) == chain.genesis().parameters);
    CHECK_FALSE(seals_epoch(chain.state(), 1));
}

TEST_CASE("an epoch ends when a quorum of the next set is ready", "[state][epoch]") {
    Promoted promoted;
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {ddd, aaa, hub}) {
        CHECK(chain.apply(ready, promoted.report()) == ResultCode::ok);
        CHECK_FALSE(seals_epoch(chain.state(), chain.tip().block.header.height + 1));
        CHECK(sealed_epoch(chain.state()) == NextEpoch{promoted.epoch().validators, {}});
    }
    CHECK(promoted.epoch().ready == std::vector<PartyId>{aaa, ddd, hub});
    CHECK(chain.apply(bbb, promoted.report()) == ResultCode::ok);  // 4 of 5
    CHECK(is_next_epoch_ready(chain.state()));
    CHECK(sealed_epoch(chain.state()) == NextEpoch{promoted.wanted, {}});
    const std::uint64_t height = chain.tip().block.header.height + 1;
    CHECK(seals_epoch(chain.state(), height));

    const ExecutedBlock& sealing = chain.pass(second_ms);
    CHECK(sealing.block.header.seals_epoch);
    CHECK(sealing.block.header.epoch == 0);
    CHECK(sealing.block.header.next_validators_hash == validators_hash(promoted.wanted));
    REQUIRE(sealing.events.size() == 1);
    CHECK(sealing.events[0].kind == EventKind::epoch_sealed);
    CHECK(sealing.events[0].epoch == 0);
    CHECK(sealing.events[0].validators == promoted.wanted);
    CHECK(sealing.leaves.back().hash == sealing.events[0].hash());
    const EpochRecord epoch = promoted.epoch();
    CHECK(epoch.epoch == 1);
    CHECK(epoch.first_height == height + 1);
    CHECK(epoch.validators == promoted.wanted);
    CHECK(epoch.previous == validators_of(chain.genesis().members));
    CHECK(epoch.admissions == 0);
    CHECK(epoch.ready.empty());

    const BlockHeader& first = chain.pass(second_ms).block.header;
    CHECK(first.epoch == 1);
    CHECK(first.view == 1);
    CHECK(first.parent_view == 0);
    CHECK_FALSE(first.seals_epoch);
    CHECK(first.next_validators_hash == validators_hash(promoted.wanted));
}

TEST_CASE("readiness that is refused", "[state][epoch]") {
    Promoted promoted;
    TestChain& chain = promoted.chain;
    ReportReady report = promoted.report();
    SECTION("of a member that the next set does not have") {
        REQUIRE(chain.apply(hub, AdmitFollower{make_follower("EEE")}) == ResultCode::ok);
        CHECK(chain.apply(party("EEE"), report) == ResultCode::not_validator);
    }
    SECTION("for another epoch") {
        report.epoch = 1;
        CHECK(chain.apply(aaa, report) == ResultCode::not_ready_for);
    }
    SECTION("for another set") {
        report.next_epoch = NextEpoch{promoted.epoch().validators, {}}.hash();
        CHECK(chain.apply(aaa, report) == ResultCode::not_ready_for);
    }
    SECTION("from ahead of the chain") {
        report.height = chain.tip().block.header.height + 1;
        CHECK(chain.apply(aaa, report) == ResultCode::not_ready_for);
    }
    SECTION("twice") {
        CHECK(chain.apply(aaa, report) == ResultCode::ok);
        CHECK(chain.apply(aaa, report) == ResultCode::already_voted);
    }
    SECTION("when nothing is to change") {
        chain.change_epoch();
        ReportReady again = promoted.report();
        again.epoch = 1;
        CHECK(chain.apply(aaa, again) == ResultCode::not_ready_for);
    }
    SECTION("from before the epoch") {
        chain.change_epoch();
        REQUIRE(chain.apply(aaa, RotateKey{KeyRole::consensus,
                                           public_key_of(secret_of("AAA/consensus-1"))}) ==
                ResultCode::ok);
        const EpochRecord epoch = promoted.epoch();
        const Hash next = wanted_epoch(chain.state()).hash();
        CHECK(chain.apply(aaa, ReportReady{1, next, epoch.first_height - 2}) ==
              ResultCode::not_ready_for);
        CHECK(chain.apply(aaa, ReportReady{1, next, epoch.first_height - 1}) == ResultCode::ok);
    }
}

TEST_CASE("readiness is for one set: another one starts anew", "[state][epoch]") {
    Promoted promoted;
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {aaa, bbb, ccc}) {
        REQUIRE(chain.apply(ready, promoted.report()) == ResultCode::ok);
    }
    REQUIRE(chain.apply(
                bbb, RotateKey{KeyRole::consensus, public_key_of(secret_of("BBB/consensus-1"))}) ==
            ResultCode::ok);
    CHECK(chain.apply(hub, promoted.report()) == ResultCode::not_ready_for);
    promoted.wanted = wanted_validators(chain.state());
    CHECK_FALSE(is_next_epoch_ready(chain.state()));
    CHECK(chain.apply(hub, promoted.report()) == ResultCode::ok);
    CHECK(promoted.epoch().ready == std::vector<PartyId>{hub});
    CHECK_FALSE(is_next_epoch_ready(chain.state()));
}

TEST_CASE("a change in the sealing block itself waits for the next epoch", "[state][epoch]") {
    Promoted promoted;
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {aaa, bbb, ccc, hub}) {
        REQUIRE(chain.apply(ready, promoted.report()) == ResultCode::ok);
    }
    const PublicKey key = public_key_of(secret_of("CCC/consensus-1"));
    REQUIRE(chain.apply(ccc, RotateKey{KeyRole::consensus, key}) == ResultCode::ok);
    CHECK(chain.tip().block.header.seals_epoch);
    CHECK(promoted.epoch().epoch == 1);
    CHECK(promoted.epoch().validators == promoted.wanted);
    CHECK(wanted_validators(chain.state()) != promoted.wanted);
}

TEST_CASE("the longest epoch ends by itself, with the same validators if the next are not ready",
          "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 10;
    Promoted promoted{genesis};  // six blocks
    TestChain& chain = promoted.chain;
    const std::vector<Validator> current = promoted.epoch().validators;
    while (chain.tip().block.header.height < 9) {
        CHECK_FALSE(chain.pass(second_ms).block.header.seals_epoch);
    }
    CHECK(chain.pass(second_ms).block.header.seals_epoch);
    CHECK(promoted.epoch().epoch == 1);
    CHECK(promoted.epoch().validators == current);
    CHECK(promoted.epoch().previous == current);
    SECTION("and again") {
        for (int i = 0; i < 10; ++i) {
            CHECK(chain.pass(second_ms).block.header.seals_epoch == (i == 9));
        }
        CHECK(promoted.epoch().epoch == 2);
    }
    SECTION("the change is still wanted") {
        chain.change_epoch();
        CHECK(promoted.epoch().epoch == 2);
        CHECK(promoted.epoch().validators == promoted.wanted);
    }
}

TEST_CASE("a demoted validator votes until the epoch ends", "[state][epoch]") {
    Promoted promoted;
    TestChain& chain = promoted.chain;
    chain.change_epoch();
    ProposeChange demote;
    demote.kind = ChangeKind::demote;
    demote.member = bbb;
    REQUIRE(chain.apply(ddd, demote) == ResultCode::ok);
    const TransactionRef ref = chain.last_ref();
    for (const PartyId& voter : {bbb, ccc, hub}) {
        REQUIRE(chain.apply(voter, VoteOnChange{ref, true}) == ResultCode::ok);
    }
    CHECK(is_validator(promoted.epoch().validators, bbb));
    chain.change_epoch();
    CHECK_FALSE(is_validator(promoted.epoch().validators, bbb));
    REQUIRE(chain.apply(aaa, demote) == ResultCode::nothing_to_change);
}

TEST_CASE("an epoch does not end because the next set is ready before it has its least length",
          "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_min = 30;
    Promoted promoted{genesis};
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {aaa, bbb, ccc, ddd, hub}) {
        REQUIRE(chain.apply(ready, promoted.report()) == ResultCode::ok);
    }
    CHECK(is_next_epoch_ready(chain.state()));
    while (chain.tip().block.header.height < 29) {
        CHECK_FALSE(chain.pass(second_ms).block.header.seals_epoch);
    }
    CHECK(chain.pass(second_ms).block.header.seals_epoch);
    CHECK(promoted.epoch().validators == promoted.wanted);
    CHECK(promoted.epoch().first_height == 31);
}

TEST_CASE("the longest epoch ends also when it is shorter than the least length",
          "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_min = 1'000;
    genesis.parameters.epoch_blocks_max = 12;
    Promoted promoted{genesis};
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {aaa, bbb, ccc, ddd}) {
        REQUIRE(chain.apply(ready, promoted.report()) == ResultCode::ok);
    }
    while (chain.tip().block.header.height < 12) {
        chain.pass(second_ms);
    }
    CHECK(promoted.epoch().epoch == 1);
    CHECK(promoted.epoch().validators == promoted.wanted);
    CHECK(promoted.epoch().ready.empty());
    CHECK(promoted.epoch().ready_for == Hash{});
}

TEST_CASE("readiness is kept when an epoch ends without the set that it is for", "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 10;
    Promoted promoted{genesis};  // five blocks
    TestChain& chain = promoted.chain;
    for (const PartyId& ready : {aaa, bbb, ccc}) {
        REQUIRE(chain.apply(ready, promoted.report()) == ResultCode::ok);
    }
    const ReportReady on_its_way = promoted.report();
    chain.pass(second_ms);
    REQUIRE(chain.pass(second_ms).block.header.seals_epoch);
    CHECK(promoted.epoch().epoch == 1);
    CHECK(promoted.epoch().ready == std::vector<PartyId>{aaa, bbb, ccc});
    CHECK(chain.apply(aaa, on_its_way) == ResultCode::already_voted);
    CHECK(chain.apply(hub, on_its_way) == ResultCode::ok);  // made in the epoch before
    CHECK(chain.pass(second_ms).block.header.seals_epoch);
    CHECK(promoted.epoch().validators == promoted.wanted);
    CHECK(promoted.epoch().ready.empty());
}

TEST_CASE("a report of an epoch two before is refused", "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_max = 10;
    Promoted promoted{genesis};
    TestChain& chain = promoted.chain;
    const ReportReady old = promoted.report();
    while (promoted.epoch().epoch < 2) {
        chain.pass(second_ms);
    }
    CHECK(chain.apply(aaa, old) == ResultCode::not_ready_for);
    ReportReady wrapped = old;
    wrapped.epoch = std::numeric_limits<std::uint64_t>::max();
    CHECK(chain.apply(aaa, wrapped) == ResultCode::not_ready_for);
}

TEST_CASE("one validator that keeps changing its key neither stops nor hurries the epochs",
          "[state][epoch]") {
    Genesis genesis = make_genesis();
    genesis.parameters.epoch_blocks_min = 20;
    genesis.parameters.epoch_blocks_max = 60;
    Promoted promoted{genesis};
    TestChain& chain = promoted.chain;
    const auto rotate = [&chain](int number) {
        const std::string name = "CCC/consensus-" + std::to_string(number);
        return chain.apply(ccc, RotateKey{KeyRole::consensus, public_key_of(secret_of(name))});
    };
    std::vector<std::uint64_t> sealed;
    for (int number = 1; number <= 3; ++number) {
        const std::uint64_t epoch = promoted.epoch().epoch;
        CHECK(rotate(number) == ResultCode::ok);
        const NextEpoch next = wanted_epoch(chain.state());
        for (const PartyId& ready : {aaa, bbb, ddd, hub}) {
            CHECK(rotate(number + 1) == ResultCode::rotation_pending);
            CHECK(chain.apply(ready,
                              ReportReady{epoch, next.hash(), chain.tip().block.header.height}) ==
                  ResultCode::ok);
        }
        while (promoted.epoch().epoch == epoch) {
            chain.pass(second_ms);
        }
        sealed.push_back(chain.tip().block.header.height);
        CHECK(chain.tip().block.header.next_validators_hash == validators_hash(next.validators));
    }
    CHECK(sealed == std::vector<std::uint64_t>{20, 40, 60});
}

}  // namespace tally::test
