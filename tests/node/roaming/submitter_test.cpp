// Our own transactions on their way: stored before they are shown, the same bytes until final,
// signed anew or given up when their time has passed. And the bounds of what roaming keeps.

#include "node/roaming/submitter.h"

#include "node/roaming/courier.h"
#include "node/roaming/session_table.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::node {
namespace {

using tally::test::party;
using tally::test::secret_of;
using tally::test::SeededRandom;

constexpr UnixMillis now{1'748'736'000'000};

/// Takes envelopes, and the frames for one member that may be away.
class Sink : public LedgerPort, public MemberPort {
public:
    [[nodiscard]] const Hash& chain_id() const override { return m_chain_id; }
    [[nodiscard]] const StateView& final_state() const override { return m_state; }
    [[nodiscard]] UnixMillis final_time() const override { return now; }
    [[nodiscard]] std::uint64_t final_height() const override { return 0; }
    [[nodiscard]] std::optional<FinalizedBlock> read_block(std::uint64_t) const override {
        return std::nullopt;
    }
    bool submit(Bytes envelope) override {
        if (full || envelope == refused) {
            return false;
        }
        envelopes.push_back(std::move(envelope));
        return true;
    }
    [[nodiscard]] std::optional<ResultCode> find_result(const TransactionRef&) const override {
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::uint64_t> find_height(const TransactionRef&) const override {
        return std::nullopt;
    }
    [[nodiscard]] bool is_connected(const PartyId&) const override { return false; }
    bool send(const PartyId&, Bytes, std::uint64_t) override {
        ++sent;
        return false;
    }

    bool full{false};
    Bytes refused;
    int sent{0};
    std::vector<Bytes> envelopes;

private:
    Genesis m_genesis{tally::test::make_genesis()};
    Hash m_chain_id{m_genesis.chain_id()};
    MemoryStore m_base;
    StateOverlay m_state{m_base, {}};
};

struct Bench {
    Sink sink;
    KeySigner key{secret_of("AAA/member")};
    SeededRandom random{1};
    MemoryStore disk;
    StagedStore store{disk};

    [[nodiscard]] Submitter make(std::size_t pending_max = 10'000) {
        return Submitter{
            {.self = party("AAA"), .pending_max = pending_max}, sink, key, random, store};
    }
    void turn(Submitter& submitter, UnixMillis time) {
        submitter.sign_pending(time);
        store.commit();
        submitter.hand_out(time);
    }
};

SubmissionOwner owner(std::uint8_t number) {
    SubmissionOwner result;
    result.action = OwnAction::claim;
    result.key.data[0] = number;
    return result;
}

std::vector<TransactionId> ids_of(const Bytes& bytes) {
    std::vector<TransactionId> ids;
    const auto envelope = decode_envelope(bytes);
    REQUIRE(envelope);
    for (const Bytes& transaction : envelope->transactions) {
        ids.push_back(decode_transaction(transaction)->id);
    }
    return ids;
}

}  // namespace

TEST_CASE("one turn's transactions share envelopes of 15 KiB", "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make();
    for (int i = 0; i < 1'100; ++i) {
        submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    }
    bench.turn(submitter, now);
    std::size_t count{0};
    for (const Bytes& envelope : bench.sink.envelopes) {
        CHECK(envelope.size() <= 15 * 1'024 + 1'024);
        count += ids_of(envelope).size();
    }
    CHECK(count == 1'100);
    CHECK(bench.sink.envelopes.size() <= 8);
}

TEST_CASE("with 16 envelopes under way the next transactions wait for a result and share one",
          "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make();
    for (int i = 0; i < 30; ++i) {
        submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
        bench.turn(submitter, now);
    }
    REQUIRE(bench.sink.envelopes.size() == 16);
    CHECK(submitter.size() == 30);
    const TransactionId done = ids_of(bench.sink.envelopes[3]).front();
    SECTION("after a result") {
        CHECK(submitter.take_result(done) == owner(1));
        bench.turn(submitter, now);
        CHECK(bench.sink.envelopes.size() == 17);
        CHECK(ids_of(bench.sink.envelopes.back()).size() == 14);
    }
    SECTION("after a restart and a result") {
        Submitter again = bench.make();
        again.load();
        CHECK(again.take_result(done) == owner(1));
        bench.turn(again, now);
        CHECK(bench.sink.envelopes.size() == 16 + 15 + 1);
        CHECK(ids_of(bench.sink.envelopes.back()).size() == 14);
    }
}

TEST_CASE("the same bytes go again until final, also after a restart", "[roaming][submitter]") {
    Bench bench;
    Bytes first;
    {
        Submitter submitter = bench.make();
        submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
        bench.sink.full = true;
        bench.turn(submitter, now);
        CHECK(bench.sink.envelopes.empty());
        bench.sink.full = false;
        bench.turn(submitter, now + 1);
        REQUIRE(bench.sink.envelopes.size() == 1);
        bench.turn(submitter, now + 1'000);  // not yet
        CHECK(bench.sink.envelopes.size() == 1);
        bench.turn(submitter, now + 2'001);
        REQUIRE(bench.sink.envelopes.size() == 2);
        first = bench.sink.envelopes[0];
        CHECK(bench.sink.envelopes[1] == first);
    }
    Submitter again = bench.make();
    again.load();
    bench.turn(again, now + 3'000);
    REQUIRE(bench.sink.envelopes.size() == 3);
    CHECK(bench.sink.envelopes[2] == first);
    const TransactionId id = ids_of(first).front();
    CHECK(again.take_result(id) == owner(1));
    CHECK_FALSE(again.take_result(id));
    bench.store.commit();
    CHECK(bench.disk.entries().empty());
}

TEST_CASE("a result that was not committed is delivered again", "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make();
    submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    bench.turn(submitter, now);
    const TransactionId id = ids_of(bench.sink.envelopes.front()).front();
    CHECK(submitter.take_result(id));
    StagedStore reopened{bench.disk};
    Submitter again{
        {.self = party("AAA"), .pending_max = 10}, bench.sink, bench.key, bench.random, reopened};
    again.load();
    CHECK(again.take_result(id) == owner(1));
}

TEST_CASE("behind not_after an action is signed anew or given up", "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make();
    const auto fixed = bench.random.fixed<TransactionId>();
    submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    submitter.submit_once(owner(2), fixed, ClaimCharge{{party("BBB"), {}}}, now + 20'000);
    bench.turn(submitter, now);
    CHECK(submitter.take_given_up(now + 19'999, now + 19'999, 60'000).empty());
    // The envelope is out of time with its first transaction: the other one goes anew at once.
    CHECK(submitter.take_given_up(now + 20'000, now + 20'000, 60'000) == std::vector{owner(2)});
    CHECK(submitter.take_given_up(now + 20'000, now + 20'000, 60'000).empty());
    CHECK(submitter.size() == 1);
    bench.turn(submitter, now + 20'000);
    REQUIRE(bench.sink.envelopes.size() == 2);
    const auto before = ids_of(bench.sink.envelopes[0]);
    const auto after = ids_of(bench.sink.envelopes[1]);
    CHECK(before.size() == 2);
    REQUIRE(after.size() == 1);
    CHECK(after.front() != before.front());
    CHECK_FALSE(submitter.take_result(before.front()));
    CHECK(submitter.take_result(after.front()) == owner(1));
}

TEST_CASE("an envelope that is not taken does not hold up the others", "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make();
    submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    bench.turn(submitter, now);
    bench.sink.refused = bench.sink.envelopes.front();
    submitter.submit(owner(2), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    bench.turn(submitter, now + 2'001);
    REQUIRE(bench.sink.envelopes.size() == 2);
    CHECK(bench.sink.envelopes.back() != bench.sink.refused);
}

TEST_CASE("no message leaves before its turn is durable", "[roaming][courier]") {
    Bench bench;
    RoamingOptions options;
    options.self = party("AAA");
    Courier courier{
        options, party("HUB"), {bench.sink, bench.sink, bench.key, bench.random, bench.store, {}}};
    courier.send(party("BBB"), Acknowledgement{}, Delivery::durable, now + 60'000);
    courier.on_connected(party("BBB"));
    courier.tick(now);
    CHECK(bench.sink.sent == 0);
    bench.store.commit();
    CHECK(courier.send_ready(now).empty());
    CHECK(bench.sink.sent == 1);
    courier.tick(now + 2'000);
    CHECK(bench.sink.sent == 2);
}

TEST_CASE("transactions under way are bounded", "[roaming][submitter]") {
    Bench bench;
    Submitter submitter = bench.make(2);
    submitter.submit(owner(1), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    CHECK_FALSE(submitter.is_full());
    submitter.submit(owner(2), ClaimCharge{{party("BBB"), {}}}, now, 60'000);
    CHECK(submitter.is_full());
}

TEST_CASE("the outbox is bounded and forgets what expires", "[roaming][courier]") {
    Bench bench;
    RoamingOptions options;
    options.self = party("AAA");
    int dropped = 0;
    const auto count = [&dropped](std::string_view name) {
        dropped += name == "roaming_outbox_full" ? 1 : 0;
    };
    Courier courier{options,
                    party("HUB"),
                    {bench.sink, bench.sink, bench.key, bench.random, bench.store, count}};
    const Acknowledgement body{bench.random.fixed<MessageId>()};
    courier.send(party("BBB"), body, Delivery::durable, now + 1);
    for (std::size_t i = 1; i < outbox_messages_max; ++i) {
        courier.send_again(party("BBB"), bench.random.fixed<MessageId>(), {1}, now + 1);
    }
    CHECK(dropped == 0);
    courier.send(party("BBB"), body, Delivery::durable, now + 1);
    CHECK(dropped == 1);
    CHECK(courier.size() == outbox_messages_max);
    bench.store.commit();
    CHECK(bench.disk.entries().size() == 1);
    courier.tick(now + 1);
    CHECK(courier.size() == 0);
    bench.store.commit();
    CHECK(bench.disk.entries().empty());
}

TEST_CASE("finished sessions are kept up to a number, open ones counted", "[roaming]") {
    MemoryStore disk;
    StagedStore store{disk};
    SessionTable<HubSession> table{store};
    const auto session = [](std::size_t number, std::optional<SessionState> state) {
        HubSession made;
        made.session.data[0] = static_cast<std::uint8_t>(number >> 16U);
        made.session.data[1] = static_cast<std::uint8_t>(number >> 8U);
        made.session.data[2] = static_cast<std::uint8_t>(number);
        made.opened = static_cast<UnixMillis>(number);
        made.state = state;
        return made;
    };
    const HubSession open = session(1'000'000, SessionState::charging);
    table.add(open);
    for (std::size_t i = 0; i < sessions_finished_max + 3; ++i) {
        table.add(session(i, SessionState::settled));
    }
    CHECK(table.finished() == sessions_finished_max);
    CHECK(table.open() == 1);
    CHECK(table.find(session(2, {}).session) == nullptr);
    CHECK(table.find(session(3, {}).session) != nullptr);
    CHECK(table.find(open.session) != nullptr);
    store.commit();
    SessionTable<HubSession> reloaded{store};
    reloaded.load();
    CHECK(reloaded.finished() == sessions_finished_max);
    CHECK(reloaded.open() == 1);
    for (std::size_t i = 1; i < sessions_open_max; ++i) {
        CHECK_FALSE(table.is_full());
        table.add(session(2'000'000 + i, SessionState::charging));
    }
    CHECK(table.is_full());
}

}  // namespace tally::node
