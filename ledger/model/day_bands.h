#pragma once

// The tariff form of T/CEC 102: energy and service price of a kWh by time of day.

#include "ledger/model/tariff.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t day_bands_max{32};       ///< T/CEC 102: at most 32 periods a day
inline constexpr std::uint32_t tax_rate_max{10'000};  ///< 100 %

/// Energy and service price from `start_minute` of the local day until the next band starts.
struct DayBand {
    std::uint16_t start_minute{0};  ///< 0 to 1439, local time of the charger
    Money energy_price{0};          ///< per kWh, net, 0 to `amount_max`
    Money service_price{0};         ///< per kWh, net, 0 to `amount_max`
    friend bool operator==(const DayBand&, const DayBand&) = default;
};

/// A tariff of 1 to `day_bands_max` bands, the first at minute 0, the others rising.
struct DayBands {
    Currency currency;
    std::vector<DayBand> bands;
    Money start_fee{0};         ///< once per charge, net, 0 to `amount_max`
    Money time_fee{0};          ///< per hour of charging, by the begun second, net, likewise
    std::uint32_t tax_rate{0};  ///< in 1/10000: 600 is 6 %; at most `tax_rate_max`
    friend bool operator==(const DayBands&, const DayBands&) = default;

    [[nodiscard]] bool is_valid() const;

    /// One element for each band, its service price a component of its own unless it is 0; then
    /// one for the fees that are not 0. Must be valid.
    [[nodiscard]] Tariff tariff() const;
};

/// A tariff of bands without fees; `tax_rate` in 1/10000.
[[nodiscard]] Tariff day_tariff(const Currency& currency, std::vector<DayBand> bands,
                                std::uint32_t tax_rate = 0);

/// The bands that `DayBands::tariff` made a tariff of; nothing for any other tariff.
[[nodiscard]] std::optional<DayBands> day_bands_of(const Tariff& tariff);

}  // namespace tally
