#pragma once

#include "charger_bridge/session/local_list.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tally::bridge {

inline constexpr std::chrono::seconds local_list_look_interval{30};

/// The file of the operator's local list. It may be replaced while the bridge runs: one that is
/// refused changes nothing, what was read before stays in force.
class LocalListFile {
public:
    /// An empty path: there is none.
    LocalListFile(std::string path, const PublicKey& key);

    /// Looks every `local_list_look_interval`. Nothing when the file is as it was; else the list,
    /// or why it is refused.
    [[nodiscard]] std::optional<Expected<LocalList, std::string>> read_if_changed(
        std::chrono::milliseconds now);

private:
    struct Seen {
        std::filesystem::file_time_type written;
        std::uintmax_t bytes{0};
        bool is_there{false};
        friend bool operator==(const Seen&, const Seen&) = default;
    };
    [[nodiscard]] Seen look() const;

    std::string m_path;
    PublicKey m_key;
    std::optional<std::chrono::milliseconds> m_looked_at;
    std::optional<Seen> m_seen;
};

}  // namespace tally::bridge
