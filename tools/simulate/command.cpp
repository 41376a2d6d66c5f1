#include "tools/simulate/command.h"

#include "tests/simulator/runner.h"
#include "tests/simulator/scenarios.h"
#include "tests/simulator/twins.h"
#include "tools/simulate/mutant_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tally::tools {

namespace {

using simulator::BatchOptions;
using simulator::BatchResult;
using simulator::Canary;
using simulator::RunOptions;
using simulator::RunResult;

struct Arguments {
    std::optional<std::uint64_t> seed;
    std::string seeds;
    std::string scenario;
    std::string canary{"none"};
    std::size_t jobs{1};
    bool trace{false};
    bool ledger{false};
    bool require_coverage{false};
    bool list_scenarios{false};
    bool twins{false};
    std::string compare_scenarios;
    bool list_mutants{false};
    std::string mutant;
    bool no_bug{false};
};

/// Seeds below which the floors of fault coverage mean nothing.
constexpr std::uint64_t coverage_seeds_min{100};

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text) {
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) {
        return std::nullopt;
    }
    const auto number = [](std::string_view part) -> std::optional<std::uint64_t> {
        std::uint64_t value{0};
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        const bool whole = error == std::errc{} && end == part.data() + part.size();
        return whole ? std::optional{value} : std::nullopt;
    };
    const auto first = number(text.substr(0, dots));
    const auto last = number(text.substr(dots + 2));
    if (!first || !last || *first > *last) {
        return std::nullopt;
    }
    return std::pair{*first, *last};
}

std::optional<Canary> parse_canary(std::string_view text) {
    if (text == "none") {
        return Canary::none;
    }
    if (text == "double-vote") {
        return Canary::double_vote;
    }
    if (text == "lying-disk") {
        return Canary::lying_disk;
    }
    if (text == "rewritten-final") {
        return Canary::rewritten_final;
    }
    return std::nullopt;
}

const char* mode_flag(const Arguments& arguments) {
    return arguments.twins ? " --twins" : arguments.ledger ? " --ledger" : "";
}

void print_violation(const RunResult& result, const std::string& replay) {
    fmt::print("violation: {}\n", result.violation.value_or(""));
    for (const std::string& line : result.last_lines) {
        fmt::print("    {}\n", line);
    }
    fmt::print("replay: {}\n", replay);
}

RunOptions run_options(const Arguments& arguments, Canary canary) {
    RunOptions options{.real_ledger = arguments.ledger, .canary = canary, .sink = {}};
    if (arguments.trace) {
        options.sink = [](std::string_view line) { fmt::print("{}\n", line); };
    }
    return options;
}

int print_single(const RunResult& result, const std::string& what, const std::string& replay) {
    fmt::print("{}: {} final heights, last final view {}, {} events, hash {:016x}\n", what,
               result.height, result.views, result.lines, result.hash);
    if (!result.violation) {
        return 0;
    }
    print_violation(result, replay);
    return 1;
}

int run_one_seed(const Arguments& arguments, Canary canary) {
    const RunOptions options = run_options(arguments, canary);
    const RunResult result = arguments.twins ? simulator::run_twins(*arguments.seed, options)
                                             : simulator::run_seed(*arguments.seed, options);
    return print_single(
        result, fmt::format("seed {}", *arguments.seed),
        fmt::format("tally simulate --seed {}{} --trace", *arguments.seed, mode_flag(arguments)));
}

int run_one_scenario(const Arguments& arguments) {
    const simulator::Scenario* scenario = simulator::find_scenario(arguments.scenario);
    if (scenario == nullptr) {
        fmt::print(stderr, "no scenario '{}'; see --list-scenarios\n", arguments.scenario);
        return 1;
    }
    const RunResult result =
        simulator::run_scenario(*scenario, run_options(arguments, Canary::none));
    return print_single(result, fmt::format("scenario {}", scenario->name),
                        fmt::format("tally simulate --scenario {}{} --trace", scenario->name,
                                    mode_flag(arguments)));
}

std::function<void(std::uint64_t, std::size_t)> progress_line(std::uint64_t total) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    return [=](std::uint64_t done, std::size_t violations) {
        if (terminal) {
            fmt::print(stderr, "\r{} of {} seeds, {} violations", done, total, violations);
            if (done == total) {
                fmt::print(stderr, "\n");
            }
        } else if (done % 50 == 0 || done == total) {
            fmt::print(stderr, "{} of {} seeds, {} violations\n", done, total, violations);
        }
    };
}

int print_batch(const BatchResult& result, const Arguments& arguments) {
    const double seconds = static_cast<double>(result.wall_time.count()) / 1000.0;
    fmt::print("runs: {}\nviolations: {}\n", result.seeds, result.violations.size());
    fmt::print("{} final heights, {} final views, {:.1f} s, {:.1f} seeds/s\n", result.heights,
               result.views, seconds, static_cast<double>(result.seeds) / std::max(seconds, 0.001));
    fmt::print("slowest healed quorum: {:.1f} simulated s for 10 heights\n",
               static_cast<double>(result.liveness_time_max.count()) / 1e6);
    fmt::print("what happened:\n{}", result.coverage.to_text());
    for (const RunResult& one : result.violations) {
        fmt::print("seed {} broke a rule\n", one.seed);
        print_violation(
            one, fmt::format("tally simulate --seed {}{} --trace", one.seed, mode_flag(arguments)));
    }
    int code = result.violations.empty() ? 0 : 1;
    if (arguments.require_coverage) {
        for (const std::string& gap : result.coverage.below_floor(result.seeds, arguments.ledger)) {
            fmt::print("too little coverage: {}\n", gap);
            code = 1;
        }
    }
    return code;
}

int run_range(const Arguments& arguments, Canary canary) {
    const auto range = parse_range(arguments.seeds);
    if (!range) {
        fmt::print(stderr, "--seeds: '{}' is not FIRST..LAST\n", arguments.seeds);
        return 1;
    }
    const std::uint64_t total = range->second - range->first + 1;
    if (arguments.require_coverage && total < coverage_seeds_min) {
        fmt::print(stderr, "--require-coverage needs at least {} seeds\n", coverage_seeds_min);
        return 1;
    }
    BatchOptions options;
    options.first = range->first;
    options.last = range->second;
    options.jobs = arguments.jobs;
    options.real_ledger = arguments.ledger;
    options.canary = canary;
    if (arguments.twins) {
        options.run = [](std::uint64_t number) { return simulator::run_twins(number, {}); };
    }
    options.progress = progress_line(total);
    return print_batch(simulator::run_batch(options), arguments);
}

int run_planted(const Arguments& arguments, PlantBug plant) {
    const auto range = parse_range(arguments.seeds);
    if (!range) {
        fmt::print(stderr, "--mutant needs --seeds FIRST..LAST, not '{}'\n", arguments.seeds);
        return 2;
    }
    return run_mutant({.name = arguments.mutant,
                       .seeds = arguments.seeds,
                       .first = range->first,
                       .last = range->second,
                       .jobs = arguments.jobs,
                       .trace = arguments.trace,
                       .no_bug = arguments.no_bug},
                      plant);
}

/// 1 when the names, separated by commas, are not those of all scenarios in their order.
int compare_scenarios(const std::string& names) {
    std::string all;
    for (const simulator::Scenario& scenario : simulator::all_scenarios()) {
        all += (all.empty() ? "" : ",") + std::string{scenario.name};
    }
    if (all == names) {
        return 0;
    }
    fmt::print(stderr, "the scenarios are {}\n", all);
    return 1;
}

int run(const Arguments& arguments, PlantBug plant) {
    if (arguments.list_mutants) {
        list_mutants();
        return 0;
    }
    if (!arguments.mutant.empty()) {
        return run_planted(arguments, plant);
    }
    if (arguments.list_scenarios) {
        for (const simulator::Scenario& scenario : simulator::all_scenarios()) {
            fmt::print("{:<36} {}\n", scenario.name, scenario.story);
        }
        return 0;
    }
    if (!arguments.compare_scenarios.empty()) {
        return compare_scenarios(arguments.compare_scenarios);
    }
    const std::optional<Canary> canary = parse_canary(arguments.canary);
    if (!canary) {
        fmt::print(stderr, "--canary: none, double-vote, lying-disk or rewritten-final\n");
        return 1;
    }
    if (!arguments.scenario.empty()) {
        return run_one_scenario(arguments);
    }
    if (arguments.seed) {
        return run_one_seed(arguments, *canary);
    }
    if (!arguments.seeds.empty()) {
        return run_range(arguments, *canary);
    }
    fmt::print(stderr, "one of --seed, --seeds, --scenario, --mutant or a --list is needed\n");
    return 1;
}

}  // namespace

void add_simulate_command(CLI::App& app, int& exit_code, PlantBug plant) {
    CLI::App* command = app.add_subcommand(
        "simulate", "Run whole clusters under faults in simulated time; a seed names a run");
    const auto arguments = std::make_shared<Arguments>();
    command->add_option("--seed", arguments->seed, "Run this seed");
    command->add_option("--seeds", arguments->seeds, "Run the seeds FIRST..LAST");
    command->add_option("--jobs", arguments->jobs, "Processes for --seeds")
        ->check(CLI::Range(std::size_t{1}, simulator::jobs_max));
    command->add_option("--scenario", arguments->scenario, "Run this scenario");
    command->add_option("--compare-scenarios", arguments->compare_scenarios,
                        "Fail unless these are the names of all scenarios, in order");
    command->add_flag("--list-scenarios", arguments->list_scenarios, "Name the scenarios");
    command->add_flag("--twins", arguments->twins,
                      "Seeds are cases of twins; those below 262144 are all of four validators "
                      "and four views");
    command->add_flag("--trace", arguments->trace, "Print every event");
    command->add_flag("--ledger", arguments->ledger, "With the real ledger (slower)");
    command->add_flag("--require-coverage", arguments->require_coverage,
                      "Fail when the run had too few faults of a kind (100 seeds or more)");
    command->add_option("--canary", arguments->canary,
                        "Plant an error that must be found: double-vote, lying-disk, "
                        "rewritten-final");
    command->add_option("--mutant", arguments->mutant,
                        "Plant this bug: 1 when one of --seeds catches it, 0 when it escapes");
    command->add_flag("--no-bug", arguments->no_bug, "The worlds of --mutant without its bug");
    command->add_flag("--list-mutants", arguments->list_mutants, "Name the bugs, one a line");
    command->callback([arguments, plant, &exit_code] { exit_code = run(*arguments, plant); });
}

}  // namespace tally::tools
