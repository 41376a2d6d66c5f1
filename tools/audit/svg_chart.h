#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tally::tools {

/// Bars with labels, as an inline SVG that needs nothing else and prints in grey. Values are 0 or
/// more; with more than `chart_bars_max` of them, neighbours are added up.
inline constexpr std::size_t chart_bars_max{90};
[[nodiscard]] std::string vertical_bars(const std::string& title,
                                        std::vector<std::pair<std::string, double>> values);
/// One bar below the other, each with its label and figure: for few values with long names.
[[nodiscard]] std::string horizontal_bars(
    const std::string& title, const std::vector<std::pair<std::string, double>>& values);

/// Text for HTML and SVG.
[[nodiscard]] std::string escape_html(const std::string& text);

}  // namespace tally::tools
