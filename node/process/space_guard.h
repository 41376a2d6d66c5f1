#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tally::node {

/// Bytes that this process may still write to the file system of a folder; nothing when it cannot
/// be asked.
[[nodiscard]] std::optional<std::uint64_t> free_bytes_of(const std::string& folder);

/// Says when a node has to stop, while it still can in order: a disk that is full in the middle of
/// a write ends the process at that write. Thread: one.
class SpaceGuard {
public:
    using Probe = std::function<std::optional<std::uint64_t>(const std::string& folder)>;

    /// `free_bytes_min` 0: never. The probe is `free_bytes_of` but in tests.
    SpaceGuard(std::string folder, std::uint64_t free_bytes_min, Probe probe = free_bytes_of)
        : m_folder{std::move(folder)},
          m_free_bytes_min{free_bytes_min},
          m_probe{std::move(probe)} {}

    /// Asks the file system. Nothing while there is room, else where there is none and what to do.
    [[nodiscard]] std::optional<std::string> find_problem();
    /// As it was found last; 0 before that.
    [[nodiscard]] std::uint64_t free_bytes() const noexcept { return m_free_bytes; }

private:
    std::string m_folder;
    std::uint64_t m_free_bytes_min;
    Probe m_probe;
    std::uint64_t m_free_bytes{0};
};

}  // namespace tally::node
