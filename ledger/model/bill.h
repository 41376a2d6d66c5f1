#pragma once

// Lines, steps, rounding and limits: the part of rating that knows money.

#include "ledger/model/price_walk.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tally {

/// What was used while prices stayed the same.
struct BilledSegment {
    ActivePrices prices;
    Activity activity{Activity::charging};
    std::int64_t energy_mwh{0};
    std::int64_t time_ms{0};
    bool begin_estimated{false};
    bool end_estimated{false};
};

/// Adds up a charge, segment by segment in order of time. Bounds of the periods keep every sum of
/// quantities within 63 bits.
class Bill {
public:
    void add(const BilledSegment& segment);

    /// Rounds steps up, prices the lines and applies the tariff's limits.
    /// Errors: `overflow`.
    [[nodiscard]] Expected<Rating, RatingError> finish(const Tariff& tariff) &&;

private:
    /// What a step rounds up at the end: the kind, line and step of the last segment.
    struct Step {
        std::size_t line{0};
        std::uint32_t size{0};
        std::int64_t unit{1};  ///< mWh or ms in one Wh or second
    };
    struct Use {
        LineKind kind{LineKind::energy};
        const PriceComponent* component{nullptr};
        std::int64_t quantity{0};
        std::int64_t unit{1};
        std::optional<Step>* step{nullptr};
    };
    /// The line of an energy price, with whether its end was estimated.
    struct EnergyEnd {
        std::optional<std::size_t> line;
        bool estimated{false};
        bool any{false};  ///< there was a segment before
    };

    std::size_t line_of(LineKind kind, const PriceComponent& component);
    std::optional<std::size_t> use(const Use& use);
    void use_energy(const Use& what, const BilledSegment& segment, EnergyEnd& last);
    void use_flat(const BilledSegment& segment);
    void round_up(const std::optional<Step>& step);
    [[nodiscard]] bool price_lines();
    void mark(const std::optional<std::size_t>& line);

    Rating m_rating;
    std::int64_t m_energy_mwh{0};
    std::optional<Step> m_energy_step;
    std::optional<Step> m_service_step;
    std::optional<Step> m_time_step;  ///< charging and parking together
    std::optional<Step> m_reservation_step;
    EnergyEnd m_energy_end;
    EnergyEnd m_service_end;
    bool m_flat_done{false};
    bool m_reservation_flat_done{false};
};

}  // namespace tally
