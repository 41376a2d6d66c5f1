#include "tools/keys/command.h"

#include "ledger/base/system_random.h"
#include "tools/keys/key_set.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace tally::tools {

namespace {

struct Options {
    std::string folder;
    bool bridge{false};
};

int report(const std::string& error) {
    static_cast<void>(std::fprintf(stderr, "tally keygen: %s\n", error.c_str()));
    return 1;
}

int generate(const Options& options) {
    SystemRandom random;
    if (options.bridge) {
        const auto key = generate_bridge_key(options.folder, random);
        if (!key) {
            return report(key.error());
        }
        static_cast<void>(std::printf("bridge key %s\n", to_hex(*key).c_str()));
        return 0;
    }
    const auto keys = generate_member_keys(options.folder, random);
    if (!keys) {
        return report(keys.error());
    }
    static_cast<void>(std::printf("member key    %s\nconsensus key %s\nlink key      %s\n",
                                  to_hex(keys->member).c_str(), to_hex(keys->consensus).c_str(),
                                  to_hex(keys->link).c_str()));
    return 0;
}

}  // namespace

void add_keygen_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("keygen", "Make the keys of a member or a bridge");
    command->add_option("--out", options->folder, "Folder for the keys")->required();
    command->add_flag("--bridge", options->bridge, "One key for a charger bridge");
    command->footer(
        "Secret keys are written with mode 0600 and never overwritten; public.json may be shared.\n"
        "Examples:\n"
        "  tally keygen --out keys                 member.key, consensus.key, link.key\n"
        "  tally keygen --bridge --out site-keys   bridge.key");
    command->callback([options, &exit_code] { exit_code = generate(*options); });
}

}  // namespace tally::tools
