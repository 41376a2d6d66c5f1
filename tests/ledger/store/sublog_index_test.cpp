// Every node can give a member all entries of its sub-log, and what it gives leads to the state.

#include "ledger/audit/sublog_check.h"
#include "ledger/state/queries.h"
#include "tests/ledger/store/snapshot_joiner.h"

namespace tally::test {
namespace {

const PartyId aaa = party("AAA");
const PartyId bbb = party("BBB");

/// All entries, asked for in pages.
std::vector<SublogEntry> read_all(const Ledger& ledger, const PartyId& party,
                                  std::size_t page_entries) {
    std::vector<SublogEntry> entries;
    for (;;) {
        const SublogPage page = ledger.sublog(party, entries.size(), page_entries);
        CHECK(page.entries.size() <= page_entries);
        if (page.entries.empty()) {
            return entries;
        }
        entries.insert(entries.end(), page.entries.begin(), page.entries.end());
    }
}

std::optional<std::string> check(const std::vector<SublogEntry>& entries,
                                 const SublogRecord& record) {
    SublogCheck check{record};
    for (const SublogEntry& entry : entries) {
        check.add(entry.leaf_hash);
    }
    return check.problem();
}

}  // namespace

TEST_CASE("a node gives every entry of a member's sub-log, page by page", "[store][sublog]") {
    FilledLedger filled{make_history()};
    const Ledger& ledger = filled.ledger.get();
    for (const char* name : {"AAA", "BBB", "CCC", "HUB"}) {
        const SublogRecord record = find_sublog(ledger.final_state(), party(name));
        const std::vector<SublogEntry> given = read_all(ledger, party(name), 2);
        REQUIRE(given.size() == record.log.size());
        REQUIRE_FALSE(given.empty());
        CHECK_FALSE(check(given, record));
        CHECK(read_all(ledger, party(name), 1000) == given);
        for (std::size_t i = 0; i < given.size(); ++i) {
            CHECK(given[i].number == i);
            const auto block = ledger.read_block(given[i].height);
            REQUIRE(block);
            CHECK(given[i].leaf_index < block->block.header.log_size);
        }
    }
    const SublogPage page = ledger.sublog(aaa, 0, 1);
    CHECK(page.available_from == 0);
    CHECK(page.record == find_sublog(ledger.final_state(), aaa));
    CHECK(ledger.sublog(aaa, page.record.log.size(), 10).entries.empty());
    CHECK(ledger.sublog(party("ZZZ"), 0, 10).entries.empty());
}

TEST_CASE("the index of sub-logs comes back when the state is rebuilt", "[store][sublog]") {
    FilledLedger filled{make_history()};
    const std::vector<SublogEntry> before = read_all(filled.ledger.get(), bbb, 100);
    filled.ledger.close();
    MemoryStore fresh;
    REQUIRE(Ledger::reset_state(fresh, filled.ledger.genesis()));
    TestLedger again{filled.files, fresh};
    REQUIRE(again.open().empty());
    CHECK(read_all(again.get(), bbb, 100) == before);
}

TEST_CASE("a node made from a snapshot has the counts, and says where its entries begin",
          "[store][sublog]") {
    Joiner joiner;
    joiner.choose();
    REQUIRE(joiner.fetch(all) == Verdict::accepted);
    joiner.import->finish();
    REQUIRE(joiner.ledger.open().empty());
    const SublogPage there = joiner.ledger.get().sublog(aaa, 0, 100);
    CHECK(there.record == full_ledger().sublog(aaa, 0, 1).record);
    CHECK(there.record.log.size() > 100);
    CHECK(there.available_from == there.record.log.size());
    CHECK(there.entries.empty());
}

TEST_CASE("a sub-log that is not complete is found out", "[audit][sublog]") {
    SublogRecord record;
    std::vector<Hash> leaves;
    for (std::uint8_t i = 0; i < 13; ++i) {
        Hash leaf;
        leaf.data[0] = i;
        leaves.push_back(leaf);
        record.log.append(leaf);
    }
    const auto problem_of = [&record](const std::vector<Hash>& given) {
        SublogCheck check{record};
        for (const Hash& leaf : given) {
            check.add(leaf);
        }
        CHECK(check.count() == given.size());
        return check.problem().value_or("");
    };
    CHECK(problem_of(leaves).empty());
    std::vector<Hash> given = leaves;
    SECTION("the newest entries are missing") {
        given.resize(10);
        CHECK(problem_of(given) == "3 of 13 entries are missing");
    }
    SECTION("all are missing") { CHECK(problem_of({}) == "13 of 13 entries are missing"); }
    SECTION("one is left out in the middle") {
        given.erase(given.begin() + 9);
        CHECK(problem_of(given) ==
              "1 of 13 entries are missing; of the entries 8 to 11 one is missing, added or "
              "changed");
    }
    SECTION("one is changed") {
        given[12].data[5] = 1;
        CHECK(problem_of(given) == "of the entries 12 to 12 one is missing, added or changed");
    }
    SECTION("two are exchanged") {
        std::swap(given[2], given[3]);
        CHECK(problem_of(given) == "of the entries 0 to 7 one is missing, added or changed");
    }
    SECTION("one is too many") {
        given.push_back(Hash{});
        CHECK(problem_of(given) == "1 entries are more than the 13 that the state counts");
    }
    SECTION("nothing where the state has nothing") {
        CHECK_FALSE(SublogCheck{SublogRecord{}}.problem());
        SublogCheck one{SublogRecord{}};
        one.add(Hash{});
        CHECK(one.problem() == "1 entries are more than the 0 that the state counts");
    }
}

}  // namespace tally::test
