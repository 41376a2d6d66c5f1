#pragma once

// Tariffs and the one rating function that node, bridge and audit share.
//
// Rules: prices are net of tax; every line is rounded once, half up, to 1/10000 of the unit; tax is
// rounded once per line on the line's net; totals are sums of lines. (OCPI leaves rounding to the
// contract, mod_tariffs; this is the contract.)

#include "ledger/base/clock.h"
#include "ledger/base/codec.h"
#include "ledger/base/expected.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally {

inline constexpr std::size_t tariff_bands_max{32};  ///< T/CEC 102: at most 32 periods a day
inline constexpr std::uint16_t minutes_per_day{1440};
inline constexpr std::uint32_t tax_rate_max{10'000};        ///< 100 %
inline constexpr std::int16_t utc_offset_minutes_max{840};  ///< 14 hours, either way
inline constexpr std::int64_t register_wh_max{1LL << 52U};  ///< exact in JSON numbers too
/// Most readings in one charge record: begin, end, and one at each price change between them.
inline constexpr std::size_t readings_max{200};

/// Energy and service price from `start_minute` of the local day until the next band starts.
struct TariffBand {
    std::uint16_t start_minute{0};  ///< 0 to 1439, local time of the charger
    Money energy_price{0};          ///< per kWh, net, 0 to `amount_max`
    Money service_price{0};         ///< per kWh, net, 0 to `amount_max`
    friend bool operator==(const TariffBand&, const TariffBand&) = default;
};

/// What one operator asks for charging. The first band starts at minute 0, the others follow in
/// rising order.
struct Tariff {
    Currency currency;
    std::vector<TariffBand> bands;
    Money start_fee{0};         ///< once per charge, net, 0 to `amount_max`
    Money time_fee{0};          ///< per hour of charging time, by the second, net, likewise
    std::uint32_t tax_rate{0};  ///< in 1/10000: 600 is 6 %; at most 10000
    friend bool operator==(const Tariff&, const Tariff&) = default;

    [[nodiscard]] bool is_valid() const noexcept;
    void encode(Encoder& encoder) const;
    /// Marks the decoder failed when the tariff is not valid.
    [[nodiscard]] static Tariff decode(Decoder& decoder);
};

/// One look at the meter: where a charge begins or ends, or where the price changes in between.
struct MeterReading {
    UnixMillis time{0};                  ///< 0 to `unix_millis_max`
    std::int16_t utc_offset_minutes{0};  ///< local time = UTC + offset; -840 to 840
    std::int64_t register_wh{0};         ///< import register, 0 to `register_wh_max`
    bool estimated{false};               ///< computed between two readings, not read
    friend bool operator==(const MeterReading&, const MeterReading&) = default;
};
[[nodiscard]] bool is_valid(const MeterReading& reading) noexcept;
/// time i64, offset i16, register i64, estimated u8.
void encode(Encoder& encoder, const MeterReading& reading);
/// Marks the decoder failed when the reading is not valid.
[[nodiscard]] MeterReading decode_reading(Decoder& decoder);

enum class LineKind : std::uint8_t { energy = 1, service = 2, start_fee = 3, time = 4 };
[[nodiscard]] const char* to_text(LineKind kind);

/// One line of a charge: `quantity` is Wh for energy and service, seconds for time, 1 for the start
/// fee; `price` is per kWh, per hour or once.
struct RatedLine {
    LineKind kind{LineKind::energy};
    std::uint16_t period{0};  ///< index of the period among the readings; 0 for fees
    std::int64_t quantity{0};
    Money price{0};
    Money net{0};
    Money tax{0};
    bool estimated{false};
    friend bool operator==(const RatedLine&, const RatedLine&) = default;
};

struct Rating {
    std::vector<RatedLine> lines;
    Money net{0};
    Money tax{0};
    [[nodiscard]] Money total() const noexcept { return net + tax; }
    std::int64_t energy_wh{0};
};

/// Why readings cannot be rated under a tariff.
enum class RatingError : std::uint8_t {
    too_few_readings,    ///< fewer than two
    not_in_order,        ///< time or register goes back between two readings
    period_spans_bands,  ///< a price change inside a period: a reading is missing there
    out_of_range,        ///< too many readings, an invalid reading or tariff
    overflow,            ///< the total is above `amount_max`
};
[[nodiscard]] const char* to_text(RatingError error);

/// Prices what was metered. Period i lies between reading i and i+1, which may be at the same time;
/// it is priced by the band in force at the local time of reading i, and the offset of reading i
/// holds until reading i+1. A price change strictly inside a period is refused; a border between
/// two bands of equal prices is no change, and one exactly at reading i+1 belongs to what follows.
///
/// Lines, in this order: for each period one of energy, also at a price or a quantity of zero, and
/// one of service unless its price is zero; then the start fee and the time fee unless zero. The
/// time fee is for the whole seconds from the first to the last reading. Lines next to an estimated
/// reading are marked estimated.
[[nodiscard]] Expected<Rating, RatingError> rate(const Tariff& tariff,
                                                 const std::vector<MeterReading>& readings);

/// Inserts an estimated reading at every price change strictly between two readings: energy linear
/// in time, floored to Wh. The offset of the earlier reading holds until the next one. What it
/// gives is never refused by `rate` but for `overflow`; more than `readings_max` readings are
/// `out_of_range`. Readings must be in order.
[[nodiscard]] Expected<std::vector<MeterReading>, RatingError> split_at_price_changes(
    const Tariff& tariff, const std::vector<MeterReading>& readings);

}  // namespace tally
