#pragma once

// What `tally rate` reads of a charge detail record of OCPI 2.2.1, and the periods that follow.

#include "ledger/base/expected.h"
#include "ledger/model/rating.h"
#include "tools/rate/time_zone.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t cdr_json_bytes_max{16UL * 1024 * 1024};
inline constexpr std::size_t charging_periods_max{3000};
inline constexpr std::size_t dimensions_max{32};  ///< of one charging period

/// One ChargingPeriod. Volumes of time are in ms, after rounding.
struct CdrPeriod {
    UnixMillis begin{0};
    std::optional<std::int64_t> energy_mwh;
    std::optional<std::int64_t> charging_ms;
    std::optional<std::int64_t> parking_ms;
    std::optional<std::int64_t> reservation_ms;
    std::optional<std::int64_t> min_power_mw;
    std::optional<std::int64_t> max_power_mw;
    std::optional<std::int64_t> min_current_ua;
    std::optional<std::int64_t> max_current_ua;
    friend bool operator==(const CdrPeriod&, const CdrPeriod&) = default;
};

struct Cdr {
    UnixMillis begin{0};
    UnixMillis end{0};
    Currency currency;
    std::vector<CdrPeriod> periods;  ///< 1 to `charging_periods_max`, rising, from begin to end
    std::vector<std::string> notes;  ///< what was not taken as it stands
};

/// Reads start_date_time, end_date_time, currency and charging_periods, and nothing else. The error
/// is a JSON pointer, the value and the rule.
[[nodiscard]] Expected<Cdr, std::string> cdr_from_json(std::string_view text);

/// Periods to rate, in local time of `zone`. A charging period that has volumes of several kinds of
/// time is divided in the order reservation, charging, parking; energy belongs to charging. Without
/// any other period, a reservation has expired. Where no power is known, the mean is taken.
[[nodiscard]] Expected<std::vector<RatingPeriod>, std::string> rating_periods(const Cdr& cdr,
                                                                              const TimeZone& zone);

}  // namespace tally::tools
