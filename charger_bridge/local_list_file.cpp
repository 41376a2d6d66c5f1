#include "charger_bridge/local_list_file.h"

#include <fstream>
#include <system_error>
#include <utility>

namespace tally::bridge {

LocalListFile::LocalListFile(std::string path, const PublicKey& key)
    : m_path{std::move(path)}, m_key{key} {}

bool ListExpiry::is_due(UnixMillis now) {
    constexpr std::chrono::milliseconds before{list_warn_before};
    constexpr std::chrono::milliseconds interval{list_warn_interval};
    const auto remaining = left(now);
    if (!remaining || *remaining > before ||
        (m_warned_at && now - *m_warned_at < interval.count())) {
        return false;
    }
    m_warned_at = now;
    return true;
}

LocalListFile::Seen LocalListFile::look() const {
    Seen seen;
    std::error_code time_error;
    std::error_code size_error;
    seen.written = std::filesystem::last_write_time(m_path, time_error);
    seen.bytes = std::filesystem::file_size(m_path, size_error);
    seen.is_there = !time_error && !size_error;
    return seen.is_there ? seen : Seen{};
}

std::optional<Expected<LocalList, std::string>> LocalListFile::read_if_changed(
    std::chrono::milliseconds now) {
    if (m_path.empty() || (m_looked_at && now - *m_looked_at < local_list_look_interval)) {
        return std::nullopt;
    }
    m_looked_at = now;
    const Seen seen = look();
    if (m_seen == seen) {
        return std::nullopt;
    }
    m_seen = seen;
    using Result = Expected<LocalList, std::string>;
    if (!seen.is_there) {
        return Result{Unexpected{m_path + " cannot be read"}};
    }
    if (seen.bytes > local_list_bytes_max) {
        return Result{Unexpected{m_path + " is too long"}};
    }
    std::ifstream file{m_path, std::ios::binary};
    std::string text(static_cast<std::size_t>(seen.bytes), '\0');
    if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
        return Result{Unexpected{m_path + " cannot be read"}};
    }
    auto list = read_local_list(text, m_key);
    return list ? Result{std::move(list).value()}
                : Result{Unexpected{m_path + ": " + list.error()}};
}

}  // namespace tally::bridge
