#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/key_value_store.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace leveldb {
class Env;
}

namespace tally {

/// A KeyValueStore on LevelDB, with every check it has switched on.
///
/// Durability: a synced write, and all before it, survive power loss; file names too. LevelDB alone
/// does not give that: leveldb_env.h. Never repairs:
/// what does not open is to be rebuilt from the segments.
/// Errors: after a failed write all later ones fail. When it is not known whether a new CURRENT is
/// durable, the process stops: LevelDB would remove the file that it names. Threads: one writer;
/// readers may run along. One process at a time; LevelDB locks the folder.
class LevelDbStore final : public KeyValueStore {
public:
    struct Options {
        std::size_t write_buffer_bytes{64UL * 1024 * 1024};
        std::size_t block_cache_bytes{64UL * 1024 * 1024};
        std::size_t file_bytes_max{32UL * 1024 * 1024};
        /// Says how long writes take; null: that is not measured. Must outlive the store.
        const Clock* clock{nullptr};
        // For tests that make the disk fail: what LevelDB reads and writes with (null: the
        // machine's own, else it must outlive the store), what makes the names in a folder durable,
        // and what stops the process (default: really) and may return where power is gone anyway.
        leveldb::Env* env{nullptr};
        std::function<bool(const std::string& folder)> sync_folder;
        std::function<void(const std::string& why)> stop;
    };

    /// What LevelDB says of itself, and how many snapshots are open.
    struct Figures {
        std::uint64_t files_at_level0{0};
        std::uint64_t memory_bytes{0};
        std::uint64_t snapshots{0};
    };
    /// Any thread.
    [[nodiscard]] Figures figures() const;
    /// How long the slowest write took since this was asked last: LevelDB does not say when it
    /// makes one wait. Any thread.
    [[nodiscard]] std::chrono::microseconds take_slowest_write();

    /// Writes the files anew that hold keys from `from` up to `to`, so that what was deleted there
    /// does not take room any more, but about `bytes_max` of them at most: gives the key up to
    /// which it came, which is `to` at the end and behind `from` always. What an open snapshot
    /// shows stays. Any thread but one that must not wait: the disk is read and written. One call
    /// at a time. A disk that fails shows in the next write.
    [[nodiscard]] Bytes compact(ByteView from, ByteView to, std::uint64_t bytes_max);

    /// Creates the store when the folder has none; its parent must exist. The error is a text with
    /// the folder in it.
    [[nodiscard]] static Expected<std::unique_ptr<LevelDbStore>, std::string> open(
        const std::string& folder, const Options& options);
    [[nodiscard]] static Expected<std::unique_ptr<LevelDbStore>, std::string> open(
        const std::string& folder);

    ~LevelDbStore() override;
    [[nodiscard]] Expected<std::optional<Bytes>, StoreError> get(ByteView key) const override;
    [[nodiscard]] Expected<std::optional<Entry>, StoreError> next(ByteView from) const override;
    [[nodiscard]] Expected<std::vector<Entry>, StoreError> scan(
        ByteView prefix, ByteView from, std::size_t count_max) const override;
    [[nodiscard]] Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override;
    /// Costs nothing to take; while it lives, LevelDB keeps what later writes replace.
    [[nodiscard]] std::unique_ptr<KeyValueStore> snapshot() const override;

private:
    struct Impl;
    explicit LevelDbStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally
