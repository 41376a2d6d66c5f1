#include "tools/charge/charge_plan.h"

#include "ledger/base/lock_file.h"
#include "ledger/model/money.h"
#include "node/runtime/asio.h"
#include "tools/devnet/manifest.h"
#include "tools/devnet/plan.h"
#include "tools/support/wait.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tally::tools {

namespace {

/// Cards with less are for trying refusals.
constexpr Money card_balance_min{100 * money_scale};

/// A station of the devnet while charges are played on it.
struct Station {
    const DevnetCharger* charger;
    std::unique_ptr<ChargePoint> point;
    std::mutex swiping;
};

struct Connector {
    Station* station;
    std::uint32_t number;
    std::string evse_id;
};

/// Hands out connectors; whoever finds none waits.
class FreeConnectors {
public:
    void add(const Connector& connector) { m_free.push_back(connector); }
    Connector take() {
        std::unique_lock<std::mutex> lock{m_mutex};
        m_changed.wait(lock, [this] { return !m_free.empty(); });
        Connector connector = m_free.front();
        m_free.pop_front();
        return connector;
    }
    void give_back(const Connector& connector) {
        {
            const std::lock_guard<std::mutex> lock{m_mutex};
            m_free.push_back(connector);
        }
        m_changed.notify_one();
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Connector> m_free;
};

const DevnetBridge* find_bridge(const DevnetManifest& manifest, const std::string& member) {
    for (const DevnetBridge& bridge : manifest.bridges) {
        if (bridge.operator_ == member) {
            return &bridge;
        }
    }
    return nullptr;
}

std::string api_of(const DevnetManifest& manifest, const std::string& member) {
    for (const DevnetNode& node : manifest.nodes) {
        if (node.member == member) {
            return node.api;
        }
    }
    return {};
}

/// The cards to charge with. A card that is charging at a station would end its own charge when it
/// is swiped there again, so every connector of a station has its own.
std::vector<std::string> cards_of(const DevnetManifest& manifest, const ChargeRequest& request) {
    if (!request.token.empty()) {
        return {request.token};
    }
    std::vector<std::string> cards;
    for (const DevnetCustomer& customer : manifest.customers) {
        const auto balance = money_from_text(customer.balance);
        if (customer.home == request.script.home && !is_blocked_customer(customer.token) &&
            balance.value_or(0) >= card_balance_min) {
            cards.push_back(customer.token);
        }
    }
    return cards;
}

/// Chargers of the request that no other process plays with, locked for this one: as many as the
/// charges need and as are free, at least one. Empty when none becomes free in time.
struct LockedCharger {
    const DevnetCharger* charger;
    LockFile lock;
};
std::vector<LockedCharger> lock_chargers(const DevnetBridge& bridge, const ChargeRequest& request) {
    std::vector<LockedCharger> locked;
    std::size_t connectors{0};
    const Deadline deadline{request.script.timeout};
    static_cast<void>(wait_until(deadline, [&] {
        for (const DevnetCharger& charger : bridge.chargers) {
            const bool wanted = request.charger.empty() || request.charger == charger.id;
            if (!wanted || connectors >= static_cast<std::size_t>(request.parallel)) {
                continue;
            }
            auto lock = LockFile::acquire(request.devnet + "/charger-" + charger.id + ".lock");
            if (lock) {
                locked.push_back({&charger, std::move(lock).value()});
                connectors += request.connector == 0 ? charger.connectors : 1;
            }
        }
        return !locked.empty();
    }));
    return locked;
}

/// The chargers of a bridge with their connections, kept on a thread of their own.
class Site {
public:
    Site(const DevnetBridge& bridge, const std::vector<LockedCharger>& chargers,
         std::uint32_t only_connector, std::size_t cards)
        : m_work{boost::asio::make_work_guard(m_io)}, m_cards{cards} {
        for (const LockedCharger& locked : chargers) {
            open_station(bridge, *locked.charger, only_connector);
        }
        m_thread = std::thread{[this] { m_io.run(); }};
    }
    ~Site() {
        boost::asio::post(m_io, [this] {
            m_stations.clear();
            m_work.reset();
            m_io.stop();
        });
        m_thread.join();
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    [[nodiscard]] bool has_connectors() const { return m_has_connectors; }
    FreeConnectors& connectors() { return m_connectors; }
    boost::asio::io_context& io() { return m_io; }

private:
    void open_station(const DevnetBridge& bridge, const DevnetCharger& charger,
                      std::uint32_t only_connector) {
        ChargePoint::Options options;
        if (!node::parse_ws_url(bridge.ocpp + "/" + charger.id, options.target)) {
            return;
        }
        options.target.user = charger.id;
        options.target.password = charger.password;
        options.target.protocol = "ocpp1.6";
        options.station = charger.id;
        options.connectors = charger.connectors;
        auto station = std::make_unique<Station>();
        station->charger = &charger;
        station->point = std::make_unique<ChargePoint>(m_io, std::move(options));
        station->point->start();
        for (std::uint32_t number = 1; number <= charger.connectors; ++number) {
            // With fewer cards than connectors some connectors stay unused, see `cards_of`.
            if (only_connector == 0 ? number <= m_cards : only_connector == number) {
                m_connectors.add({station.get(), number, charger.evse_ids.at(number - 1)});
                m_has_connectors = true;
            }
        }
        m_stations.push_back(std::move(station));
    }

    boost::asio::io_context m_io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work;
    std::size_t m_cards;
    std::vector<std::unique_ptr<Station>> m_stations;
    FreeConnectors m_connectors;
    bool m_has_connectors{false};
    std::thread m_thread;
};

/// The request completed from the devnet's file, or what does not fit.
Expected<ChargeScript, std::string> complete(const ChargeRequest& request,
                                             const DevnetManifest& manifest) {
    ChargeScript script = request.script;
    if (api_of(manifest, script.visited).empty() || api_of(manifest, script.home).empty()) {
        return Unexpected{std::string{"--visited and --home must be members of the devnet"}};
    }
    if (cards_of(manifest, request).empty()) {
        return Unexpected{script.home + " has no customers: name a card with --token"};
    }
    if (!script.prepaid.empty() && !money_from_text(script.prepaid)) {
        return Unexpected{std::string{"--prepaid must be an amount such as 50.00"}};
    }
    return script;
}

}  // namespace

Expected<std::vector<ChargeOutcome>, std::string> play_charges(
    const ChargeRequest& request, const ChargeProgressHandler& progress) {
    const auto manifest = load_manifest(request.devnet);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const auto script = complete(request, *manifest);
    if (!script) {
        return Unexpected{script.error()};
    }
    const DevnetBridge* bridge = find_bridge(*manifest, script->visited);
    if (bridge == nullptr) {
        return Unexpected{script->visited + " has no charger bridge"};
    }
    const std::vector<std::string> cards = cards_of(*manifest, request);
    const std::vector<LockedCharger> chargers = lock_chargers(*bridge, request);
    Site site{*bridge, chargers, request.connector, cards.size()};
    if (!site.has_connectors()) {
        return Unexpected{script->visited + ": no such charger or connector, or others use it"};
    }
    std::vector<ChargeOutcome> outcomes(static_cast<std::size_t>(request.parallel));
    std::vector<std::thread> drivers;
    for (ChargeOutcome& outcome : outcomes) {
        drivers.emplace_back([&site, &manifest, &script, &progress, &outcome, &cards] {
            const Connector connector = site.connectors().take();
            const ChargePlace place{*connector.station->point,
                                    connector.station->swiping,
                                    connector.station->charger->id,
                                    connector.number,
                                    cards[(connector.number - 1) % cards.size()],
                                    connector.evse_id,
                                    connector.station->charger->rated_power_w,
                                    api_of(*manifest, script->visited),
                                    api_of(*manifest, script->home),
                                    manifest->admin_token};
            outcome = play_charge(site.io(), *script, place, progress);
            site.connectors().give_back(connector);
        });
    }
    for (std::thread& driver : drivers) {
        driver.join();
    }
    return outcomes;
}

}  // namespace tally::tools
