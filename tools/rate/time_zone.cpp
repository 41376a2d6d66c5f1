#include "tools/rate/time_zone.h"

#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <exception>

namespace tally::tools {

Expected<TimeZone, std::string> TimeZone::named(const std::string& name) {
    try {
        return TimeZone{*date::locate_zone(name)};
    } catch (const std::exception&) {
        return Unexpected{name +
                          ": must be a name of the time-zone database, such as UTC or "
                          "Europe/Berlin"};
    }
}

TimeZone::Span TimeZone::at(UnixMillis time) const {
    using std::chrono::duration_cast;
    const date::sys_time<std::chrono::milliseconds> when{std::chrono::milliseconds{time}};
    const date::sys_info info = m_zone->get_info(when);
    const auto offset = duration_cast<std::chrono::minutes>(info.offset).count();
    // Compared in seconds: the far end of the last span does not fit milliseconds.
    const std::int64_t end_s = info.end.time_since_epoch().count();
    return {static_cast<std::int16_t>(offset),
            end_s >= unix_millis_max / 1000 ? unix_millis_max : end_s * 1000};
}

}  // namespace tally::tools
