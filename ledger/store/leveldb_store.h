#pragma once

#include "ledger/base/key_value_store.h"

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
/// Durability: a synced write, and all before it, survive power loss; file names too (the folder
/// is synced after a log or CURRENT appears, which LevelDB itself leaves out). Never repairs:
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
