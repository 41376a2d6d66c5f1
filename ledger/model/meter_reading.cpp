#include "ledger/model/meter_reading.h"

namespace tally {

const char* to_text(Activity activity) {
    switch (activity) {
        case Activity::charging:
            return "charging";
        case Activity::parking:
            return "parking";
        case Activity::reservation:
            return "reservation";
        case Activity::reservation_expired:
            return "reservation_expired";
    }
    return "unknown";
}

bool is_known(Activity activity) noexcept { return activity <= Activity::reservation_expired; }

bool is_reservation(Activity activity) noexcept {
    return activity == Activity::reservation || activity == Activity::reservation_expired;
}

bool is_valid(const MeterReading& reading) noexcept {
    return reading.time >= 0 && reading.time <= unix_millis_max &&
           reading.utc_offset_minutes >= -utc_offset_minutes_max &&
           reading.utc_offset_minutes <= utc_offset_minutes_max && reading.register_wh >= 0 &&
           reading.register_wh <= register_wh_max && is_known(reading.activity) &&
           reading.power_w.value_or(0) <= reading_power_w_max;
}

void encode(Encoder& encoder, const MeterReading& reading) {
    encoder.i64(reading.time)
        .u16(static_cast<std::uint16_t>(reading.utc_offset_minutes))
        .i64(reading.register_wh)
        .boolean(reading.estimated)
        .u8(static_cast<std::uint8_t>(reading.activity))
        .boolean(reading.power_w.has_value());
    if (reading.power_w) {
        encoder.u32(*reading.power_w);
    }
}

MeterReading decode_reading(Decoder& decoder) {
    MeterReading reading;
    reading.time = decoder.i64();
    reading.utc_offset_minutes = static_cast<std::int16_t>(decoder.u16());
    reading.register_wh = decoder.i64();
    reading.estimated = decoder.boolean();
    reading.activity = static_cast<Activity>(decoder.u8());
    if (decoder.boolean()) {
        reading.power_w = decoder.u32();
    }
    if (!is_valid(reading)) {
        decoder.fail();
    }
    return reading;
}

}  // namespace tally
