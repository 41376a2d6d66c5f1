#pragma once

#include "charger_bridge/session/local_list.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tally::bridge {

inline constexpr std::chrono::seconds local_list_look_interval{30};

inline constexpr std::chrono::hours list_warn_before{24 * 7};
inline constexpr std::chrono::hours list_warn_interval{24};

/// When an operator should be told to replace the list that is in force: in its last week and
/// afterwards, once a day, and at once for one that is read so late. Pure.
class ListExpiry {
public:
    void set(UnixMillis valid_until) {
        m_valid_until = valid_until;
        m_warned_at.reset();
    }
    /// How long the list is still valid, below 0 when it is not any more; nothing without a list.
    [[nodiscard]] std::optional<std::chrono::milliseconds> left(UnixMillis now) const {
        return m_valid_until ? std::optional{std::chrono::milliseconds{*m_valid_until - now}}
                             : std::nullopt;
    }
    /// Whether to warn now; says so once in `list_warn_interval`.
    [[nodiscard]] bool is_due(UnixMillis now);

private:
    std::optional<UnixMillis> m_valid_until;
    std::optional<UnixMillis> m_warned_at;
};

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
