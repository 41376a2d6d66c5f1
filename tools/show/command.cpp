#include "tools/show/command.h"

#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"
#include "tools/show/render.h"
#include "tools/support/json_api.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace tally::tools {

namespace {

struct Options {
    std::string api;
    std::string token_file;
    std::string argument;
    bool json{false};
};

/// One thing to show: its name, where the API has it, and what it takes.
struct Subject {
    const char* name;
    const char* path;      ///< the argument is appended when there is one
    const char* argument;  ///< its name; null: none
    const char* description;
    std::vector<std::string> columns;  ///< of a table; empty: `render`
    std::string (*render)(const boost::json::value&){render_fields};
};

const std::vector<Subject>& subjects() {
    static const std::vector<Subject> all{
        {"status", "/api/v1/status", nullptr, "The node: height, digest, state root, peers", {}},
        {"members",
         "/api/v1/members",
         nullptr,
         "The members of the network",
         {"party", "role", "country", "validator_now", "validator", "suspended", "member_key"}},
        {"consensus",
         "/api/v1/consensus",
         nullptr,
         "The current view: who voted, who is missing, and why views had no block",
         {},
         render_consensus},
        {"epoch", "/api/v1/epoch", nullptr, "Who votes now, who is wanted, who is ready", {}},
        {"proposals",
         "/api/v1/proposals",
         nullptr,
         "Changes that wait for votes",
         {"id", "kind", "member", "approvals", "rejections", "expires_ms"}},
        {"evidence",
         "/api/v1/evidence",
         nullptr,
         "Proven double votes, newest first",
         {"epoch", "offender", "reporter", "reported_at_ms"}},
        {"block", "/api/v1/blocks/", "HEIGHT", "A final block with its transactions", {}},
        {"transaction", "/api/v1/transactions/", "ID", "A final transaction and its result", {}},
        {"authorization", "/api/v1/authorizations/", "ID", "An approval and its charge", {}},
        {"account", "/api/v1/accounts/", "MEMBER", "What a member owes and is owed (token)", {}},
        {"cycles",
         "/api/v1/cycles",
         nullptr,
         "Closed cycles, one line a currency, and the open one (token)",
         {"cycle", "currency", "closed_at_ms", "due_by_ms", "members", "legs", "open_legs"}},
        {"cycle", "/api/v1/cycles/", "N", "A closed cycle: figures, who owed whom (token)", {}},
        {"legs",
         "/api/v1/legs",
         nullptr,
         "Payments between banks that are not all confirmed (token)",
         {"cycle", "currency", "debtor", "creditor", "amount", "status", "due_by_ms", "reference"}},
        {"session", "/api/v1/sessions/", "ID", "A charge as the driver sees it (token)", {}},
        {"sessions",
         "/api/v1/sessions",
         nullptr,
         "The newest charges (token)",
         {"id", "state", "visited", "home", "station", "connector", "energy_wh", "mc", "mp",
          "amount", "reason"}},
        {"chargers",
         "/api/v1/chargers",
         nullptr,
         "This operator's registered connectors",
         {"evse_id", "station", "connector", "bridge_id", "rated_power_w", "last_register_wh"}},
    };
    return all;
}

int show(const Subject& subject, const Options& options) {
    std::string token;
    if (!options.token_file.empty()) {
        const auto read = node::read_secret_text(options.token_file);
        if (!read) {
            std::cerr << "tally show: " << read.error().text << "\n";
            return node::exit_config;
        }
        token = *read;
    }
    const auto answer = JsonApi{options.api, token}.get(subject.path + options.argument);
    if (!answer) {
        std::cerr << "tally show: " << answer.error().text << "\n";
        return answer.error().status == 404 ? 1 : 2;
    }
    if (options.json) {
        std::cout << boost::json::serialize(*answer) << "\n";
    } else if (subject.columns.empty()) {
        std::cout << subject.render(*answer);
    } else {
        std::cout << render_table(json_items(*answer), subject.columns);
    }
    return 0;
}

}  // namespace

void add_show_command(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("show", "Show what a node knows");
    command->require_subcommand(1);
    command->footer(
        "Exit codes: 0 shown, 1 there is no such thing, 2 the node was not reached.\n"
        "Examples:\n"
        "  tally show status --api http://127.0.0.1:7002\n"
        "  tally show consensus --api http://127.0.0.1:7002\n"
        "  tally show block 12 --api http://127.0.0.1:7002 --json\n"
        "  tally show account AAA --api http://127.0.0.1:7002 --token-file api.token");
    for (const Subject& subject : subjects()) {
        auto options = std::make_shared<Options>();
        CLI::App* entry = command->add_subcommand(subject.name, subject.description);
        if (subject.argument != nullptr) {
            entry->add_option(subject.argument, options->argument)->required();
        }
        entry->add_option("--api", options->api, "URL of a node")->required();
        entry->add_option("--token-file", options->token_file, "File with the bearer token");
        entry->add_flag("--json", options->json, "The node's answer as it is");
        entry->callback([&subject, options, &exit_code] { exit_code = show(subject, *options); });
    }
}

}  // namespace tally::tools
