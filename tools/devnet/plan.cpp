#include "tools/devnet/plan.h"

#include "ledger/model/day_bands.h"
#include "tools/devnet/process_control.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tally::tools {

namespace {

constexpr Money limit_amount{1'000'000 * money_scale};

PartyId party(const std::string& text) {
    const std::optional<PartyId> parsed = party_from_text(text);
    ENSURE(parsed.has_value());
    return *parsed;
}

Currency devnet_currency() { return currency_from_text("CNY").value_or(Currency{}); }

std::string operator_name(int index) { return std::string(3, static_cast<char>('A' + index)); }

/// "CN*AAA*E0102": station 1, connector 2.
std::string evse_id(const std::string& operator_party, int station, int connector) {
    return "CN*" + operator_party + "*E0" + std::to_string(station) + "0" +
           std::to_string(connector);
}

std::vector<DevnetCharger> make_chargers(const std::string& operator_party, int count,
                                         Random& random) {
    std::vector<DevnetCharger> chargers;
    for (int station = 1; station <= count; ++station) {
        DevnetCharger charger;
        charger.id = operator_party + "-CP0" + std::to_string(station);
        using Password = FixedBytes<9, struct PasswordTag>;
        charger.password = to_hex(random.fixed<Password>());
        for (int connector = 1; connector <= devnet_connectors; ++connector) {
            charger.evse_ids.push_back(evse_id(operator_party, station, connector));
        }
        chargers.push_back(std::move(charger));
    }
    return chargers;
}

/// "BBB-CARD0001"; after the four that differ, every one has the same balance.
std::vector<DevnetCustomer> make_customers(const std::string& operator_party, int count) {
    const std::array<const char*, 4> balances{"5000.00", "2000.00", "500.00", "1.00"};
    constexpr std::size_t digits{4};
    std::vector<DevnetCustomer> customers;
    for (int index = 0; index < count; ++index) {
        const auto place = static_cast<std::size_t>(index);
        std::string number = std::to_string(index + 1);
        number.insert(0, digits - number.size(), '0');
        customers.push_back({operator_party, operator_party + "-CARD" + number,
                             place < balances.size() ? balances.at(place) : "1000.00"});
    }
    return customers;
}

constexpr const char* blocked_customer_suffix{"-CARD0003"};

Member member_of(const PlannedNode& node) {
    Member member;
    member.party = node.party;
    member.country = "CN";
    member.role = node.is_hub ? MemberRole::hub : MemberRole::operator_;
    member.member_key = node.keys.member;
    member.consensus_key = node.keys.consensus;
    member.link_key = node.keys.link;
    member.validator = node.validator;
    return member;
}

Genesis make_genesis(const std::vector<PlannedNode>& nodes, UnixMillis now) {
    Genesis genesis;
    genesis.name = "devnet";
    genesis.time = now;
    genesis.parameters.charger_clock_ahead = 30LL * 24 * 3'600'000;
    genesis.parameters.minimum_approval = 5 * money_scale;
    genesis.parameters.epoch_blocks_min = 10;  // who tries changes of the set should see them soon
    // Cycles of an hour, the first from the start on: who tries it out sees one, and what is
    // posted in the first hour stays in one.
    genesis.parameters.cycle_start = now;
    genesis.parameters.cycle_length = 3'600'000;
    for (const PlannedNode& node : nodes) {
        genesis.members.push_back(member_of(node));
        if (node.is_hub) {
            continue;
        }
        genesis.limits.push_back({node.party, devnet_currency(), limit_amount});
        for (const PlannedNode& partner : nodes) {
            if (!partner.is_hub && partner.party != node.party) {
                SetAgreement agreement;
                agreement.partner = partner.party;
                agreement.currency = devnet_currency();
                genesis.agreements.push_back({node.party, agreement});
            }
        }
    }
    std::sort(genesis.members.begin(), genesis.members.end(),
              [](const Member& left, const Member& right) { return left.party < right.party; });
    return genesis;
}

/// Hands out ports one after the other and checks that nobody has them.
class Ports {
public:
    explicit Ports(int base) : m_base{base}, m_next{base} {}
    Expected<int, std::string> take() {
        if (m_next - m_base >= devnet_ports_max || m_next > 65'535) {
            return Unexpected{std::string{"more than "} + std::to_string(devnet_ports_max) +
                              " ports are needed: fewer operators, or another --base-port"};
        }
        if (!is_port_free(m_next)) {
            return Unexpected{"port " + std::to_string(m_next) +
                              " is in use; choose another --base-port"};
        }
        return m_next++;
    }

private:
    int m_base;
    int m_next;
};

Expected<PlannedNode, std::string> plan_node(const std::string& folder, const std::string& name,
                                             Ports& ports, Random& random) {
    PlannedNode node;
    node.party = party(name);
    node.is_hub = name == "HUB";
    node.folder = folder + "/" + name;
    const auto link_port = ports.take();
    const auto api_port = link_port ? ports.take() : link_port;
    if (!api_port) {
        return Unexpected{api_port.error()};
    }
    node.link_port = *link_port;
    node.api_port = *api_port;
    const auto keys = generate_member_keys(node.folder + "/keys", random);
    if (!keys) {
        return Unexpected{keys.error()};
    }
    node.keys = *keys;
    return node;
}

Expected<PlannedBridge, std::string> plan_bridge(const DevnetOptions& options,
                                                 const std::string& name, Ports& ports,
                                                 Random& random) {
    PlannedBridge bridge;
    bridge.party = party(name);
    bridge.folder = options.folder + "/bridge-" + name;
    bridge.bridge_id = name + "-BRIDGE1";
    const auto ocpp_port = ports.take();
    const auto api_port = ocpp_port ? ports.take() : ocpp_port;
    if (!api_port) {
        return Unexpected{api_port.error()};
    }
    bridge.ocpp_port = *ocpp_port;
    bridge.api_port = *api_port;
    const auto key = generate_bridge_key(bridge.folder + "/keys", random);
    if (!key) {
        return Unexpected{key.error()};
    }
    bridge.key = *key;
    bridge.chargers = make_chargers(name, options.chargers, random);
    return bridge;
}

}  // namespace

Expected<DevnetPlan, std::string> make_plan(const DevnetOptions& options, UnixMillis now,
                                            Random& random) {
    const std::string& folder = options.folder;
    DevnetPlan plan;
    plan.folder = folder;
    plan.admin_token = to_hex(random.fixed<FixedBytes<16, struct AdminTokenTag>>());
    plan.evidence_token = to_hex(random.fixed<FixedBytes<16, struct EvidenceTokenTag>>());
    Ports ports{options.base_port};
    std::vector<std::string> names{"HUB"};
    for (int index = 0; index < options.operators; ++index) {
        names.push_back(operator_name(index));
    }
    for (const std::string& name : names) {
        auto node = plan_node(folder, name, ports, random);
        if (!node) {
            return Unexpected{node.error()};
        }
        node->validator = static_cast<int>(plan.nodes.size()) <
                          options.validators.value_or(options.operators + 1);
        plan.nodes.push_back(std::move(node).value());
    }
    const int bridges = std::min(options.bridges.value_or(options.operators), options.operators);
    for (auto name = names.begin() + 1; name != names.begin() + 1 + bridges; ++name) {
        auto bridge = plan_bridge(options, *name, ports, random);
        if (!bridge) {
            return Unexpected{bridge.error()};
        }
        plan.bridges.push_back(std::move(bridge).value());
    }
    for (auto name = names.begin() + 1; name != names.end(); ++name) {
        for (DevnetCustomer& customer : make_customers(*name, options.customers)) {
            plan.customers.push_back(std::move(customer));
        }
    }
    plan.genesis = make_genesis(plan.nodes, now);
    if (options.epoch_blocks_max) {
        plan.genesis.parameters.epoch_blocks_max =
            static_cast<std::uint64_t>(*options.epoch_blocks_max);
    }
    return plan;
}

DevnetManifest manifest_of(const DevnetPlan& plan) {
    DevnetManifest manifest;
    manifest.genesis = plan.folder + "/genesis.json";
    manifest.currency = to_text(devnet_currency());
    manifest.admin_token = plan.admin_token;
    const std::string host{"127.0.0.1:"};
    for (const PlannedNode& node : plan.nodes) {
        manifest.nodes.push_back({to_text(node.party), node.is_hub ? "hub" : "operator",
                                  "http://" + host + std::to_string(node.api_port),
                                  node.folder + "/data", node.folder + "/node.toml",
                                  node.folder + "/tallyd.log", 0});
    }
    for (const PlannedBridge& bridge : plan.bridges) {
        manifest.bridges.push_back({to_text(bridge.party),
                                    "ws://" + host + std::to_string(bridge.ocpp_port) + "/ocpp",
                                    "http://" + host + std::to_string(bridge.api_port),
                                    bridge.folder + "/data", bridge.folder + "/bridge.toml",
                                    bridge.folder + "/tally-bridge.log", 0, bridge.chargers});
    }
    manifest.customers = plan.customers;
    return manifest;
}

std::vector<Action> registrations(const PlannedBridge& bridge) {
    std::vector<Action> actions;
    actions.emplace_back(RegisterBridge{bridge.bridge_id, bridge.key, BridgeKind::site});
    PublishTariff publish;
    publish.ref = {to_text(bridge.party) + "-STANDARD", 1};
    publish.tariff = day_tariff(
        devnet_currency(), {{0, 4'000, 4'000}, {480, 9'000, 5'000}, {1'320, 6'000, 4'500}}, 600);
    actions.emplace_back(std::move(publish));
    for (const DevnetCharger& charger : bridge.chargers) {
        std::uint16_t connector{0};
        for (const std::string& evse : charger.evse_ids) {
            RegisterCharger action;
            action.evse_id = evse;
            action.station = charger.id;
            action.connector = ++connector;
            action.bridge_id = bridge.bridge_id;
            action.rated_power_w = charger.rated_power_w;
            action.meter_serial = charger.id + "-M" + std::to_string(connector);
            actions.emplace_back(std::move(action));
        }
    }
    return actions;
}

bool is_blocked_customer(const std::string& token) {
    return token.ends_with(blocked_customer_suffix);
}

}  // namespace tally::tools
