#include "tools/charger/charger.h"

#include <algorithm>

namespace tally::tools {

namespace {

constexpr std::int64_t million{1'000'000};
constexpr std::chrono::milliseconds draw_step{1'000};  ///< power counts as constant within it

}  // namespace

UnixMillis ChargerClock::true_time(std::chrono::milliseconds since_start) const {
    return m_begin + static_cast<UnixMillis>(static_cast<double>(since_start.count()) * m_speed);
}

UnixMillis ChargerClock::shown(std::chrono::milliseconds since_start) const {
    const UnixMillis now = true_time(since_start);
    if (m_dead_since) {
        return now - *m_dead_since;
    }
    const UnixMillis drifted = m_drift_ppm == 0 ? 0 : (now - m_drift_since) * m_drift_ppm / million;
    return now + m_ahead_ms + drifted;
}

std::chrono::milliseconds ChargerClock::real(std::chrono::milliseconds simulated) const {
    return std::chrono::milliseconds{
        static_cast<std::int64_t>(static_cast<double>(simulated.count()) / m_speed)};
}

void ChargerClock::set_ahead(std::chrono::milliseconds ahead) { m_ahead_ms = ahead.count(); }

void ChargerClock::set_drift(std::int64_t parts_per_million,
                             std::chrono::milliseconds since_start) {
    m_ahead_ms = shown(since_start) - true_time(since_start);
    m_drift_ppm = parts_per_million;
    m_drift_since = true_time(since_start);
}

void ChargerClock::set_1970(std::chrono::milliseconds since_start) {
    m_dead_since = true_time(since_start);
}

void ChargerClock::set_right() {
    m_ahead_ms = 0;
    m_drift_ppm = 0;
    m_dead_since.reset();
}

std::int64_t PowerCurve::power_at(std::int64_t delivered_wh) const {
    if (!taper_after_wh || delivered_wh <= *taper_after_wh) {
        return full_w;
    }
    const std::int64_t past = std::min(delivered_wh - *taper_after_wh, taper_span_wh);
    return std::max(floor_w,
                    full_w - (full_w - floor_w) * past / std::max<std::int64_t>(1, taper_span_wh));
}

void EnergyMeter::draw(std::chrono::milliseconds time, const PowerCurve& curve,
                       std::int64_t begin_wh, std::int64_t limit_wh) {
    const std::int64_t end = (begin_wh + limit_wh) * watt_ms_per_wh;
    while (time.count() > 0 && m_watt_ms < end) {
        const std::chrono::milliseconds step = std::min(time, draw_step);
        const std::int64_t power = curve.power_at(register_wh() - begin_wh);
        m_watt_ms = std::min(end, m_watt_ms + power * step.count());
        time -= step;
    }
}

}  // namespace tally::tools
