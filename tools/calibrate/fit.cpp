#include "tools/calibrate/fit.h"

#include "ledger/model/rating.h"

#include <algorithm>
#include <cmath>

namespace tally::tools {
namespace {

/// What the tariff gives up to a reading in the middle of the charge.
std::optional<Money> amount_until(const SettledCharge& charge, const MeterSample& sample) {
    std::vector<MeterReading> readings;
    for (const MeterReading& reading : charge.metered.readings) {
        if (reading.time < sample.time) {
            readings.push_back(reading);
        }
    }
    MeterReading last = readings.back();
    last.time = sample.time;
    last.register_wh = sample.register_wh;
    last.estimated = false;
    readings.push_back(last);
    const auto split = split_at_price_changes(charge.tariff, readings);
    const auto rating = split ? rate(charge.tariff, *split) : rate(charge.tariff, readings);
    return rating ? std::optional{rating->total()} : std::nullopt;
}

double value_at(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) {
        return 0;
    }
    const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted[std::min(index, sorted.size() - 1)];
}

Quality::Spread spread_of(const std::vector<const Moment*>& moments, double b) {
    std::vector<double> errors;
    std::vector<double> shares;
    for (const Moment* moment : moments) {
        const double error = std::abs(moment->error(b));
        errors.push_back(error);
        shares.push_back(error / moment->remaining_s);
    }
    std::sort(errors.begin(), errors.end());
    std::sort(shares.begin(), shares.end());
    return {.moments = moments.size(),
            .median_s = value_at(errors, 0.5),
            .p90_s = value_at(errors, 0.9),
            .median_share = value_at(shares, 0.5),
            .p90_share = value_at(shares, 0.9)};
}

}  // namespace

double Moment::error(double b) const { return base_s + b * lost_s - remaining_s; }

std::vector<Moment> moments_of(const SettledCharge& charge,
                               const std::vector<MeterSample>& samples) {
    const MeterReading& begin = charge.metered.readings.front();
    const MeterReading& end = charge.metered.readings.back();
    std::vector<MeterSample> inside;
    std::int64_t last = begin.register_wh;
    for (const MeterSample& sample : samples) {
        const bool fits = sample.time > begin.time && sample.time < end.time &&
                          sample.register_wh >= last && sample.register_wh <= end.register_wh;
        if (fits) {
            inside.push_back(sample);
            last = sample.register_wh;
        }
    }
    std::vector<Moment> moments;
    const std::size_t count = std::min(inside.size(), moments_per_charge_max);
    for (std::size_t i = 0; i < count; ++i) {
        const MeterSample& sample = inside[i * inside.size() / count];
        const auto amount = amount_until(charge, sample);
        if (!amount || *amount <= 0 || *amount >= charge.rated_amount) {
            continue;
        }
        const double paid = static_cast<double>(*amount);
        const double in_all = static_cast<double>(charge.rated_amount);
        const double elapsed_s = static_cast<double>(sample.time - begin.time) / 1000;
        const double wh = static_cast<double>(sample.register_wh - begin.register_wh);
        Moment moment;
        moment.lost_s =
            std::max(0.0, elapsed_s - wh * 3600 / static_cast<double>(charge.rated_power_w));
        moment.base_s = (in_all - paid) / paid * elapsed_s;
        moment.remaining_s = static_cast<double>(end.time - sample.time) / 1000;
        moment.progress = paid / in_all;
        moments.push_back(moment);
    }
    for (Moment& moment : moments) {
        moment.weight = 1 / static_cast<double>(moments.size());
    }
    return moments;
}

/// The sum of weight * |base + b * lost - remaining| is least at the median of the b at which each
/// moment would be right, weighed by weight * lost.
std::optional<std::int64_t> fit_coefficient(const std::vector<Moment>& moments) {
    std::vector<std::pair<double, double>> wanted;
    double sum{0};
    for (const Moment& moment : moments) {
        if (moment.lost_s > 0) {
            const double weight = moment.weight * moment.lost_s;
            wanted.emplace_back((moment.remaining_s - moment.base_s) / moment.lost_s, weight);
            sum += weight;
        }
    }
    if (wanted.empty()) {
        return std::nullopt;
    }
    std::sort(wanted.begin(), wanted.end());
    double below{0};
    double b{wanted.back().first};
    for (const auto& [value, weight] : wanted) {
        below += weight;
        if (below * 2 >= sum) {
            b = value;
            break;
        }
    }
    const double limit = static_cast<double>(coefficient_permille_max);
    return std::llround(std::clamp(b * 1000, 0.0, limit));
}

Quality quality_of(const std::vector<Moment>& moments, double b) {
    Quality quality;
    std::vector<const Moment*> all;
    std::array<std::vector<const Moment*>, deciles> by_progress;
    double sum{0};
    double weights{0};
    for (const Moment& moment : moments) {
        all.push_back(&moment);
        const auto decile = static_cast<std::size_t>(moment.progress * deciles);
        by_progress.at(std::min(decile, deciles - 1)).push_back(&moment);
        sum += moment.weight * std::abs(moment.error(b));
        weights += moment.weight;
    }
    quality.mean_s = weights > 0 ? sum / weights : 0;
    quality.all = spread_of(all, b);
    for (std::size_t i = 0; i < deciles; ++i) {
        quality.by_progress.at(i) = spread_of(by_progress.at(i), b);
    }
    return quality;
}

}  // namespace tally::tools
