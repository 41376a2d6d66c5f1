#include "tools/member/command.h"

#include "ledger/base/system_random.h"
#include "node/config/genesis_json.h"
#include "node/runtime/exit_codes.h"
#include "tools/join/admission.h"
#include "tools/keys/proven_keys.h"
#include "tools/member/identity.h"
#include "tools/member/requests.h"
#include "tools/member/rotation.h"
#include "tools/show/render.h"
#include "tools/support/json_api.h"
#include "tools/support/text_file.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

struct Options {
    IdentityOptions identity;
    ProposalOptions proposal;
    std::string file;  ///< admission.json
    std::string id;    ///< of a proposal
    std::string vote;
    std::string role;
    std::string out;
    bool json{false};
    std::uint32_t timeout_s{30};
};
using OptionsPtr = std::shared_ptr<Options>;

constexpr int exit_refused{1};
constexpr int exit_not_reached{2};

int fail(int exit_code, const std::string& text) {
    std::cerr << "tally member: " << text << "\n";
    return exit_code;
}

/// What to say besides the result code.
struct Outcome {
    SubmittedTransaction transaction;
    json::object more;
    std::string text;
};

int tell(const Options& options, const Outcome& outcome) {
    const SubmittedTransaction& done = outcome.transaction;
    if (options.json) {
        json::object answer{
            {"id", to_text(done.ref)}, {"height", done.height}, {"result", done.result}};
        for (const auto& item : outcome.more) {
            answer[item.key()] = item.value();
        }
        std::cout << json::serialize(answer) << "\n";
    } else {
        std::cout << to_text(done.ref) << " is final at height " << done.height << ": "
                  << done.result << "\n"
                  << outcome.text;
    }
    return done.result == "ok" ? 0 : exit_refused;
}

Expected<Outcome, std::string> put(const Options& options, const SubmitAs& as, Action action) {
    const auto finals =
        submit_and_wait(as, {std::move(action)}, std::chrono::seconds{options.timeout_s});
    if (!finals) {
        return Unexpected{finals.error()};
    }
    return Outcome{finals->front(), {}, {}};
}

/// Whether a proposal still waits for votes.
bool is_open(const std::string& api, const std::string& id) {
    const auto answer = JsonApi{api, ""}.get("/api/v1/proposals");
    if (answer) {
        for (const json::value& item : json_items(*answer)) {
            if (json_text(item, "id") == id) {
                return true;
            }
        }
    }
    return false;
}

void say_where_it_stands(Outcome& outcome, const std::string& api, const std::string& id) {
    if (outcome.transaction.result != "ok") {
        return;
    }
    const bool open = is_open(api, id);
    outcome.more = {{"proposal", id}, {"state", open ? "open" : "decided"}};
    outcome.text = open ? "Open. Validators and the hub vote with: tally member vote " + id +
                              " approve|reject\n"
                        : "Decided.\n";
}

/// "1, 2"; empty when there is none.
std::string list_text(const json::value& object, std::string_view name) {
    std::string text;
    const json::value* list = object.is_object() ? object.get_object().if_contains(name) : nullptr;
    if (list != nullptr && list->is_array()) {
        for (const json::value& item : list->get_array()) {
            text += (text.empty() ? "" : ", ") + json::serialize(item);
        }
    }
    return text;
}

int list(const Options& options) {
    const auto api = api_of(options.identity);
    if (!api) {
        return fail(node::exit_config, api.error());
    }
    const JsonApi node{api->text, ""};
    const auto members = node.get("/api/v1/members");
    const auto epoch = node.get("/api/v1/epoch");
    const auto proposals = node.get("/api/v1/proposals");
    for (const auto* answer : {&members, &epoch, &proposals}) {
        if (!*answer) {
            return fail(exit_not_reached, answer->error().text);
        }
    }
    if (options.json) {
        std::cout << json::serialize(json::object{{"members", json_items(*members)},
                                                  {"epoch", *epoch},
                                                  {"proposals", json_items(*proposals)}})
                  << "\n";
        return 0;
    }
    std::cout << render_table(json_items(*members), {"party", "role", "country", "validator_now",
                                                     "validator", "suspended", "link_key"});
    if (const std::string features = list_text(*epoch, "features"); !features.empty()) {
        std::cout << "\nactive features: " << features << "\n";
    }
    if (const std::string features = list_text(*epoch, "wanted_features"); !features.empty()) {
        std::cout << "\nfeatures that wait for newer programs: " << features << "\n";
    }
    std::cout << "\nepoch " << json_number(*epoch, "epoch") << " since height "
              << json_number(*epoch, "first_height") << ", at most "
              << json_number(*epoch, "blocks_left") << " more blocks\n";
    if (!json_items(*proposals).empty()) {
        std::cout << "\nopen proposals\n"
                  << render_table(json_items(*proposals),
                                  {"id", "kind", "member", "approvals", "rejections"});
    }
    return 0;
}

int propose(const Options& options) {
    const auto identity = identify(options.identity);
    if (!identity) {
        return fail(exit_not_reached, identity.error());
    }
    json::value parameters;
    if (options.proposal.kind == "set-parameters") {
        const auto epoch = JsonApi{identity->as.api, ""}.get("/api/v1/epoch");
        if (!epoch) {
            return fail(exit_not_reached, epoch.error().text);
        }
        const json::value* in_force = epoch->get_object().if_contains("parameters");
        parameters = in_force != nullptr ? *in_force : json::value{};
    }
    auto change = proposal_of(options.proposal, identity->as.chain_id, std::move(parameters));
    if (!change) {
        return fail(node::exit_config, change.error());
    }
    auto outcome = put(options, identity->as, std::move(change).value());
    if (!outcome) {
        return fail(exit_not_reached, outcome.error());
    }
    say_where_it_stands(*outcome, identity->as.api, to_text(outcome->transaction.ref));
    return tell(options, *outcome);
}

int vote(const Options& options) {
    const auto action = vote_of(options.id, options.vote);
    if (!action) {
        return fail(node::exit_config, action.error());
    }
    const auto identity = identify(options.identity);
    if (!identity) {
        return fail(exit_not_reached, identity.error());
    }
    auto outcome = put(options, identity->as, *action);
    if (!outcome) {
        return fail(exit_not_reached, outcome.error());
    }
    say_where_it_stands(*outcome, identity->as.api, options.id);
    return tell(options, *outcome);
}

int admit(const Options& options) {
    const auto admission = load_admission(options.file);
    if (!admission) {
        return fail(node::exit_config, admission.error());
    }
    const auto identity = identify(options.identity);
    if (!identity) {
        return fail(exit_not_reached, identity.error());
    }
    if (admission->chain_id != identity->as.chain_id) {
        return fail(node::exit_config, options.file + ": is for another network: chain " +
                                           to_hex(admission->chain_id));
    }
    auto outcome = put(options, identity->as, admission->request);
    if (!outcome) {
        return fail(exit_not_reached, outcome.error());
    }
    outcome->more = {{"member", to_text(admission->request.member.party)}};
    return tell(options, *outcome);
}

/// Offline, by the member whose keys were lost: the secrets stay where they are.
int prove(const Options& options) {
    const auto genesis = node::load_genesis(options.file);
    if (!genesis) {
        return fail(node::exit_config, genesis.error());
    }
    const auto party = party_from_text(options.identity.member);
    if (!party) {
        return fail(node::exit_config, "--member: must be three letters");
    }
    const auto keys = prove_keys_in(options.identity.key, genesis->chain_id(), *party);
    if (!keys) {
        return fail(node::exit_config, keys.error());
    }
    if (const auto written = write_text(options.out, proven_keys_to_json(*keys)); !written) {
        return fail(node::exit_io, written.error());
    }
    std::cout << options.out << ": send it to whoever proposes replace-keys " << to_text(*party)
              << "\n";
    return 0;
}

std::optional<KeyRole> role_from_text(const std::string& text) {
    for (const KeyRole role : {KeyRole::member, KeyRole::consensus, KeyRole::link}) {
        if (text == to_text(role)) {
            return role;
        }
    }
    return std::nullopt;
}

/// Where the new key goes: beside the configured one, or where --out says.
Expected<KeyFiles, std::string> rotation_files(const Options& options, const Identity& identity,
                                               KeyRole role) {
    if (identity.config) {
        return key_files_of(*identity.config, role);
    }
    if (options.out.empty() || options.file.empty()) {
        return Unexpected{
            std::string{"without --config give --current FILE of the key and --out FILE of the "
                        "new one"}};
    }
    return KeyFiles{options.file, options.out};
}

std::string after_rotation(KeyRole role, const KeyFiles& files) {
    std::string text = "The new secret key is in " + files.next + ".\n";
    switch (role) {
        case KeyRole::member:
            text += "It holds now: a node with that file beside its key signs with it already.\n";
            break;
        case KeyRole::consensus:
            text +=
                "It holds from the next epoch on: a node with that file beside its key votes with "
                "it then.\nKeep both files until 'tally member list' shows it as the key in use.\n";
            break;
        case KeyRole::link:
            text +=
                "It holds now: a node with that file beside its key links with it within a "
                "second.\nYour own bridges name the node's link key in [node] link_key: change it "
                "there.\n";
            break;
    }
    return text + "The next rotation of this key, or you, may move it over " + files.current +
           ".\n";
}

int rotate(const Options& options) {
    const auto role = role_from_text(options.role);
    if (!role) {
        return fail(node::exit_config, "--role: must be member, consensus or link");
    }
    const auto identity = identify(options.identity);
    if (!identity) {
        return fail(exit_not_reached, identity.error());
    }
    const auto files = rotation_files(options, *identity, *role);
    if (!files) {
        return fail(node::exit_config, files.error());
    }
    const auto known = ask_member(identity->as.api, identity->as.member);
    if (!known) {
        return fail(exit_not_reached, known.error());
    }
    SystemRandom random;
    const auto key = prepare_next_key(*files, *role, *known, random);
    if (!key) {
        return fail(node::exit_config, key.error());
    }
    const auto rotation = rotation_to(files->next, *role, identity->as);
    if (!rotation) {
        return fail(node::exit_config, rotation.error());
    }
    auto outcome = put(options, identity->as, *rotation);
    if (!outcome) {
        return fail(exit_not_reached, outcome.error() + "; running this again uses the same key");
    }
    outcome->more = {{"role", options.role}, {"new_key", to_hex(*key)}, {"file", files->next}};
    if (outcome->transaction.result == "ok") {
        outcome->text = after_rotation(*role, *files);
    }
    return tell(options, *outcome);
}

void add_common(CLI::App& command, const OptionsPtr& options, bool signs) {
    command.add_option("--config", options->identity.config,
                       "Configuration of the member's node: names member, key and API");
    command.add_option("--api", options->identity.api, "URL of a node");
    command.add_flag("--json", options->json, "Answer as JSON");
    if (signs) {
        command.add_option("--member", options->identity.member, "Who signs, three letters");
        command.add_option("--key", options->identity.key, "The member's secret key file");
        command.add_option("--timeout", options->timeout_s, "Seconds to wait until it is final");
    }
}

using Run = int (*)(const Options&);

CLI::App& add_one(CLI::App& parent, const char* name, const char* description, Run run,
                  int& exit_code, const OptionsPtr& options) {
    CLI::App* command = parent.add_subcommand(name, description);
    add_common(*command, options, run != list);
    command->callback([options, run, &exit_code] { exit_code = run(*options); });
    return *command;
}

void add_prove(CLI::App& parent, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = parent.add_subcommand(
        "prove-keys", "Show that the secrets of new keys are yours (offline)");
    command->add_option("--keys", options->identity.key, "Folder that 'tally keygen' made")
        ->required();
    command->add_option("--member", options->identity.member, "Whose keys, three letters")
        ->required();
    command->add_option("--genesis", options->file, "Genesis file of the network")->required();
    command->add_option("--out", options->out, "File with public keys and proofs")->required();
    command->callback([options, &exit_code] { exit_code = prove(*options); });
}

void add_propose(CLI::App& parent, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App& command = add_one(parent, "propose", "Ask for a change, which is decided by vote",
                                propose, exit_code, options);
    ProposalOptions& proposal = options->proposal;
    command
        .add_option("KIND", proposal.kind,
                    "promote, demote, suspend, reinstate, replace-keys, set-parameters, "
                    "activate-feature, withdraw-feature or confirm-leg")
        ->required();
    command.add_option("MEMBER", proposal.member,
                       "Whom it is about, of a leg its debtor; none for parameters and features");
    command.add_option("--keys", proposal.keys,
                       "replace-keys: the new keys, from the member's 'tally member prove-keys'");
    command.add_option("--feature", proposal.feature, "Number of a protocol feature");
    command.add_option("--set", proposal.set, "set-parameters: name=value, more than once");
    command.add_option("--cycle", proposal.cycle, "confirm-leg: the cycle of the payment");
    command.add_option("--currency", proposal.currency, "confirm-leg: its currency");
    command.add_option("--creditor", proposal.creditor, "confirm-leg: who was to confirm it");
}

}  // namespace

void add_member_command(CLI::App& app, int& exit_code) {
    CLI::App* command =
        app.add_subcommand("member", "Members, validators and keys: see, change, vote");
    command->require_subcommand(1);
    command->footer(
        "A change passes with the approval of more than 2/3 of the validators and of the hub;\n"
        "new keys for the hub itself with that of the same validators without the hub.\n"
        "Exit codes: 0 done, 1 refused by the ledger (the result says why), 2 not reached.\n"
        "Examples:\n"
        "  tally member list --api http://127.0.0.1:7002\n"
        "  tally member admit admission.json --config node.toml\n"
        "  tally member propose promote DDD --config node.toml\n"
        "  tally member prove-keys --keys new --member HUB --genesis genesis.json --out new.json\n"
        "  tally member propose replace-keys HUB --keys new.json --config node.toml\n"
        "  tally member propose activate-feature --feature 7 --config node.toml\n"
        "  tally member propose set-parameters --set epoch_blocks_max=50000 --config node.toml\n"
        "  tally member propose confirm-leg CCC --cycle 2961 --currency EUR --creditor AAA "
        "--config node.toml\n"
        "  tally member vote AAA-0123... approve --config node.toml\n"
        "  tally member rotate-key --role consensus --config node.toml\n"
        "  tally member vote AAA-0123... approve --member BBB --key member.key --api URL");

    auto listing = std::make_shared<Options>();
    add_one(*command, "list", "Members, the epoch and open proposals", list, exit_code, listing);
    add_propose(*command, exit_code);
    add_prove(*command, exit_code);

    auto voting = std::make_shared<Options>();
    CLI::App& vote_command =
        add_one(*command, "vote", "Vote on an open proposal", vote, exit_code, voting);
    vote_command.add_option("PROPOSAL", voting->id, "Its id")->required();
    vote_command.add_option("VOTE", voting->vote, "approve or reject")->required();

    auto admission = std::make_shared<Options>();
    CLI::App& admit_command =
        add_one(*command, "admit", "Admit a new operator (the hub)", admit, exit_code, admission);
    admit_command.add_option("FILE", admission->file, "Its admission.json")->required();

    auto rotation = std::make_shared<Options>();
    CLI::App& rotate_command = add_one(*command, "rotate-key", "Make a new key and put it in force",
                                       rotate, exit_code, rotation);
    rotate_command.add_option("--role", rotation->role, "member, consensus or link")->required();
    rotate_command.add_option("--current", rotation->file, "Without --config: the key's file");
    rotate_command.add_option("--out", rotation->out, "Without --config: file of the new key");
}

}  // namespace tally::tools
