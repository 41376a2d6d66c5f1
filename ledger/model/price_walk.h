#pragma once

// Where prices change in the course of a charge: the part of rating that knows restrictions.

#include "ledger/model/rating.h"

#include <cstdint>
#include <optional>

namespace tally {

/// A place in a charge. Lifetime: refers to its period.
struct ChargePoint {
    const RatingPeriod* period{nullptr};
    UnixMillis time{0};
    std::int64_t energy_mwh{0};  ///< used since the begin of the charge
    UnixMillis began{0};         ///< of the charge, or of the reservation while there is one
};

/// What each kind is priced by at one place; null: free. `time` is for charging, parking or
/// reserving, whichever goes on. Lifetime: points into the tariff.
struct ActivePrices {
    const PriceComponent* energy{nullptr};
    const PriceComponent* service{nullptr};
    const PriceComponent* time{nullptr};
    const PriceComponent* flat{nullptr};
};

/// By OCPI: for each kind the first element that holds and has a component of that kind.
[[nodiscard]] ActivePrices prices_at(const Tariff& tariff, const ChargePoint& point);

/// Whether all kinds have the same price, tax rate and step, be it of different elements.
[[nodiscard]] bool are_same(const ActivePrices& left, const ActivePrices& right);

/// Most borders, of prices that change or not, between the first and the last reading of a record,
/// and between begin and end of other periods: they bound the work.
inline constexpr std::size_t record_borders_max{4096};
inline constexpr std::size_t period_borders_max{100'000};

/// What is left of a bound; once more was needed, `exceeded` stays.
struct BorderBudget {
    std::size_t left{0};
    bool exceeded{false};
};

/// Walks one period from border to border.
///
/// Lifetime: refers to tariff, period and budget. Time and energy run evenly through the period: a
/// border of time is reached with the energy floored to Wh, a border of energy at the floored
/// millisecond.
class PriceWalk {
public:
    /// `energy_before`: mWh used in the charge before this period.
    PriceWalk(const Tariff& tariff, const RatingPeriod& period, std::int64_t energy_before,
              UnixMillis began, BorderBudget& budget);

    [[nodiscard]] const ChargePoint& point() const noexcept { return m_point; }
    [[nodiscard]] const ActivePrices& prices() const noexcept { return m_prices; }

    /// Goes on to the next place strictly inside the period where prices differ from those here;
    /// false, and stays, when there is none or the budget is exceeded.
    [[nodiscard]] bool advance();

    /// What of `time_ms` has gone by at a time of the period; floored.
    [[nodiscard]] std::int64_t time_ms_until(UnixMillis time) const;

private:
    [[nodiscard]] std::optional<ChargePoint> next_border(const ChargePoint& from) const;
    [[nodiscard]] std::optional<UnixMillis> next_time_border(const ChargePoint& from) const;
    [[nodiscard]] std::optional<std::int64_t> next_energy_border(const ChargePoint& from) const;
    /// amount x elapsed / length of the period, floored; the period must have a length.
    [[nodiscard]] std::int64_t share(std::int64_t amount, std::int64_t elapsed_ms) const;

    const Tariff& m_tariff;
    const RatingPeriod& m_period;
    std::int64_t m_energy_before;
    BorderBudget& m_budget;
    ChargePoint m_point;
    ActivePrices m_prices;
};

}  // namespace tally
