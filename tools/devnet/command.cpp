#include "tools/devnet/command.h"

#include "tools/devnet/devnet.h"
#include "tools/devnet/plan.h"
#include "tools/show/render.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {

namespace json = boost::json;

namespace {

struct Options {
    DevnetOptions up;
    std::string name;
    bool json{false};
    int validators{0};
    int bridges{-1};
    int epoch_blocks{0};
    bool no_start{false};
    bool no_wait{false};
};

/// The network that the command line describes: with only --validators, that many members.
DevnetOptions described(const Options& options, bool operators_told) {
    DevnetOptions up = options.up;
    if (options.validators > 0) {
        up.validators = options.validators;
        if (!operators_told) {
            up.operators = options.validators - 1;
        }
    }
    if (options.bridges >= 0) {
        up.bridges = options.bridges;
    }
    if (options.epoch_blocks > 0) {
        up.epoch_blocks_max = options.epoch_blocks;
    }
    up.start = !options.no_start;
    return up;
}

int report(const std::string& error) {
    std::cerr << "tally devnet: " << error << "\n";
    return 1;
}

int up(const DevnetOptions& options) {
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const auto manifest = devnet_up(options, [terminal](const std::string& step) {
        std::cerr << (terminal ? "\r\033[K" : "") << "devnet: " << step << (terminal ? "" : "\n")
                  << std::flush;
    });
    std::cerr << (terminal ? "\r\033[K" : "");
    if (!manifest) {
        return report(manifest.error());
    }
    std::cout << "devnet: " << manifest->nodes.size() << " nodes and " << manifest->bridges.size()
              << " bridges are " << (options.start ? "ready; " : "made, not started; ")
              << options.folder << "/devnet.json says where\n";
    return 0;
}

int down(const std::string& folder) {
    const auto done = devnet_down(folder);
    return done ? 0 : report(done.error());
}

int act(const Options& options, DevnetAction action) {
    const auto done = devnet_act(options.up.folder, options.name, action);
    return done ? 0 : report(done.error());
}

int status(const Options& options) {
    const auto programs = devnet_status(options.up.folder);
    if (!programs) {
        return report(programs.error());
    }
    json::array items;
    bool all_ready{true};
    for (const DevnetProgram& program : *programs) {
        all_ready = all_ready && program.ready;
        items.emplace_back(json::object{{"name", program.name},
                                        {"role", program.role},
                                        {"pid", program.pid},
                                        {"running", program.running},
                                        {"ready", program.ready},
                                        {"height", program.height},
                                        {"api", program.api}});
    }
    if (options.json) {
        std::cout << json::serialize(json::object{{"items", std::move(items)}}) << "\n";
    } else {
        std::cout << render_table(items,
                                  {"name", "role", "pid", "running", "ready", "height", "api"});
    }
    return all_ready ? 0 : 1;
}

using OptionsPtr = std::shared_ptr<Options>;

void add_program_command(CLI::App& parent, const OptionsPtr& options, int& exit_code,
                         const std::string& verb, DevnetAction action,
                         const std::string& description) {
    CLI::App* command = parent.add_subcommand(verb, description);
    command->add_option("NODE", options->name, "A member (AAA) or a bridge (bridge-AAA)")
        ->required();
    command->add_option("--dir", options->up.folder, "Folder of the network")->required();
    if (action == DevnetAction::start) {
        command->add_flag("--no-wait", options->no_wait, "Do not wait until it is ready");
    }
    command->callback([options, action, &exit_code] {
        const bool launch = action == DevnetAction::start && options->no_wait;
        exit_code = act(*options, launch ? DevnetAction::launch : action);
    });
}

}  // namespace

void add_devnet_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* devnet =
        app.add_subcommand("devnet", "A whole network on this machine, for trying and testing");
    devnet->require_subcommand(1);
    devnet->footer(
        "Real programs with keys and data folders of their own: a hub, operators AAA, BBB, ...,\n"
        "and one charger bridge each. devnet.json in the folder says what runs where.\n"
        "Examples:\n"
        "  tally devnet up --dir /tmp/net --operators 3 --base-port 7000\n"
        "  tally devnet up --dir /tmp/net --validators 7 --bridges 1\n"
        "  tally devnet stop BBB --dir /tmp/net\n"
        "  tally devnet start BBB --dir /tmp/net\n"
        "  tally devnet down --dir /tmp/net");

    CLI::App* up_command = devnet->add_subcommand("up", "Make and start a network");
    up_command->add_option("--dir", options->up.folder, "New or empty folder")->required();
    const CLI::Option* operators =
        up_command->add_option("--operators", options->up.operators, "Besides the hub")
            ->check(CLI::Range(2, devnet_operators_max));
    up_command
        ->add_option("--validators", options->validators,
                     "Members that vote, hub included; the other operators follow. Without "
                     "--operators, there are no others")
        ->check(CLI::Range(3, devnet_operators_max + 1));
    up_command
        ->add_option("--bridges", options->bridges, "Operators that have a bridge with chargers")
        ->check(CLI::Range(0, devnet_operators_max));
    up_command->add_option("--chargers", options->up.chargers, "Of each bridge")
        ->check(CLI::Range(1, devnet_chargers_max));
    up_command->add_option("--customers", options->up.customers, "Of each operator")
        ->check(CLI::Range(1, devnet_customers_max));
    up_command->add_option("--epoch-blocks", options->epoch_blocks, "Longest epoch, in blocks")
        ->check(CLI::Range(static_cast<int>(epoch_blocks_max_floor), 1'000'000));
    up_command->add_flag("--no-start", options->no_start,
                         "Make everything, start and register nothing");
    up_command->add_option("--base-port", options->up.base_port, "First of at most 100 ports")
        ->check(CLI::Range(1024, 65'000));
    up_command->callback([options, operators, &exit_code] {
        exit_code = up(described(*options, operators->count() > 0));
    });

    CLI::App* status_command = devnet->add_subcommand("status", "What runs and is ready");
    status_command->add_option("--dir", options->up.folder, "Folder of the network")->required();
    status_command->add_flag("--json", options->json, "As JSON");
    status_command->callback([options, &exit_code] { exit_code = status(*options); });

    CLI::App* down_command = devnet->add_subcommand("down", "Stop everything");
    down_command->add_option("--dir", options->up.folder, "Folder of the network")->required();
    down_command->callback([options, &exit_code] { exit_code = down(options->up.folder); });

    add_program_command(*devnet, options, exit_code, "start", DevnetAction::start,
                        "Start one program and wait until it is ready");
    add_program_command(*devnet, options, exit_code, "stop", DevnetAction::stop,
                        "Stop one program as an operator would");
    add_program_command(*devnet, options, exit_code, "kill", DevnetAction::kill,
                        "Kill one program with -9");
}

}  // namespace tally::tools
