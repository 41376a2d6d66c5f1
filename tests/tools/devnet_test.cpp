#include "tools/devnet/devnet.h"

#include "ledger/base/system_random.h"
#include "node/config/customers_json.h"
#include "node/config/genesis_json.h"
#include "node/config/node_config.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tools/devnet/plan.h"
#include "tools/devnet/process_control.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

using namespace tally;
using namespace tally::tools;
using tally::test::TemporaryFolder;

namespace {

constexpr UnixMillis now{1'750'000'000'000};
/// Where this test looks for free ports; others on the machine may have some of them.
constexpr int first_base{21'000};
constexpr int last_base{60'000};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

DevnetManifest sample() {
    DevnetManifest manifest;
    manifest.genesis = "/d/genesis.json";
    manifest.admin_token = "t0ken";
    manifest.nodes = {
        {"HUB", "hub", "http://127.0.0.1:1", "/d/HUB/data", "/d/HUB/node.toml", "/d/HUB/log", 0},
        {"AAA", "operator", "http://127.0.0.1:2", "/d/AAA/data", "/d/AAA/node.toml", "/d/AAA/log",
         4711}};
    DevnetBridge bridge;
    bridge.operator_ = "AAA";
    bridge.ocpp = "ws://127.0.0.1:3/ocpp";
    bridge.api = "http://127.0.0.1:4";
    bridge.data_dir = "/d/bridge-AAA/data";
    bridge.config = "/d/bridge-AAA/bridge.toml";
    bridge.log = "/d/bridge-AAA/log";
    bridge.pid = INT32_MAX;
    bridge.chargers = {{"AAA-CP01", "secret \"quoted\"", 2, 60'000, {"CN*AAA*E0101", "E2"}}};
    manifest.bridges = {bridge};
    manifest.customers = {{"AAA", "AAA-CARD0001", "5000.00"}};
    return manifest;
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

DevnetOptions options_for(const std::string& folder, int operators, int base_port) {
    DevnetOptions options;
    options.folder = folder;
    options.operators = operators;
    options.base_port = base_port;
    return options;
}

/// A plan at a place where all ports are free.
Expected<DevnetPlan, std::string> plan_in(const TemporaryFolder& folder, int operators) {
    SystemRandom random;
    for (int base = first_base; base < last_base; base += 100) {
        auto plan =
            make_plan(options_for(folder.file(std::to_string(base)), operators, base), now, random);
        if (plan || !contains(plan.error(), "is in use")) {
            return plan;
        }
    }
    return Unexpected{std::string{"no free ports"}};
}

/// A child process that ends with this object.
struct Child {
    explicit Child(std::vector<std::string> command) {
        const auto spawned = spawn_detached(command, folder.file("log"));
        REQUIRE(spawned);
        pid = *spawned;
    }
    ~Child() { kill_process(pid, marker); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    TemporaryFolder folder;
    std::string marker{"devnet-test-marker"};
    int pid{0};
};

/// A shell that waits on its input's end; `marker` is one of its arguments.
Child waiting_child(const std::string& trap = "") {
    return Child{
        {"/bin/sh", "-c", trap + "echo ready; while :; do sleep 0.05; done", "devnet-test-marker"}};
}

}  // namespace

SCENARIO("a devnet has as many validators, followers and bridges as asked for") {
    const TemporaryFolder folder;
    SystemRandom random;
    for (int base = first_base; base < last_base; base += 100) {
        DevnetOptions options = options_for(folder.file(std::to_string(base)), 13, base);
        options.validators = 13;
        options.bridges = 1;
        const auto plan = make_plan(options, now, random);
        if (!plan && contains(plan.error(), "is in use")) {
            continue;
        }
        REQUIRE(plan);
        CHECK(plan->nodes.size() == 14);
        CHECK(plan->bridges.size() == 1);
        CHECK(validators_of(plan->genesis.members).size() == 13);
        CHECK(!find_problem(plan->genesis));
        for (const Member& member : plan->genesis.members) {
            CHECK(member.validator == (to_text(member.party) != "MMM"));
        }
        return;
    }
    FAIL("no free ports");
}

SCENARIO("a devnet's description is written whole and read back the same") {
    const TemporaryFolder folder;
    const DevnetManifest manifest = sample();
    REQUIRE(save_manifest(folder.path(), manifest));
    const auto read = load_manifest(folder.path());
    REQUIRE(read);
    CHECK(read->genesis == manifest.genesis);
    CHECK(read->currency == "CNY");
    CHECK(read->admin_token == "t0ken");
    REQUIRE(read->nodes.size() == 2);
    CHECK(read->nodes[1].member == "AAA");
    CHECK(read->nodes[1].pid == 4711);
    CHECK(read->nodes[0].config == "/d/HUB/node.toml");
    REQUIRE(read->bridges.size() == 1);
    CHECK(read->bridges[0].pid == INT32_MAX);
    REQUIRE(read->bridges[0].chargers.size() == 1);
    const DevnetCharger& charger = read->bridges[0].chargers[0];
    CHECK(charger.password == "secret \"quoted\"");
    CHECK(charger.rated_power_w == 60'000);
    CHECK(charger.evse_ids == std::vector<std::string>{"CN*AAA*E0101", "E2"});
    REQUIRE(read->customers.size() == 1);
    CHECK(read->customers[0].balance == "5000.00");
    // Saving again replaces it.
    REQUIRE(save_manifest(folder.path(), DevnetManifest{}));
    CHECK(load_manifest(folder.path())->nodes.empty());
}

SCENARIO("a devnet's description that is not ours is refused with the place") {
    const TemporaryFolder folder;
    const std::string path = folder.file("devnet.json");
    CHECK(contains(load_manifest(folder.path()).error(), "is there a devnet in"));
    REQUIRE(save_manifest(folder.path(), sample()));
    const std::string good = read_file(path);
    struct Case {
        const char* from;
        const char* to;
        const char* error;
    };
    for (const Case& wrong : std::vector<Case>{
             {"{", "", "not JSON"},
             {"\"genesis\"", "\"geneses\"", "genesis: is missing"},
             {"\"nodes\":[", "\"nodes\":[7,", "nodes[]: must be an object"},
             {"\"pid\":4711", "\"pid\":-4711", "nodes[].pid: must be a whole number from 0"},
             {"\"pid\":4711", "\"pid\":2147483648", "nodes[].pid: must be a whole number"},
             {"\"pid\":4711", "\"pid\":\"1\"", "nodes[].pid: must be a whole number"},
             {"\"pid\":4711", "\"pid\":1,\"pid\":4711", "pid: is given twice"},
             {"\"CN*AAA*E0101\"", "5", "bridges[].chargers[].evse_ids: must be a list of texts"},
             {"\"connectors\":2", "\"connectors\":-1", "connectors: must be a whole number"},
             {"\"connectors\":2", "\"connectors\":3", "evse_ids: must name every connector"},
             {"\"home\":\"AAA\"", "\"hom\":\"AAA\"", "customers[].home: is missing"},
             {"\"admin_token\"", "\"x\":1,\"admin_token\"", "x: is not a known key"}}) {
        std::string text = good;
        const std::size_t place = text.find(wrong.from);
        REQUIRE(place != std::string::npos);
        std::ofstream{path} << text.replace(place, std::string{wrong.from}.size(), wrong.to);
        const auto manifest = load_manifest(folder.path());
        INFO(wrong.from << " -> " << wrong.to);
        REQUIRE_FALSE(manifest);
        INFO(manifest.error());
        CHECK(contains(manifest.error(), wrong.error));
        CHECK(manifest.error().starts_with(path));
    }
    std::ofstream{path} << good.substr(0, good.size() / 2);
    CHECK_FALSE(load_manifest(folder.path()));
}

SCENARIO("a plan has distinct ports, names by party, and files that the programs read") {
    const TemporaryFolder folder;
    const auto plan = plan_in(folder, 3);
    REQUIRE(plan);
    REQUIRE(plan->nodes.size() == 4);
    REQUIRE(plan->bridges.size() == 3);
    CHECK(plan->nodes.front().is_hub);
    CHECK_FALSE(find_problem(plan->genesis));
    CHECK(plan->genesis.parameters.charger_clock_ahead == 30LL * 24 * 3'600'000);
    std::set<int> ports;
    for (const PlannedNode& node : plan->nodes) {
        ports.insert({node.link_port, node.api_port});
    }
    for (const PlannedBridge& bridge : plan->bridges) {
        ports.insert({bridge.ocpp_port, bridge.api_port});
        CHECK(bridge.chargers.size() == 2);
    }
    CHECK(ports.size() == 14);
    CHECK(*ports.rbegin() - *ports.begin() < devnet_ports_max);

    REQUIRE(write_files(*plan));
    CHECK(node::load_genesis(plan->folder + "/genesis.json").value() == plan->genesis);
    const DevnetManifest manifest = manifest_of(*plan);
    for (const DevnetNode& node : manifest.nodes) {
        const auto config = node::load_node_config(node.config);
        REQUIRE(config);
        CHECK(to_text(config->member) == node.member);
        CHECK(config->peers.size() == 3);
        CHECK(node.api == "http://127.0.0.1:" + std::to_string(config->api_listen.port));
        if (node.role == "operator") {
            const auto customers = node::load_customers(config->customers_file);
            REQUIRE(customers);
            REQUIRE(customers->size() == 4);
            CHECK(customers->front().opening_balance >= 1'000 * money_scale);
            CHECK(customers->back().opening_balance == money_scale);
            CHECK(customers->front().policy.concurrent_charges == 10);
            CHECK(customers->at(2).status == node::CustomerStatus::blocked);
        }
    }
    CHECK(manifest.customers.size() == 12);
    for (const DevnetBridge& bridge : manifest.bridges) {
        CHECK(bridge.ocpp.starts_with("ws://127.0.0.1:"));
        CHECK(bridge.ocpp.ends_with("/ocpp"));
        for (const DevnetCharger& charger : bridge.chargers) {
            CHECK(charger.evse_ids.size() == 2);
            CHECK_FALSE(charger.password.empty());
        }
    }
}

SCENARIO("what operators register is valid on the ledger") {
    const TemporaryFolder folder;
    const auto plan = plan_in(folder, 2);
    REQUIRE(plan);
    std::set<std::string> evses;
    for (const PlannedBridge& bridge : plan->bridges) {
        const std::vector<Action> actions = registrations(bridge);
        CHECK(actions.size() == 2 + 2 * devnet_connectors);
        for (const Action& action : actions) {
            CHECK(is_within_bounds(action));
            if (const auto* charger = std::get_if<RegisterCharger>(&action)) {
                evses.insert(charger->evse_id);
                CHECK(charger->bridge_id == bridge.bridge_id);
            }
            if (const auto* tariff = std::get_if<PublishTariff>(&action)) {
                CHECK(tariff->tariff.is_valid());
            }
        }
    }
    CHECK(evses.size() == 8);
}

SCENARIO("the largest devnet fits its ports, and a taken port is named") {
    const TemporaryFolder folder;
    const auto plan = plan_in(folder, devnet_operators_max);
    REQUIRE(plan);
    CHECK_FALSE(find_problem(plan->genesis));
    CHECK(plan->nodes.size() == 21);
    CHECK(to_text(plan->nodes.back().party) == "TTT");

    const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size{sizeof(address)};
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket_fd, generic, size) == 0);
    REQUIRE(listen(socket_fd, 1) == 0);
    REQUIRE(getsockname(socket_fd, generic, &size) == 0);
    const int taken = ntohs(address.sin_port);
    CHECK_FALSE(is_port_free(taken));
    SystemRandom random;
    const auto refused = make_plan(options_for(folder.file("taken"), 2, taken), now, random);
    close(socket_fd);
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error(), "port " + std::to_string(taken) + " is in use"));
    CHECK(is_port_free(taken));
    const auto beyond = make_plan(options_for(folder.file("beyond"), 2, 65'534), now, random);
    CHECK_FALSE(beyond);
}

SCENARIO("a program is started, found by its argument, and stopped") {
    Child child = waiting_child();
    CHECK(is_ours(child.pid, child.marker));
    CHECK_FALSE(is_ours(child.pid, "devnet-test"));  // a part of an argument is not the argument
    CHECK_FALSE(is_ours(child.pid, "another-marker"));
    CHECK_FALSE(is_ours(child.pid, ""));
    CHECK(stop_process(child.pid, child.marker, std::chrono::seconds{10}));
    CHECK_FALSE(is_ours(child.pid, child.marker));
    CHECK(stop_process(child.pid, child.marker, std::chrono::seconds{1}));  // again: no error
}

SCENARIO("a program that ignores SIGTERM is killed") {
    Child child = waiting_child("trap '' TERM; ");
    REQUIRE(wait_until(Deadline{std::chrono::seconds{10}},
                       [&] { return contains(read_file(child.folder.file("log")), "ready"); }));
    CHECK(stop_process(child.pid, child.marker, std::chrono::milliseconds{50}));
    CHECK_FALSE(is_ours(child.pid, child.marker));
}

SCENARIO("a stranger with a number we once had is neither ours nor signalled") {
    Child stranger = waiting_child();
    const std::string config{"/d/AAA/node.toml"};
    CHECK_FALSE(is_ours(stranger.pid, config));
    CHECK(stop_process(stranger.pid, config, std::chrono::seconds{1}));
    CHECK(kill_process(stranger.pid, config));
    CHECK(stop_process(stranger.pid, "", std::chrono::seconds{1}));
    CHECK(kill_process(stranger.pid, ""));
    CHECK(is_ours(stranger.pid, stranger.marker));
    for (const int pid : {0, -1, -stranger.pid, INT32_MAX}) {
        CHECK_FALSE(is_ours(pid, stranger.marker));
        CHECK(kill_process(pid, stranger.marker));
    }
    CHECK(is_ours(stranger.pid, stranger.marker));
    // Ourselves: our own arguments do not hold it.
    CHECK_FALSE(is_ours(::getpid(), config));
}

SCENARIO("programs that cannot start or fail say so, with the end of their log") {
    const TemporaryFolder folder;
    const std::string log = folder.file("log");
    CHECK(contains(spawn_detached({"/nowhere/program"}, log).error(), "cannot be started"));
    CHECK(run_to_end({"/bin/sh", "-c", "exit 0"}, log));
    const auto failed = run_to_end({"/bin/sh", "-c", "echo the reason >&2; exit 3"}, log);
    REQUIRE_FALSE(failed);
    CHECK(contains(failed.error(), "the reason"));
    std::ofstream{log} << "one\ntwo\nthree\n";
    CHECK(tail_of(log, 2) == "  | two\n  | three\n");
    CHECK(tail_of(folder.file("none"), 2).empty());
    CHECK(contains(program_folder(), "/"));
}

SCENARIO("a devnet that does not run is not acted on") {
    const TemporaryFolder folder;
    CHECK_FALSE(devnet_down(folder.path()));
    CHECK_FALSE(devnet_status(folder.path()));
    REQUIRE(save_manifest(folder.path(), sample()));
    const auto unknown = devnet_act(folder.path(), "ZZZ", DevnetAction::stop);
    REQUIRE_FALSE(unknown);
    CHECK(contains(unknown.error(), "ZZZ"));
    // Stopping what does not run is no error; nobody's process 4711 comes to harm.
    CHECK(devnet_act(folder.path(), "AAA", DevnetAction::stop));
    CHECK(devnet_act(folder.path(), "bridge-AAA", DevnetAction::kill));
    const auto status = devnet_status(folder.path());
    REQUIRE(status);
    CHECK(status->size() == 3);
    for (const DevnetProgram& program : *status) {
        CHECK_FALSE(program.running);
        CHECK_FALSE(program.ready);
    }
}
