#pragma once

// A node's ledger in memory that keeps what is finished for so long.

#include "tests/ledger/store/test_ledger.h"

#include <memory>
#include <utility>

namespace tally::test {

struct Keeper {
    explicit Keeper(UnixMillis keep, Genesis of = make_genesis()) : genesis{std::move(of)} {
        ENSURE(Ledger::initialize(files, store, "segments", genesis));
        LedgerOptions options;
        options.keep_finished = keep;
        auto opened = Ledger::open(files, store, "segments", genesis, signatures, clock, options);
        ENSURE(opened);
        ledger = std::move(opened).value();
    }
    void add(const Block& block) {
        ENSURE(ledger->execute(block));
        ledger->commit(block.header.digest(), certify(genesis, VoteKind::finalize, block.header));
    }
    /// Entries whose keys begin like that.
    [[nodiscard]] std::size_t count(const Bytes& prefix) const {
        return store.scan(prefix, prefix, 1'000'000)->size();
    }

    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    Genesis genesis;
    DirectSignatureChecker signatures;
    TestClock clock;
    std::unique_ptr<Ledger> ledger;
};

}  // namespace tally::test
