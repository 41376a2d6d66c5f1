// `tally simulate` over a consensus in which bugs can be planted. `tally simulate --mutant` becomes
// this program; it is not for anything else.

#include "consensus/planted_bug.h"
#include "tools/simulate/command.h"

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
    CLI::App app{"Deterministic simulation of whole clusters with a planted bug"};
    int exit_code{0};
    tally::tools::add_simulate_command(app, exit_code, tally::consensus::plant);
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return exit_code;
}
