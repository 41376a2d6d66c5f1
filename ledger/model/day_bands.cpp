#include "ledger/model/day_bands.h"

#include "ledger/base/check.h"

#include <algorithm>
#include <utility>

namespace tally {

namespace {

constexpr std::uint32_t vat_per_tax_rate{vat_max / tax_rate_max};

bool is_amount(Money amount) noexcept { return amount >= 0 && amount <= amount_max; }

TariffElement element_of(const DayBand& band, std::uint16_t end_minute, std::uint32_t vat) {
    TariffElement element;
    element.components.push_back({PriceKind::energy, band.energy_price, vat, 1});
    if (band.service_price != 0) {
        element.components.push_back({PriceKind::service, band.service_price, vat, 1});
    }
    element.restrictions.start_minute = band.start_minute;
    element.restrictions.end_minute = end_minute;
    return element;
}

Money price_of(const TariffElement& element, PriceKind kind) noexcept {
    for (const PriceComponent& component : element.components) {
        if (component.kind == kind) {
            return component.price;
        }
    }
    return 0;
}

bool is_band(const TariffElement& element) noexcept {
    return !element.components.empty() && element.components.front().kind == PriceKind::energy;
}

}  // namespace

bool DayBands::is_valid() const {
    if (!tally::is_valid(currency) || bands.empty() || bands.size() > day_bands_max ||
        bands.front().start_minute != 0 || bands.back().start_minute >= minutes_per_day) {
        return false;
    }
    for (std::size_t i = 1; i < bands.size(); ++i) {
        if (bands[i].start_minute <= bands[i - 1].start_minute) {
            return false;
        }
    }
    const bool prices_fit = std::all_of(bands.begin(), bands.end(), [](const DayBand& band) {
        return is_amount(band.energy_price) && is_amount(band.service_price);
    });
    return prices_fit && is_amount(start_fee) && is_amount(time_fee) && tax_rate <= tax_rate_max;
}

Tariff DayBands::tariff() const {
    ENSURE(is_valid());
    const std::uint32_t vat = tax_rate * vat_per_tax_rate;
    Tariff result;
    result.currency = currency;
    for (std::size_t i = 0; i < bands.size(); ++i) {
        const std::uint16_t end =
            i + 1 < bands.size() ? bands[i + 1].start_minute : minutes_per_day;
        result.elements.push_back(element_of(bands[i], end, vat));
    }
    TariffElement fees;
    if (start_fee != 0) {
        fees.components.push_back({PriceKind::flat, start_fee, vat, 1});
    }
    if (time_fee != 0) {
        fees.components.push_back({PriceKind::time, time_fee, vat, 1});
    }
    if (!fees.components.empty()) {
        result.elements.push_back(std::move(fees));
    }
    return result;
}

Tariff day_tariff(const Currency& currency, std::vector<DayBand> bands, std::uint32_t tax_rate) {
    DayBands form;
    form.currency = currency;
    form.bands = std::move(bands);
    form.tax_rate = tax_rate;
    return form.tariff();
}

std::optional<DayBands> day_bands_of(const Tariff& tariff) {
    DayBands result;
    result.currency = tariff.currency;
    for (const TariffElement& element : tariff.elements) {
        if (is_band(element)) {
            result.bands.push_back({element.restrictions.start_minute,
                                    price_of(element, PriceKind::energy),
                                    price_of(element, PriceKind::service)});
        } else {
            result.start_fee = price_of(element, PriceKind::flat);
            result.time_fee = price_of(element, PriceKind::time);
        }
    }
    if (!tariff.elements.empty() && !tariff.elements.front().components.empty()) {
        result.tax_rate =
            tariff.elements.front().components.front().vat.value_or(0) / vat_per_tax_rate;
    }
    // Only what gives the very same tariff again is of this form.
    if (!result.is_valid() || result.tariff() != tariff) {
        return std::nullopt;
    }
    return result;
}

}  // namespace tally
