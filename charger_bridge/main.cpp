#include "charger_bridge/local_list_command.h"
#include "charger_bridge/program.h"
#include "charger_bridge/review_command.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/process.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

using tally::bridge::ReviewCommand;

/// Who decides, unless it is said: the user of the system.
std::string user_name() {
    const char* const name = std::getenv("USER");  // NOLINT(concurrency-mt-unsafe): no thread yet
    return name != nullptr ? name : "";
}

void add_review(CLI::App& app, ReviewCommand& command) {
    CLI::App* const review =
        app.add_subcommand("review", "Look at charges that are held, and decide about them.");
    review->require_subcommand(1);
    review->add_option("--config", command.config, "Configuration file of the running bridge")
        ->required();
    review->add_flag("--json", command.json, "Print the bridge's answer as it is");
    const auto add = [&](const std::string& verb, const std::string& text) {
        CLI::App* const one = review->add_subcommand(verb, text);
        one->fallthrough();
        one->callback([&command, verb] { command.verb = verb; });
        return one;
    };
    add("list", "What waits, and the last decisions.");
    add("show", "One charge.")->add_option("N", command.number, "Its number")->required();
    for (CLI::App* const one : {add("release", "Bill it: the record is signed and sent."),
                                add("reject", "Do not bill it: its approval is given back.")}) {
        one->add_option("N", command.number, "Its number")->required();
        one->add_option("--reason", command.reason, "Why; kept in the charge's evidence")
            ->required();
        one->add_option("--by", command.by, "Who decides (the user, unless given)");
    }
}

CLI::App* add_sign_list(CLI::App& app, tally::bridge::SignList& command) {
    CLI::App* const sign =
        app.add_subcommand("sign-list", "Sign the tokens that may charge while cut off.");
    sign->add_option("--tokens", command.tokens, "File: a token and its limit in every line")
        ->required();
    sign->add_option("--operator", command.party, "The operator, three letters")->required();
    sign->add_option("--currency", command.currency, "Of the limits")->required();
    sign->add_option("--valid-until", command.valid_until, "RFC 3339")->required();
    sign->add_option("--key", command.key_file, "Secret key of the operator")->required();
    sign->add_option("--out", command.out, "The signed list")->required();
    return sign;
}

int run(int argc, char** argv) {
    CLI::App app{
        "The on-site charger bridge: OCPP 1.6J and 2.0.1 to chargers, one link to the node."};
    app.require_subcommand(1);
    std::string config;
    CLI::App* const serve = app.add_subcommand("run", "Serve the chargers of this site.");
    serve->add_option("--config", config, "Configuration file (TOML)")->required();
    ReviewCommand review;
    review.by = user_name();
    add_review(app, review);
    tally::bridge::SignList list;
    const CLI::App* const sign = add_sign_list(app, list);
    const CLI::App* const hash = app.add_subcommand(
        "hash-password", "Read a password from standard input, print its password_hash.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : tally::node::exit_usage;
    }
    if (hash->parsed()) {
        return tally::bridge::hash_password();
    }
    if (sign->parsed()) {
        return tally::bridge::run_sign_list(list);
    }
    return review.verb.empty() ? tally::bridge::run_bridge(config)
                               : tally::bridge::run_review(review);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        tally::node::protect_process_memory();
        return run(argc, argv);
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "tally-bridge: %s\n", error.what()));
        return tally::node::exit_internal;
    }
}
