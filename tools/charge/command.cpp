#include "tools/charge/command.h"

#include "tools/charge/charge_plan.h"
#include "tools/support/json_api.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr int exit_failed{1};
constexpr int exit_refused{3};

struct Options {
    ChargeRequest request;
    std::uint32_t timeout_s{120};
    bool json{false};
};

std::string plain(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) {
        return "?";
    }
    return value->is_string() ? std::string{value->get_string()} : json::serialize(*value);
}

/// T, energy, Mc, Mp, N and ts in one line.
std::string progress_line(const json::object& session) {
    return "T " + plain(session, "t_s") + " s  energy " + plain(session, "energy_wh") + " Wh  Mc " +
           plain(session, "mc") + "  Mp " + plain(session, "mp") + "  N " +
           plain(session, "n_percent") + " %  ts " + plain(session, "ts_s") + " s";
}

json::object outcome_json(const ChargeOutcome& outcome) {
    json::object shown = outcome.session;
    if (const json::value* id = outcome.session.if_contains("id")) {
        shown["session"] = *id;
    }
    switch (outcome.kind) {
        case ChargeOutcome::Kind::settled:
            shown["outcome"] = "settled";
            break;
        case ChargeOutcome::Kind::refused:
            shown["outcome"] = "refused";
            break;
        case ChargeOutcome::Kind::failed:
            shown["outcome"] = "failed";
            break;
    }
    shown["reason"] = outcome.reason;
    shown["receipt"] = outcome.receipt;
    shown["swipe_to_answer_ms"] = outcome.swipe_to_answer.count();
    shown["total_ms"] = outcome.total.count();
    return shown;
}

void print_text(const ChargeOutcome& outcome) {
    switch (outcome.kind) {
        case ChargeOutcome::Kind::refused:
            std::cout << "refused: " << outcome.reason << "\n";
            return;
        case ChargeOutcome::Kind::failed:
            std::cout << "failed: " << outcome.reason << "\n";
            return;
        case ChargeOutcome::Kind::settled:
            break;
    }
    const json::object& session = outcome.session;
    const json::object& receipt = outcome.receipt;
    std::cout << "settled: " << plain(session, "amount") << " for " << plain(session, "energy_wh")
              << " Wh in " << plain(session, "t_s") << " s\n"
              << "  session     " << plain(session, "id") << "\n"
              << "  approval    " << plain(receipt, "authorization") << " at height "
              << plain(receipt, "authorization_height") << ", signed by "
              << plain(receipt, "signer") << "\n"
              << "  record      " << plain(receipt, "record") << " at height "
              << plain(receipt, "record_height") << "\n"
              << "  settlement  " << plain(receipt, "settlement") << " at height "
              << plain(receipt, "settlement_height") << "\n";
}

int exit_code_of(const std::vector<ChargeOutcome>& outcomes) {
    int code{0};
    for (const ChargeOutcome& outcome : outcomes) {
        if (outcome.kind == ChargeOutcome::Kind::failed) {
            return exit_failed;
        }
        if (outcome.kind == ChargeOutcome::Kind::refused) {
            code = exit_refused;
        }
    }
    return code;
}

int charge(Options& options) {
    options.request.script.timeout = std::chrono::seconds{options.timeout_s};
    const bool live = !options.json && options.request.parallel == 1;
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    ChargeProgressHandler progress;
    if (live) {
        progress = [terminal](const json::object& session) {
            std::cout << (terminal ? "\r\033[K" : "") << progress_line(session)
                      << (terminal ? "" : "\n") << std::flush;
        };
    }
    const auto outcomes = play_charges(options.request, progress);
    if (!outcomes) {
        std::cerr << "tally charge: " << outcomes.error() << "\n";
        return 2;
    }
    if (live && terminal) {
        std::cout << "\n";
    }
    json::array list;
    for (const ChargeOutcome& outcome : *outcomes) {
        if (options.json) {
            list.emplace_back(outcome_json(outcome));
        } else {
            print_text(outcome);
        }
    }
    if (options.json) {
        std::cout << (list.size() == 1 ? json::serialize(list.front()) : json::serialize(list))
                  << "\n";
    }
    return exit_code_of(*outcomes);
}

}  // namespace

void add_charge_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    ChargeScript& script = options->request.script;
    CLI::App* command = app.add_subcommand(
        "charge", "Play charger and driver on a devnet, over real OCPP, up to the settlement");
    command->add_option("--devnet", options->request.devnet, "Folder of the devnet")->required();
    command->add_option("--visited", script.visited, "Whose charger")->required();
    command->add_option("--home", script.home, "Whose customer")->required();
    command->add_option("--token", options->request.token,
                        "Card; the first customer's unless told, one per connector");
    command->add_option("--prepaid", script.prepaid, "Amount the driver prepays, such as 50.00");
    command->add_option("--energy-wh", script.energy_wh, "How much the car takes")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
    command->add_option("--speed", script.speed, "Simulated seconds per second")
        ->check(CLI::Range(0.1, 1'000'000.0));
    command->add_option("--charger", options->request.charger, "Station; any unless told");
    command->add_option("--connector", options->request.connector, "Connector; any unless told");
    command->add_option("--parallel", options->request.parallel, "Charges at once")
        ->check(CLI::Range(1, parallel_charges_max));
    command->add_option("--timeout", options->timeout_s, "Seconds before giving up");
    command->add_flag("--fault", script.fault, "The connector reports a fault first");
    command->add_flag("--json", options->json, "The outcome as JSON (a list when several)");
    command->footer(
        "Exit codes: 0 settled, 3 refused (the reason is printed), 1 failed, 2 no such devnet.\n"
        "Examples:\n"
        "  tally charge --devnet /tmp/net --visited AAA --home BBB --energy-wh 12000 --speed 600\n"
        "  tally charge --devnet /tmp/net --visited AAA --home BBB --prepaid 20.00 --json\n"
        "  tally charge --devnet /tmp/net --visited CCC --home AAA --parallel 10");
    command->callback([options, &exit_code] { exit_code = charge(*options); });
}

}  // namespace tally::tools
