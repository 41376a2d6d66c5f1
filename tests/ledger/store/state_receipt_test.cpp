// What anyone with the genesis can be shown of the state, and what a liar cannot show.

#include "ledger/chain/state_receipt.h"

#include "ledger/audit/sublog_check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "tests/ledger/store/snapshot_joiner.h"
#include "tests/ledger/store/test_ledger.h"

#include <catch2/catch.hpp>

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");

struct Filled : FilledLedger {
    Filled() : FilledLedger{make_epochs_history()} {}

    [[nodiscard]] StateReceipt receipt(const Bytes& key) {
        const auto found = ledger.get().state_receipt(key);
        REQUIRE(found);
        return *found;
    }
    [[nodiscard]] std::string problem_of(const StateReceipt& receipt) const {
        return verify_state_receipt(receipt, ledger.genesis()).value_or("");
    }
};

StateReceipt::Entry& entry_of(StateReceipt& receipt) {
    return std::get<StateReceipt::Entry>(receipt.content);
}

}  // namespace

TEST_CASE("every entry of the state is proven to anyone with the genesis, over epoch changes",
          "[store][proof]") {
    Filled filled;
    std::size_t entries{0};
    for (const Table table : tree_tables) {
        Bytes from = keys::table(table);
        while (const auto entry =
                   filled.ledger.get().final_state().next(from, keys::table(table))) {
            StateReceipt receipt = filled.receipt(entry->key);
            CHECK(receipt.epochs.size() == 2);
            CHECK(entry_of(receipt).value == entry->value);
            CHECK(filled.problem_of(receipt).empty());
            CHECK(StateReceipt::decode(receipt.encode()) == receipt);
            CHECK(receipt.encode().size() <= state_receipt_bytes_max);
            from = entry->key;
            from.push_back(0);
            ++entries;
        }
    }
    CHECK(entries == filled.ledger.get().state_entries());
    CHECK(entries > 20);
}

TEST_CASE("what the state does not have is proven absent", "[store][proof]") {
    Filled filled;
    for (int i = 0; i < 50; ++i) {
        StateReceipt receipt = filled.receipt(keys::bridge(aaa, "no-bridge-" + std::to_string(i)));
        CHECK_FALSE(entry_of(receipt).value);
        CHECK(filled.problem_of(receipt).empty());
        CHECK(StateReceipt::decode(receipt.encode()) == receipt);
    }
}

TEST_CASE("a state receipt with any byte changed, cut or added does not hold", "[store][proof]") {
    Filled filled;
    const bool present = GENERATE(true, false);
    const Bytes good =
        filled.receipt(present ? keys::member(aaa) : keys::bridge(aaa, "none")).encode();
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes changed = good;
        changed[at] ^= 0x01U;
        const std::optional<StateReceipt> receipt = StateReceipt::decode(changed);
        INFO("byte " << at);
        CHECK((!receipt || !filled.problem_of(*receipt).empty()));
    }
    for (std::size_t length = 0; length < good.size(); length += length < 900 ? 1 : 37) {
        CHECK_FALSE(StateReceipt::decode(ByteView{good}.first(length)));
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK_FALSE(StateReceipt::decode(longer));
}

TEST_CASE("a state receipt that lies does not hold", "[store][proof]") {
    Filled filled;
    const StateReceipt good = filled.receipt(keys::member(aaa));
    REQUIRE(filled.problem_of(good).empty());
    StateReceipt lie = good;
    const std::string not_value{"the path does not lead from the value to the block's state root"};
    const std::string not_absent{"the path does not show that the key is absent"};
    SECTION("a wrong sibling") {
        entry_of(lie).path.siblings.back().data[0] ^= 1U;
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("a sibling left out") {
        entry_of(lie).path.siblings.pop_back();
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("another value") {
        entry_of(lie).value->back() ^= 1U;
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("an absent key said to be present") {
        entry_of(lie).key = keys::member(party("ZZZ"));
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("an absent key said to be present, with the path of its absence") {
        const Bytes member = *entry_of(lie).value;
        lie = filled.receipt(keys::member(party("ZZZ")));
        entry_of(lie).value = member;
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("a present key said to be absent") {
        entry_of(lie).value.reset();
        CHECK(filled.problem_of(lie) == not_absent);
    }
    SECTION("a present key said to be absent, by itself as the other leaf") {
        entry_of(lie).path.other = {sha256(entry_of(lie).key), sha256(*entry_of(lie).value)};
        entry_of(lie).value.reset();
        CHECK(filled.problem_of(lie) == not_absent);
    }
    SECTION("a present key said to be absent, by another key's leaf") {
        const Bytes key = entry_of(lie).key;
        lie = filled.receipt(keys::member(party("ZZZ")));
        entry_of(lie).key = key;
        CHECK(filled.problem_of(lie) == not_absent);
    }
    SECTION("a key of a derived table, which no tree has") {
        lie = filled.receipt(keys::table(Table::finished));
        CHECK(filled.problem_of(lie) == "the key is of no table of the state tree");
        entry_of(lie).key.clear();
        CHECK(filled.problem_of(lie) == "the key is of no table of the state tree");
    }
    SECTION("the header of another block, with its certificate and so another state root") {
        const std::uint64_t height = good.header.height - 1;
        const auto before = filled.ledger.get().read_block(height);
        REQUIRE(before->block.header.epoch + 1 == good.header.epoch);
        lie.epochs.pop_back();
        lie.header = before->block.header;
        lie.certificate = before->finalization;
        CHECK(filled.problem_of(lie) == not_value);
    }
    SECTION("a state root of the liar's own") {
        StateTree tree;
        const Bytes value{1, 2, 3};
        tree.update({{entry_of(lie).key, value}});
        lie.header.state_root = tree.root();
        entry_of(lie).value = value;
        entry_of(lie).path = tree.prove(entry_of(lie).key);
        CHECK(filled.problem_of(lie).find("certificate") != std::string::npos);
    }
    SECTION("a certificate of too few") {
        lie.certificate = certify_by(filled.ledger.get().validators(), lie.header, 0b0011);
        CHECK(filled.problem_of(lie).find("too few") != std::string::npos);
    }
    SECTION("without the epochs before its block") {
        lie.epochs.pop_back();
        CHECK(filled.problem_of(lie) == "the block is of epoch 2, but 1 epochs are proven");
    }
    SECTION("validators of the liar's own") {
        lie.epochs.back().next.front().consensus_key = public_key_of(secret_of("liar"));
        CHECK_FALSE(filled.problem_of(lie).empty());
    }
    SECTION("another chain") {
        Genesis other = filled.ledger.genesis();
        other.name = "other";
        CHECK(verify_state_receipt(good, other)->find("another chain") != std::string::npos);
    }
}

TEST_CASE("ranges of hashed keys are proven whole, and lead over the whole state",
          "[store][proof]") {
    const Ledger& ledger = full_ledger();
    const Genesis& genesis = full_machine().ledger.genesis();
    std::vector<ChunkName> waiting{ChunkName{}};
    std::uint64_t entries{0};
    std::size_t splits{0};
    while (!waiting.empty()) {
        const ChunkName name = waiting.back();
        waiting.pop_back();
        const std::optional<StateReceipt> receipt = ledger.state_receipt(name);
        REQUIRE(receipt);
        CHECK_FALSE(verify_state_receipt(*receipt, genesis));
        CHECK(StateReceipt::decode(receipt->encode()) == receipt);
        const StateChunk& chunk = std::get<StateReceipt::Range>(receipt->content).chunk;
        if (chunk.halves) {
            ++splits;
            const auto halves = name.halves();
            waiting.insert(waiting.end(), halves.begin(), halves.end());
        }
        for (const KeyValueStore::Entry& entry : chunk.entries) {
            CHECK(ledger.final_state().get(entry.key) == entry.value);
            entries += is_under(name, entry.key) ? 1U : 0U;
        }
    }
    CHECK(splits > 1);
    CHECK(entries == ledger.state_entries());
}

TEST_CASE("a range with an entry left out, changed or of another range does not hold",
          "[store][proof]") {
    const Ledger& ledger = full_ledger();
    const Genesis& genesis = full_machine().ledger.genesis();
    ChunkName name;
    name.depth = 4;
    StateReceipt lie = *ledger.state_receipt(name);
    auto& range = std::get<StateReceipt::Range>(lie.content);
    REQUIRE(range.chunk.entries.size() > 10);
    REQUIRE_FALSE(verify_state_receipt(lie, genesis));
    const std::string not_these{"the entries are not those of the range"};
    SECTION("left out") { range.chunk.entries.erase(range.chunk.entries.begin() + 3); }
    SECTION("a value changed") { range.chunk.entries[3].value.back() ^= 1U; }
    SECTION("a wrong sibling") { range.chunk.siblings[2].data[0] ^= 1U; }
    SECTION("of another range") { range.name = name.halves()[0]; }
    SECTION("nothing at all") { range.chunk.entries.clear(); }
    CHECK(verify_state_receipt(lie, genesis) == not_these);
}

TEST_CASE("no proof of the state before the first block, or while its certificate is to come",
          "[store][proof]") {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};
    ledger.initialize();
    REQUIRE(ledger.open().empty());
    CHECK_FALSE(ledger.get().state_receipt(keys::member(aaa)));
    const std::vector<Block> blocks = make_history();
    REQUIRE(ledger.get().execute(blocks[0]));
    REQUIRE(ledger.get().commit(blocks[0].header.digest(),
                                certify(ledger.genesis(), VoteKind::notarize, blocks[0].header)));
    CHECK_FALSE(ledger.get().state_receipt(keys::member(aaa)));
    ledger.add(blocks[1]);
    REQUIRE(ledger.get().state_receipt(keys::member(aaa)));
    CHECK_FALSE(
        verify_state_receipt(*ledger.get().state_receipt(keys::member(aaa)), ledger.genesis()));
}

TEST_CASE("with a state proof of its sub-log a member knows that nothing was left out",
          "[store][proof][sublog]") {
    Filled filled;
    const StateReceipt receipt = filled.receipt(keys::sublog(aaa));
    REQUIRE(filled.problem_of(receipt).empty());
    const auto record =
        decode_record<SublogRecord>(*std::get<StateReceipt::Entry>(receipt.content).value);
    REQUIRE(record);
    SublogCheck complete{*record};
    SublogCheck cheated{*record};
    const SublogPage page = filled.ledger.get().sublog(aaa, 0, 1000);
    for (const SublogEntry& entry : page.entries) {
        complete.add(entry.leaf_hash);
        if (entry.number != 2) {
            cheated.add(entry.leaf_hash);
        }
    }
    CHECK(page.entries.size() > 5);
    CHECK_FALSE(complete.problem());
    CHECK(cheated.problem());
}

}  // namespace tally::test
