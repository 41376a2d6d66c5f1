#include "node/process/membership_duties.h"

#include "ledger/state/queries.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::node;
using tally::test::party;
using tally::test::second_ms;
using tally::test::secret_of;
using tally::test::TestChain;

namespace {

class FixedClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override { return m_now; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override {
        return std::chrono::milliseconds{m_now};
    }
    void set(UnixMillis now) { m_now = now; }

private:
    UnixMillis m_now{0};
};

constexpr std::uint32_t known_to_world{5};

/// AAA's duties over a chain that it is level with.
struct World {
    TestChain chain;
    std::optional<StateOverlay> current;
    FixedClock clock;
    tally::test::SeededRandom random{1};
    KeySigner member_key{secret_of("AAA/member")};
    PublicKey held{public_key_of(secret_of("AAA/consensus"))};
    std::vector<Bytes> sent;
    bool refuses{false};
    MembershipDuties duties{
        {.self = party("AAA"),
         .chain_id = chain.chain_id(),
         .state = [this]() -> const StateView& { return state(); },
         .height = [this] { return chain.tip().block.header.height; },
         .time = [this] { return chain.now(); },
         .member_key = member_key,
         .holds_consensus_key = [this](const PublicKey& key) { return key == held; },
         .submit =
             [this](Bytes envelope) {
                 sent.push_back(std::move(envelope));
                 return !refuses;
             },
         .clock = clock,
         .random = random,
         .known_features = {known_to_world}}};

    explicit World(const Genesis& genesis = tally::test::make_genesis()) : chain{genesis} {
        clock.set(chain.now());
    }
    /// After the tip; an overlay remembers what it has read.
    const StateView& state() {
        current.emplace(chain.state());
        return *current;
    }
    void tick(UnixMillis step = second_ms) {
        clock.set(clock.now() + step);
        duties.tick();
    }
    /// Puts what was sent into a block.
    void make_final() {
        chain.add_block(chain.now() + second_ms, sent);
        sent.clear();
        clock.set(chain.now());
    }
    /// A block, `step` after the last; the clock goes with it.
    void pass(UnixMillis step) {
        chain.pass(step);
        clock.set(chain.now());
        duties.tick();
    }
    [[nodiscard]] Transaction sent_transaction() const {
        REQUIRE(sent.size() == 1);
        const auto envelope = decode_envelope(sent.front());
        REQUIRE(envelope);
        const auto transaction = decode_transaction(envelope->transactions.front());
        REQUIRE(transaction);
        return *transaction;
    }
    template <typename Kind>
    [[nodiscard]] Kind sent_action() const {
        const Transaction transaction = sent_transaction();
        REQUIRE(std::holds_alternative<Kind>(transaction.action));
        return std::get<Kind>(transaction.action);
    }
    /// Decided by everybody who votes.
    void decide(ChangeKind kind, std::uint32_t feature) {
        ProposeChange change;
        change.kind = kind;
        change.feature = feature;
        REQUIRE(chain.apply(party("AAA"), change) == ResultCode::ok);
        const TransactionRef ref = chain.last_ref();
        for (const char* voter : {"BBB", "CCC", "HUB"}) {
            REQUIRE(chain.apply(party(voter), VoteOnChange{ref, true}) == ResultCode::ok);
        }
        clock.set(chain.now());
    }
    void rotate_own_consensus_key() {
        const PublicKey next = public_key_of(secret_of("AAA/consensus-1"));
        REQUIRE(chain.apply(party("AAA"), RotateKey{KeyRole::consensus, next}) == ResultCode::ok);
        clock.set(chain.now());
    }
};

consensus::Evidence contradiction(World& world, std::uint64_t epoch,
                                  const std::string& offender = "BBB") {
    const auto validators = find_epoch(world.state()).validators;
    const auto place =
        std::find_if(validators.begin(), validators.end(),
                     [&offender](const auto& each) { return each.party == party(offender); });
    REQUIRE(place != validators.end());
    consensus::Evidence evidence;
    for (consensus::Vote* vote : {&evidence.first, &evidence.second}) {
        vote->signer = static_cast<std::uint32_t>(place - validators.begin());
        vote->statement.epoch = epoch;
        vote->statement.kind = VoteKind::notarize;
        vote->statement.view = 7;
        vote->statement.digest.data[0] = vote == &evidence.first ? 1 : 2;
        vote->signature = sign_digest(secret_of(offender + "/consensus"),
                                      vote->statement.signing_digest(world.chain.chain_id()));
    }
    return evidence;
}

}  // namespace

SCENARIO("a member of the next set reports ready once, and only with the key for it") {
    World world;
    world.tick();
    CHECK(world.sent.empty());  // nothing changes

    world.rotate_own_consensus_key();
    world.tick();
    CHECK(world.sent.empty());  // it could not vote with the key that is wanted
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.tick();
    const auto ready = world.sent_action<ReportReady>();
    CHECK(ready.epoch == 0);
    CHECK(ready.next_epoch == wanted_epoch(world.state()).hash());
    CHECK(ready.height == world.chain.tip().block.header.height);
    world.tick();
    CHECK(world.sent.size() == 1);  // on its way

    world.make_final();
    CHECK(find_epoch(world.state()).ready == std::vector{party("AAA")});
    world.tick(second_ms);
    CHECK(world.sent.empty());
}

SCENARIO("readiness is not reported for a feature that the program does not know") {
    World world;
    world.decide(ChangeKind::activate_feature, known_to_world);
    world.tick();
    CHECK(world.sent_action<ReportReady>().next_epoch == wanted_epoch(world.state()).hash());
    world.make_final();

    world.decide(ChangeKind::activate_feature, known_to_world + 1);  // one of two is enough
    for (int second = 0; second < 20; ++second) {
        world.tick(500);
    }
    CHECK(world.sent.empty());

    world.decide(ChangeKind::withdraw_feature, known_to_world + 1);
    world.tick();
    CHECK(world.sent.empty());  // what it said before is about this again
    CHECK(find_epoch(world.state()).ready == std::vector{party("AAA")});
    CHECK(find_epoch(world.state()).ready_for == wanted_epoch(world.state()).hash());
}

SCENARIO("a report that was lost is made again, one for another set at once") {
    World world;
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.tick();
    REQUIRE(world.sent.size() == 1);
    const auto first = world.sent_action<ReportReady>();
    world.sent.clear();

    const PublicKey other = public_key_of(secret_of("BBB/consensus-1"));
    REQUIRE(world.chain.apply(party("BBB"), RotateKey{KeyRole::consensus, other}) ==
            ResultCode::ok);
    world.clock.set(world.chain.now());
    world.tick();
    CHECK(world.sent_action<ReportReady>().next_epoch != first.next_epoch);
    world.sent.clear();
    for (int step = 0; step < 6; ++step) {
        world.pass(9 * second_ms);
        CHECK(world.sent.empty());  // It may still be executed.
    }
    world.pass(9 * second_ms);
    CHECK(world.sent.size() == 1);
}

SCENARIO("a report and evidence live a minute, to outlast the member's own backlog") {
    World world;
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.tick();
    CHECK(world.sent_transaction().not_after == world.clock.now() + 60 * second_ms);
    // It waits behind other envelopes for 50 s, and is good all the same.
    world.chain.pass(50 * second_ms);
    world.make_final();
    CHECK(find_epoch(world.state()).ready == std::vector{party("AAA")});

    world.duties.on_evidence(contradiction(world, 0));
    world.tick();
    CHECK(world.sent_transaction().not_after == world.clock.now() + 60 * second_ms);
}

SCENARIO("whether a report has expired is not left to a clock that was set back") {
    World world;
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.tick();
    REQUIRE(world.sent.size() == 1);
    world.sent.clear();
    world.clock.set(world.clock.now() - tally::test::hour_ms);
    world.tick();
    CHECK(world.sent.empty());
    world.chain.pass(62 * second_ms);
    world.tick();
    CHECK(world.sent_transaction().not_after == world.chain.now() + 60 * second_ms);
}

SCENARIO("a report of two epochs ago is made again at once") {
    Genesis genesis = tally::test::make_genesis();
    genesis.parameters.epoch_blocks_max = 20;
    World world{genesis};
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.tick();
    const UnixMillis expires = world.sent_transaction().not_after;
    world.sent.clear();
    while (find_epoch(world.state()).epoch < 2) {
        CHECK(world.sent.empty());
        world.pass(second_ms);
    }
    REQUIRE(world.clock.now() < expires);
    CHECK(world.sent_action<ReportReady>().epoch == 2);
}

SCENARIO("a report that others have pushed out is made again at once") {
    World world;
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.tick();
    const UnixMillis expires = world.sent_transaction().not_after;
    world.make_final();
    world.tick();
    REQUIRE(world.sent.empty());

    world.decide(ChangeKind::activate_feature, known_to_world + 1);
    const ReportReady theirs{0, wanted_epoch(world.state()).hash(),
                             world.chain.tip().block.header.height};
    REQUIRE(world.chain.apply(party("BBB"), theirs) == ResultCode::ok);
    world.decide(ChangeKind::withdraw_feature, known_to_world + 1);
    REQUIRE(find_epoch(world.state()).ready == std::vector{party("BBB")});
    world.tick();
    REQUIRE(world.clock.now() < expires);
    CHECK(world.sent_action<ReportReady>().next_epoch == wanted_epoch(world.state()).hash());
}

SCENARIO("a node that lags behind the chain does not report ready") {
    World world;
    world.held = public_key_of(secret_of("AAA/consensus-1"));
    world.rotate_own_consensus_key();
    world.clock.set(world.chain.now() + 60 * second_ms);
    CHECK_FALSE(world.duties.is_level());
    world.tick();
    CHECK(world.sent.empty());
}

SCENARIO("evidence is put on the ledger until it is there, and forgotten then") {
    World world;
    world.duties.on_evidence(contradiction(world, 0));
    world.tick();
    const auto evidence = world.sent_action<SubmitEvidence>();
    CHECK(evidence.first.view == 7);
    world.tick();
    CHECK(world.sent.size() == 1);
    world.make_final();
    CHECK(find_evidence(world.state(), 0, party("BBB")));
    world.tick();
    CHECK(world.duties.evidence_waiting() == 0);
    CHECK(world.sent.empty());
}

SCENARIO("evidence that was lost or refused is put on the ledger again, other evidence at once") {
    World world;
    world.duties.on_evidence(contradiction(world, 0));
    world.refuses = true;
    world.tick();
    REQUIRE(world.sent.size() == 1);
    world.sent.clear();
    world.refuses = false;
    world.tick();
    REQUIRE(world.sent_action<SubmitEvidence>().signer == contradiction(world, 0).first.signer);
    world.sent.clear();

    const consensus::Evidence other = contradiction(world, 0, "CCC");
    world.duties.on_evidence(other);
    world.tick();
    CHECK(world.sent_action<SubmitEvidence>().signer == other.first.signer);
    world.make_final();
    REQUIRE(find_evidence(world.state(), 0, party("CCC")));

    for (int step = 0; step < 6; ++step) {
        world.pass(9 * second_ms);
        CHECK(world.sent.empty());
    }
    world.pass(9 * second_ms);
    CHECK(world.sent_action<SubmitEvidence>().signer != other.first.signer);
}

SCENARIO("evidence submitted while the clock was far ahead is submitted again when it is right") {
    World world;
    world.duties.on_evidence(contradiction(world, 0));
    world.clock.set(world.chain.now() + tally::test::hour_ms);
    world.tick();
    REQUIRE(world.sent.size() == 1);
    world.sent.clear();
    world.clock.set(world.chain.now());  // No block may carry what was sent for an hour.
    world.tick();
    CHECK(world.sent_transaction().not_after == world.clock.now() + 60 * second_ms);
}

SCENARIO("bound: so much evidence is on its way at a time") {
    World world;
    for (int count = 0; count < 10; ++count) {
        world.duties.on_evidence(contradiction(world, 0));
    }
    for (int second = 0; second < 5; ++second) {
        world.tick();
        CHECK(world.sent.size() == 4);
    }
    world.make_final();
    world.tick();
    CHECK(world.sent.empty());
    CHECK(world.duties.evidence_waiting() == 0);
}

SCENARIO("evidence that the ledger cannot check any more, and a flood of it, is dropped") {
    World world;
    for (const char* key : {"CCC/consensus-1", "CCC/consensus-2"}) {
        const RotateKey rotation{KeyRole::consensus, public_key_of(secret_of(key))};
        REQUIRE(world.chain.apply(party("CCC"), rotation) == ResultCode::ok);
        world.chain.change_epoch();
    }
    world.duties.on_evidence(contradiction(world, 0));
    world.duties.tick();
    CHECK(world.duties.evidence_waiting() == 0);
    for (std::size_t count = 0; count < consensus::evidence_max + 5; ++count) {
        world.duties.on_evidence(contradiction(world, 2));
    }
    CHECK(world.duties.evidence_waiting() == consensus::evidence_max);
    world.clock.set(world.chain.now());
    world.duties.tick();
    CHECK(world.sent.size() <= 4);
}
