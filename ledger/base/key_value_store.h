#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tally {

/// Why a store operation did not succeed. Both stop the process: nothing is repaired automatically.
enum class StoreError : std::uint8_t {
    corrupted,  ///< stored bytes fail their checksum
    io_error,   ///< the disk refused
};

/// Writes and deletions that happen together or not at all, in the order given.
struct WriteBatch {
    struct Operation {
        Bytes key;
        std::optional<Bytes> value;  ///< nothing: delete the key
    };
    std::vector<Operation> operations;

    void put(Bytes key, Bytes value) { operations.push_back({std::move(key), std::move(value)}); }
    void erase(Bytes key) { operations.push_back({std::move(key), std::nullopt}); }
};

/// An ordered map of byte strings on disk (LevelDB) or in memory (simulator, tests).
/// One writer; const members may run at the same time as each other on any thread.
class KeyValueStore {
public:
    struct Entry {
        Bytes key;
        Bytes value;
        friend bool operator==(const Entry&, const Entry&) = default;
    };

    virtual ~KeyValueStore() = default;
    /// Nothing when there is no such key.
    [[nodiscard]] virtual Expected<std::optional<Bytes>, StoreError> get(ByteView key) const = 0;
    /// The first entry whose key is `from` or greater, and nothing at the end.
    [[nodiscard]] virtual Expected<std::optional<Entry>, StoreError> next(ByteView from) const = 0;
    /// Entries from `from` on whose key starts with `prefix`, at most `count_max` of them.
    [[nodiscard]] virtual Expected<std::vector<Entry>, StoreError> scan(
        ByteView prefix, ByteView from, std::size_t count_max) const = 0;
    /// Survives power loss on return if `sync`; otherwise with the next synced write.
    [[nodiscard]] virtual Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) = 0;
    /// The store as it is now, for reading: later writes do not show in it. Writing to it fails.
    /// Null when this store has no snapshots. To be destroyed before the store.
    [[nodiscard]] virtual std::unique_ptr<KeyValueStore> snapshot() const { return nullptr; }
};

}  // namespace tally
