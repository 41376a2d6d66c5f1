// Finished authorizations can be asked for as long as the node is told to keep them, and what is
// kept does not grow with the history.

#include "ledger/store/finished_pruner.h"

#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/store/keeper.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");

constexpr std::size_t denials_per_block{5};
constexpr std::size_t blocks_made{120};
constexpr UnixMillis kept_for{20 * second_ms};

struct Denials {
    std::vector<Block> blocks;
    std::vector<std::pair<AuthorizationRef, UnixMillis>> ended;

    Denials() {
        TestChain chain;
        for (std::size_t i = 0; i < blocks_made; ++i) {
            std::vector<Transaction> transactions;
            for (std::size_t j = 0; j < denials_per_block; ++j) {
                DecideAuthorization denial;
                denial.visited = aaa;
                denial.station = "ST1";
                denial.currency = currency("CNY");
                denial.reason = DenyReason::insufficient_balance;
                transactions.push_back(chain.transaction(bbb, denial));
                ended.emplace_back(chain.last_ref(), chain.now() + second_ms);
            }
            blocks.push_back(
                chain.add_block(chain.now() + second_ms, {chain.envelope(bbb, transactions)})
                    .block);
        }
    }
};

std::size_t count(const Keeper& keeper) { return keeper.count(keys::table(Table::finished)); }

}  // namespace

TEST_CASE("finished authorizations leave after their time, and none before", "[store][finished]") {
    const Denials denials;
    Keeper keeper{kept_for};
    std::size_t most{0};
    for (const Block& block : denials.blocks) {
        keeper.add(block);
        most = std::max(most, count(keeper));
        for (const auto& [ref, time] : denials.ended) {
            const UnixMillis now = block.header.time;
            if (time <= now && time >= now - kept_for) {
                REQUIRE(find_authorization(keeper.ledger->final_state(), ref));
            }
        }
    }
    constexpr std::size_t wanted =
        denials_per_block * static_cast<std::size_t>(kept_for / second_ms);
    CHECK(most >= wanted);
    CHECK(most <= wanted + wanted / 2);
    CHECK_FALSE(find_authorization(keeper.ledger->final_state(), denials.ended.front().first));
}

TEST_CASE("a ledger counts what it deletes from each table", "[store][finished]") {
    const Denials denials;
    Keeper keeper{kept_for};
    Keeper all{0};
    for (const Block& block : denials.blocks) {
        keeper.add(block);
        all.add(block);
    }
    const auto table = static_cast<std::uint8_t>(Table::finished);
    const std::size_t made = denials_per_block * blocks_made;
    REQUIRE(count(keeper) < made);
    CHECK(keeper.ledger->erased().at(table) == made - count(keeper));
    CHECK_FALSE(all.ledger->erased().contains(table));
}

TEST_CASE("a node that is told nothing keeps all, and has the same state", "[store][finished]") {
    const Denials denials;
    Keeper all{0};
    Keeper few{kept_for};
    for (const Block& block : denials.blocks) {
        all.add(block);
        few.add(block);
    }
    CHECK(count(all) == denials_per_block * blocks_made);
    CHECK(count(few) < count(all));
    CHECK(all.ledger->final_header().state_root == few.ledger->final_header().state_root);
    CHECK(all.ledger->state_entries() == few.ledger->state_entries());
    CHECK(find_authorization(all.ledger->final_state(), denials.ended.front().first));
}

TEST_CASE("what a block finishes again is not taken out by it", "[store][finished]") {
    MemoryStore store;
    FinishedPruner pruner{store};
    pruner.set_keep(kept_for);
    Authorization old;
    old.ref = {bbb, {}};
    old.visited = aaa;
    old.currency = currency("CNY");
    old.status = AuthorizationStatus::denied;
    old.end = Authorization::End{1000, 0, DenyReason::not_allowed, {}};
    WriteBatch first;
    first.put(keys::finished(old.ref), encode(old));
    REQUIRE(store.write(first, true));
    WriteBatch again;
    REQUIRE(pruner.prune({{keys::finished(old.ref), encode(old)}}, 1000 + kept_for + 1, again));
    CHECK(again.operations.empty());
    WriteBatch alone;
    REQUIRE(pruner.prune({}, 1000 + kept_for, alone));
    CHECK(alone.operations.empty());
    REQUIRE(pruner.prune({}, 1000 + kept_for + 1, alone));
    REQUIRE(alone.operations.size() == 1);
    CHECK(alone.operations.front().key == keys::finished(old.ref));
    CHECK_FALSE(alone.operations.front().value);
}

}  // namespace tally::test
