#pragma once

// The one function that turns what was metered into money, for node, bridge, audit and `tally
// rate`. docs/protocol/rating.md states its rules, docs/adr/0007 why they are so.
//
// What is billed of one kind at one price and tax rate over the whole charge is one line; a line is
// rounded once, half up, to 1/10000 of the unit, and so is its tax; totals are sums of lines.

#include "ledger/base/expected.h"
#include "ledger/model/tariff.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t rating_periods_max{10'000};
inline constexpr std::size_t rating_segments_max{20'000};  ///< parts of equal prices
/// Longest charge that can be rated: bounds the work that a tariff of many borders makes.
inline constexpr std::int64_t rated_days_max{400};
inline constexpr std::int64_t mwh_per_wh{1000};

/// What was used between two instants, and under which circumstances. Energy is in mWh, which holds
/// a meter's Wh and OCPI's fractions of them exactly.
struct RatingPeriod {
    UnixMillis begin{0};  ///< 0 to `unix_millis_max`; not before the end of the period before
    UnixMillis end{0};    ///< not before `begin`; may be equal to it
    std::int16_t utc_offset_minutes{0};
    Activity activity{Activity::charging};
    std::int64_t energy_mwh{0};  ///< all periods together at most `register_wh_max` Wh
    /// What is billed as time of the activity, at most 400 days; the clock of the period places the
    /// borders only. It runs evenly from begin to end, and so does the energy.
    std::int64_t time_ms{0};
    // Least and most seen in the period, -`restriction_max` to `restriction_max`; absent: not
    // known.
    std::optional<std::int64_t> min_power_mw{};
    std::optional<std::int64_t> max_power_mw{};
    std::optional<std::int64_t> min_current_ua{};
    std::optional<std::int64_t> max_current_ua{};
    // Whether the energy up to there was computed, not read.
    bool begin_estimated{false};
    bool end_estimated{false};
    friend bool operator==(const RatingPeriod&, const RatingPeriod&) = default;
};

enum class LineKind : std::uint8_t {
    energy = 1,
    time = 2,
    flat = 3,
    parking_time = 4,
    service = 5,
    reservation_time = 6,
    reservation_flat = 7,
    min_price = 8,  ///< what is missing to the least price
    max_price = 9,  ///< what is beyond the most, negative
};
[[nodiscard]] const char* to_text(LineKind kind);

/// One line of a charge: mWh for energy and service, ms for times, 1 for the others; `price` is per
/// kWh, per hour or once.
struct RatedLine {
    LineKind kind{LineKind::energy};
    std::int64_t quantity{0};  ///< steps included
    Money price{0};
    std::optional<std::uint32_t> vat{};
    Money net{0};
    Money tax{0};
    /// Energy was divided between this and another price without a reading at the border.
    bool estimated{false};
    friend bool operator==(const RatedLine&, const RatedLine&) = default;
};

struct Rating {
    /// In order of first use; at one instant energy, service, time, flat; limits at the end.
    std::vector<RatedLine> lines;
    Money net{0};
    Money tax{0};
    std::int64_t energy_wh{0};  ///< used, whole Wh
    [[nodiscard]] Money total() const noexcept { return net + tax; }
};

/// Why something cannot be rated under a tariff.
enum class RatingError : std::uint8_t {
    too_few_readings,    ///< fewer than two, or no period
    not_in_order,        ///< time or register goes back, or a period ends before it begins
    spans_price_change,  ///< a price change inside a period: a reading is missing there
    out_of_range,        ///< too many, too long, an invalid reading, period or tariff
    overflow,            ///< a line or the total is above `amount_max`
};
[[nodiscard]] const char* to_text(RatingError error);

/// Prices what was metered, as a charge record states it. Period i lies between reading i and i+1,
/// which may be at the same time; it is priced by what holds at reading i. A price change strictly
/// inside a period is refused; one exactly at reading i+1 belongs to what follows.
[[nodiscard]] Expected<Rating, RatingError> rate(const Tariff& tariff,
                                                 const std::vector<MeterReading>& readings);

/// Prices periods, splitting them where a price changes: energy and time linear, energy floored to
/// Wh; where a border of energy is reached, at that energy.
[[nodiscard]] Expected<Rating, RatingError> rate_periods(const Tariff& tariff,
                                                         const std::vector<RatingPeriod>& periods);

/// Inserts an estimated reading at every price change strictly between two readings: energy linear
/// in time, floored to Wh. Offset, activity and power of the earlier reading hold until the next
/// one. What it gives is never refused by `rate` but for `overflow`, and stays as it is when split
/// again; more than `readings_max` readings are `out_of_range`. Readings must be in order.
[[nodiscard]] Expected<std::vector<MeterReading>, RatingError> split_at_price_changes(
    const Tariff& tariff, const std::vector<MeterReading>& readings);

/// Whether prices are others after reading `index` than before it. Readings must be in order,
/// `index` one that has a reading on either side.
[[nodiscard]] bool is_price_change(const Tariff& tariff, const std::vector<MeterReading>& readings,
                                   std::size_t index);

}  // namespace tally
