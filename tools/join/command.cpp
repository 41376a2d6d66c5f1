#include "tools/join/command.h"

#include "ledger/base/system_random.h"
#include "node/runtime/exit_codes.h"
#include "tools/join/join.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

namespace tally::tools {

namespace {

int join(const JoinOptions& options) {
    SystemRandom random;
    const auto admission = make_join_folder(options, random);
    if (!admission) {
        std::cerr << "tally join: " << admission.error() << "\n";
        return node::exit_config;
    }
    const std::string& folder = options.folder;
    std::cout << folder << ": keys, configuration and admission request of "
              << to_text(admission->request.member.party) << " for chain "
              << to_hex(admission->chain_id) << "\n\n"
              << "1. Send " << folder << "/admission.json to the hub, which runs\n"
              << "     tally member admit admission.json --config node.toml\n"
              << "2. tallyd init --config " << folder << "/tallyd.toml      (once)\n"
              << "3. tallyd run --config " << folder << "/tallyd.toml\n"
              << "   The node tries until it is admitted, fetches the ledger and says it is ready\n"
              << "   at http://" << options.api_listen << "/readyz. The order of 1 and 3 does not "
              << "matter.\n";
    return 0;
}

}  // namespace

void add_join_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<JoinOptions>();
    CLI::App* command =
        app.add_subcommand("join", "Make what a new operator needs to join a running network");
    command->add_option("--party", options->party, "Three letters, new in the network")->required();
    command->add_option("--country", options->country, "Two letters")->required();
    command->add_option("--operator-id", options->operator_id, "T/CEC OperatorID, 9 characters");
    command->add_option("--genesis", options->genesis, "Genesis file of the network")->required();
    command
        ->add_option("--peer", options->peers,
                     "MEMBER=HOST:PORT of a member's node, best more than one; @LINK_KEY behind it "
                     "when its link key is not the genesis'")
        ->required();
    command->add_option("--link-listen", options->link_listen, "For links of other members");
    command->add_option("--api-listen", options->api_listen, "For the HTTP interface");
    command->add_option("--out", options->folder, "New folder")->required();
    command->footer(
        "Secret keys are made here and stay here; admission.json holds the public ones and the\n"
        "proof, for this network only, that their secrets are here.\n"
        "Example:\n"
        "  tally join --party DDD --country DE --genesis genesis.json \\\n"
        "    --peer HUB=hub.example:7001 --peer AAA=aaa.example:7001 --out ddd");
    command->callback([options, &exit_code] { exit_code = join(*options); });
}

}  // namespace tally::tools
