#include "tools/submit/command.h"

#include "ledger/base/posix_file_system.h"
#include "node/config/genesis_json.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"
#include "tools/submit/action_json.h"
#include "tools/submit/submitter.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace tally::tools {

namespace {

struct Options {
    std::string action;
    std::string key;
    std::string member;
    std::string genesis;
    std::string api;
    bool json{false};
    std::uint32_t timeout_s{30};
};

int fail(int exit_code, const std::string& text) {
    static_cast<void>(std::fprintf(stderr, "tally submit: %s\n", text.c_str()));
    return exit_code;
}

Expected<Bytes, std::string> read_action(const std::string& path) {
    if (path == "-") {
        std::string text(action_json_bytes_max + 1, '\0');
        std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
        const ByteView content = as_bytes(text).first(static_cast<std::size_t>(std::cin.gcount()));
        return Bytes{content.begin(), content.end()};
    }
    const PosixFileSystem files;
    auto content = files.read(path, 0, action_json_bytes_max + 1);
    if (!content) {
        return Unexpected{path + ": cannot be read"};
    }
    return std::move(content).value();
}

/// The parts of the command line as values, or what is wrong with them.
Expected<SubmitAs, std::string> signer_of(const Options& options) {
    const auto genesis = node::load_genesis(options.genesis);
    if (!genesis) {
        return Unexpected{genesis.error()};
    }
    const auto key = node::read_secret_key(options.key);
    if (!key) {
        return Unexpected{key.error().text};
    }
    const auto member = party_from_text(options.member);
    if (!member) {
        return Unexpected{std::string{"--member: must be three letters"}};
    }
    return SubmitAs{*member, *key, genesis->chain_id(), options.api};
}

int submit(const Options& options) {
    const auto text = read_action(options.action);
    if (!text) {
        return fail(2, text.error());
    }
    Expected<Action, std::string> action = action_from_json(as_text(*text));
    if (!action) {
        return fail(node::exit_config, options.action + ": " + action.error());
    }
    const auto as = signer_of(options);
    if (!as) {
        return fail(node::exit_config, as.error());
    }
    const auto finals =
        submit_and_wait(*as, {std::move(action).value()}, std::chrono::seconds{options.timeout_s});
    if (!finals) {
        return fail(2, finals.error());
    }
    const SubmittedTransaction& done = finals->front();
    if (options.json) {
        std::cout << R"({"id":")" << to_text(done.ref) << R"(","height":)" << done.height
                  << R"(,"result":")" << done.result << "\"}\n";
    } else {
        std::cout << to_text(done.ref) << " is final at height " << done.height << ": "
                  << done.result << "\n";
    }
    return done.result == "ok" ? 0 : 1;
}

}  // namespace

void add_submit_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("submit", "Sign an action with a member's key and put it on the ledger");
    command->add_option("--action", options->action, "JSON file, or - for standard input")
        ->required();
    command->add_option("--key", options->key, "The member's secret key file")->required();
    command->add_option("--member", options->member, "Who signs, three letters")->required();
    command->add_option("--genesis", options->genesis, "Genesis file of the network")->required();
    command->add_option("--api", options->api, "URL of a node")->required();
    command->add_option("--timeout", options->timeout_s, "Seconds to wait until it is final");
    command->add_flag("--json", options->json, "Answer as JSON");
    command->footer(
        "Actions: SetAgreement, RegisterBridge, RegisterCharger, PublishTariff, SetLimit,\n"
        "Countersign, RevokeBridge, SettleCharge, OpenDispute, AcceptDispute, Arbitrate,\n"
        "LateCharge, CreditCharge, RebillCharge, ConfirmPayment; their fields are in\n"
        "docs/protocol/ledger.md. Disputes and payments are easier with tally settle, tally\n"
        "dispute and tally pay; membership with tally member, which makes AdmitFollower,\n"
        "ProposeChange, VoteOnChange and RotateKey.\n"
        "Exit codes: 0 done, 1 refused by the ledger (the result says why), 2 not reached.\n"
        "Example:\n"
        "  echo '{\"action\":\"SetLimit\",\"member\":\"AAA\",\"currency\":\"CNY\","
        "\"limit\":\"1000.00\"}' |\n"
        "    tally submit --action - --key keys/member.key --member AAA --genesis genesis.json "
        "--api http://127.0.0.1:7002");
    command->callback([options, &exit_code] { exit_code = submit(*options); });
}

}  // namespace tally::tools
