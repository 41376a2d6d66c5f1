#include "ledger/base/check.h"
#include "tests/simulator/sim_disk.h"

#include <algorithm>
#include <utility>

namespace tally::simulator {

namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

std::ptrdiff_t offset_of(std::uint64_t offset) { return static_cast<std::ptrdiff_t>(offset); }

/// What is left of a file's bytes when power fails.
Bytes surviving(const Bytes& data, std::uint64_t synced, UnsyncedFate fate, SimRandom& random) {
    const std::uint64_t unsynced = data.size() - synced;
    if (unsynced == 0) {
        return data;
    }
    std::uint64_t kept{0};
    if (fate == UnsyncedFate::torn || fate == UnsyncedFate::torn_zeroed) {
        kept = random.between(0, unsynced);
    }
    Bytes left(data.begin(), data.begin() + offset_of(synced + kept));
    if (fate == UnsyncedFate::torn_zeroed) {
        left.resize(data.size(), 0);
    }
    return left;
}

}  // namespace

/// Appends to one file of the simulated disk; the file outlives its name, as on a real one.
class SimFileSystem::Appender final : public AppendFile {
public:
    Appender(SimFileSystem& owner, std::string path, std::shared_ptr<File> file)
        : m_owner{owner}, m_path{std::move(path)}, m_file{std::move(file)} {}

    [[nodiscard]] Expected<Done, FileError> append(ByteView bytes) override {
        static_cast<void>(m_owner.power_fails(EffectKind::file_append));
        if (m_owner.fails(m_owner.m_full_folder, m_path)) {
            return Unexpected{FileError::no_space};
        }
        tally::append(m_file->data, bytes);
        return Done{};
    }
    [[nodiscard]] Expected<Done, FileError> sync() override {
        static_cast<void>(m_owner.power_fails(EffectKind::file_sync));
        if (m_owner.fails(m_owner.m_broken_folder, m_path)) {
            return Unexpected{FileError::io_error};
        }
        m_owner.make_durable(*m_file);
        return Done{};
    }
    [[nodiscard]] std::uint64_t size() const override { return m_file->data.size(); }

private:
    SimFileSystem& m_owner;
    std::string m_path;
    std::shared_ptr<File> m_file;
};

/// After kill -9 everything is there, and what was not synced still is not.
SimFileSystem::Image SimFileSystem::image_of_cache() const {
    Image image;
    for (const auto& [path, name] : m_files) {
        image.files[path] = Name{std::make_shared<File>(*name.file), name.durable};
    }
    for (const auto& [path, file] : m_removed) {
        image.removed[path] = std::make_shared<File>(*file);
    }
    return image;
}

SimFileSystem::Image SimFileSystem::image_after(UnsyncedFate fate, SimRandom& random) const {
    if (fate == UnsyncedFate::kept) {
        return image_of_cache();
    }
    Image image;
    const auto keep = [&](const std::string& path, const std::shared_ptr<File>& file) {
        Bytes left = surviving(file->data, file->synced, fate, random);
        const std::uint64_t length = left.size();
        image.files[path] = Name{std::make_shared<File>(File{std::move(left), length}), true};
    };
    for (const auto& [path, file] : m_removed) {
        if (fate == UnsyncedFate::lost || random.chance(500)) {
            keep(path, file);
        }
    }
    for (const auto& [path, name] : m_files) {
        const bool lost = !name.durable && (fate == UnsyncedFate::lost || random.chance(500));
        if (!lost) {
            keep(path, name.file);
        }
    }
    return image;
}

void SimFileSystem::make_durable(File& file) const {
    if (m_syncs) {
        file.synced = file.data.size();
    }
}

void SimFileSystem::freeze(UnsyncedFate fate, SimRandom& random) {
    if (!m_image) {
        m_image = image_after(fate, random);
    }
}

void SimFileSystem::restart() {
    ENSURE(m_image.has_value());
    m_files = std::move(m_image->files);
    m_removed = std::move(m_image->removed);
    m_image.reset();
}

std::unique_ptr<SimFileSystem> SimFileSystem::crashed_copy(UnsyncedFate fate,
                                                           SimRandom& random) const {
    auto copy = std::make_unique<SimFileSystem>(EffectGate{});
    Image image = image_after(fate, random);
    copy->m_files = std::move(image.files);
    copy->m_removed = std::move(image.removed);
    copy->m_folders = m_folders;
    return copy;
}

std::uint64_t SimFileSystem::unsynced_bytes() const {
    std::uint64_t bytes{0};
    for (const auto& [path, name] : m_files) {
        bytes += name.file->data.size() - name.file->synced;
    }
    return bytes;
}

void SimFileSystem::damage(const std::string& path, Bytes content) {
    const std::uint64_t length = content.size();
    m_files[path] = Name{std::make_shared<File>(File{std::move(content), length}), true};
}

std::vector<std::string> SimFileSystem::paths() const {
    std::vector<std::string> result;
    for (const auto& [path, name] : m_files) {
        result.push_back(path);
    }
    return result;
}

SimFileSystem::File* SimFileSystem::image_file(const std::string& path) {
    const auto found = m_image->files.find(path);
    return found == m_image->files.end() ? nullptr : found->second.file.get();
}

Expected<std::unique_ptr<AppendFile>, FileError> SimFileSystem::open_append(
    const std::string& path) {
    if (!m_folders.contains(folder_of(path))) {
        return Unexpected{FileError::not_found};
    }
    auto found = m_files.find(path);
    if (found == m_files.end()) {
        static_cast<void>(power_fails(EffectKind::file_name));
        found = m_files.emplace(path, Name{std::make_shared<File>(), false}).first;
    }
    return std::unique_ptr<AppendFile>{std::make_unique<Appender>(*this, path, found->second.file)};
}

Expected<Bytes, FileError> SimFileSystem::read(const std::string& path, std::uint64_t offset,
                                               std::uint64_t length) const {
    const auto found = m_files.find(path);
    if (found == m_files.end()) {
        return Unexpected{FileError::not_found};
    }
    const Bytes& data = found->second.file->data;
    const std::uint64_t begin = std::min<std::uint64_t>(offset, data.size());
    const std::uint64_t count = std::min<std::uint64_t>(length, data.size() - begin);
    return Bytes(data.begin() + offset_of(begin), data.begin() + offset_of(begin + count));
}

Expected<std::uint64_t, FileError> SimFileSystem::size(const std::string& path) const {
    const auto found = m_files.find(path);
    if (found == m_files.end()) {
        return Unexpected{FileError::not_found};
    }
    return static_cast<std::uint64_t>(found->second.file->data.size());
}

Expected<Done, FileError> SimFileSystem::write_whole(const std::string& path, ByteView bytes) {
    if (!m_folders.contains(folder_of(path))) {
        return Unexpected{FileError::not_found};
    }
    static_cast<void>(power_fails(EffectKind::file_write));
    if (fails(m_full_folder, path)) {
        return Unexpected{FileError::no_space};
    }
    auto file = std::make_shared<File>();
    file->data.assign(bytes.begin(), bytes.end());
    file->synced = file->data.size();
    m_files[path] = Name{std::move(file), true};
    m_removed.erase(path);
    return Done{};
}

Expected<Done, FileError> SimFileSystem::write_at(const std::string& path, std::uint64_t offset,
                                                  ByteView bytes) {
    const auto found = m_files.find(path);
    if (found == m_files.end()) {
        return Unexpected{FileError::not_found};
    }
    const auto overlay = [&](Bytes& data, std::size_t count) {
        data.resize(std::max<std::size_t>(data.size(), offset + count), 0);
        std::copy_n(bytes.begin(), count, data.begin() + offset_of(offset));
    };
    if (power_fails(EffectKind::file_write)) {
        // Power fails in the middle of it: half of the new bytes are there.
        if (File* torn = image_file(path); torn != nullptr && torn->data.size() >= offset) {
            overlay(torn->data, bytes.size() / 2);
            torn->synced = torn->data.size();
        }
    }
    if (fails(m_broken_folder, path)) {
        return Unexpected{FileError::io_error};
    }
    File& file = *found->second.file;
    overlay(file.data, bytes.size());
    make_durable(file);
    return Done{};
}

Expected<Done, FileError> SimFileSystem::truncate(const std::string& path, std::uint64_t length) {
    const auto found = m_files.find(path);
    if (found == m_files.end()) {
        return Unexpected{FileError::not_found};
    }
    static_cast<void>(power_fails(EffectKind::file_write));
    File& file = *found->second.file;
    file.data.resize(length, 0);
    file.synced = length;
    return Done{};
}

Expected<Done, FileError> SimFileSystem::remove(const std::string& path) {
    const auto found = m_files.find(path);
    if (found == m_files.end()) {
        return Unexpected{FileError::not_found};
    }
    static_cast<void>(power_fails(EffectKind::file_name));
    if (found->second.durable) {
        m_removed[path] = found->second.file;
    }
    m_files.erase(found);
    return Done{};
}

Expected<Done, FileError> SimFileSystem::create_directories(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        m_folders.insert(path.substr(0, slash));
    }
    m_folders.insert(path);
    return Done{};
}

Expected<std::vector<std::string>, FileError> SimFileSystem::list(const std::string& folder) const {
    if (!m_folders.contains(folder)) {
        return Unexpected{FileError::not_found};
    }
    std::vector<std::string> names;
    for (const auto& [path, name] : m_files) {
        if (folder_of(path) == folder) {
            names.push_back(folder.empty() ? path : path.substr(folder.size() + 1));
        }
    }
    return names;
}

Expected<Done, FileError> SimFileSystem::sync_folder(const std::string& folder) {
    static_cast<void>(power_fails(EffectKind::file_name));
    for (auto& [path, name] : m_files) {
        name.durable = name.durable || folder_of(path) == folder;
    }
    std::erase_if(m_removed,
                  [&](const auto& removed) { return folder_of(removed.first) == folder; });
    return Done{};
}

}  // namespace tally::simulator
