// What disks do besides losing power: they are full, broken, rotten, or replaced by an old copy.

#include "tests/simulator/sim_disk.h"

#include <utility>

namespace tally::simulator {

namespace {

bool is_below(const std::string& path, const std::string& folder) {
    return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
           path[folder.size()] == '/';
}

}  // namespace

void SimFileSystem::fail_appends(const std::string& folder, bool fails) {
    m_full_folder = fails ? std::optional{folder} : std::nullopt;
    m_has_failed = m_has_failed && fails;
}

void SimFileSystem::fail_syncs(const std::string& folder, bool fails) {
    m_broken_folder = fails ? std::optional{folder} : std::nullopt;
    m_has_failed = m_has_failed && fails;
}

bool SimFileSystem::fails(const std::optional<std::string>& folder, const std::string& path) {
    const bool failed = folder && is_below(path, *folder);
    m_has_failed = m_has_failed || failed;
    return failed;
}

bool SimFileSystem::flip_bit(const std::string& folder, SimRandom& random) {
    std::uint64_t bytes{0};
    for (const auto& [path, name] : m_files) {
        bytes += is_below(path, folder) ? name.file->data.size() : 0;
    }
    if (bytes == 0) {
        return false;
    }
    std::uint64_t place = random.between(0, bytes - 1);
    for (const auto& [path, name] : m_files) {
        if (!is_below(path, folder)) {
            continue;
        }
        Bytes& data = name.file->data;
        if (place < data.size()) {
            data[place] ^= static_cast<std::uint8_t>(1U << random.between(0, 7));
            return true;
        }
        place -= data.size();
    }
    return false;
}

SimFileSystem::Backup SimFileSystem::backup() const {
    Backup backup;
    for (const auto& [path, name] : m_files) {
        backup.files.emplace(path, name.file->data);
    }
    return backup;
}

void SimFileSystem::restore(const Backup& backup) {
    m_files.clear();
    m_removed.clear();
    for (const auto& [path, data] : backup.files) {
        damage(path, data);
    }
}

}  // namespace tally::simulator
