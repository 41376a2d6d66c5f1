#pragma once

// Tariffs in the model of OCPI 2.2.1 (mod_tariffs): what one operator asks, of whom and when.
// ledger/model/rating.h turns meter readings into money by them; the form of T/CEC 102 is in
// ledger/model/day_bands.h.

#include "ledger/base/clock.h"
#include "ledger/base/codec.h"
#include "ledger/model/meter_reading.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally {

inline constexpr std::size_t tariff_elements_max{64};
inline constexpr std::size_t price_components_max{5};  ///< an element prices each kind once
inline constexpr std::uint16_t minutes_per_day{1440};
/// Tax rates are in 1/10000 of a percent: the four decimals that OCPI gives a number. 190000 is
/// 19 %; at most 100 %.
inline constexpr std::uint32_t vat_max{1'000'000};
inline constexpr std::uint32_t vat_per_percent{10'000};
inline constexpr std::uint32_t step_size_max{1'000'000'000};
inline constexpr std::int64_t restriction_max{1LL << 52U};  ///< of mW, uA
inline constexpr std::int64_t duration_s_max{1LL << 32U};   ///< of a restriction
inline constexpr std::int32_t local_day_max{2'932'897};     ///< holds every `UnixMillis`
inline constexpr std::uint8_t every_day{0x7f};              ///< Monday is bit 0

/// What a price is for. `service` is T/CEC's second price of a kWh; OCPI has the other four.
enum class PriceKind : std::uint8_t {
    energy = 1,
    time = 2,  ///< of charging, or of a reservation
    flat = 3,
    parking_time = 4,
    service = 5,
};
[[nodiscard]] const char* to_text(PriceKind kind);

struct PriceComponent {
    PriceKind kind{PriceKind::energy};
    Money price{0};  ///< net, per kWh, per hour or once; 0 to `amount_max`
    /// In 1/10000 of a percent, at most `vat_max`; absent: no tax applies.
    std::optional<std::uint32_t> vat{};
    /// Wh or seconds, at most `step_size_max`: what is used in the whole charge is rounded up to
    /// it. 0: not rounded. Says nothing for `flat`.
    std::uint32_t step_size{1};
    friend bool operator==(const PriceComponent&, const PriceComponent&) = default;
};

/// Whether an element is for reservations. One for `reservation` holds also when it expired.
enum class ReservationRule : std::uint8_t { none = 0, reservation = 1, reservation_expires = 2 };

/// When an element holds: all that is given must be true. Times of day, dates and weekdays are
/// those of the charger's local time; lower borders are inclusive, upper ones exclusive.
struct TariffRestrictions {
    std::uint16_t start_minute{0};  ///< 0 to 1439
    /// 1 to 1440. Below or at the start it is that of the next day: equal is the whole day.
    std::uint16_t end_minute{minutes_per_day};
    std::uint8_t days_of_week{every_day};     ///< not 0
    std::optional<std::int32_t> start_day{};  ///< days since 1970-01-01, 0 to `local_day_max`
    std::optional<std::int32_t> end_day{};
    std::optional<std::int64_t> min_wh{};  ///< used in the charge so far, 0 to `register_wh_max`
    std::optional<std::int64_t> max_wh{};
    std::optional<std::int64_t> min_current_ua{};  ///< over all phases, 0 to `restriction_max`
    std::optional<std::int64_t> max_current_ua{};
    std::optional<std::int64_t> min_power_mw{};  ///< 0 to `restriction_max`
    std::optional<std::int64_t> max_power_mw{};
    std::optional<std::int64_t> min_duration_s{};  ///< since the begin, 0 to `duration_s_max`
    std::optional<std::int64_t> max_duration_s{};
    ReservationRule reservation{ReservationRule::none};
    friend bool operator==(const TariffRestrictions&, const TariffRestrictions&) = default;
};

struct TariffElement {
    std::vector<PriceComponent> components;  ///< 1 to `price_components_max`, of different kinds
    TariffRestrictions restrictions;
    friend bool operator==(const TariffElement&, const TariffElement&) = default;
};

/// A bound of what a charge costs in all. 0 to `amount_max`, with tax not below without.
struct PriceLimit {
    Money excl_vat{0};
    std::optional<Money> incl_vat{};
    friend bool operator==(const PriceLimit&, const PriceLimit&) = default;
};

/// What one operator asks for charging. At any instant the first element whose restrictions hold
/// and that has a component of a kind gives the price of that kind; without one it is free.
struct Tariff {
    Currency currency;
    std::vector<TariffElement> elements;  ///< 1 to `tariff_elements_max`
    std::optional<PriceLimit> min_price{};
    std::optional<PriceLimit> max_price{};
    /// When it may be offered, for those who choose a tariff; rating does not ask.
    std::optional<UnixMillis> valid_from{};
    std::optional<UnixMillis> valid_until{};
    friend bool operator==(const Tariff&, const Tariff&) = default;

    /// Where a bound of this header is broken and which, or nothing.
    [[nodiscard]] std::optional<std::string> find_problem() const;
    [[nodiscard]] bool is_valid() const { return !find_problem(); }
    void encode(Encoder& encoder) const;
    /// Marks the decoder failed when the tariff is not valid.
    [[nodiscard]] static Tariff decode(Decoder& decoder);
};

}  // namespace tally
