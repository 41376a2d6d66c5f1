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

constexpr const char* run_footer{
    "SIGTERM ends it, SIGHUP reads renewed certificates. Logs go to standard error.\n"
    "Exit codes: 0 stopped, 64 command line, 70 a broken invariant, 74 storage or a port,\n"
    "78 configuration: every mistake with file, line, column and key.\n"
    "Example:\n"
    "  tally-bridge run --config /etc/tally/bridge.toml"};

constexpr const char* review_footer{
    "A held charge keeps the driver's money and the EVSE for [review] keep_s; later only a late\n"
    "charge bills it. N is the number that `list` prints first. Registers are in Wh, times UTC.\n"
    "`show` also prints each signed text of the meter, and whether its signature is valid.\n"
    "Exit codes: 0 done, 1 the bridge refused, 2 it does not answer, 64 command line,\n"
    "78 configuration.\n"
    "Examples:\n"
    "  tally-bridge review --config bridge.toml list\n"
    "  tally-bridge review --config bridge.toml show 17 --json\n"
    "  tally-bridge review --config bridge.toml release 17 --reason \"display read on site\"\n"
    "  tally-bridge review --config bridge.toml reject 18 --reason \"wrong key\" --by Li"};

constexpr const char* sign_list_footer{
    "A line of --tokens is a token, a blank, and the most it may owe while nobody can be asked,\n"
    "in units of the currency: BBB-1 50.00. The public key that is printed is list_key of\n"
    "[offline]; the running bridge takes a new list within 30 s.\n"
    "Exit codes: 0 written, 1 an argument or a line is wrong, 64 command line, 74 files.\n"
    "Example:\n"
    "  tally-bridge sign-list --tokens tokens.txt --operator AAA --currency CNY \\\n"
    "      --valid-until 2026-12-31T00:00:00Z --key operator.key --out local.list"};

constexpr const char* hash_footer{
    "The line goes into [[charger]] or [[admit]] as password_hash. The password: 16 to 64 bytes,\n"
    "without the end of the line; exactly 40 hexadecimal digits are the 20 bytes they spell.\n"
    "Exit codes: 0 done, 64 command line, or the password is too short or too long.\n"
    "Example:\n"
    "  tally-bridge hash-password < cp1.password"};

void add_review(CLI::App& app, ReviewCommand& command) {
    CLI::App* const review =
        app.add_subcommand("review", "Look at charges that are held, and decide about them.");
    review->require_subcommand(1);
    review->footer(review_footer);  // Before its subcommands: they show it too.
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
    sign->footer(sign_list_footer);
    sign->add_option("--tokens", command.tokens, "File: a token and its limit in every line")
        ->required();
    sign->add_option("--operator", command.party, "The operator, three letters")->required();
    sign->add_option("--currency", command.currency, "Of the limits")->required();
    sign->add_option("--valid-until", command.valid_until, "Until when, in UTC")->required();
    sign->add_option("--key", command.key_file, "Secret key of the operator")->required();
    sign->add_option("--out", command.out, "The signed list")->required();
    return sign;
}

int run(int argc, char** argv) {
    CLI::App app{
        "The on-site charger bridge: OCPP 1.6J and 2.0.1 to chargers, one link to the node."};
    app.require_subcommand(1);
    app.footer("Every command explains itself: tally-bridge COMMAND --help");
    std::string config;
    CLI::App* const serve = app.add_subcommand("run", "Serve the chargers of this site.");
    serve->add_option("--config", config, "Configuration file (TOML)")->required();
    serve->footer(run_footer);
    ReviewCommand review;
    review.by = user_name();
    add_review(app, review);
    tally::bridge::SignList list;
    const CLI::App* const sign = add_sign_list(app, list);
    CLI::App* const hash = app.add_subcommand(
        "hash-password", "Read a password from standard input, print its password_hash.");
    hash->footer(hash_footer);
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
