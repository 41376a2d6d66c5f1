#include "tools/devnet/devnet.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "node/runtime/key_file.h"
#include "tools/devnet/plan.h"
#include "tools/devnet/process_control.h"
#include "tools/submit/submitter.h"
#include "tools/support/json_api.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tally::tools {

namespace {

constexpr std::chrono::seconds ready_patience{60};
constexpr std::chrono::seconds stop_patience{15};
constexpr std::size_t registrations_at_once{500};  ///< of one envelope

/// A program of the network seen alike, whatever it is.
struct Program {
    std::string name;
    std::string role;
    std::string binary;
    std::string config;
    std::string log;
    std::string api;
    int* pid;
};

std::vector<Program> programs_of(DevnetManifest& manifest) {
    std::vector<Program> programs;
    for (DevnetNode& node : manifest.nodes) {
        programs.push_back(
            {node.member, node.role, "tallyd", node.config, node.log, node.api, &node.pid});
    }
    for (DevnetBridge& bridge : manifest.bridges) {
        programs.push_back({"bridge-" + bridge.operator_, "bridge", "tally-bridge", bridge.config,
                            bridge.log, bridge.api, &bridge.pid});
    }
    return programs;
}

std::string binary_path(const std::string& name) { return program_folder() + "/" + name; }

bool is_ready(const Program& program) {
    return JsonApi{program.api, ""}.get("/readyz").has_value();
}

Expected<Done, std::string> launch(const Program& program) {
    const auto pid = spawn_detached(
        {binary_path(program.binary), "run", "--config", program.config}, program.log);
    if (!pid) {
        return Unexpected{pid.error()};
    }
    *program.pid = *pid;
    return Done{};
}

Expected<Done, std::string> wait_ready(const Program& program) {
    bool died{false};
    const bool ready = wait_until(Deadline{ready_patience}, [&] {
        died = !is_ours(*program.pid, program.config);
        return died || is_ready(program);
    });
    if (ready && !died) {
        return Done{};
    }
    return Unexpected{program.name + (died ? " ended" : " was not ready in time") + "; " +
                      program.log + " ends with\n" + tail_of(program.log, 12)};
}

/// One envelope, final and accepted.
Expected<Done, std::string> submit_all(const SubmitAs& as, std::vector<Action> actions) {
    const auto finals = submit_and_wait(as, std::move(actions), ready_patience);
    if (!finals) {
        return Unexpected{": " + finals.error()};
    }
    for (const SubmittedTransaction& final : *finals) {
        if (final.result != "ok") {
            return Unexpected{" refused: " + final.result};
        }
    }
    return Done{};
}

Expected<Done, std::string> register_operator(const DevnetPlan& plan, const PlannedBridge& bridge,
                                              const DevnetManifest& manifest) {
    for (const DevnetNode& node : manifest.nodes) {
        if (node.member != to_text(bridge.party)) {
            continue;
        }
        const auto key =
            node::read_secret_key(plan.folder + "/" + node.member + "/keys/member.key");
        if (!key) {
            return Unexpected{key.error().text};
        }
        const SubmitAs as{bridge.party, *key, plan.genesis.chain_id(), node.api};
        std::vector<Action> actions = registrations(bridge);
        for (std::size_t done = 0; done < actions.size(); done += registrations_at_once) {
            const std::size_t end = std::min(actions.size(), done + registrations_at_once);
            const auto from = actions.begin() + static_cast<std::ptrdiff_t>(done);
            const auto to = actions.begin() + static_cast<std::ptrdiff_t>(end);
            const auto registered = submit_all(as, {from, to});
            if (!registered) {
                return Unexpected{node.member + ": registration" + registered.error()};
            }
        }
    }
    return Done{};
}

Expected<Done, std::string> initialize_nodes(const DevnetManifest& manifest) {
    for (const DevnetNode& node : manifest.nodes) {
        const auto made =
            run_to_end({binary_path("tallyd"), "init", "--config", node.config}, node.log);
        if (!made) {
            return Unexpected{made.error()};
        }
    }
    return Done{};
}

/// Launches programs whose binary is `binary`, saves their ids at once, and waits for all of them.
Expected<Done, std::string> launch_all(const std::string& folder, DevnetManifest& manifest,
                                       const std::string& binary, const DevnetProgress& progress) {
    for (const Program& program : programs_of(manifest)) {
        if (program.binary == binary) {
            if (const auto launched = launch(program); !launched) {
                return Unexpected{launched.error()};
            }
        }
    }
    if (const auto saved = save_manifest(folder, manifest); !saved) {
        return Unexpected{saved.error()};
    }
    for (const Program& program : programs_of(manifest)) {
        if (program.binary == binary) {
            progress("waiting for " + program.name);
            if (const auto ready = wait_ready(program); !ready) {
                return Unexpected{ready.error()};
            }
        }
    }
    return Done{};
}

/// Everything but running programs; they are started one by one.
Expected<DevnetManifest, std::string> prepare(const DevnetPlan& plan,
                                              const DevnetManifest& manifest,
                                              const DevnetProgress& progress) {
    progress("making data folders");
    if (const auto made = initialize_nodes(manifest); !made) {
        return Unexpected{made.error()};
    }
    if (const auto saved = save_manifest(plan.folder, manifest); !saved) {
        return Unexpected{saved.error()};
    }
    return manifest;
}

Expected<Done, std::string> bring_up(const DevnetPlan& plan, DevnetManifest& manifest,
                                     const DevnetProgress& progress) {
    progress("making data folders");
    if (const auto made = initialize_nodes(manifest); !made) {
        return Unexpected{made.error()};
    }
    if (const auto up = launch_all(plan.folder, manifest, "tallyd", progress); !up) {
        return Unexpected{up.error()};
    }
    for (const PlannedBridge& bridge : plan.bridges) {
        progress("registering bridge, tariff and chargers of " + to_text(bridge.party));
        if (const auto done = register_operator(plan, bridge, manifest); !done) {
            return Unexpected{done.error()};
        }
    }
    return launch_all(plan.folder, manifest, "tally-bridge", progress);
}

Expected<Done, std::string> stop_all(DevnetManifest& manifest) {
    std::string left;
    for (const Program& program : programs_of(manifest)) {
        if (!stop_process(*program.pid, program.config, stop_patience)) {
            left += " " + program.name;
        }
        *program.pid = 0;
    }
    if (!left.empty()) {
        return Unexpected{"still running:" + left};
    }
    return Done{};
}

Expected<std::string, Done> absolute_empty_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const auto path = std::filesystem::canonical(folder, error);
    if (error || !std::filesystem::is_empty(path, error)) {
        return Unexpected{Done{}};
    }
    return path.string();
}

}  // namespace

Expected<DevnetManifest, std::string> devnet_up(const DevnetOptions& options,
                                                const DevnetProgress& progress) {
    const auto folder = absolute_empty_folder(options.folder);
    if (!folder) {
        return Unexpected{options.folder + ": must be a new or empty folder"};
    }
    SystemRandom random;
    const SystemClock clock;
    progress("making keys and files");
    DevnetOptions there = options;
    there.folder = *folder;
    const auto plan = make_plan(there, clock.now(), random);
    if (!plan) {
        return Unexpected{plan.error()};
    }
    if (const auto written = write_files(*plan); !written) {
        return Unexpected{written.error()};
    }
    DevnetManifest manifest = manifest_of(*plan);
    if (!options.start) {
        return prepare(*plan, manifest, progress);
    }
    if (const auto up = bring_up(*plan, manifest, progress); !up) {
        const auto stopped = stop_all(manifest);
        return Unexpected{up.error() + (stopped ? "" : "\n" + stopped.error())};
    }
    return manifest;
}

Expected<Done, std::string> devnet_down(const std::string& folder) {
    auto manifest = load_manifest(folder);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const auto stopped = stop_all(*manifest);
    const auto saved = save_manifest(folder, *manifest);
    return stopped ? saved : stopped;
}

Expected<Done, std::string> devnet_act(const std::string& folder, const std::string& name,
                                       DevnetAction action) {
    auto manifest = load_manifest(folder);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    for (const Program& program : programs_of(*manifest)) {
        if (program.name != name) {
            continue;
        }
        const bool running = is_ours(*program.pid, program.config);
        if (action == DevnetAction::stop || action == DevnetAction::kill) {
            const bool gone = action == DevnetAction::kill
                                  ? kill_process(*program.pid, program.config)
                                  : stop_process(*program.pid, program.config, stop_patience);
            *program.pid = gone ? 0 : *program.pid;
            return gone ? save_manifest(folder, *manifest)
                        : Expected<Done, std::string>{Unexpected{name + ": does not end"}};
        }
        if (!running) {
            if (const auto launched = launch(program); !launched) {
                return launched;
            }
            if (const auto saved = save_manifest(folder, *manifest); !saved) {
                return saved;
            }
        }
        return action == DevnetAction::launch ? Expected<Done, std::string>{Done{}}
                                              : wait_ready(program);
    }
    return Unexpected{name + ": no such program; see tally devnet status"};
}

Expected<std::vector<DevnetProgram>, std::string> devnet_status(const std::string& folder) {
    auto manifest = load_manifest(folder);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    std::vector<DevnetProgram> states;
    for (const Program& program : programs_of(*manifest)) {
        DevnetProgram state{program.name, program.role, *program.pid, false, false, program.api, 0};
        state.running = is_ours(*program.pid, program.config);
        state.ready = state.running && is_ready(program);
        if (state.running && program.binary == "tallyd") {
            const auto status = JsonApi{program.api, ""}.get("/api/v1/status");
            state.height = status ? json_number(*status, "height") : 0;
        }
        states.push_back(std::move(state));
    }
    return states;
}

}  // namespace tally::tools
