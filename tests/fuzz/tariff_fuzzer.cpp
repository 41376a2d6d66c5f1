// Rating of any readings under any tariff: no trap, and what was split at price changes can be
// rated with the same energy.

#include "ledger/model/rating.h"

namespace {

constexpr std::uint32_t fuzz_readings_max{tally::readings_max + 1};

std::vector<tally::MeterReading> raw_readings(tally::Decoder& decoder) {
    std::vector<tally::MeterReading> readings(
        decoder.count(fuzz_readings_max, tally::reading_bytes_min));
    for (tally::MeterReading& reading : readings) {
        reading.time = decoder.i64();
        reading.utc_offset_minutes = static_cast<std::int16_t>(decoder.u16());
        reading.register_wh = decoder.i64();
        reading.estimated = decoder.boolean();
        reading.activity = static_cast<tally::Activity>(decoder.u8());
        if (decoder.boolean()) {
            reading.power_w = decoder.u32();
        }
    }
    return readings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tally::Decoder decoder{{data, size}};
    const tally::Tariff tariff = tally::Tariff::decode(decoder);
    const std::vector<tally::MeterReading> readings = raw_readings(decoder);
    if (!decoder.ok()) {
        return 0;
    }
    static_cast<void>(tally::rate(tariff, readings));
    const auto split = tally::split_at_price_changes(tariff, readings);
    if (split) {
        const auto rating = tally::rate(tariff, *split);
        ENSURE(rating.has_value() || rating.error() == tally::RatingError::overflow);
        ENSURE(!rating ||
               rating->energy_wh == readings.back().register_wh - readings.front().register_wh);
    }
    return 0;
}
