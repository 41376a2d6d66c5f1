// `tally simulate` as a program of its own, so that tests run it without the rest of `tally`.

#include "tools/simulate/command.h"

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
    CLI::App app{"Deterministic simulation of whole clusters"};
    int exit_code{0};
    tally::tools::add_simulate_command(app, exit_code);
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return exit_code;
}
