#include "tools/audit/svg_chart.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace tally::tools {
namespace {

constexpr double width{720};
constexpr double plot_height{160};
constexpr double label_width{260};
constexpr double row_height{20};

std::string number(double value) {
    char text[48];
    std::snprintf(text, sizeof text,
                  value == static_cast<double>(static_cast<long long>(value)) ? "%.0f" : "%.2f",
                  value);
    return text;
}

double most_of(const std::vector<std::pair<std::string, double>>& values) {
    double most{0};
    for (const auto& [label, value] : values) {
        most = std::max(most, value);
    }
    return most > 0 ? most : 1;
}

/// Adds neighbours up until there are few enough; a bar is named after its first value.
void thin_out(std::vector<std::pair<std::string, double>>& values) {
    while (values.size() > chart_bars_max) {
        std::vector<std::pair<std::string, double>> fewer;
        for (std::size_t i = 0; i < values.size(); i += 2) {
            fewer.push_back(values[i]);
            fewer.back().second += i + 1 < values.size() ? values[i + 1].second : 0;
        }
        values = std::move(fewer);
    }
}

}  // namespace

std::string escape_html(const std::string& text) {
    std::string escaped;
    for (const char one : text) {
        switch (one) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += one;
        }
    }
    return escaped;
}

std::string vertical_bars(const std::string& title,
                          std::vector<std::pair<std::string, double>> values) {
    if (values.empty()) {
        return {};
    }
    thin_out(values);
    const double most = most_of(values);
    const double step = width / static_cast<double>(values.size());
    std::ostringstream out;
    out << "<svg class=\"chart\" viewBox=\"0 0 " << number(width) << " " << number(plot_height + 40)
        << "\" role=\"img\" aria-label=\"" << escape_html(title)
        << "\"><text x=\"0\" y=\"12\" class=\"title\">" << escape_html(title)
        << " (most: " << number(most) << ")</text>";
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double height = plot_height * values[i].second / most;
        out << "<rect x=\"" << number(static_cast<double>(i) * step) << "\" y=\""
            << number(20 + plot_height - height) << "\" width=\"" << number(step * 0.8)
            << "\" height=\"" << number(height) << "\"><title>" << escape_html(values[i].first)
            << ": " << number(values[i].second) << "</title></rect>";
    }
    out << "<text x=\"0\" y=\"" << number(plot_height + 36) << "\">"
        << escape_html(values.front().first) << "</text><text x=\"" << number(width) << "\" y=\""
        << number(plot_height + 36) << "\" text-anchor=\"end\">" << escape_html(values.back().first)
        << "</text></svg>\n";
    return out.str();
}

std::string horizontal_bars(const std::string& title,
                            const std::vector<std::pair<std::string, double>>& values) {
    if (values.empty()) {
        return {};
    }
    const double most = most_of(values);
    const double room = width - label_width - 80;
    std::ostringstream out;
    out << "<svg class=\"chart\" viewBox=\"0 0 " << number(width) << " "
        << number(20 + row_height * static_cast<double>(values.size()))
        << "\" role=\"img\" aria-label=\"" << escape_html(title)
        << "\"><text x=\"0\" y=\"12\" class=\"title\">" << escape_html(title) << "</text>";
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double top = 20 + row_height * static_cast<double>(i);
        const double length = room * values[i].second / most;
        out << "<text x=\"0\" y=\"" << number(top + 14) << "\">" << escape_html(values[i].first)
            << "</text><rect x=\"" << number(label_width) << "\" y=\"" << number(top + 3)
            << "\" width=\"" << number(length) << "\" height=\"" << number(row_height - 6)
            << "\"/><text x=\"" << number(label_width + length + 6) << "\" y=\"" << number(top + 14)
            << "\">" << number(values[i].second) << "</text>";
    }
    out << "</svg>\n";
    return out.str();
}

}  // namespace tally::tools
