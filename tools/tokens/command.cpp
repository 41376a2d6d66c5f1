#include "tools/tokens/command.h"

#include "ledger/base/system_random.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/http_client.h"
#include "node/runtime/key_file.h"
#include "node/tokens/token_key.h"
#include "tools/member/identity.h"
#include "tools/support/json_api.h"
#include "tools/tokens/card_file.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {

namespace json = boost::json;

namespace {

struct Options {
    std::string out;
    std::string config;
    std::string file;
    std::string key;
    std::string member;
    bool remove{false};
    bool json{false};
};

int fail(int exit_code, const std::string& text) {
    std::cerr << "tally tokens: " << text << "\n";
    return exit_code;
}

/// A node's API as its own configuration has it.
struct NodeAccess {
    std::string url;
    std::string bearer;
};

Expected<NodeAccess, std::string> access_of(const std::string& path) {
    const auto config = node::load_node_config(path);
    if (!config) {
        return Unexpected{config.error().front().text()};
    }
    const auto url = api_of({.config = path, .member = {}, .key = {}, .api = {}});
    const auto bearer = node::read_secret_text(config->api_token_file);
    if (!url || !bearer) {
        return Unexpected{url ? bearer.error().text : url.error()};
    }
    return NodeAccess{url->text, *bearer};
}

Expected<json::value, std::string> post(const NodeAccess& access, const std::string& path,
                                        const std::string& body) {
    node::HttpClientRequest request;
    request.method = "POST";
    request.url = access.url + path;
    request.bearer_token = access.bearer;
    request.content_type = "text/plain";
    request.body = body;
    const auto response = node::http_request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    json::error_code error;
    json::value answer = json::parse(response->body, error);
    if (error || response->status != 200) {
        const json::value* detail =
            answer.is_object() ? answer.get_object().if_contains("error") : nullptr;
        return Unexpected{request.url + ": " + std::to_string(response->status) + ": " +
                          (detail == nullptr ? response->body : json_text(*detail, "message"))};
    }
    return answer;
}

int new_key(const Options& options) {
    SystemRandom random;
    const node::SharedTokenKey key = node::shared_key_of(random.fixed<node::SharedSecret>());
    const auto written = node::write_new_secret_text(options.out, node::to_line(key));
    if (!written) {
        return fail(node::exit_io, written.error().text);
    }
    std::cout
        << "key " << to_hex(key.id) << " is in " << options.out
        << "\nGive it to the other operators by a way that the hub does not see, and never to "
           "the hub.\n";
    return 0;
}

std::string names(const json::value& object, const char* key) {
    const json::value* list = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    std::string text;
    if (list != nullptr && list->is_array()) {
        for (const json::value& item : list->get_array()) {
            text += (text.empty() ? "" : " ") +
                    (item.is_string() ? std::string{item.get_string()} : std::string{"?"});
        }
    }
    return text.empty() ? "none" : text;
}

void print_hub(const json::value& status) {
    const json::value* hub = status.get_object().if_contains("hub");
    if (hub == nullptr || !hub->is_object()) {
        std::cout << "hub          has not answered since the start of this node\n";
        return;
    }
    for (const char* part : {"own", "keys"}) {
        const json::value* list = hub->get_object().if_contains(part);
        if (list == nullptr || !list->is_array()) {
            continue;
        }
        for (const json::value& item : list->get_array()) {
            std::cout << (part[0] == 'o' ? "at the hub   " : "key          ")
                      << json_text(item, "key");
            if (part[0] == 'o') {
                std::cout << "  version " << json_number(item, "version") << "  cards "
                          << json_number(item, "cards") << "\n";
            } else {
                std::cout << "  registered by " << names(item, "members") << "\n";
            }
        }
    }
}

void print_status(const json::value& status) {
    const json::value* registered = status.get_object().if_contains("registered");
    if (registered != nullptr && registered->is_array()) {
        for (const json::value& item : registered->get_array()) {
            std::cout << "register     key " << json_text(item, "key") << "  member "
                      << json_text(item, "member") << "  version " << json_number(item, "version")
                      << "  cards " << json_number(item, "cards") << "  older keys "
                      << names(item, "older") << "\n";
        }
    }
    if (json_text(status, "phase").empty()) {
        return;
    }
    std::cout << "keys         " << names(status, "keys") << "  (newest first)\n"
              << "own cards    " << json_number(status, "cards") << "  "
              << json_text(status, "phase") << ", version " << json_number(status, "version")
              << "\n";
    print_hub(status);
}

int show_status(const Options& options) {
    const auto access = access_of(options.config);
    if (!access) {
        return fail(node::exit_config, access.error());
    }
    const auto status = JsonApi{access->url, access->bearer}.get("/api/v1/tokens");
    if (!status) {
        return fail(2, status.error().text);
    }
    if (options.json) {
        std::cout << json::serialize(*status) << "\n";
    } else {
        print_status(*status);
    }
    return 0;
}

int register_cards(const Options& options) {
    const auto access = access_of(options.config);
    if (!access) {
        return fail(node::exit_config, access.error());
    }
    const std::string path =
        std::string{"/api/v1/tokens/cards?change="} + (options.remove ? "remove" : "add");
    const auto done = for_cards(options.file, [&](const std::string& page) {
        const auto answer = post(*access, path, page);
        return answer ? std::string{} : answer.error();
    });
    if (!done) {
        return fail(done.error().is_file ? node::exit_config : 2, done.error().text);
    }
    std::cout << done->cards << " cards " << (options.remove ? "removed" : "registered")
              << ": the node tells the hub\n";
    return 0;
}

int drop(const Options& options) {
    const auto access = access_of(options.config);
    if (!access) {
        return fail(node::exit_config, access.error());
    }
    std::string path = "/api/v1/tokens/drop?key=" + options.key;
    if (!options.member.empty()) {
        path += "&member=" + options.member;
    }
    const auto answer = post(*access, path, "");
    if (!answer) {
        return fail(2, answer.error());
    }
    std::cout << json_number(*answer, "sets") << " sets dropped\n";
    return 0;
}

}  // namespace

void add_tokens_command(CLI::App& app, int& exit_code) {
    CLI::App* tokens =
        app.add_subcommand("tokens", "Cards without a prefix: shared keys, registration, rotation");
    tokens->require_subcommand(1);
    tokens->footer(
        "Exit codes: 0 done, 2 refused or not reached, 64 command line, 74 file,\n"
        "78 configuration or file content.\nExamples:\n  tally tokens new-key --out 2026.key\n"
        "  tally tokens status --config node.toml\n"
        "  tally tokens register --config node.toml --file cards.txt\n"
        "  tally tokens register --config node.toml --file stolen.txt --remove\n"
        "  tally tokens drop --config node.toml --key ID   (the hub; status shows ID)");
    const auto options = std::make_shared<Options>();
    const auto with_config = [&](CLI::App* command) {
        command->add_option("--config", options->config, "Configuration of the node")->required();
        return command;
    };

    CLI::App* key = tokens->add_subcommand("new-key", "Make a key for the operators to share");
    key->add_option("--out", options->out, "New file, mode 0600")->required();
    key->callback([options, &exit_code] { exit_code = new_key(*options); });

    CLI::App* status = with_config(tokens->add_subcommand(
        "status", "What is registered, and by whom under which key (hub or operator)"));
    status->add_flag("--json", options->json, "Answer as JSON");
    status->callback([options, &exit_code] { exit_code = show_status(*options); });

    CLI::App* cards = with_config(tokens->add_subcommand(
        "register", "Register cards whose customers this node does not keep"));
    cards->add_option("--file", options->file, "One card a line")->required();
    cards->add_flag("--remove", options->remove, "Take them away instead");
    cards->callback([options, &exit_code] { exit_code = register_cards(*options); });

    CLI::App* dropping =
        with_config(tokens->add_subcommand("drop", "Drop all hashes under a key (at the hub)"));
    dropping->add_option("--key", options->key, "Id of the key")->required();
    dropping->add_option("--member", options->member, "Only those of this operator");
    dropping->callback([options, &exit_code] { exit_code = drop(*options); });
}

}  // namespace tally::tools
