#pragma once

// What a charger is made of besides its messages: clock and meters. Pure; knows no OCPP.

#include "ledger/base/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace tally::tools {

/// What the charger takes for the time. `true_time` runs `speed` times as fast as the wall clock
/// from the start on; what the charger shows may differ from it: by an offset, by a drift, or
/// because it counts from 1970 since it was switched on.
class ChargerClock {
public:
    ChargerClock(UnixMillis begin, double speed) : m_begin{begin}, m_speed{speed} {}

    [[nodiscard]] UnixMillis true_time(std::chrono::milliseconds since_start) const;
    [[nodiscard]] UnixMillis shown(std::chrono::milliseconds since_start) const;
    /// How long `simulated` takes on the wall clock.
    [[nodiscard]] std::chrono::milliseconds real(std::chrono::milliseconds simulated) const;

    void set_ahead(std::chrono::milliseconds ahead);
    /// From now on it gains this many millionths of the time that passes; negative: it loses.
    void set_drift(std::int64_t parts_per_million, std::chrono::milliseconds since_start);
    /// Counts from 1970-01-01 from now on, as a clock without a battery.
    void set_1970(std::chrono::milliseconds since_start);
    void set_right();

private:
    UnixMillis m_begin;
    double m_speed;
    std::int64_t m_ahead_ms{0};
    std::int64_t m_drift_ppm{0};
    UnixMillis m_drift_since{0};
    std::optional<UnixMillis> m_dead_since;
};

/// What a car draws: full power, and from some energy on less and less, down to a floor, as
/// batteries do. Watts and watt-hours.
struct PowerCurve {
    std::int64_t full_w{60'000};
    std::optional<std::int64_t> taper_after_wh;
    std::int64_t taper_span_wh{5'000};  ///< the power falls from full to the floor within it
    std::int64_t floor_w{3'000};

    [[nodiscard]] std::int64_t power_at(std::int64_t delivered_wh) const;
};

/// An energy register that only counts up, but for what a script does to it. Keeps more digits than
/// it shows, so that many small steps are as much as one long one.
class EnergyMeter {
public:
    explicit EnergyMeter(std::int64_t register_wh) { set(register_wh); }

    /// Draws by the curve for `time`; `begin_wh` is the register at the begin of the charge. Never
    /// beyond `limit_wh` of the charge.
    void draw(std::chrono::milliseconds time, const PowerCurve& curve, std::int64_t begin_wh,
              std::int64_t limit_wh);
    void set(std::int64_t register_wh) { m_watt_ms = register_wh * watt_ms_per_wh; }
    [[nodiscard]] std::int64_t register_wh() const { return m_watt_ms / watt_ms_per_wh; }

private:
    static constexpr std::int64_t watt_ms_per_wh{3'600'000};
    std::int64_t m_watt_ms{0};
};

}  // namespace tally::tools
