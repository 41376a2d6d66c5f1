#pragma once

// A disk for crash tests: files and a key-value store in memory that lose, at a crash, what was not
// synced, and that can be told to crash before any of their write steps.

#include "ledger/base/file_system.h"
#include "ledger/base/memory_store.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tally::test {

/// Thrown in place of a write step: power fails. Unwinds the code under test, which must not be
/// used again.
struct PowerFailure {};

/// Counts write steps over all parts of one machine and fails before the chosen one: by a loss of
/// power, or by an error that the step gives back without having done anything.
class FaultPlan {
public:
    /// Power fails before the step of this number, counted from now; nothing: never.
    void fail_before(std::optional<std::uint64_t> step) {
        m_step = 0;
        m_fail_before = step;
        m_error.reset();
    }
    /// The step of this number gives `error`, and so do all behind it until `fail_before`.
    void fail_with(FileError error, std::uint64_t step) {
        fail_before(step);
        m_error = error;
    }
    /// What the next step fails with.
    [[nodiscard]] std::optional<FileError> step() {
        if (m_fail_before && m_step >= *m_fail_before) {
            if (m_error) {
                return m_error;
            }
            throw PowerFailure{};
        }
        ++m_step;
        return std::nullopt;
    }
    [[nodiscard]] std::uint64_t steps() const noexcept { return m_step; }

private:
    std::uint64_t m_step{0};
    std::optional<std::uint64_t> m_fail_before;
    std::optional<FileError> m_error;
};

/// What is left of bytes that were appended and not synced.
enum class TailFate : std::uint8_t { lost, half, zeroed, kept };

class FaultyFileSystem final : public FileSystem {
public:
    explicit FaultyFileSystem(FaultPlan& plan) : m_plan{plan} {}

    /// The machine starts again: what was not synced has met its fate.
    void crash(TailFate fate) {
        if (fate != TailFate::kept) {
            for (auto undo = m_unsynced_names.rbegin(); undo != m_unsynced_names.rend(); ++undo) {
                undo->second();
            }
        }
        m_unsynced_names.clear();
        for (auto& [path, file] : m_files) {
            const std::size_t unsynced = file.data.size() - file.synced;
            if (fate == TailFate::lost) {
                file.data.resize(file.synced);
            } else if (fate == TailFate::half) {
                file.data.resize(file.synced + unsynced / 2);
            } else if (fate == TailFate::zeroed) {
                const auto from = static_cast<std::ptrdiff_t>(file.synced + unsynced / 2);
                std::fill(file.data.begin() + from, file.data.end(), std::uint8_t{0});
            }
            file.synced = file.data.size();
        }
    }
    /// The whole content of a file, to look at or to damage.
    [[nodiscard]] Bytes& content(const std::string& path) { return m_files.at(path).data; }
    [[nodiscard]] std::vector<std::string> paths() const {
        std::vector<std::string> result;
        for (const auto& [path, file] : m_files) {
            result.push_back(path);
        }
        return result;
    }

    Expected<std::unique_ptr<AppendFile>, FileError> open_append(const std::string& path) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        return std::unique_ptr<AppendFile>{new Appender{m_plan, m_files[path]}};
    }
    Expected<Bytes, FileError> read(const std::string& path, std::uint64_t offset,
                                    std::uint64_t length) const override {
        const auto found = m_files.find(path);
        if (found == m_files.end()) {
            return Unexpected{FileError::not_found};
        }
        const Bytes& data = found->second.data;
        const std::uint64_t from = std::min<std::uint64_t>(offset, data.size());
        const std::uint64_t to = from + std::min<std::uint64_t>(length, data.size() - from);
        return Bytes(data.begin() + static_cast<std::ptrdiff_t>(from),
                     data.begin() + static_cast<std::ptrdiff_t>(to));
    }
    Expected<std::uint64_t, FileError> size(const std::string& path) const override {
        const auto found = m_files.find(path);
        if (found == m_files.end()) {
            return Unexpected{FileError::not_found};
        }
        return std::uint64_t{found->second.data.size()};
    }
    Expected<Done, FileError> write_whole(const std::string& path, ByteView bytes) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        File& file = m_files[path];
        file.data.assign(bytes.begin(), bytes.end());
        file.synced = file.data.size();
        return Done{};
    }
    Expected<Done, FileError> write_at(const std::string& path, std::uint64_t offset,
                                       ByteView bytes) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        Bytes& data = m_files.at(path).data;
        std::copy(bytes.begin(), bytes.end(), data.begin() + static_cast<std::ptrdiff_t>(offset));
        return Done{};
    }
    Expected<Done, FileError> truncate(const std::string& path, std::uint64_t length) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        File& file = m_files.at(path);
        file.data.resize(static_cast<std::size_t>(length));
        file.synced = std::min<std::size_t>(file.synced, file.data.size());
        return Done{};
    }
    Expected<Done, FileError> remove(const std::string& path) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        if (!m_files.contains(path)) {
            return Unexpected{FileError::not_found};
        }
        remember(path);
        m_files.erase(path);
        return Done{};
    }
    Expected<Done, FileError> create_directories(const std::string& /*path*/) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        return Done{};
    }
    Expected<std::vector<std::string>, FileError> list(const std::string& folder) const override {
        std::vector<std::string> names;
        for (const auto& [path, file] : m_files) {
            if (path.starts_with(folder + "/")) {
                names.push_back(path.substr(folder.size() + 1));
            }
        }
        return names;
    }
    Expected<Done, FileError> sync_folder(const std::string& folder) override {
        if (const auto error = m_plan.step()) {
            return Unexpected{*error};
        }
        std::erase_if(m_unsynced_names,
                      [&folder](const auto& change) { return change.first == folder; });
        return Done{};
    }

private:
    struct File {
        Bytes data;
        std::size_t synced{0};
    };
    class Appender final : public AppendFile {
    public:
        Appender(FaultPlan& plan, File& file) : m_plan{plan}, m_file{file} {}
        Expected<Done, FileError> append(ByteView bytes) override {
            if (const auto error = m_plan.step()) {
                return Unexpected{*error};
            }
            ::tally::append(m_file.data, bytes);
            return Done{};
        }
        Expected<Done, FileError> sync() override {
            if (const auto error = m_plan.step()) {
                return Unexpected{*error};
            }
            m_file.synced = m_file.data.size();
            return Done{};
        }
        [[nodiscard]] std::uint64_t size() const override { return m_file.data.size(); }

    private:
        FaultPlan& m_plan;
        File& m_file;
    };

    /// What a crash brings back as long as the folder of `path` is not synced.
    void remember(const std::string& path) {
        const auto found = m_files.find(path);
        std::optional<File> before;
        if (found != m_files.end()) {
            before = found->second;
        }
        m_unsynced_names.emplace_back(path.substr(0, path.find_last_of('/')), [this, path, before] {
            if (before) {
                m_files[path] = *before;
            } else {
                m_files.erase(path);
            }
        });
    }

    FaultPlan& m_plan;
    std::map<std::string, File> m_files;
    /// Folder, and what undoes a name that was changed in it.
    std::vector<std::pair<std::string, std::function<void()>>> m_unsynced_names;
};

/// Batches that were not synced survive a crash as a prefix, as they do in LevelDB.
class FaultyStore final : public KeyValueStore {
public:
    explicit FaultyStore(FaultPlan& plan) : m_plan{plan} {}

    /// `kept`: how many of the unsynced batches survive.
    void crash(std::size_t kept) {
        MemoryStore after = m_durable;
        for (std::size_t i = 0; i < std::min(kept, m_unsynced.size()); ++i) {
            static_cast<void>(after.write(m_unsynced[i], true).has_value());
        }
        m_current = after;
        m_durable = after;
        m_unsynced.clear();
    }
    [[nodiscard]] std::size_t unsynced() const noexcept { return m_unsynced.size(); }
    [[nodiscard]] const MemoryStore::Entries& entries() const { return m_current.entries(); }

    Expected<std::optional<Bytes>, StoreError> get(ByteView key) const override {
        return m_current.get(key);
    }
    Expected<std::optional<Entry>, StoreError> next(ByteView from) const override {
        return m_current.next(from);
    }
    Expected<std::vector<Entry>, StoreError> scan(ByteView prefix, ByteView from,
                                                  std::size_t count_max) const override {
        return m_current.scan(prefix, from, count_max);
    }
    [[nodiscard]] std::unique_ptr<KeyValueStore> snapshot() const override {
        return m_current.snapshot();
    }
    Expected<Done, StoreError> write(const WriteBatch& batch, bool sync) override {
        if (m_plan.step()) {
            return Unexpected{StoreError::io_error};
        }
        const auto written = m_current.write(batch, sync);
        m_unsynced.push_back(batch);
        if (sync) {
            m_durable = m_current;
            m_unsynced.clear();
        }
        return written;
    }

private:
    FaultPlan& m_plan;
    MemoryStore m_current;
    MemoryStore m_durable;
    std::vector<WriteBatch> m_unsynced;
};

}  // namespace tally::test
