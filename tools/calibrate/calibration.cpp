#include "tools/calibrate/calibration.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cstdio>
#include <set>

namespace tally::tools {

namespace json = boost::json;

namespace {

std::string fixed(double value, int places) {
    std::string text(64, '\0');
    const int length = std::snprintf(text.data(), text.size(), "%.*f", places, value);
    text.resize(static_cast<std::size_t>(std::clamp(length, 0, 63)));
    return text;
}

std::string permille_text(std::int64_t permille) {
    return fixed(static_cast<double>(permille) / 1000, 3);
}

json::object spread_json(const Quality::Spread& spread) {
    return {{"moments", spread.moments},
            {"median_s", spread.median_s},
            {"p90_s", spread.p90_s},
            {"median_share", spread.median_share},
            {"p90_share", spread.p90_share}};
}

json::object quality_json(const Quality& quality) {
    json::array by_progress;
    for (const Quality::Spread& spread : quality.by_progress) {
        by_progress.emplace_back(spread_json(spread));
    }
    json::object shown = spread_json(quality.all);
    shown["mean_s"] = quality.mean_s;
    shown["by_progress"] = std::move(by_progress);
    return shown;
}

std::string row(const std::string& name, const Quality::Spread& spread) {
    std::string line = "    " + name;
    line.resize(std::max<std::size_t>(line.size(), 22), ' ');
    const auto column = [&](const std::string& text) {
        line += std::string(text.size() < 12 ? 12 - text.size() : 1, ' ') + text;
    };
    column(fixed(spread.median_s, 0) + " s");
    column(fixed(spread.p90_s, 0) + " s");
    column(fixed(spread.median_share * 100, 0) + " %");
    column(fixed(spread.p90_share * 100, 0) + " %");
    return line + "\n";
}

std::string table(const std::string& name, const Quality& quality) {
    std::string text = "  " + name + "\n" + row("all moments", quality.all);
    for (std::size_t i = 0; i < deciles; ++i) {
        const Quality::Spread& spread = quality.by_progress.at(i);
        if (spread.moments > 0) {
            text += row("N " + std::to_string(i * 10) + " to " + std::to_string(i * 10 + 10) + " %",
                        spread);
        }
    }
    return text;
}

constexpr const char* little_text{
    "  b explains little here: the error with it is hardly less than without. A taper has no\n"
    "  constant b (the time that will be lost is not the time that was), nor has a price that\n"
    "  changes during the charge. Keep b = 0, and show ts as a rough estimate.\n"};
constexpr const char* nothing_lost_text{
    "  no time was lost against the rated power: b has no effect and cannot be fitted.\n"};

}  // namespace

void Calibration::add(const SettledCharge& charge, const std::vector<MeterSample>& samples) {
    ++m_charges;
    std::vector<Moment> moments = moments_of(charge, samples);
    if (moments.empty()) {
        ++m_without_samples;
        return;
    }
    const auto band = static_cast<std::size_t>(
        std::lower_bound(m_bands.begin(), m_bands.end(), charge.rated_power_w) - m_bands.begin());
    Group& group = m_groups[{charge.visited, band}];
    ++group.charges;
    group.moments.insert(group.moments.end(), moments.begin(), moments.end());
}

Calibration::Fitted Calibration::fitted(const Group& group) {
    Fitted fit;
    fit.permille = fit_coefficient(group.moments);
    const double b = static_cast<double>(fit.permille.value_or(0)) / 1000;
    fit.with_fit = quality_of(group.moments, b);
    fit.with_one = quality_of(group.moments, 1);
    fit.with_zero = quality_of(group.moments, 0);
    const double without = fit.with_zero.mean_s;
    fit.explains_little =
        fit.permille && without > 0 && fit.with_fit.mean_s > without * (1 - explained_min);
    return fit;
}

std::string Calibration::band_text(std::size_t band) const {
    if (band < m_bands.size()) {
        return "up to " + std::to_string(m_bands[band]) + " W";
    }
    return m_bands.empty() ? "all connectors" : "above " + std::to_string(m_bands.back()) + " W";
}

/// The lines for an operator's node.toml. A band without charges takes the value of the next one.
std::string Calibration::config_of(const PartyId& party) const {
    std::string text;
    for (const auto& [name, group] : m_groups) {
        const Fitted fit = fitted(group);
        if (name.first != party || !fit.permille) {
            continue;
        }
        text += "[[coefficient]]\n";
        if (name.second < m_bands.size()) {
            text += "up_to_w = " + std::to_string(m_bands[name.second]) + "\n";
        }
        text += "b = \"" + permille_text(fit.explains_little ? 0 : *fit.permille) + "\"\n";
    }
    return text;
}

json::object Calibration::to_json() const {
    json::array groups;
    std::set<PartyId> parties;
    for (const auto& [name, group] : m_groups) {
        const Fitted fit = fitted(group);
        parties.insert(name.first);
        groups.emplace_back(
            json::object{{"operator", tally::to_text(name.first)},
                         {"connectors", band_text(name.second)},
                         {"charges", group.charges},
                         {"moments", group.moments.size()},
                         {"b", fit.permille ? json::value(static_cast<double>(*fit.permille) / 1000)
                                            : json::value(nullptr)},
                         {"explains_little", fit.explains_little},
                         {"with_fit", quality_json(fit.with_fit)},
                         {"with_1", quality_json(fit.with_one)},
                         {"with_0", quality_json(fit.with_zero)}});
    }
    json::object configuration;
    for (const PartyId& party : parties) {
        configuration[tally::to_text(party)] = config_of(party);
    }
    return {{"charges", m_charges},
            {"without_samples", m_without_samples},
            {"groups", std::move(groups)},
            {"configuration", std::move(configuration)}};
}

std::string Calibration::to_text() const {
    std::string text = std::to_string(m_charges) + " settled charges, " +
                       std::to_string(m_without_samples) + " of them without usable meter data\n";
    std::set<PartyId> parties;
    for (const auto& [name, group] : m_groups) {
        const Fitted fit = fitted(group);
        parties.insert(name.first);
        text += "\n" + tally::to_text(name.first) + ", " + band_text(name.second) + ": " +
                std::to_string(group.charges) + " charges, " +
                std::to_string(group.moments.size()) + " moments\n";
        text += fit.permille ? "  b = " + permille_text(*fit.permille) + "\n" : nothing_lost_text;
        text += fit.explains_little ? little_text : "";
        text += "  error of ts:              median         p90  of the rest  p90 of it\n";
        if (fit.permille) {
            text += table("b = " + permille_text(*fit.permille), fit.with_fit);
        }
        text += table("b = 1", fit.with_one) + table("b = 0", fit.with_zero);
    }
    for (const PartyId& party : parties) {
        const std::string config = config_of(party);
        if (!config.empty()) {
            text += "\nFor the node.toml of " + tally::to_text(party) + ":\n\n" + config;
        }
    }
    return text;
}

}  // namespace tally::tools
