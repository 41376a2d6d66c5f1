#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/expected.h"

#include <cstdint>
#include <string>

namespace date {
class time_zone;
}

namespace tally::tools {

/// Offsets of one place of the IANA time-zone database of this system (tzdata). The ledger has no
/// such database: offsets are in its records.
class TimeZone {
public:
    /// The error names the zone and the rule.
    [[nodiscard]] static Expected<TimeZone, std::string> named(const std::string& name);

    struct Span {
        std::int16_t offset_minutes{0};  ///< local time = UTC + offset
        UnixMillis until{0};             ///< when the offset changes; far away if never
    };
    [[nodiscard]] Span at(UnixMillis time) const;

private:
    explicit TimeZone(const date::time_zone& zone) : m_zone{&zone} {}
    const date::time_zone* m_zone;  ///< of the database, which lives as long as the process
};

}  // namespace tally::tools
