#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/codec.h"

#include <cstdint>
#include <optional>

namespace tally {

inline constexpr std::int16_t utc_offset_minutes_max{840};  ///< 14 hours, either way
inline constexpr std::int64_t register_wh_max{1LL << 52U};  ///< exact in JSON numbers too
inline constexpr std::uint32_t reading_power_w_max{1'000'000'000};
/// Most readings in one charge record: begin, end, and one at each price change between them.
inline constexpr std::size_t readings_max{200};

/// What the connector did for the driver in a period. A reservation that ended without a charge is
/// `reservation_expired` from its begin.
enum class Activity : std::uint8_t {
    charging = 0,
    parking = 1,  ///< connected, no longer charging
    reservation = 2,
    reservation_expired = 3,
};
[[nodiscard]] const char* to_text(Activity activity);
[[nodiscard]] bool is_known(Activity activity) noexcept;
[[nodiscard]] bool is_reservation(Activity activity) noexcept;

/// One look at the meter: where a charge begins or ends, or where activity or price change in
/// between. Offset, activity and power hold from this reading until the next one; those of the last
/// reading say nothing.
struct MeterReading {
    UnixMillis time{0};                  ///< 0 to `unix_millis_max`
    std::int16_t utc_offset_minutes{0};  ///< local time = UTC + offset; -840 to 840
    std::int64_t register_wh{0};         ///< import register, 0 to `register_wh_max`
    bool estimated{false};               ///< computed between two readings, not read
    Activity activity{Activity::charging};
    std::optional<std::uint32_t> power_w{};  ///< for tariffs by power; absent: not known
    friend bool operator==(const MeterReading&, const MeterReading&) = default;
};
[[nodiscard]] bool is_valid(const MeterReading& reading) noexcept;

/// Least number of bytes that a reading takes.
inline constexpr std::size_t reading_bytes_min{8 + 2 + 8 + 1 + 1 + 1};
/// time i64, offset i16, register i64, estimated u8, activity u8, power flag [u32].
void encode(Encoder& encoder, const MeterReading& reading);
/// Marks the decoder failed when the reading is not valid.
[[nodiscard]] MeterReading decode_reading(Decoder& decoder);

}  // namespace tally
