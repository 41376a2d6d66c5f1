#include "node/link/figures.h"

#include <algorithm>
#include <limits>

namespace tally::node {
namespace {

constexpr std::int64_t ms_per_hour{3'600'000};

struct LostTime {
    std::int64_t ms{0};
    bool above_reference_power{false};
};

/// tf = T - E / Pc. The register alone decides, so gaps between samples do not matter.
LostTime lost_time(std::int64_t elapsed_s, std::int64_t energy_wh, std::int64_t power_w) {
    if (power_w <= 0) {
        return {};
    }
    const auto elapsed_ms = multiply_divide_half_up(elapsed_s, 1000, 1);
    const auto at_full_power_ms = multiply_divide_half_up(energy_wh, ms_per_hour, power_w);
    if (!elapsed_ms || !at_full_power_ms) {
        return {.ms = 0, .above_reference_power = !at_full_power_ms};
    }
    if (*at_full_power_ms > *elapsed_ms) {
        return {.ms = 0, .above_reference_power = true};
    }
    return {.ms = *elapsed_ms - *at_full_power_ms, .above_reference_power = false};
}

/// ts = (Mp - Mc) / Mc * T + b * tf, for 0 < Mc < Mp.
std::optional<std::int64_t> remaining(const FiguresInput& input, std::int64_t lost_ms) {
    const auto by_amount = multiply_divide_half_up(input.prepaid - input.amount_so_far,
                                                   input.elapsed_s, input.amount_so_far);
    const std::int64_t coefficient = std::max<std::int64_t>(input.coefficient_permille, 0);
    const auto by_power = multiply_divide_half_up(lost_ms, coefficient, 1'000'000);
    if (!by_amount || !by_power) {
        return std::nullopt;
    }
    return checked_add(*by_amount, *by_power);
}

}  // namespace

Figures driver_figures(const FiguresInput& input) {
    FiguresInput clean = input;
    clean.elapsed_s = std::max<std::int64_t>(input.elapsed_s, 0);
    clean.amount_so_far = std::max<Money>(input.amount_so_far, 0);
    clean.prepaid = std::max<Money>(input.prepaid, 0);
    clean.energy_wh = std::max<std::int64_t>(input.energy_wh, 0);

    const LostTime lost = lost_time(clean.elapsed_s, clean.energy_wh, clean.reference_power_w);
    Figures figures;
    figures.lost_ms = lost.ms;
    figures.above_reference_power = lost.above_reference_power;
    if (clean.prepaid == 0) {
        return figures;
    }
    if (clean.amount_so_far >= clean.prepaid) {
        figures.progress_hundredths = 10'000;
        figures.remaining_s = 0;
        return figures;
    }
    // Rounded down, so that 100 % shows only when it is reached.
    constexpr Money exact_max{std::numeric_limits<Money>::max() / 10'000};
    figures.progress_hundredths = clean.amount_so_far <= exact_max
                                      ? clean.amount_so_far * 10'000 / clean.prepaid
                                      : clean.amount_so_far / (clean.prepaid / 10'000 + 1);
    if (clean.amount_so_far > 0) {
        figures.remaining_s = remaining(clean, lost.ms);
    }
    return figures;
}

}  // namespace tally::node
