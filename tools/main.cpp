// tally: the command line for operators, auditors and benchmarks. Commands live in folders of their
// own; this file only lists them.

#include "node/runtime/exit_codes.h"
#include "tools/audit/commands.h"
#include "tools/bench/command.h"
#include "tools/calibrate/command.h"
#include "tools/charge/command.h"
#include "tools/charger/command.h"
#include "tools/clearing/command.h"
#include "tools/devnet/command.h"
#include "tools/genesis/command.h"
#include "tools/join/command.h"
#include "tools/keys/command.h"
#include "tools/member/command.h"
#include "tools/meter/command.h"
#include "tools/proof/command.h"
#include "tools/rate/command.h"
#include "tools/show/command.h"
#include "tools/simulate/command.h"
#include "tools/storage/archive_command.h"
#include "tools/storage/backup_command.h"
#include "tools/submit/command.h"
#include "tools/tokens/command.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

int run(int argc, char** argv) {
    using namespace tally::tools;  // NOLINT(google-build-using-namespace): one list of commands
    CLI::App app{"Tallystick: roaming charges between companies that need not trust each other."};
    app.require_subcommand(1);
    app.footer("Every command explains itself: tally COMMAND --help");
    int exit_code{0};
    add_keygen_command(app, exit_code);
    add_genesis_command(app, exit_code);
    add_join_command(app, exit_code);
    add_member_command(app, exit_code);
    add_devnet_command(app, exit_code);
    add_charge_command(app, exit_code);
    add_charger_command(app, exit_code);
    add_show_command(app, exit_code);
    add_submit_command(app, exit_code);
    add_clearing_commands(app, exit_code);
    add_rate_command(app, exit_code);
    add_meter_command(app, exit_code);
    add_calibrate_command(app, exit_code);
    add_tokens_command(app, exit_code);
    add_audit_commands(app, exit_code);
    add_proof_command(app, exit_code);
    add_archive_command(app, exit_code);
    add_backup_commands(app, exit_code);
    add_bench_command(app, exit_code);
    add_simulate_command(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : tally::node::exit_usage;
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "tally: %s\n", error.what()));
        return tally::node::exit_internal;
    }
}
