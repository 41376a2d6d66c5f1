#include "tools/charger/command.h"

#include "node/runtime/exit_codes.h"
#include "tools/charger/fleet_plan.h"
#include "tools/show/render.h"
#include "tools/support/text_file.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr int exit_failed{1};
constexpr int exit_no_fleet{2};

struct Options {
    FleetRequest request;
    std::vector<std::string> scripts{"normal"};
    unsigned starts_per_second{100};
    unsigned rounds{1};
    std::vector<std::uint64_t> marks;
    std::vector<std::string> phase_marks;
    std::uint32_t duration_s{0};
    std::string json_file;
    std::string show_script;
    std::string keys_file;
    bool list{false};
    bool json{false};
};

int report(const std::string& error) {
    std::cerr << "tally charger: " << error << "\n";
    return exit_no_fleet;
}

int list_scripts() {
    for (const Script& script : presets()) {
        std::string versions;
        for (const OcppVersion version : script.versions) {
            versions += (versions.empty() ? "" : ", ") + std::string{to_text(version)};
        }
        std::cout << script.name << " (" << versions << "): " << script.story << "\n";
    }
    return 0;
}

int show_script(const std::string& name) {
    const std::string_view text = preset_text(name);
    if (text.empty()) {
        return report("no script of the name " + name + ": see --list-scripts");
    }
    std::cout << text;
    return 0;
}

/// Scripts by name, or from files.
Expected<std::vector<std::shared_ptr<const Script>>, std::string> scripts_of(
    const std::vector<std::string>& names) {
    std::vector<std::shared_ptr<const Script>> scripts;
    for (const std::string& name : names) {
        const std::string_view preset = preset_text(name);
        auto script = preset.empty() ? read_script(name) : parse_script(preset, name);
        if (!script) {
            return Unexpected{script.error()};
        }
        scripts.push_back(std::make_shared<const Script>(std::move(script).value()));
    }
    return scripts;
}

/// A script plays only on chargers that speak its version.
std::string misfit(const FleetOptions& fleet) {
    for (std::size_t index = 0; index < fleet.stations.size(); ++index) {
        const Script& script = *fleet.scripts[index % fleet.scripts.size()];
        if (!script.speaks(fleet.stations[index].version)) {
            return script.name + " is not for OCPP " + to_text(fleet.stations[index].version) +
                   " (" + fleet.stations[index].id + ")";
        }
    }
    return {};
}

/// "2:100" is message 100 of phase 2.
Expected<std::vector<PhaseMark>, std::string> phase_marks_of(
    const std::vector<std::string>& texts) {
    std::vector<PhaseMark> marks;
    for (const std::string& text : texts) {
        PhaseMark mark;
        const char* const end = text.data() + text.size();
        const auto phase = std::from_chars(text.data(), end, mark.phase);
        const bool has_message = phase.ec == std::errc{} && phase.ptr != end && *phase.ptr == ':';
        const auto message =
            has_message ? std::from_chars(phase.ptr + 1, end, mark.message) : phase;
        if (!has_message || message.ec != std::errc{} || message.ptr != end) {
            return Unexpected{"--mark-in takes PHASE:MESSAGE, such as 2:100, not " + text};
        }
        marks.push_back(mark);
    }
    return marks;
}

json::array keys_json(const std::vector<StationSetup>& stations) {
    json::array keys;
    for (const StationSetup& station : stations) {
        if (station.seal != nullptr) {
            keys.emplace_back(json::object{{"station", station.id},
                                           {"connector", station.connector},
                                           {"meter_serial", station.meter_serial},
                                           {"algorithm", station.seal->algorithm()},
                                           {"public_key", to_hex(station.seal->public_key())}});
        }
    }
    return keys;
}

int write_keys(const std::string& path, const std::vector<StationSetup>& stations) {
    const std::string text = json::serialize(keys_json(stations)) + "\n";
    if (path == "-") {
        std::cout << text;
        return 0;
    }
    const auto written = write_text(path, text);
    return written ? 0 : report(written.error());
}

std::string progress_line(const FleetProgress& progress) {
    return std::to_string(progress.connected) + " of " + std::to_string(progress.stations) +
           " connected, " + std::to_string(progress.charging) + " charging, " +
           std::to_string(progress.finished) + " done, " + std::to_string(progress.messages) +
           " messages";
}

void print_text(const FleetReport& fleet) {
    json::object shown = fleet.summary();
    std::size_t ended{0};
    for (const auto& charge : fleet.charges()) {
        ended += charge->ended ? 1U : 0U;
    }
    shown["charges"] = fleet.charges().size();
    shown["charges_ended"] = ended;
    std::cout << render_fields(shown);
}

int give(const FleetReport& fleet, const Options& options) {
    const std::string text = json::serialize(fleet.summary()) + "\n";
    if (!options.json_file.empty()) {
        const auto written = write_text(options.json_file, text);
        if (!written) {
            return report(written.error());
        }
    }
    if (options.json) {
        std::cout << text;
    } else {
        print_text(fleet);
    }
    return fleet.failures() == 0 ? 0 : exit_failed;
}

int play(const Options& options, FleetPlan plan) {
    FleetOptions fleet;
    auto scripts = scripts_of(options.scripts);
    if (!scripts) {
        return report(scripts.error());
    }
    fleet.scripts = std::move(scripts).value();
    fleet.stations = std::move(plan.stations);
    if (const std::string problem = misfit(fleet); !problem.empty()) {
        return report(problem);
    }
    fleet.starts_per_second = options.starts_per_second;
    fleet.rounds = options.rounds;
    if (options.duration_s > 0) {
        fleet.duration = std::chrono::seconds{options.duration_s};
    }
    const bool terminal = isatty(STDERR_FILENO) == 1;
    fleet.progress = [terminal](const FleetProgress& progress) {
        std::cerr << (terminal ? "\r\033[K" : "charger: ") << progress_line(progress)
                  << (terminal ? "" : "\n") << std::flush;
    };
    fleet.marks = options.marks;
    auto phase_marks = phase_marks_of(options.phase_marks);
    if (!phase_marks) {
        return report(phase_marks.error());
    }
    fleet.phase_marks = std::move(phase_marks).value();
    fleet.event = [terminal](const std::string& what) {
        std::cerr << (terminal ? "\r\033[K" : "charger: ") << what << "\n" << std::flush;
    };
    const auto played = play_fleet(std::move(fleet));
    if (terminal) {
        std::cerr << "\r\033[K";
    }
    return played ? give(**played, options) : report(played.error());
}

int charger(const Options& options) {
    if (options.list) {
        return list_scripts();
    }
    if (!options.show_script.empty()) {
        return show_script(options.show_script);
    }
    auto plan = plan_fleet(options.request);
    if (!plan) {
        return report(plan.error());
    }
    if (!options.keys_file.empty()) {
        return write_keys(options.keys_file, plan->stations);
    }
    return play(options, std::move(plan).value());
}

void add_place_options(CLI::App& command, FleetRequest& request) {
    command.add_option("--url", request.url, "Central system: ws://host:port/path or wss://...");
    command.add_option("--devnet", request.devnet, "Instead: the folder of a devnet");
    command.add_option("--visited", request.visited, "On a devnet: whose chargers");
    command.add_option("--home", request.home, "On a devnet: whose cards");
    command.add_option("--station", request.stations, "A charger's id; may be repeated");
    command.add_option("--id", request.id,
                       "Or a pattern of ids: {n} is a number, {n:4} of 4 digits");
    command.add_option("--count", request.count, "How many chargers")
        ->check(CLI::Range(std::size_t{1}, fleet_stations_max));
    command.add_option("--first", request.first, "Number of the first one");
    command.add_option("--connectors", request.connectors, "Each has")->check(CLI::Range(1, 63));
    command.add_option("--connector", request.connector, "The one that is used")
        ->check(CLI::Range(1, 63));
    command.add_option("--card", request.cards,
                       "Token or pattern; repeated: card 1, 2, ... of the scripts");
    command.add_option("--version", request.version, "Of OCPP; both: in turn")
        ->check(CLI::IsMember({"1.6", "2.0.1", "both"}));
}

void add_security_options(CLI::App& command, FleetRequest& request) {
    command.add_option("--password", request.password, "Everybody's (basic authentication)");
    command.add_option("--password-file", request.password_file, "Its first line is everybody's");
    command.add_option("--passwords", request.passwords_file, "File with \"ID PASSWORD\" a line");
    command.add_option("--ca", request.tls.ca_file, "PEM; who signed the server's certificate");
    command.add_option("--pin", request.tls.pinned_sha256,
                       "Instead: SHA-256 of the server's certificate (DER)");
    CLI::Option* const certificate = command.add_option(
        "--certificate", request.tls.certificate_file, "PEM; of the chargers (profile 3)");
    command.add_option("--certificate-key", request.tls.key_file, "PEM; its private key")
        ->needs(certificate);
    command.add_flag("--sign", request.sign,
                     "Meters sign begin and end (OCMF), keys from the seed");
    command.add_option("--curve", request.curve, "Of these keys");
    command.add_option("--meter-key", request.meter_key_file, "PEM; this key for all instead");
}

void add_play_options(CLI::App& command, Options& options) {
    FleetRequest& request = options.request;
    command.add_option("--script", options.scripts,
                       "Name or TOML file; repeated: the chargers take them in turn");
    command.add_option("--rounds", options.rounds, "How often each plays its script");
    command.add_option("--duration", options.duration_s, "Seconds, then charges end in order");
    command.add_option("--starts-per-second", options.starts_per_second, "Chargers switched on")
        ->check(CLI::Range(1, 100'000));
    command
        .add_option("--speed", request.speed,
                    "Seconds of the chargers in a second; 1, or 60 on "
                    "a devnet")
        ->check(CLI::Range(0.01, 100'000.0));
    command.add_option("--sample", request.sample_s, "Seconds of the charger between meter values")
        ->check(CLI::Range(1, 86'400));
    command.add_option("--register", request.register_wh, "Wh that the meters show at first");
    command.add_option("--give-up", request.give_up_s, "Seconds to wait for an answer");
    command.add_option("--seed", request.seed, "The same seed plays the same messages");
    command.add_option("--mark", options.marks,
                       "Says on stderr when this many messages were sent; may be repeated");
    command.add_option("--mark-in", options.phase_marks,
                       "The same for PHASE:MESSAGE: counted from the meeting of that number on");
    command.add_flag("--list-scripts", options.list, "Names and stories");
    command.add_option("--show-script", options.show_script, "Its TOML, to copy and change");
    command.add_option("--write-keys", options.keys_file,
                       "Only write the meters' public keys to this file (-: stdout)");
    command.add_flag("--json", options.json, "The summary as JSON on stdout");
    command.add_option("--json-file", options.json_file, "And into a file");
}

}  // namespace

void add_charger_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "charger", "Simulate chargers at any central system: OCPP 1.6J and 2.0.1, right and wrong");
    add_place_options(*command, options->request);
    add_security_options(*command, options->request);
    add_play_options(*command, *options);
    command->footer(
        "Exit codes: 0 all was answered, 1 something was not, 2 the fleet cannot be made.\n"
        "Signatures, times and the order between chargers differ from run to run.\n"
        "Examples:\n"
        "  tally charger --list-scripts\n"
        "  tally charger --devnet /tmp/net --script normal --json\n"
        "  tally charger --url ws://10.0.0.5:9000/ocpp --station CP1 --password-file cp1.pw \\\n"
        "      --card BBB-1 --script duplicates\n"
        "  tally charger --url wss://csms.example:443/ocpp --ca ca.pem --id 'SITE-{n:3}' \\\n"
        "      --count 200 --passwords site.pw --card 'BBB-{n}' --version both --duration 600\n"
        "  tally charger --show-script permuted > mine.toml; tally charger --script mine.toml ...\n"
        "  tally charger --url ws://h:1/x --station CP1 --sign --write-keys -");
    command->callback([options, &exit_code] { exit_code = charger(*options); });
}

}  // namespace tally::tools
