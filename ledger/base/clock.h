#pragma once

#include <chrono>
#include <cstdint>

namespace tally {

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Signed, so that differences
/// of two times are safe. Times on the ledger, in transactions and in charge records have this
/// unit.
using UnixMillis = std::int64_t;
/// 9999-12-31T23:59:59.999Z, the last time that any decoder accepts (48 bits).
inline constexpr UnixMillis unix_millis_max{253'402'300'799'999};

/// Where time comes from. Only drivers and edges hold a clock; deterministic code is handed a time
/// with each event.
/// Thread safety: all members may be called from any thread.
class Clock {
public:
    virtual ~Clock() = default;
    /// Wall time. May jump in either direction.
    [[nodiscard]] virtual UnixMillis now() const = 0;
    /// Time for intervals: never goes back; its zero has no meaning.
    [[nodiscard]] virtual std::chrono::microseconds monotonic() const = 0;
};

}  // namespace tally
