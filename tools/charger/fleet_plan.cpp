#include "tools/charger/fleet_plan.h"

#include "ledger/base/system_clock.h"
#include "tools/devnet/manifest.h"
#include "tools/devnet/plan.h"
#include "tools/support/json_api.h"
#include "tools/support/text_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>

namespace tally::tools {

namespace {

constexpr std::size_t passwords_bytes_max{1024UL * 1024};
constexpr double devnet_speed{60};

using Passwords = std::map<std::string, std::string>;

Expected<Passwords, std::string> read_passwords(const std::string& path) {
    const auto content = read_text(path, passwords_bytes_max);
    if (!content) {
        return Unexpected{content.error()};
    }
    Passwords passwords;
    std::istringstream lines{std::string{content->begin(), content->end()}};
    std::size_t number{0};
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const std::size_t blank = line.find(' ');
        if (line.empty()) {
            continue;
        }
        if (blank == std::string::npos) {
            return Unexpected{path + ":" + std::to_string(number) + ": \"ID PASSWORD\" is needed"};
        }
        passwords[line.substr(0, blank)] = line.substr(blank + 1);
    }
    return passwords;
}

/// Passwords from wherever the request has them.
class PasswordSource {
public:
    static Expected<PasswordSource, std::string> from(const FleetRequest& request) {
        PasswordSource source;
        source.m_common = request.password;
        if (!request.password_file.empty()) {
            const auto content = read_text(request.password_file, passwords_bytes_max);
            if (!content) {
                return Unexpected{content.error()};
            }
            const auto end = std::find(content->begin(), content->end(), std::uint8_t{'\n'});
            source.m_common.assign(content->begin(), end);
        }
        if (!request.passwords_file.empty()) {
            auto own = read_passwords(request.passwords_file);
            if (!own) {
                return Unexpected{own.error()};
            }
            source.m_own = std::move(own).value();
        }
        return source;
    }
    [[nodiscard]] std::string of(const std::string& station) const {
        const auto found = m_own.find(station);
        return found == m_own.end() ? m_common : found->second;
    }

private:
    std::string m_common;
    Passwords m_own;
};

using Seal = std::shared_ptr<const MeterSeal>;

/// The key of a charger's meter: the file's, or one of its own that the seed and its id fix.
Expected<Seal, std::string> seal_of(const FleetRequest& request, const std::string& station) {
    if (!request.meter_key_file.empty()) {
        auto seal = MeterSeal::from_file(request.meter_key_file);
        if (!seal) {
            return Unexpected{seal.error()};
        }
        return Seal{std::make_shared<const MeterSeal>(std::move(seal).value())};
    }
    if (!request.sign) {
        return Seal{};
    }
    const auto curve = meter_curve_from_text(request.curve);
    if (!curve) {
        return Unexpected{"--curve " + request.curve + " is none of OCMF's"};
    }
    const std::string words = std::to_string(request.seed) + "/" + station;
    return Seal{std::make_shared<const MeterSeal>(MeterSeal::from_words(*curve, words))};
}

OcppVersion version_of(const FleetRequest& request, std::size_t index) {
    const bool second = request.version == "2.0.1" || (request.version == "both" && index % 2 == 1);
    return second ? OcppVersion::v201 : OcppVersion::v16;
}

/// What all chargers of a request have in common.
Expected<StationSetup, std::string> common_setup(const FleetRequest& request,
                                                 const std::string& url) {
    StationSetup setup;
    if (!node::parse_ws_url(url + "/", setup.target)) {
        return Unexpected{"no ws or wss URL: " + url};
    }
    if (setup.target.tls) {
        auto own = node::make_tls_client(request.tls);
        if (!own) {
            return Unexpected{own.error()};
        }
        setup.target.own = std::move(own).value();
    }
    setup.connector = request.connector;
    setup.sample_interval = std::chrono::seconds{request.sample_s};
    setup.give_up = std::chrono::seconds{request.give_up_s};
    setup.begin = SystemClock{}.now();
    setup.register_wh = request.register_wh;
    setup.speed = request.speed > 0 ? request.speed : 1;
    return setup;
}

/// The charger of this number and name.
Expected<StationSetup, std::string> one_of(const FleetRequest& request, const StationSetup& common,
                                           const std::string& id, std::size_t number) {
    StationSetup setup = common;
    setup.id = id;
    setup.target.path += node::percent_encoded(id);
    setup.target.user = id;
    setup.version = version_of(request, number);
    setup.connectors = request.connectors;
    setup.meter_serial = id + "-M" + std::to_string(request.connector);
    setup.seed = request.seed * 1'000'003 + number;
    auto seal = seal_of(request, id);
    if (!seal) {
        return Unexpected{seal.error()};
    }
    setup.seal = std::move(seal).value();
    for (const std::string& pattern : request.cards) {
        setup.cards.push_back(numbered(pattern, number));
    }
    return setup;
}

Expected<FleetPlan, std::string> plan_anywhere(const FleetRequest& request) {
    const auto passwords = PasswordSource::from(request);
    if (!passwords) {
        return Unexpected{passwords.error()};
    }
    const auto common = common_setup(request, request.url);
    if (!common) {
        return Unexpected{common.error()};
    }
    std::vector<std::string> ids = request.stations;
    for (std::size_t index = 0; request.stations.empty() && index < request.count; ++index) {
        ids.push_back(numbered(request.id, request.first + index));
    }
    FleetPlan plan;
    for (std::size_t index = 0; index < ids.size(); ++index) {
        auto setup = one_of(request, *common, ids[index], request.first + index);
        if (!setup) {
            return Unexpected{setup.error()};
        }
        setup->target.password = passwords->of(ids[index]);
        plan.stations.push_back(std::move(setup).value());
    }
    return plan;
}

// ---- a devnet

template <typename Item, typename Name>
const Item* find_by(const std::vector<Item>& items, Name matches) {
    const auto found = std::find_if(items.begin(), items.end(), matches);
    return found == items.end() ? nullptr : &*found;
}

std::vector<std::string> cards_of(const DevnetManifest& manifest, const std::string& home) {
    constexpr std::size_t refused_customers{4};  // The first four try out balances and refusals.
    std::vector<std::string> good;
    std::size_t number{0};
    for (const DevnetCustomer& customer : manifest.customers) {
        if (customer.home == home && !is_blocked_customer(customer.token) &&
            (++number <= 2 || number >= refused_customers)) {
            good.push_back(customer.token);
        }
    }
    return good;
}

/// The register and clock go on where the ledger last saw this connector.
void continue_meter(StationSetup& setup, const JsonApi& api, const std::string& visited,
                    const std::string& evse) {
    const auto chargers = api.get("/api/v1/chargers?owner=" + visited + "&evse_id=" + evse);
    if (!chargers) {
        return;
    }
    for (const boost::json::value& item : json_items(*chargers)) {
        if (json_text(item, "evse_id") == evse) {
            setup.register_wh = static_cast<std::int64_t>(json_number(item, "last_register_wh"));
            const auto last = static_cast<UnixMillis>(json_number(item, "last_end_time_ms"));
            setup.begin = std::max(setup.begin, last);
        }
    }
}

bool wanted(const FleetRequest& request, const DevnetCharger& charger) {
    return request.stations.empty() || std::find(request.stations.begin(), request.stations.end(),
                                                 charger.id) != request.stations.end();
}

/// Each charger of a devnet has cards of its own where there are enough of them.
void give_cards(StationSetup& setup, const std::vector<std::string>& cards, std::size_t index) {
    constexpr std::size_t cards_each{2};
    for (std::size_t card = 0; card < cards_each && !cards.empty(); ++card) {
        setup.cards.push_back(cards[(index * cards_each + card) % cards.size()]);
    }
}

Expected<FleetPlan, std::string> plan_on_devnet(const FleetRequest& request) {
    const auto manifest = load_manifest(request.devnet);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const auto* bridge = find_by(manifest->bridges, [&](const DevnetBridge& each) {
        return each.operator_ == request.visited;
    });
    const auto* node = find_by(
        manifest->nodes, [&](const DevnetNode& each) { return each.member == request.visited; });
    if (bridge == nullptr || node == nullptr) {
        return Unexpected{request.visited + " has no charger bridge"};
    }
    FleetRequest timed = request;
    timed.speed = request.speed > 0 ? request.speed : devnet_speed;
    const auto common = common_setup(timed, request.url.empty() ? bridge->ocpp : request.url);
    if (!common) {
        return Unexpected{common.error()};
    }
    const JsonApi api{node->api, manifest->admin_token};
    const std::vector<std::string> cards = cards_of(*manifest, request.home);
    FleetPlan plan;
    for (const DevnetCharger& charger : bridge->chargers) {
        const bool full = request.stations.empty() && plan.stations.size() >= request.count;
        if (full || !wanted(request, charger)) {
            continue;
        }
        auto lock = LockFile::acquire(request.devnet + "/charger-" + charger.id + ".lock");
        if (!lock) {
            continue;  // Somebody else plays with it.
        }
        const std::size_t index = plan.stations.size();
        auto setup = one_of(timed, *common, charger.id, index);
        if (!setup) {
            return Unexpected{setup.error()};
        }
        setup->target.password = charger.password;
        setup->connectors = charger.connectors;
        if (setup->cards.empty()) {
            give_cards(*setup, cards, index);
        }
        continue_meter(*setup, api, request.visited, charger.evse_ids.at(request.connector - 1));
        plan.stations.push_back(std::move(setup).value());
        plan.locks.push_back(std::move(lock).value());
    }
    if (plan.stations.empty()) {
        return Unexpected{request.visited + ": no such charger, or others use it"};
    }
    return plan;
}

}  // namespace

std::string numbered(const std::string& pattern, std::size_t number) {
    const std::size_t open = pattern.find("{n");
    const std::size_t close = open == std::string::npos ? open : pattern.find('}', open);
    if (close == std::string::npos) {
        return pattern;
    }
    std::size_t width{0};
    const std::string inside = pattern.substr(open + 2, close - open - 2);
    if (inside.starts_with(":")) {
        std::from_chars(inside.data() + 1, inside.data() + inside.size(), width);
    }
    std::string digits = std::to_string(number);
    constexpr std::size_t width_max{20};
    width = std::min(width, width_max);
    if (digits.size() < width) {
        digits.insert(0, width - digits.size(), '0');
    }
    return pattern.substr(0, open) + digits + pattern.substr(close + 1);
}

Expected<FleetPlan, std::string> plan_fleet(const FleetRequest& request) {
    if (request.devnet.empty() && request.url.empty()) {
        return Unexpected{std::string{"--url or --devnet says where the central system is"}};
    }
    return request.devnet.empty() ? plan_anywhere(request) : plan_on_devnet(request);
}

}  // namespace tally::tools
