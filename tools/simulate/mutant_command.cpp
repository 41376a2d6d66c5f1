#include "tools/simulate/mutant_command.h"

#include "tests/simulator/mutants.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tally::tools {

namespace {

using simulator::Mutant;
using simulator::RunResult;

constexpr const char* planted_program{"tally-simulate-planted"};
constexpr int exit_usage{2};

std::optional<std::string> find_planted_program() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        return std::nullopt;
    }
    const auto folder = self.parent_path();
    for (const auto& path : {folder / planted_program, folder / "../bin" / planted_program}) {
        if (std::filesystem::exists(path, error)) {
            return path.string();
        }
    }
    return std::nullopt;
}

/// Only returns when that program cannot be started.
int become_planted_program(const MutantArguments& arguments) {
    const std::optional<std::string> program = find_planted_program();
    if (!program) {
        fmt::print(stderr, "{} is not beside this program: build it\n", planted_program);
        return exit_usage;
    }
    std::vector<std::string> words{
        *program,  "simulate",      "--mutant", arguments.name,
        "--seeds", arguments.seeds, "--jobs",   std::to_string(arguments.jobs)};
    if (arguments.trace) {
        words.emplace_back("--trace");
    }
    std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    ::execv(program->c_str(), pointers.data());
    fmt::print(stderr, "{} does not start\n", *program);
    return exit_usage;
}

int print_batch(const MutantArguments& arguments, const simulator::BatchResult& batch) {
    const double seconds = static_cast<double>(batch.wall_time.count()) / 1000.0;
    if (batch.violations.empty()) {
        fmt::print("{}: escaped {} seeds, {:.1f} s\n", arguments.name, batch.seeds, seconds);
        return 0;
    }
    const RunResult& caught = batch.violations.front();
    fmt::print("{}: caught by seed {} after {} seeds, {:.1f} s\nviolation: {}\n", arguments.name,
               caught.seed, batch.seeds, seconds, caught.violation.value_or(""));
    fmt::print("replay: tally simulate --mutant {} --seeds {}..{} --trace\n", arguments.name,
               caught.seed, caught.seed);
    return 1;
}

}  // namespace

void list_mutants() {
    for (const Mutant& mutant : simulator::all_mutants()) {
        fmt::print("{}\n", mutant.name);
    }
}

int run_mutant(const MutantArguments& arguments, PlantBug plant) {
    const Mutant* mutant = simulator::find_mutant(arguments.name);
    if (mutant == nullptr && arguments.name != "none") {
        fmt::print(stderr, "no mutant '{}'; see --list-mutants\n", arguments.name);
        return exit_usage;
    }
    const bool is_planted = mutant != nullptr && !arguments.no_bug;
    if (is_planted && plant == nullptr) {
        return become_planted_program(arguments);
    }
    if (is_planted) {
        plant(mutant->bug);
    }
    const auto run_seed = [mutant](std::uint64_t seed, const simulator::Trace::Sink& sink) {
        return mutant != nullptr ? simulator::run_mutant_seed(*mutant, seed, sink)
                                 : simulator::run_any_mutant_world(seed);
    };
    if (arguments.trace && arguments.first == arguments.last) {
        const RunResult result =
            run_seed(arguments.first, [](std::string_view line) { fmt::print("{}\n", line); });
        fmt::print("violation: {}\n", result.violation.value_or("none"));
        return result.violation ? 1 : 0;
    }
    simulator::BatchOptions options;
    options.first = arguments.first;
    options.last = arguments.last;
    options.jobs = arguments.jobs;
    options.stop_after = 1;
    options.run = [&run_seed](std::uint64_t seed) { return run_seed(seed, {}); };
    return print_batch(arguments, simulator::run_batch(options));
}

}  // namespace tally::tools
