#pragma once

// A ledger on any disk, filled with the blocks of a TestChain.

#include "ledger/base/memory_store.h"
#include "ledger/store/ledger.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/ledger_fixture.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tally::test {

/// Registrations, a charge that is settled, a denial, a refusal and an expiry: every kind of leaf.
/// One block a height from 1.
[[nodiscard]] std::vector<Block> make_history();

/// Three epochs: DDD is admitted and becomes a validator, AAA changes its member and consensus
/// keys, DDD's member key is replaced by vote, and both sign with what they have.
[[nodiscard]] std::vector<Block> make_epochs_history();

/// Feature 7 is asked for, everybody is ready for it, and one block follows with it active.
[[nodiscard]] std::vector<Block> make_feature_history();

/// A finalization signed by the validators in `bitmap`.
[[nodiscard]] QuorumCertificate certify_by(const std::vector<Validator>& validators,
                                           const BlockHeader& header, std::uint64_t bitmap);
[[nodiscard]] QuorumCertificate certify_by(const Genesis& genesis, const BlockHeader& header,
                                           std::uint64_t bitmap);

/// A clock that only tests move.
class TestClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override { return m_now.count() / 1000; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override { return m_now; }
    void advance(std::chrono::microseconds time) { m_now += time; }

private:
    std::chrono::microseconds m_now{1};
};

/// The ledger of `make_genesis()` in the folder "segments" of some disk.
class TestLedger {
public:
    static constexpr const char* folder{"segments"};

    TestLedger(FileSystem& files, KeyValueStore& store, std::string at = folder)
        : m_files{files}, m_store{store}, m_folder{std::move(at)} {}

    void initialize();
    /// The error's text, empty when it opened.
    [[nodiscard]] std::string open(std::uint64_t segment_bytes = 64UL * 1024 * 1024,
                                   std::size_t speculative_blocks = speculative_blocks_max,
                                   const FeatureList& known_features = {});
    void close() { m_ledger.reset(); }
    [[nodiscard]] bool is_open() const noexcept { return m_ledger != nullptr; }
    [[nodiscard]] Ledger& get() { return *m_ledger; }
    [[nodiscard]] TestClock& clock() { return m_clock; }
    [[nodiscard]] const Genesis& genesis() const { return m_genesis; }

    /// Executes and commits under its own certificate.
    std::shared_ptr<const FinalizedBlock> add(const Block& block);
    /// Executes all, then commits them: all notarized, only the last one finalized.
    void add_together(const std::vector<Block>& blocks);

private:
    Genesis m_genesis{make_genesis()};
    FileSystem& m_files;
    KeyValueStore& m_store;
    std::string m_folder;
    TestClock m_clock;
    DirectSignatureChecker m_signatures;
    std::unique_ptr<Ledger> m_ledger;
};

/// A ledger in memory with these blocks, opened, and every transaction in them.
struct FilledLedger {
    explicit FilledLedger(const std::vector<Block>& blocks);

    FaultPlan plan;
    FaultyFileSystem files{plan};
    MemoryStore store;
    TestLedger ledger{files, store};
    std::vector<TransactionRef> refs;
};

}  // namespace tally::test
