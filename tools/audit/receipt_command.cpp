#include "tools/audit/receipt_command.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/chain/receipt.h"
#include "node/config/genesis_json.h"
#include "node/runtime/http_client.h"
#include "tools/audit/http_segment_source.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_verified{0};
constexpr int exit_finding{1};
constexpr int exit_unreadable{2};

struct ReceiptArguments {
    std::string id;
    std::string api;
    std::string out;
};

struct VerifyArguments {
    std::string file;
    std::string genesis;
};

int unreadable(const char* command, const std::string& message) {
    std::cerr << "tally " << command << ": " << message << "\n";
    return exit_unreadable;
}

int fetch_receipt(const ReceiptArguments& arguments) {
    node::HttpClientRequest request;
    request.url = join_url(arguments.api, "/api/v1/transactions/" + arguments.id + "/receipt");
    const auto response = node::http_request(request);
    if (!response) {
        return unreadable("receipt", response.error().text);
    }
    if (response->status == 404) {
        std::cerr << "tally receipt: no final transaction " << arguments.id << "\n";
        return exit_finding;
    }
    const std::optional<Receipt> receipt = Receipt::decode(as_bytes(response->body));
    if (response->status != 200 || !receipt) {
        return unreadable("receipt", request.url + " gives no receipt (status " +
                                         std::to_string(response->status) + ")");
    }
    PosixFileSystem files;
    if (!files.write_whole(arguments.out, as_bytes(response->body))) {
        return unreadable("receipt", "cannot write " + arguments.out);
    }
    std::cout << arguments.out << ": transaction " << arguments.id << " is leaf "
              << receipt->leaf.index << ", proven by block " << receipt->header.height << "\n";
    return exit_verified;
}

int verify(const VerifyArguments& arguments) {
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return unreadable("verify-receipt", genesis.error());
    }
    const PosixFileSystem files;
    const auto bytes = files.read(arguments.file, 0, receipt_bytes_max + 1);
    if (!bytes) {
        return unreadable("verify-receipt", arguments.file + ": " + to_text(bytes.error()));
    }
    const std::optional<Receipt> receipt = Receipt::decode(*bytes);
    const std::optional<std::string> problem =
        receipt ? verify_receipt(*receipt, *genesis) : "the file is not a whole receipt";
    if (problem) {
        std::cout << "NOT verified: " << *problem << "\n";
        return exit_finding;
    }
    std::cout << "transaction   " << to_hex(receipt->leaf.hash) << "\n"
              << "signer        " << to_text(receipt->leaf.signer) << "\n"
              << "result        " << to_text(receipt->leaf.result) << "\n"
              << "leaf          " << receipt->leaf.index << " in block " << receipt->leaf.height
              << "\n"
              << "proven by     block " << receipt->header.height << " "
              << to_hex(receipt->header.digest()) << ", signed by "
              << receipt->certificate.signatures.size() << " validators\n"
              << "verified\n";
    return exit_verified;
}

void add_receipt(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<ReceiptArguments>();
    CLI::App* command = app.add_subcommand("receipt", "Fetch the proof of a transaction");
    command->add_option("ID", arguments->id, "The transaction, as in BBB-0123...")->required();
    command->add_option("--api", arguments->api, "URL of a node")->required();
    command->add_option("--out", arguments->out, "File to write")->required();
    command->footer(
        "Exit codes: 0 written, 1 there is no such transaction, 2 the node was not reached.");
    command->callback([arguments, &exit_code] { exit_code = fetch_receipt(*arguments); });
}

void add_verify(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<VerifyArguments>();
    CLI::App* command =
        app.add_subcommand("verify-receipt", "Verify the proof of a transaction, offline");
    command->add_option("FILE", arguments->file, "The receipt")->required();
    command->add_option("--genesis", arguments->genesis, "The genesis file")->required();
    command->footer("Exit codes: 0 verified, 1 the receipt does not hold, 2 cannot read.");
    command->callback([arguments, &exit_code] { exit_code = verify(*arguments); });
}

}  // namespace

void add_receipt_commands(CLI::App& app, int& exit_code) {
    add_receipt(app, exit_code);
    add_verify(app, exit_code);
}

}  // namespace tally::tools
