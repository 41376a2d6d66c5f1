#pragma once

// A disk below LevelDB that fails: at a chosen write step with an error, or by a loss of power
// after which what was not synced is gone, data and names. Files are real ones in a temporary
// folder.

#include "tests/support/faulty_file_system.h"

#include <leveldb/env.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tally::test {

/// What a step does to the disk.
enum class EnvStep : std::uint8_t { create, append, sync, rename, sync_folder };

class FaultyLevelDbEnv final : public leveldb::EnvWrapper {
public:
    FaultyLevelDbEnv() : leveldb::EnvWrapper{leveldb::Env::Default()} {}

    /// The step of this number, counted from now, and all behind it until `heal` do nothing and
    /// give an error: "no space left", an I/O error, or power is gone.
    void fail_from(std::uint64_t step) {
        const std::lock_guard guard{m_mutex};
        m_steps.clear();
        m_fail_from = step;
        m_only.reset();
        m_once = false;
    }
    /// The step of this number, counted from now, gives an error, and no other does.
    void fail_once(std::uint64_t step) {
        fail_from(step);
        m_once = true;
    }
    /// Only steps of this kind fail from now on.
    void fail(EnvStep kind) {
        const std::lock_guard guard{m_mutex};
        m_only = kind;
        m_fail_from = 0;
        m_once = false;
    }
    void heal() {
        const std::lock_guard guard{m_mutex};
        m_fail_from.reset();
        m_only.reset();
    }
    [[nodiscard]] bool has_failed() const noexcept { return m_has_failed; }
    [[nodiscard]] std::vector<EnvStep> steps() const {
        const std::lock_guard guard{m_mutex};
        return m_steps;
    }

    /// The machine starts again. Nothing may have files open.
    void crash(TailFate fate) {
        heal();
        m_has_failed = false;
        for (auto undo = m_names.rbegin(); fate != TailFate::kept && undo != m_names.rend();
             ++undo) {
            undo->second();
        }
        m_names.clear();
        for (const auto& [path, synced] : m_synced) {
            cut(path, synced, fate);
        }
        m_synced.clear();
    }

    leveldb::Status NewWritableFile(const std::string& path,
                                    leveldb::WritableFile** file) override {
        *file = nullptr;
        if (const auto failed = step(EnvStep::create)) {
            return *failed;
        }
        leveldb::WritableFile* inner = nullptr;
        const leveldb::Status status = target()->NewWritableFile(path, &inner);
        if (status.ok()) {
            const std::lock_guard guard{m_mutex};
            m_synced[path] = 0;
            m_names.emplace_back(folder_of(path), [path] { std::filesystem::remove(path); });
            *file = new File{*this, path, inner};
        }
        return status;
    }
    leveldb::Status RenameFile(const std::string& from, const std::string& to) override {
        if (!std::filesystem::exists(from)) {
            return target()->RenameFile(from, to);  // LevelDB tries it with LOG; changes nothing
        }
        if (const auto failed = step(EnvStep::rename)) {
            return *failed;
        }
        const std::optional<std::string> before = content_of(to);
        const leveldb::Status status = target()->RenameFile(from, to);
        if (status.ok()) {
            const std::lock_guard guard{m_mutex};
            m_synced.erase(from);
            m_names.emplace_back(folder_of(to), [from, to, before] {
                std::filesystem::rename(to, from);
                if (before) {
                    std::ofstream{to, std::ios::binary} << *before;
                }
            });
        }
        return status;
    }
    /// Not counted; a machine without power removes nothing.
    leveldb::Status RemoveFile(const std::string& path) override {
        {
            const std::lock_guard guard{m_mutex};
            if (m_has_failed && m_fail_from) {
                return leveldb::Status::IOError("no power");
            }
        }
        return target()->RemoveFile(path);
    }
    /// For LevelDbStore::Options.
    bool sync_folder(const std::string& folder) {
        if (step(EnvStep::sync_folder)) {
            return false;
        }
        const std::lock_guard guard{m_mutex};
        std::erase_if(m_names, [&folder](const auto& name) { return name.first == folder; });
        return true;
    }

private:
    class File final : public leveldb::WritableFile {
    public:
        File(FaultyLevelDbEnv& env, std::string path, leveldb::WritableFile* inner)
            : m_env{env}, m_path{std::move(path)}, m_inner{inner} {}
        leveldb::Status Append(const leveldb::Slice& data) override {
            if (const auto failed = m_env.step(EnvStep::append)) {
                return *failed;
            }
            m_length += data.size();
            leveldb::Status status = m_inner->Append(data);
            return status.ok() ? m_inner->Flush() : status;
        }
        leveldb::Status Close() override { return m_inner->Close(); }
        leveldb::Status Flush() override { return m_inner->Flush(); }
        leveldb::Status Sync() override {
            if (const auto failed = m_env.step(EnvStep::sync)) {
                return *failed;
            }
            const std::lock_guard guard{m_env.m_mutex};
            m_env.m_synced[m_path] = m_length;
            return leveldb::Status::OK();
        }

    private:
        FaultyLevelDbEnv& m_env;
        std::string m_path;
        std::unique_ptr<leveldb::WritableFile> m_inner;
        std::uint64_t m_length{0};
    };

    static std::string folder_of(const std::string& path) {
        return path.substr(0, path.find_last_of('/'));
    }
    static std::optional<std::string> content_of(const std::string& path) {
        std::ifstream file{path, std::ios::binary};
        if (!file) {
            return std::nullopt;
        }
        return std::string{std::istreambuf_iterator<char>{file}, {}};
    }
    std::optional<leveldb::Status> step(EnvStep kind) {
        const std::lock_guard guard{m_mutex};
        const bool is_meant = !m_only || *m_only == kind;
        if (m_fail_from && is_meant && m_steps.size() >= *m_fail_from) {
            m_has_failed = true;
            if (m_once) {
                m_fail_from.reset();
            }
            return leveldb::Status::IOError("No space left on device");
        }
        m_steps.push_back(kind);
        return std::nullopt;
    }
    static void cut(const std::string& path, std::uint64_t synced, TailFate fate) {
        std::error_code error;
        const std::uint64_t length = std::filesystem::file_size(path, error);
        if (error || length <= synced || fate == TailFate::kept) {
            return;
        }
        const std::uint64_t half = synced + (length - synced) / 2;
        std::filesystem::resize_file(path, fate == TailFate::lost ? synced : half);
        if (fate == TailFate::zeroed) {
            std::filesystem::resize_file(path, length);  // zeros behind what is left
        }
    }

    mutable std::mutex m_mutex;
    std::vector<EnvStep> m_steps;
    std::optional<std::uint64_t> m_fail_from;
    std::optional<EnvStep> m_only;
    bool m_once{false};
    bool m_has_failed{false};
    std::map<std::string, std::uint64_t> m_synced;
    /// Folder, and what undoes a name that was changed in it.
    std::vector<std::pair<std::string, std::function<void()>>> m_names;
};

}  // namespace tally::test
