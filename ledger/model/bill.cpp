#include "ledger/model/bill.h"

#include "ledger/base/check.h"

#include <algorithm>

namespace tally {

namespace {

constexpr std::int64_t mwh_per_kwh{1'000'000};
constexpr std::int64_t ms_per_second{1000};
constexpr std::int64_t ms_per_hour{3'600'000};

std::int64_t quantity_per_price(LineKind kind) {
    switch (kind) {
        case LineKind::energy:
        case LineKind::service:
            return mwh_per_kwh;
        case LineKind::time:
        case LineKind::parking_time:
        case LineKind::reservation_time:
            return ms_per_hour;
        case LineKind::flat:
        case LineKind::reservation_flat:
        case LineKind::min_price:
        case LineKind::max_price:
            return 1;
    }
    return 1;
}

LineKind time_kind(Activity activity) {
    switch (activity) {
        case Activity::charging:
            return LineKind::time;
        case Activity::parking:
            return LineKind::parking_time;
        case Activity::reservation:
        case Activity::reservation_expired:
            return LineKind::reservation_time;
    }
    return LineKind::time;
}

/// Net and tax of a charge while limits are applied; tax never below 0.
struct Total {
    Money net{0};
    Money incl{0};
};

/// The tax of `net` at the mix of rates that `total` has. Where that is nothing, there is no tax.
Money tax_in_proportion(const Total& total, Money net) {
    if (total.net == 0) {
        return 0;
    }
    // Tax is at most 100 % of a net within `amount_max`, so the result fits.
    return *multiply_divide_half_up(total.incl - total.net, net, total.net);
}

/// With and without tax each have their own bound; where the bound with tax is not given, the tax
/// keeps its proportion.
template <typename Pick>
Total apply_limit(const Total& total, const PriceLimit& limit, Pick pick) {
    Total result{pick(total.net, limit.excl_vat), total.incl};
    if (limit.incl_vat) {
        result.incl = pick(total.incl, *limit.incl_vat);
    } else if (result.net != total.net) {
        result.incl = result.net + tax_in_proportion(total, result.net);
    }
    return result;
}

Money larger(Money left, Money right) { return std::max(left, right); }
Money smaller(Money left, Money right) { return std::min(left, right); }

/// Adds the line that makes the rating's total what a limit made of it.
void add_limit_line(Rating& rating, LineKind kind, const Total& wanted, Money limit) {
    RatedLine line;
    line.kind = kind;
    line.quantity = 1;
    line.price = limit;
    line.net = wanted.net - rating.net;
    line.tax = wanted.incl - wanted.net - rating.tax;
    if (line.net == 0 && line.tax == 0) {
        return;
    }
    rating.net += line.net;
    rating.tax += line.tax;
    rating.lines.push_back(line);
}

}  // namespace

std::size_t Bill::line_of(LineKind kind, const PriceComponent& component) {
    std::vector<RatedLine>& lines = m_rating.lines;
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const RatedLine& line) {
        return line.kind == kind && line.price == component.price && line.vat == component.vat;
    });
    if (found != lines.end()) {
        return static_cast<std::size_t>(found - lines.begin());
    }
    RatedLine line;
    line.kind = kind;
    line.price = component.price;
    line.vat = component.vat;
    lines.push_back(line);
    return lines.size() - 1;
}

std::optional<std::size_t> Bill::use(const Use& use) {
    if (use.component == nullptr || use.quantity == 0) {
        return std::nullopt;
    }
    const std::size_t line = line_of(use.kind, *use.component);
    m_rating.lines[line].quantity += use.quantity;
    *use.step = Step{line, use.component->step_size, use.unit};
    return line;
}

void Bill::mark(const std::optional<std::size_t>& line) {
    if (line) {
        m_rating.lines[*line].estimated = true;
    }
}

void Bill::use_energy(const Use& what, const BilledSegment& segment, EnergyEnd& last) {
    const std::optional<std::size_t> line = use(what);
    // A border within one line divides nothing.
    if ((segment.begin_estimated || last.estimated) && (!last.any || last.line != line)) {
        mark(line);
        mark(last.line);
    }
    last = EnergyEnd{line, segment.end_estimated, true};
}

void Bill::use_flat(const BilledSegment& segment) {
    const bool is_reserved = is_reservation(segment.activity);
    bool& done = is_reserved ? m_reservation_flat_done : m_flat_done;
    if (segment.prices.flat != nullptr && !done) {
        const LineKind kind = is_reserved ? LineKind::reservation_flat : LineKind::flat;
        m_rating.lines[line_of(kind, *segment.prices.flat)].quantity = 1;
        done = true;
    }
}

void Bill::add(const BilledSegment& segment) {
    m_energy_mwh += segment.energy_mwh;
    const ActivePrices& prices = segment.prices;
    use_energy({LineKind::energy, prices.energy, segment.energy_mwh, mwh_per_wh, &m_energy_step},
               segment, m_energy_end);
    use_energy({LineKind::service, prices.service, segment.energy_mwh, mwh_per_wh, &m_service_step},
               segment, m_service_end);
    std::optional<Step>& time_step =
        is_reservation(segment.activity) ? m_reservation_step : m_time_step;
    static_cast<void>(use(
        {time_kind(segment.activity), prices.time, segment.time_ms, ms_per_second, &time_step}));
    use_flat(segment);
}

void Bill::round_up(const std::optional<Step>& step) {
    if (!step || step->size == 0) {
        return;
    }
    const LineKind kind = m_rating.lines[step->line].kind;
    std::int64_t total{0};
    for (const RatedLine& line : m_rating.lines) {
        total += line.kind == kind ? line.quantity : 0;
    }
    const std::int64_t block = std::int64_t{step->size} * step->unit;
    const std::int64_t rest = total % block;
    m_rating.lines[step->line].quantity += rest == 0 ? 0 : block - rest;
}

bool Bill::price_lines() {
    for (RatedLine& line : m_rating.lines) {
        const auto net =
            multiply_divide_half_up(line.price, line.quantity, quantity_per_price(line.kind));
        if (!net || *net > amount_max) {
            return false;
        }
        line.net = *net;
        line.tax = *multiply_divide_half_up(line.net, line.vat.value_or(0), vat_max);
        // Each term is at most `amount_max`, so these sums fit.
        m_rating.net += line.net;
        m_rating.tax += line.tax;
        if (m_rating.total() > amount_max) {
            return false;
        }
    }
    return true;
}

Expected<Rating, RatingError> Bill::finish(const Tariff& tariff) && {
    mark(m_energy_end.estimated ? m_energy_end.line : std::nullopt);
    mark(m_service_end.estimated ? m_service_end.line : std::nullopt);
    round_up(m_energy_step);
    round_up(m_service_step);
    round_up(m_time_step);
    round_up(m_reservation_step);
    if (!price_lines()) {
        return Unexpected{RatingError::overflow};
    }
    if (tariff.min_price) {
        const Total total =
            apply_limit({m_rating.net, m_rating.total()}, *tariff.min_price, larger);
        add_limit_line(m_rating, LineKind::min_price, total, tariff.min_price->excl_vat);
    }
    if (tariff.max_price) {
        const Total total =
            apply_limit({m_rating.net, m_rating.total()}, *tariff.max_price, smaller);
        add_limit_line(m_rating, LineKind::max_price, total, tariff.max_price->excl_vat);
    }
    ENSURE(m_rating.tax >= 0);
    if (m_rating.total() > amount_max) {
        return Unexpected{RatingError::overflow};
    }
    m_rating.energy_wh = m_energy_mwh / mwh_per_wh;
    return std::move(m_rating);
}

}  // namespace tally
