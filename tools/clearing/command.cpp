#include "tools/clearing/command.h"

#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"
#include "tools/clearing/payment.h"
#include "tools/member/identity.h"
#include "tools/submit/action_json.h"
#include "tools/support/json_api.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tally::tools {

namespace json = boost::json;

namespace {

struct Options {
    const char* action{nullptr};  ///< its name on the ledger
    IdentityOptions identity;
    std::string id;
    std::string amount;
    std::string reason;
    std::string evidence;
    std::string currency;
    std::string debtor;
    std::string reference;
    std::uint64_t cycle{0};
    std::string token_file;
    bool yes{false};
    bool json{false};
    std::uint32_t timeout_s{30};
};
using OptionsPtr = std::shared_ptr<Options>;

int fail(int exit_code, const std::string& text) {
    std::cerr << "tally: " << text << "\n";
    return exit_code;
}

/// What the command line says as the JSON form of the action; absent texts are left out.
json::object form_of(const Options& options) {
    json::object form{{"action", options.action}};
    const auto add = [&form](const char* name, const std::string& value) {
        if (!value.empty()) {
            form[name] = value;
        }
    };
    const std::string action{options.action};
    if (action == "ConfirmPayment") {
        form["cycle"] = options.cycle;
        add("currency", options.currency);
        add("debtor", options.debtor);
        add("reference", options.reference);
        return form;
    }
    add("authorization", options.id);
    add(action == "OpenDispute" ? "disputed" : "amount", options.amount);
    add("reason", options.reason);
    add("evidence", options.evidence);
    return form;
}

constexpr int exit_refused{1};
constexpr int exit_not_reached{2};
constexpr int exit_not_wanted{3};

/// What the node shows of bank legs; --token-file, else the configuration, names the token for it.
Expected<json::value, std::string> ask_legs(const Options& options, const Identity& identity) {
    const std::string& file = options.token_file.empty() && identity.config
                                  ? identity.config->api_token_file
                                  : options.token_file;
    if (file.empty()) {
        return Unexpected{std::string{"--token-file: is missing (or give --config)"}};
    }
    const auto token = node::read_secret_text(file);
    if (!token) {
        return Unexpected{token.error().text};
    }
    auto legs = JsonApi{identity.as.api, *token}.get("/api/v1/legs");
    if (!legs) {
        return Unexpected{legs.error().text};
    }
    return std::move(legs).value();
}

/// Shows what is about to be confirmed and asks, unless --yes says it already: then what cannot be
/// shown is left to the ledger to refuse. Nothing: go on; else the exit code.
std::optional<int> ask_payment(const Options& options, const Identity& identity,
                               const ConfirmPayment& action) {
    const LegKey leg{action.cycle, action.currency, action.debtor, identity.as.member};
    const auto legs = ask_legs(options, identity);
    const auto payment = legs ? find_payment(*legs, leg) : std::nullopt;
    if (payment) {
        std::cerr << payment_text(*payment);
    }
    if (options.yes) {
        return std::nullopt;
    }
    if (!legs) {
        return fail(exit_not_reached, legs.error() + "; --yes confirms without showing it");
    }
    if (!payment) {
        return fail(exit_refused, "there is no such payment to " + to_text(leg.creditor) +
                                      " that waits; see tally show legs");
    }
    std::cerr << "Has all of it arrived? [y/N] " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    return says_yes(line) ? std::nullopt
                          : std::optional{fail(exit_not_wanted, "nothing was signed")};
}

int act(const Options& options) {
    Expected<Action, std::string> action = action_from_json(json::serialize(form_of(options)));
    if (!action) {
        return fail(node::exit_config, action.error());
    }
    const auto identity = identify(options.identity);
    if (!identity) {
        return fail(node::exit_config, identity.error());
    }
    if (const auto* confirmation = std::get_if<ConfirmPayment>(&*action)) {
        if (const auto exit_code = ask_payment(options, *identity, *confirmation)) {
            return *exit_code;
        }
    }
    const auto finals = submit_and_wait(identity->as, {std::move(action).value()},
                                        std::chrono::seconds{options.timeout_s});
    if (!finals) {
        return fail(exit_not_reached, finals.error());
    }
    const SubmittedTransaction& done = finals->front();
    if (options.json) {
        std::cout << json::serialize(json::object{{"id", to_text(done.ref)},
                                                  {"height", done.height},
                                                  {"result", done.result}})
                  << "\n";
    } else {
        std::cout << to_text(done.ref) << " is final at height " << done.height << ": "
                  << done.result << "\n";
    }
    return done.result == "ok" ? 0 : exit_refused;
}

/// A subcommand that signs `action`, with the options that all of them have.
std::pair<CLI::App*, OptionsPtr> add_one(CLI::App& parent, const char* name,
                                         const char* description, const char* action,
                                         int& exit_code) {
    auto options = std::make_shared<Options>();
    options->action = action;
    CLI::App* command = parent.add_subcommand(name, description);
    command->add_option("--config", options->identity.config,
                        "Configuration of the member's node: names member, key and API");
    command->add_option("--member", options->identity.member, "Who signs, three letters");
    command->add_option("--key", options->identity.key, "The member's secret key file");
    command->add_option("--api", options->identity.api, "URL of a node");
    command->add_option("--timeout", options->timeout_s, "Seconds to wait until it is final");
    command->add_flag("--json", options->json, "Answer as JSON");
    command->callback([options, &exit_code] { exit_code = act(*options); });
    return {command, options};
}

constexpr const char* exit_codes_text{
    "Exit codes: 0 done, 1 refused by the ledger (the result says why), 2 not reached.\n"};

void add_settle(CLI::App& app, int& exit_code) {
    const auto [command, options] = add_one(
        app, "settle", "Pay a recorded charge (its home operator)", "SettleCharge", exit_code);
    command->add_option("ID", options->id, "The authorization")->required();
    command->add_option("--amount", options->amount, "The recorded amount")->required();
    command->footer(std::string{exit_codes_text} +
                    "Example:\n"
                    "  tally settle BBB-0123... --amount 18.00 --config node.toml");
}

void add_dispute(CLI::App& app, int& exit_code) {
    CLI::App* group = app.add_subcommand("dispute", "Contest a charge, accept that, decide it");
    group->require_subcommand(1);
    group->footer(std::string{exit_codes_text} +
                  "Examples:\n"
                  "  tally dispute open BBB-0123... --amount 5.00 --reason energy --config b.toml\n"
                  "  tally dispute accept BBB-0123... --config a.toml\n"
                  "  tally dispute decide BBB-0123... --amount 2.50 --config hub.toml");
    {
        const auto [command, options] =
            add_one(*group, "open", "Contest a part of a recorded charge (its home operator)",
                    "OpenDispute", exit_code);
        command->add_option("ID", options->id, "The authorization")->required();
        command->add_option("--amount", options->amount, "The part that is contested")->required();
        command
            ->add_option("--reason", options->reason,
                         "energy, price, time, not_our_customer, duplicate or other")
            ->required();
        command->add_option("--evidence", options->evidence, "SHA-256 of what it rests on");
    }
    {
        const auto [command, options] =
            add_one(*group, "accept", "Give up the contested part (the visited operator)",
                    "AcceptDispute", exit_code);
        command->add_option("ID", options->id, "The authorization")->required();
    }
    {
        const auto [command, options] =
            add_one(*group, "decide", "Say how much of the contested part is owed (the hub)",
                    "Arbitrate", exit_code);
        command->add_option("ID", options->id, "The authorization")->required();
        command->add_option("--amount", options->amount, "0 to the contested part")->required();
        command->add_option("--reason", options->reason, "SHA-256 of the decision's text");
    }
}

void add_pay(CLI::App& app, int& exit_code) {
    CLI::App* group = app.add_subcommand("pay", "Payments between banks after a cycle");
    group->require_subcommand(1);
    const auto [command, options] = add_one(
        *group, "confirm", "Say that a debtor's payment has arrived (the creditor of the leg)",
        "ConfirmPayment", exit_code);
    command->add_option("--cycle", options->cycle, "The cycle")->required();
    command->add_option("--currency", options->currency, "Three letters")->required();
    command->add_option("--debtor", options->debtor, "Who paid, three letters")->required();
    command
        ->add_option("--reference", options->reference, "Of the bank statement, 1 to 64 characters")
        ->required();
    command->add_option("--token-file", options->token_file,
                        "File with the API's bearer token, to see the payment; else that of "
                        "--config");
    command->add_flag("--yes", options->yes, "Do not ask");
    group->footer(std::string{exit_codes_text} +
                  "Exit code 3: shown, and the answer was not yes; nothing was signed.\n"
                  "The payment is shown before it is signed. A confirmation is for the whole leg:\n"
                  "there is none for a part, so wait until all of it has come.\n"
                  "What there is to confirm: tally show legs\n"
                  "Example:\n"
                  "  tally pay confirm --cycle 2961 --currency EUR --debtor BBB --reference "
                  "\"2026-11-22/0042\" --config node.toml");
}

}  // namespace

void add_clearing_commands(CLI::App& app, int& exit_code) {
    add_settle(app, exit_code);
    add_dispute(app, exit_code);
    add_pay(app, exit_code);
}

}  // namespace tally::tools
