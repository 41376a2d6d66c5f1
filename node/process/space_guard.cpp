#include "node/process/space_guard.h"

#include <filesystem>
#include <system_error>

namespace tally::node {

std::optional<std::uint64_t> free_bytes_of(const std::string& folder) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(folder, error);
    return error ? std::nullopt : std::optional<std::uint64_t>{space.available};
}

std::optional<std::string> SpaceGuard::find_problem() {
    const std::optional<std::uint64_t> free = m_probe(m_folder);
    if (!free) {
        return std::nullopt;  // whoever reads or writes there says what is wrong
    }
    m_free_bytes = *free;
    if (*free >= m_free_bytes_min) {
        return std::nullopt;
    }
    return m_folder + ": " + std::to_string(*free) + " bytes are free, less than the " +
           std::to_string(m_free_bytes_min) +
           " of [storage] free_bytes_min: make room (an archive folder takes old segments), or "
           "lower it";
}

}  // namespace tally::node
