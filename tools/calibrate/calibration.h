#pragma once

#include "tools/calibrate/fit.h"

#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tally::tools {

/// Collects moments of charges by operator and class of connector (a band of rated power), and says
/// what b fits each and how good ts is with it, with b = 1 and with b = 0.
class Calibration {
public:
    /// `bands`: greatest rated power of each band in W, rising; what is above the last is one more.
    explicit Calibration(std::vector<std::uint32_t> bands) : m_bands{std::move(bands)} {}

    void add(const SettledCharge& charge, const std::vector<MeterSample>& samples);

    [[nodiscard]] boost::json::object to_json() const;
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] bool is_empty() const noexcept { return m_groups.empty(); }

private:
    struct Group {
        std::uint64_t charges{0};
        std::vector<Moment> moments;
    };
    struct Fitted {
        std::optional<std::int64_t> permille;
        Quality with_fit;
        Quality with_one;
        Quality with_zero;
        bool explains_little{false};
    };
    using Name = std::pair<PartyId, std::size_t>;  ///< operator, band

    [[nodiscard]] static Fitted fitted(const Group& group);
    [[nodiscard]] std::string band_text(std::size_t band) const;
    [[nodiscard]] std::string config_of(const PartyId& party) const;

    std::vector<std::uint32_t> m_bands;
    std::map<Name, Group> m_groups;
    std::uint64_t m_charges{0};
    std::uint64_t m_without_samples{0};
};

}  // namespace tally::tools
