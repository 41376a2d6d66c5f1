#pragma once

#include <compare>

namespace tally {

/// A number that only mixes with its own kind: a `Height` cannot be passed where a `View` is meant.
/// `Tag` is an otherwise unused type naming the quantity.
template <typename Rep, typename Tag>
class Strong {
public:
    constexpr Strong() = default;
    explicit constexpr Strong(Rep value) : m_value{value} {}

    [[nodiscard]] constexpr Rep get() const noexcept { return m_value; }

    friend constexpr auto operator<=>(const Strong&, const Strong&) noexcept = default;

private:
    Rep m_value{};
};

}  // namespace tally
