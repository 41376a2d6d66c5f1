#pragma once

// From meter samples to what is charged: which samples count, where prices change between them,
// the amount so far, and the readings of the charge record. Pure.

#include "ledger/base/codec.h"
#include "ledger/base/expected.h"
#include "ledger/model/rating.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally::bridge {

/// What a charge is measured against; fixed when it starts.
struct MeterTerms {
    const Tariff& tariff;
    std::uint32_t rated_power_w{0};
};

/// The readings of one running charge.
struct MeterTrack {
    MeterReading begin;
    MeterReading last;                  ///< newest accepted sample; `begin` before the first
    std::vector<MeterReading> changes;  ///< estimated readings at price changes up to `last`
    std::uint32_t samples{0};           ///< accepted
    std::uint32_t dropped{0};           ///< lower, implausible, out of order
    bool baseline_adopted{false};       ///< meterStart was 0 and nonsense; see `add_sample`

    friend bool operator==(const MeterTrack&, const MeterTrack&) = default;
    void encode(Encoder& encoder) const;
    [[nodiscard]] static MeterTrack decode(Decoder& decoder);
};

enum class SampleVerdict : std::uint8_t { accepted, lower, implausible, out_of_order };
[[nodiscard]] const char* to_text(SampleVerdict verdict);

/// Whether `energy_wh` fits into `elapsed` at the rated power: the ledger's own bound,
/// rated power x (time + 60 s) x 1.05.
[[nodiscard]] bool is_plausible(std::uint32_t rated_power_w, std::int64_t energy_wh,
                                std::chrono::milliseconds elapsed);

/// Takes one intermediate sample. Those that go back or cannot be are dropped and counted; they
/// never spoil begin and end. When the charge began at register 0 and the first sample is far above
/// what the connector can deliver, the charger did not know its register: that sample becomes the
/// begin, which can only favour the driver.
SampleVerdict add_sample(MeterTrack& track, const MeterTerms& terms, const MeterReading& sample);

/// Mc: what the charge costs up to the newest sample, tax included. 0 when it cannot be rated.
[[nodiscard]] Money amount_so_far(const MeterTrack& track, const MeterTerms& terms);

/// False when the charge has, or soon has, more price changes than a record can hold: a charge that
/// goes on beyond could not be billed.
[[nodiscard]] bool is_ratable(const MeterTrack& track, const MeterTerms& terms);

/// What the charge costs at most `elapsed` after the newest sample: at the rated power, with what
/// its time costs. Nothing when it cannot be rated so far ahead.
[[nodiscard]] std::optional<Money> amount_at_rated_power(const MeterTrack& track,
                                                         const MeterTerms& terms,
                                                         std::chrono::milliseconds elapsed);

/// What the connector can still cost after the newest sample until it stops: what the charge would
/// cost after `stop_delay` more at the rated power, less what it costs now.
[[nodiscard]] Money stop_margin(const MeterTrack& track, const MeterTerms& terms,
                                std::chrono::milliseconds stop_delay);

/// Why a charge's readings are kept for review instead of being charged.
enum class HoldReason : std::uint8_t { register_went_back, energy_implausible, unratable };
[[nodiscard]] const char* to_text(HoldReason reason);

/// The readings of the charge record: begin, price changes, end. When samples between do not fit a
/// plausible begin and end, the price changes are estimated from those two alone.
[[nodiscard]] Expected<std::vector<MeterReading>, HoldReason> final_readings(
    const MeterTrack& track, const MeterTerms& terms, const MeterReading& end);

}  // namespace tally::bridge
