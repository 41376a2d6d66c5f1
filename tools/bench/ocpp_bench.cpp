#include "tools/bench/charge_bench.h"
#include "tools/bench/devnet_usage.h"
#include "tools/charge/charge_plan.h"
#include "tools/support/percentiles.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tally::tools {

namespace json = boost::json;

namespace {

/// Charges of one round at one operator's site: at most its connectors make sense at once.
struct Round {
    std::string visited;
    std::string home;
};

std::vector<Round> rounds_of(const DevnetManifest& manifest) {
    std::vector<Round> rounds;
    const std::size_t count = manifest.bridges.size();
    for (std::size_t index = 0; index < count; ++index) {
        rounds.push_back(
            {manifest.bridges[index].operator_, manifest.bridges[(index + 1) % count].operator_});
    }
    return rounds;
}

}  // namespace

Expected<json::object, std::string> bench_via_ocpp(const BenchOptions& options,
                                                   const BenchProgress& progress) {
    const auto manifest = load_manifest(options.devnet);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const DevnetUsage before = measure_usage(*manifest);
    Latencies swipes;
    Latencies totals;
    std::uint32_t settled{0};
    const std::vector<Round> rounds = rounds_of(*manifest);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t number = 0; settled < options.charges; ++number) {
        ChargeRequest request;
        request.devnet = options.devnet;
        request.script.visited = rounds[number % rounds.size()].visited;
        request.script.home = rounds[number % rounds.size()].home;
        request.script.prepaid = "20.00";
        request.script.energy_wh = 1'000;
        request.script.speed = 2'000;
        request.parallel =
            static_cast<int>(std::min(options.concurrency, options.charges - settled));
        const auto outcomes = play_charges(request, {});
        if (!outcomes) {
            return Unexpected{outcomes.error()};
        }
        for (const ChargeOutcome& outcome : *outcomes) {
            if (outcome.kind != ChargeOutcome::Kind::settled) {
                return Unexpected{"a charge was not settled: " + outcome.reason};
            }
            swipes.add(outcome.swipe_to_answer);
            totals.add(outcome.total);
            ++settled;
        }
        if (progress) {
            progress(settled);
        }
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    return json::object{{"via", "ocpp"},
                        {"charges", settled},
                        {"concurrency", options.concurrency},
                        {"elapsed_s", elapsed.count()},
                        {"charges_per_second", static_cast<double>(settled) / elapsed.count()},
                        {"swipe_to_approval", swipes.summary()},
                        {"charge", totals.summary()},
                        {"processes", usage_between(before, measure_usage(*manifest))}};
}

}  // namespace tally::tools
