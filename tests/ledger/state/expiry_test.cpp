// What ends by itself: causes, order, the bound of a sweep, and the check at use meanwhile.

#include "ledger/chain/block.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");
const Currency cny = currency("CNY");

Account home_account(const TestChain& chain) {
    return find_account(chain.state(), bbb, cny).value_or(Account{});
}

}  // namespace

TEST_CASE("an approval that is not started expires at start_by", "[state][expiry]") {
    TestChain chain{make_genesis(), {aaa}};
    const AuthorizationRef ref = chain.approve(bbb, aaa, units(50));
    const UnixMillis start_by = find_live_authorization(chain.state(), ref)->start_by;
    chain.add_block(start_by, {});
    CHECK(chain.tip().events.empty());
    CHECK(find_live_authorization(chain.state(), ref));
    chain.pass(1);
    REQUIRE(chain.tip().events.size() == 1);
    CHECK(chain.tip().events.front() ==
          Event{EventKind::expired, ExpiryCause::not_started, ref, bbb, aaa, cny, units(50)});
    CHECK(home_account(chain).debits_pending == 0);
    const auto finished = find_authorization(chain.state(), ref);
    REQUIRE(finished);
    CHECK(finished->status == AuthorizationStatus::expired);
    CHECK(finished->end->expiry_cause == ExpiryCause::not_started);
    CHECK(finished->end->ended_at == chain.now());
}

TEST_CASE("an event is a leaf without a signer", "[state][expiry]") {
    TestChain chain{make_genesis(), {aaa}};
    chain.approve(bbb, aaa, units(50));
    chain.pass(hour_ms);
    REQUIRE(chain.tip().leaves.size() == 1);
    const Leaf& leaf = chain.tip().leaves.front();
    CHECK(leaf.signer.is_zero());
    CHECK(leaf.hash == chain.tip().events.front().hash());
    CHECK(leaf.result == ResultCode::ok);
    CHECK(leaf.index + 1 == chain.tip().block.header.log_size);
    CHECK(chain.tip().results.empty());
}

TEST_CASE("a started charge that is not recorded expires and frees the EVSE", "[state][expiry]") {
    TestChain chain{make_genesis(), {aaa}};
    chain.approve_and_start(bbb, aaa, units(50));
    chain.pass(chain.genesis().parameters.record_window);
    CHECK(chain.tip().events.empty());
    chain.pass(1);
    REQUIRE(chain.tip().events.size() == 1);
    CHECK(chain.tip().events.front().cause == ExpiryCause::not_recorded);
    CHECK_FALSE(find_charger(chain.state(), aaa, "AAA*1")->busy);
    CHECK(home_account(chain).debits_pending == 0);
}

TEST_CASE("a recorded charge that is not claimed expires", "[state][expiry]") {
    TestChain chain{make_genesis(), {aaa}};
    chain.charge_until_recorded(bbb, aaa, 10'000);
    const Parameters& parameters = chain.genesis().parameters;
    chain.pass(parameters.settle_window + parameters.claim_window);
    CHECK(chain.tip().events.empty());
    chain.pass(1);
    REQUIRE(chain.tip().events.size() == 1);
    CHECK(chain.tip().events.front().cause == ExpiryCause::not_claimed);
    CHECK(home_account(chain) == Account{0, 0, 0, 0, units(10'000)});
}

TEST_CASE("a sweep handles at most sweep_items_max, in order of deadline and id",
          "[state][expiry]") {
    TestChain chain{make_genesis(), {aaa}};
    const std::size_t count = sweep_items_max + 5;
    std::vector<Transaction> transactions;
    for (std::size_t i = 0; i < count; ++i) {
        DecideAuthorization decision = chain.approval(aaa, units(1));
        decision.start_by -= static_cast<UnixMillis>(i % 7);
        transactions.push_back(chain.transaction(bbb, decision));
    }
    const TransactionRef last = chain.last_ref();
    std::vector<Bytes> envelopes;
    for (std::size_t from = 0; from < count; from += envelope_transactions_max) {
        const std::size_t to = std::min(count, from + envelope_transactions_max);
        envelopes.push_back(
            make_envelope(chain.chain_id(), bbb,
                          {transactions.begin() + static_cast<std::ptrdiff_t>(from),
                           transactions.begin() + static_cast<std::ptrdiff_t>(to)}));
    }
    chain.add_block(chain.now() + second_ms, envelopes);
    CHECK(home_account(chain).debits_pending == units(static_cast<std::int64_t>(count)));
    std::vector<std::pair<UnixMillis, TransactionRef>> expected;
    for (const Transaction& transaction : transactions) {
        expected.emplace_back(std::get<DecideAuthorization>(transaction.action).start_by,
                              TransactionRef{bbb, transaction.id});
    }
    std::sort(expected.begin(), expected.end());

    // What the sweep has not reached is refused at use, by the last one in order.
    const AuthorizationRef waiting = expected.back().second;
    CHECK(waiting.id <= last.id);
    CHECK(chain.apply(aaa, StartCharge{waiting, "AAA*1", {"std", 1}}, hour_ms) ==
          ResultCode::too_late);
    CHECK(chain.tip().events.size() == sweep_items_max);
    std::vector<Event> events = chain.tip().events;
    CHECK(chain.apply(aaa, ReleaseAuthorization{waiting}, 1) == ResultCode::unknown_authorization);
    CHECK(chain.tip().events.size() == count - sweep_items_max);
    events.insert(events.end(), chain.tip().events.begin(), chain.tip().events.end());
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(events[i].ref == expected[i].second);
    }
    CHECK(home_account(chain).debits_pending == 0);
    CHECK(chain.pass(1).events.empty());
}

TEST_CASE("too_late: release and record check the deadline at use", "[state][expiry]") {
    // 1,001 older approvals keep the sweep busy while two charges run out.
    TestChain chain{make_genesis(), {aaa}};
    const AuthorizationRef open = chain.approve(bbb, aaa, units(5));
    std::vector<Transaction> older;
    for (std::size_t i = 0; i < envelope_transactions_max; ++i) {
        DecideAuthorization decision = chain.approval(aaa, units(1));
        decision.start_by -= 30 * second_ms;
        older.push_back(chain.transaction(bbb, decision));
    }
    std::vector<Transaction> more;
    for (std::size_t i = 0; i < envelope_transactions_max; ++i) {
        DecideAuthorization decision = chain.approval(aaa, units(1));
        decision.start_by -= 30 * second_ms;
        more.push_back(chain.transaction(bbb, decision));
    }
    chain.add_block(chain.now() + second_ms, {make_envelope(chain.chain_id(), bbb, older),
                                              make_envelope(chain.chain_id(), bbb, more)});
    CHECK(chain.apply(aaa, ReleaseAuthorization{open}, hour_ms) == ResultCode::too_late);
    CHECK(chain.tip().events.size() == sweep_items_max);
}

}  // namespace tally::test
