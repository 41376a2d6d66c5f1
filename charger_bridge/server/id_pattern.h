#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

inline constexpr std::size_t id_pattern_bytes_max{64};
inline constexpr std::size_t id_pattern_stars_max{4};

/// A rule for ids of chargers: '*' stands for any run of characters, '?' for any one, everything
/// else for itself. Case counts, as it does in ids. Pure.
class IdPattern {
public:
    /// 1 to `id_pattern_bytes_max` printable ASCII characters without spaces, at most
    /// `id_pattern_stars_max` stars. Nothing on anything else.
    [[nodiscard]] static std::optional<IdPattern> from_text(std::string_view text);

    /// Whether the whole id fits. Work: at most length of the pattern times length of the id.
    [[nodiscard]] bool matches(std::string_view id) const;
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    explicit IdPattern(std::string_view text) : m_text{text} {}
    std::string m_text;
};

}  // namespace tally::bridge
