#pragma once

#include "ledger/base/file_system.h"

#include <map>
#include <memory>
#include <string>

namespace tally::consensus::testing {

/// A disk in memory that remembers what was synced. `crash` loses the rest.
class MemoryFiles final : public FileSystem {
public:
    struct File {
        Bytes bytes;
        Bytes synced;
    };

    void crash() {
        for (auto& [path, file] : files) {
            file.bytes = file.synced;
        }
    }

    Expected<std::unique_ptr<AppendFile>, FileError> open_append(const std::string& path) override {
        files.try_emplace(path);
        return std::unique_ptr<AppendFile>{std::make_unique<Handle>(*this, path)};
    }
    Expected<Bytes, FileError> read(const std::string& path, std::uint64_t offset,
                                    std::uint64_t length) const override {
        const auto found = files.find(path);
        if (found == files.end()) {
            return Unexpected{FileError::not_found};
        }
        const Bytes& bytes = found->second.bytes;
        const std::uint64_t from = std::min<std::uint64_t>(offset, bytes.size());
        const std::uint64_t to = std::min<std::uint64_t>(from + length, bytes.size());
        return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                     bytes.begin() + static_cast<std::ptrdiff_t>(to));
    }
    Expected<std::uint64_t, FileError> size(const std::string& path) const override {
        const auto found = files.find(path);
        if (found == files.end()) {
            return Unexpected{FileError::not_found};
        }
        return std::uint64_t{found->second.bytes.size()};
    }
    Expected<Done, FileError> write_whole(const std::string& path, ByteView bytes) override {
        return store(path, Bytes{bytes.begin(), bytes.end()});
    }
    Expected<Done, FileError> write_at(const std::string& path, std::uint64_t offset,
                                       ByteView bytes) override {
        const auto found = files.find(path);
        if (found == files.end()) {
            return Unexpected{FileError::not_found};
        }
        Bytes changed = found->second.bytes;
        changed.resize(std::max<std::size_t>(changed.size(), offset + bytes.size()));
        std::copy(bytes.begin(), bytes.end(),
                  changed.begin() + static_cast<std::ptrdiff_t>(offset));
        return store(path, std::move(changed));
    }
    Expected<Done, FileError> truncate(const std::string& path, std::uint64_t length) override {
        Bytes cut = files.at(path).bytes;
        cut.resize(length);
        return store(path, std::move(cut));
    }
    Expected<Done, FileError> remove(const std::string& path) override {
        if (files.erase(path) == 0) {
            return Unexpected{FileError::not_found};
        }
        return Done{};
    }
    Expected<Done, FileError> create_directories(const std::string& /*path*/) override {
        return Done{};
    }
    Expected<std::vector<std::string>, FileError> list(const std::string& folder) const override {
        std::vector<std::string> names;
        for (const auto& [path, file] : files) {
            if (path.rfind(folder + "/", 0) == 0) {
                names.push_back(path.substr(folder.size() + 1));
            }
        }
        return names;
    }
    Expected<Done, FileError> sync_folder(const std::string& /*folder*/) override { return Done{}; }

    std::map<std::string, File> files;
    bool broken{false};  ///< every write and sync fails from now on
    std::size_t syncs{0};

private:
    class Handle final : public AppendFile {
    public:
        Handle(MemoryFiles& owner, std::string path) : m_owner{owner}, m_path{std::move(path)} {}
        Expected<Done, FileError> append(ByteView bytes) override {
            if (m_owner.broken) {
                return Unexpected{FileError::no_space};
            }
            tally::append(m_owner.files[m_path].bytes, bytes);
            return Done{};
        }
        Expected<Done, FileError> sync() override {
            if (m_owner.broken) {
                return Unexpected{FileError::io_error};
            }
            File& file = m_owner.files[m_path];
            file.synced = file.bytes;
            ++m_owner.syncs;
            return Done{};
        }
        [[nodiscard]] std::uint64_t size() const override {
            return m_owner.files.at(m_path).bytes.size();
        }

    private:
        MemoryFiles& m_owner;
        std::string m_path;
    };

    Expected<Done, FileError> store(const std::string& path, Bytes bytes) {
        if (broken) {
            return Unexpected{FileError::io_error};
        }
        files[path] = {bytes, bytes};
        return Done{};
    }
};

}  // namespace tally::consensus::testing
