#pragma once

#include "ledger/base/expected.h"
#include "tools/charger/report.h"
#include "tools/charger/script.h"
#include "tools/charger/station.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

inline constexpr std::size_t fleet_stations_max{5'000};

struct FleetProgress {
    std::size_t stations{0};
    std::size_t connected{0};
    std::size_t charging{0};
    std::size_t finished{0};  ///< played all their rounds
    std::uint64_t messages{0};
};

/// What a fleet plays. Station i plays script i modulo their number, `rounds` times.
struct FleetOptions {
    std::vector<StationSetup> stations;
    std::vector<std::shared_ptr<const Script>> scripts;
    unsigned starts_per_second{100};  ///< how fast the chargers are switched on
    unsigned rounds{1};
    std::optional<std::chrono::seconds> duration;  ///< then charges end in order, rounds or not
    std::chrono::milliseconds progress_interval{2'000};
    std::function<void(const FleetProgress&)> progress;
    std::vector<std::uint64_t> marks;    ///< numbers of messages at which `event` is told so
    std::vector<PhaseMark> phase_marks;  ///< the same within the time between two meetings
    /// "message 100 is sent", "message 100 of phase 2 is sent", "all are together": at that moment.
    std::function<void(const std::string&)> event;
};

/// Plays it all in this thread, until the last charger is done. SIGINT and SIGTERM end it in order:
/// charges stop, what waits is sent; a second one ends the process. The error says what is missing
/// on this machine for so many connections.
[[nodiscard]] Expected<std::unique_ptr<FleetReport>, std::string> play_fleet(FleetOptions options);

}  // namespace tally::tools
