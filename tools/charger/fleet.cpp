#include "tools/charger/fleet.h"

#include "node/runtime/process.h"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace tally::tools {

namespace asio = boost::asio;

namespace {

constexpr std::size_t other_descriptors{64};

/// Allows as many sockets as the fleet has, where this process may allow it itself.
Expected<Done, std::string> allow_descriptors(std::size_t stations) {
    const std::uint64_t wanted = stations + other_descriptors;
    const std::uint64_t allowed = node::allow_open_files(wanted);
    if (allowed < wanted) {
        return Unexpected{std::to_string(stations) + " connections need " + std::to_string(wanted) +
                          " file descriptors; the limit is " + std::to_string(allowed) +
                          " (ulimit -Hn)"};
    }
    return Done{};
}

class Fleet {
public:
    explicit Fleet(FleetOptions options)
        : m_options{std::move(options)},
          m_report{std::make_unique<FleetReport>()},
          m_clock{m_io},
          m_limit{m_io} {
        m_place.expect(m_options.stations.size());
        m_report->at_messages(m_options.marks, [this](std::uint64_t count) {
            tell("message " + std::to_string(count) + " is sent");
        });
        m_report->at_messages_of(m_options.phase_marks, [this](const PhaseMark& mark) {
            tell("message " + std::to_string(mark.message) + " of phase " +
                 std::to_string(mark.phase) + " is sent");
        });
        m_place.on_meeting([this] {
            m_report->next_phase();
            tell("all are together");
        });
    }

    std::unique_ptr<FleetReport> run() {
        // Its chargers count from here on: those that start later have the same time.
        for (std::size_t index = 0; index < m_options.stations.size(); ++index) {
            m_stations.push_back(std::make_shared<Station>(
                m_io, std::move(m_options.stations[index]), *m_report, m_place));
            asio::co_spawn(m_io, live(this, index), asio::detached);
        }
        const node::SignalWatcher signals{m_io, [this] { leave(); }};
        if (m_options.duration) {
            m_limit.expires_after(*m_options.duration);
            m_limit.async_wait([this](node::ErrorCode error) {
                if (!error) {
                    leave();
                }
            });
        }
        show_progress();
        while (m_finished < m_stations.size() && m_io.run_one() > 0) {
        }
        for (const auto& station : m_stations) {
            station->power_down();
        }
        return std::move(m_report);
    }

private:
    /// One charger from when it is switched on. The fleet outlives it: `run` waits for all.
    static asio::awaitable<void> live(Fleet* fleet, std::size_t index) {
        const std::shared_ptr<Station> station = fleet->m_stations[index];
        asio::steady_timer later{fleet->m_io};
        const auto place = static_cast<std::int64_t>(index);
        later.expires_after(std::chrono::milliseconds{
            place * 1'000 / static_cast<std::int64_t>(fleet->m_options.starts_per_second)});
        node::ErrorCode waited;
        co_await later.async_wait(node::await_into(waited));
        const auto& scripts = fleet->m_options.scripts;
        const auto script = scripts[index % scripts.size()];
        const bool up = !fleet->m_leaving && co_await Station::power_up(station, script);
        for (unsigned round = 0; up && round < fleet->m_options.rounds && !fleet->m_leaving;
             ++round) {
            co_await Station::play(station, script);
        }
        ++fleet->m_finished;
        fleet->m_place.leave();
    }

    void tell(const std::string& what) {
        if (m_options.event) {
            m_options.event(what);
        }
    }

    void leave() {
        m_leaving = true;
        for (const auto& station : m_stations) {
            station->leave();
        }
    }

    void show_progress() {
        if (!m_options.progress) {
            return;
        }
        FleetProgress progress;
        progress.stations = m_stations.size();
        progress.finished = m_finished;
        progress.messages = m_report->messages();
        for (const auto& station : m_stations) {
            progress.connected += station->is_connected() ? 1U : 0U;
            progress.charging += station->is_charging() ? 1U : 0U;
        }
        m_options.progress(progress);
        m_clock.expires_after(m_options.progress_interval);
        m_clock.async_wait([this](node::ErrorCode error) {
            if (!error) {
                show_progress();
            }
        });
    }

    FleetOptions m_options;
    asio::io_context m_io{1};
    std::unique_ptr<FleetReport> m_report;
    MeetingPlace m_place;
    asio::steady_timer m_clock;
    asio::steady_timer m_limit;
    std::vector<std::shared_ptr<Station>> m_stations;
    std::size_t m_finished{0};
    bool m_leaving{false};
};

}  // namespace

Expected<std::unique_ptr<FleetReport>, std::string> play_fleet(FleetOptions options) {
    ENSURE(!options.scripts.empty());
    const auto allowed = allow_descriptors(options.stations.size());
    if (!allowed) {
        return Unexpected{allowed.error()};
    }
    Fleet fleet{std::move(options)};
    return fleet.run();
}

}  // namespace tally::tools
