#pragma once

// The disk of a simulated machine: files and key-value stores that keep after a crash only what was
// synced, and of the rest a part that chance decides.

#include "ledger/base/file_system.h"
#include "ledger/base/key_value_store.h"
#include "tests/simulator/sim_random.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::simulator {

/// What a machine is about to do. A crash may come before any of them.
enum class EffectKind : std::uint8_t {
    file_append,
    file_sync,
    file_write,  ///< in place, as a whole, truncation
    file_name,   ///< created, removed or synced names
    store_write,
    store_sync,
    send,
};

/// Asked before each effect; true means that power fails right now. The owner then freezes the
/// disks; what the doomed process still does reaches nothing.
using EffectGate = std::function<bool(EffectKind)>;

/// What becomes of data that was written but not synced when power fails.
enum class UnsyncedFate : std::uint8_t {
    lost,
    kept,         ///< as after kill -9: the page cache lives on, and is still not on disk
    torn,         ///< a random prefix of it is kept
    torn_zeroed,  ///< the file got its length, but a random suffix of the new bytes is zero
};

/// Files in memory. `freeze` takes the picture that a crash at this instant leaves; `restart`
/// continues from that picture. In between the doomed process may go on writing: nobody sees it.
class SimFileSystem final : public FileSystem {
public:
    explicit SimFileSystem(EffectGate gate) : m_gate{std::move(gate)} {}

    void freeze(UnsyncedFate fate, SimRandom& random);
    [[nodiscard]] bool frozen() const noexcept { return m_image.has_value(); }
    void restart();
    /// A disk that holds what this one would after a crash now, for what-if questions.
    [[nodiscard]] std::unique_ptr<SimFileSystem> crashed_copy(UnsyncedFate fate,
                                                              SimRandom& random) const;
    /// Bytes that `UnsyncedFate::lost` would lose now.
    [[nodiscard]] std::uint64_t unsynced_bytes() const;
    /// From now on nothing is made durable, whatever is synced: a broken disk, to see that the
    /// checkers notice.
    void stop_syncing() noexcept { m_syncs = false; }
    /// Operations on files below `folder` fail from now on: no space left, or an error of the
    /// next `sync`.
    void fail_appends(const std::string& folder, bool fails);
    void fail_syncs(const std::string& folder, bool fails);
    /// Whether an operation failed so since the trouble began.
    [[nodiscard]] bool has_failed() const noexcept { return m_has_failed; }
    /// Flips one bit of a file below `folder`. False when there is no byte to be found.
    bool flip_bit(const std::string& folder, SimRandom& random);
    /// All files as they are, and back to them. The copy counts as synced.
    struct Backup {
        std::map<std::string, Bytes> files;
    };
    [[nodiscard]] Backup backup() const;
    void restore(const Backup& backup);
    /// Replaces the whole content of a file, synced: a test's way to damage it.
    void damage(const std::string& path, Bytes content);
    [[nodiscard]] std::vector<std::string> paths() const;

    [[nodiscard]] Expected<std::unique_ptr<AppendFile>, FileError> open_append(
        const std::string& path) override;
    [[nodiscard]] Expected<Bytes, FileError> read(const std::string& path, std::uint64_t offset,
                                                  std::uint64_t length) const override;
    [[nodiscard]] Expected<std::uint64_t, FileError> size(const std::string& path) const override;
    [[nodiscard]] Expected<Done, FileError> write_whole(const std::string& path,
                                                        ByteView bytes) override;
    [[nodiscard]] Expected<Done, FileError> write_at(const std::string& path, std::uint64_t offset,
                                                     ByteView bytes) override;
    [[nodiscard]] Expected<Done, FileError> truncate(const std::string& path,
                                                     std::uint64_t length) override;
    [[nodiscard]] Expected<Done, FileError> remove(const std::string& path) override;
    [[nodiscard]] Expected<Done, FileError> create_directories(const std::string& path) override;
    [[nodiscard]] Expected<std::vector<std::string>, FileError> list(
        const std::string& folder) const override;
    [[nodiscard]] Expected<Done, FileError> sync_folder(const std::string& folder) override;

private:
    class Appender;
    struct File {
        Bytes data;
        std::uint64_t synced{0};  ///< bytes from the start that survive
    };
    /// A name that is not yet durable: what the name stood for before, if anything.
    struct Name {
        std::shared_ptr<File> file;
        bool durable{false};
    };
    using Files = std::map<std::string, Name>;
    using Removed = std::map<std::string, std::shared_ptr<File>>;
    struct Image {
        Files files;
        Removed removed;
    };

    [[nodiscard]] bool fails(const std::optional<std::string>& folder, const std::string& path);
    [[nodiscard]] bool power_fails(EffectKind kind) { return m_gate && m_gate(kind); }
    [[nodiscard]] Image image_after(UnsyncedFate fate, SimRandom& random) const;
    [[nodiscard]] Image image_of_cache() const;
    void make_durable(File& file) const;
    [[nodiscard]] File* image_file(const std::string& path);

    EffectGate m_gate;
    Files m_files;
    Removed m_removed;  // removal not yet durable
    std::set<std::string> m_folders{""};
    std::optional<Image> m_image;
    bool m_syncs{true};
    std::optional<std::string> m_full_folder;
    std::optional<std::string> m_broken_folder;
    bool m_has_failed{false};
};

/// A key-value store in memory. Un-synced batches survive a crash as a prefix, as they do in a
/// log-structured store.
class SimStore final : public KeyValueStore {
public:
    explicit SimStore(EffectGate gate) : m_gate{std::move(gate)} {}

    void freeze(UnsyncedFate fate, SimRandom& random);
    void restart();
    /// Everything as it is, and back to it.
    [[nodiscard]] std::map<Bytes, Bytes> backup() const { return m_current; }
    void restore(const std::map<Bytes, Bytes>& backup);

    [[nodiscard]] Expected<std::optional<Bytes>, StoreError> get(ByteView key) const override;
    [[nodiscard]] Expected<std::optional<Entry>, StoreError> next(ByteView from) const override;
    [[nodiscard]] Expected<std::vector<Entry>, StoreError> scan(
        ByteView prefix, ByteView from, std::size_t count_max) const override;
    [[nodiscard]] Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override;
    [[nodiscard]] std::unique_ptr<KeyValueStore> snapshot() const override;

private:
    using Table = std::map<Bytes, Bytes>;
    static void apply(Table& table, const WriteBatch& batch);

    EffectGate m_gate;
    Table m_current;
    Table m_durable;
    std::vector<WriteBatch> m_unsynced;
    struct Image {
        Table durable;
        std::vector<WriteBatch> unsynced;
    };
    std::optional<Image> m_image;
};

}  // namespace tally::simulator
