#include "tools/proof/command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/chain/state_receipt.h"
#include "ledger/state/table_names.h"
#include "node/config/genesis_json.h"
#include "node/runtime/http_client.h"
#include "tools/audit/http_segment_source.h"
#include "tools/proof/state_key.h"
#include "tools/proof/state_value.h"
#include "tools/show/render.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr int exit_verified{0};
constexpr int exit_not_verified{1};
constexpr int exit_unreadable{2};

struct Arguments {
    std::vector<std::string> words;
    std::string genesis;
    std::string api;
    std::string out;
    std::string file;
    bool json{false};
};

int unreadable(const std::string& message) {
    std::cerr << "tally proof: " << message << "\n";
    return exit_unreadable;
}

int not_verified(const std::string& message) {
    std::cout << "NOT verified: " << message << "\n";
    return exit_not_verified;
}

json::object entry_json(const StateReceipt::Entry& entry) {
    json::object shown{{"key", state_key_words(entry.key)}, {"present", entry.value.has_value()}};
    if (entry.value) {
        shown["value"] = state_value_json(entry.key, *entry.value);
    }
    return shown;
}

json::object range_json(const StateReceipt::Range& range) {
    json::object shown{{"prefix", to_hex(range.name.prefix)},
                       {"depth", range.name.depth},
                       {"entries", range.chunk.entries.size()}};
    shown["split"] = range.chunk.halves.has_value();
    return shown;
}

/// Prints what a receipt says that holds.
void show(const StateReceipt& receipt, bool as_json) {
    json::object shown;
    if (const auto* entry = std::get_if<StateReceipt::Entry>(&receipt.content)) {
        shown = entry_json(*entry);
    } else {
        shown = range_json(std::get<StateReceipt::Range>(receipt.content));
    }
    shown["height"] = receipt.header.height;
    shown["block_time_ms"] = receipt.header.time;
    shown["epoch"] = receipt.header.epoch;
    shown["digest"] = to_hex(receipt.header.digest());
    shown["state_root"] = to_hex(receipt.header.state_root);
    shown["signed_by"] = receipt.certificate.signatures.size();
    shown["verified"] = true;
    std::cout << (as_json ? json::serialize(shown) + "\n" : render_fields(shown));
}

/// The receipt in `bytes`, checked against the genesis, and shown.
int check(ByteView bytes, const Arguments& arguments, const std::optional<Bytes>& key) {
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return unreadable(genesis.error());
    }
    const std::optional<StateReceipt> receipt = StateReceipt::decode(bytes);
    if (!receipt) {
        return not_verified("these bytes are not a whole state receipt");
    }
    const auto* entry = std::get_if<StateReceipt::Entry>(&receipt->content);
    if (key && (entry == nullptr || entry->key != *key)) {
        return not_verified("the node answered with the proof of something else");
    }
    if (const std::optional<std::string> problem = verify_state_receipt(*receipt, *genesis)) {
        return not_verified(*problem);
    }
    show(*receipt, arguments.json);
    return exit_verified;
}

int verify(const Arguments& arguments) {
    const PosixFileSystem files;
    const auto bytes = files.read(arguments.file, 0, state_receipt_bytes_max + 1);
    if (!bytes) {
        return unreadable(arguments.file + ": " + to_text(bytes.error()));
    }
    std::optional<Bytes> key;
    if (!arguments.words.empty()) {
        const auto wanted = state_key_from_words(arguments.words);
        if (!wanted) {
            return unreadable(wanted.error());
        }
        key = *wanted;
    }
    return check(*bytes, arguments, key);
}

int fetch(const Arguments& arguments) {
    const auto key = state_key_from_words(arguments.words);
    if (!key) {
        return unreadable(key.error());
    }
    if (arguments.api.empty()) {
        return unreadable("--api URL of a node is needed, or --verify FILE");
    }
    node::HttpClientRequest request;
    request.url = join_url(arguments.api, "/api/v1/state/proof?table=" + arguments.words.front() +
                                              "&key=" + to_hex(ByteView{*key}.subspan(1)));
    request.body_bytes_max = state_receipt_bytes_max;
    const auto response = node::http_request(request);
    if (!response) {
        return unreadable(response.error().text);
    }
    if (response->status != 200) {
        return unreadable(request.url + " gives no proof (status " +
                          std::to_string(response->status) + "): " + response->body);
    }
    const int result = check(as_bytes(response->body), arguments, *key);
    if (result != exit_verified || arguments.out.empty()) {
        return result;
    }
    PosixFileSystem files;
    if (!files.write_whole(arguments.out, as_bytes(response->body))) {
        return unreadable("cannot write " + arguments.out);
    }
    return exit_verified;
}

}  // namespace

void add_proof_command(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    CLI::App* command = app.add_subcommand(
        "proof", "Show what the state holds, or that it does not, verified with the genesis alone");
    command->add_option("KEY", arguments->words, "The table's name and its fields, see below");
    command->add_option("--genesis", arguments->genesis, "The genesis file")->required();
    command->add_option("--api", arguments->api, "URL of a node; it need not be trusted");
    command->add_option("--out", arguments->out, "Write the proof to this file");
    command->add_option("--verify", arguments->file, "Verify this proof instead, offline");
    command->add_flag("--json", arguments->json, "JSON instead of fields");
    command->footer(
        "Keys:\n" + state_key_usage() +
        "Exit codes: 0 verified (present or absent), 1 the proof does not hold, 2 cannot read.\n"
        "Examples:\n"
        "  tally proof account AAA CNY --api http://127.0.0.1:7002 --genesis genesis.json\n"
        "  tally proof sublog AAA --api http://127.0.0.1:7002 --genesis genesis.json \\\n"
        "      --out aaa.proof\n"
        "  tally proof --verify aaa.proof --genesis genesis.json");
    command->callback([arguments, &exit_code] {
        exit_code = arguments->file.empty() ? fetch(*arguments) : verify(*arguments);
    });
}

}  // namespace tally::tools
