#pragma once

// A full ledger, and an empty one that is filled from its snapshot.

#include "ledger/store/ledger_index.h"
#include "ledger/store/snapshot_import.h"
#include "ledger/store/snapshot_source.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/store/test_ledger.h"
#include "tests/support/faulty_file_system.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

namespace tally::test {

using Verdict = SnapshotImport::Verdict;

struct Machine {
    FaultPlan plan;
    FaultyFileSystem files{plan};
    FaultyStore store{plan};
    TestLedger ledger{files, store};
};

/// The usual history, and behind it registrations that make the state large.
inline const std::vector<Block>& history() {
    static const std::vector<Block> blocks = [] {
        TestChain chain;
        std::vector<Block> made;
        RegisterBridge bridge;
        bridge.bridge_id = "bridge-1";
        bridge.public_key = public_key_of(secret_of("AAA/bridge-1"));
        const Transaction first = chain.transaction(party("AAA"), bridge);
        made.push_back(chain
                           .add_block(chain.now() + second_ms,
                                      {make_envelope(chain.chain_id(), party("AAA"), {first})})
                           .block);
        for (int step = 0; step < 4; ++step) {
            made.push_back(chain.pass(hour_ms).block);
        }
        for (int i = 0; i < 40; ++i) {
            std::vector<Bytes> envelopes;
            for (const char* name : {"AAA", "BBB", "CCC"}) {
                std::vector<Transaction> transactions;
                for (int j = 0; j < 10; ++j) {
                    bridge.bridge_id = "bridge-" + std::to_string(i) + "-" + std::to_string(j);
                    bridge.public_key = public_key_of(secret_of(bridge.bridge_id));
                    transactions.push_back(chain.transaction(party(name), bridge));
                }
                envelopes.push_back(make_envelope(chain.chain_id(), party(name), transactions));
            }
            made.push_back(chain.add_block(chain.now() + second_ms, envelopes).block);
        }
        made.push_back(chain.pass(second_ms).block);
        return made;
    }();
    return blocks;
}

inline void fill(Machine& machine) {
    machine.ledger.initialize();
    REQUIRE(machine.ledger.open().empty());
    for (const Block& block : history()) {
        machine.ledger.add(block);
    }
    REQUIRE(machine.ledger.open().empty());  // takes a snapshot of the last block
    REQUIRE(machine.ledger.get().snapshot_height() == history().size());
}

/// One that is full, for all tests that only read from it.
inline Machine& full_machine() {
    static Machine machine;
    static const bool filled = [] {
        fill(machine);
        return true;
    }();
    REQUIRE(filled);
    return machine;
}
inline Ledger& full_ledger() { return full_machine().ledger.get(); }

struct Joiner : Machine {
    Joiner() {
        ledger.initialize();
        begin();
    }
    void begin(std::optional<Checkpoint> checkpoint = std::nullopt) {
        import.reset();
        import = std::make_unique<SnapshotImport>(files, store, TestLedger::folder,
                                                  ledger.genesis(), checkpoint);
    }
    [[nodiscard]] Bytes ask(ByteView query) const {
        return full_ledger().answer_snapshot_query(query).value();
    }
    void choose() {
        const auto offer = import->read_offer(ask(import->offer_query()));
        REQUIRE(offer);
        REQUIRE(import->choose(*offer) == Verdict::accepted);
    }
    /// Up to so many answers; `change` may spoil one. The last verdict.
    Verdict fetch(std::size_t answers, const std::function<void(Bytes&)>& change = nullptr) {
        Verdict last = Verdict::accepted;
        for (std::size_t i = 0; i < answers && !import->is_complete(); ++i) {
            const std::vector<Bytes> queries = import->wanted(1000);
            REQUIRE_FALSE(queries.empty());
            Bytes answer = ask(queries[i % queries.size()]);
            if (change) {
                change(answer);
            }
            last = import->accept(queries[i % queries.size()], answer);
            if (last != Verdict::accepted) {
                return last;
            }
        }
        return last;
    }
    std::unique_ptr<SnapshotImport> import;
};

inline constexpr std::size_t all{100'000};

/// Entries of the tables that the state root commits to, and of those that follow from them.
inline MemoryStore::Entries state_of(const MemoryStore::Entries& entries) {
    MemoryStore::Entries state;
    for (const auto& [key, value] : entries) {
        if (key.front() < static_cast<std::uint8_t>(Table::finished)) {
            state.emplace(key, value);
        }
    }
    return state;
}

}  // namespace tally::test
