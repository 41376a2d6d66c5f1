#include "node/config/genesis_json.h"
#include "node/runtime/key_file.h"
#include "tools/bench/charge_bench.h"
#include "tools/bench/devnet_usage.h"
#include "tools/bench/lane.h"
#include "tools/devnet/plan.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

/// Connectors and transactions of one lane.
constexpr std::uint32_t lane_width_max{256};

Expected<std::vector<BenchOperator>, std::string> load_operators(const DevnetManifest& manifest,
                                                                 const std::string& folder) {
    const auto genesis = node::load_genesis(manifest.genesis);
    if (!genesis) {
        return Unexpected{genesis.error()};
    }
    std::vector<BenchOperator> operators;
    for (const DevnetNode& node : manifest.nodes) {
        if (node.role == "hub") {
            continue;
        }
        const auto key = node::read_secret_key(folder + "/" + node.member + "/keys/member.key");
        const auto bridge_key =
            node::read_secret_key(folder + "/bridge-" + node.member + "/keys/bridge.key");
        if (!key || !bridge_key) {
            return Unexpected{key ? bridge_key.error().text : key.error().text};
        }
        BenchOperator entry;
        entry.party = party_from_text(node.member).value_or(PartyId{});
        entry.submit = {entry.party, *key, genesis->chain_id(), node.api};
        entry.bridge_key = *bridge_key;
        PlannedBridge planned;
        planned.party = entry.party;
        planned.bridge_id = node.member + "-BRIDGE1";
        entry.bridge_id = planned.bridge_id;
        for (const Action& action : registrations(planned)) {
            if (const auto* publish = std::get_if<PublishTariff>(&action)) {
                entry.tariff_ref = publish->ref;
                entry.tariff = publish->tariff;
            }
        }
        operators.push_back(std::move(entry));
    }
    return operators;
}

/// Runs lanes on threads of their own until all charges are taken or one fails.
class LaneRunner {
public:
    LaneRunner(std::uint32_t charges, const BenchProgress& progress)
        : m_left{charges}, m_progress{progress} {}

    void run(std::vector<std::unique_ptr<Lane>>& lanes, std::uint32_t width) {
        std::vector<std::thread> threads;
        for (const std::unique_ptr<Lane>& lane : lanes) {
            threads.emplace_back([this, &lane, width] { run_lane(*lane, width); });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }
    [[nodiscard]] const std::string& error() const { return m_error; }
    [[nodiscard]] const BenchLatencies& latencies() const { return m_latencies; }

private:
    std::uint32_t take(std::uint32_t width) {
        const std::lock_guard<std::mutex> lock{m_mutex};
        const std::uint32_t count = m_error.empty() ? std::min(width, m_left) : 0;
        m_left -= count;
        return count;
    }
    void run_lane(Lane& lane, std::uint32_t width) {
        while (const std::uint32_t count = take(width)) {
            const auto done = lane.run_round(count, m_latencies);
            const std::lock_guard<std::mutex> lock{m_mutex};
            if (!done) {
                m_error = m_error.empty() ? done.error() : m_error;
                return;
            }
            m_settled += count;
            if (m_progress) {
                m_progress(m_settled);
            }
        }
    }

    std::mutex m_mutex;
    std::uint32_t m_left;
    std::uint32_t m_settled{0};
    std::string m_error;
    const BenchProgress& m_progress;
    BenchLatencies m_latencies;
};

Expected<std::vector<std::unique_ptr<Lane>>, std::string> make_lanes(
    const std::vector<BenchOperator>& operators, std::uint32_t lanes, std::uint32_t width) {
    std::vector<std::unique_ptr<Lane>> made;
    for (std::uint32_t number = 0; number < lanes; ++number) {
        const BenchOperator& home = operators[number % operators.size()];
        const BenchOperator& visited = operators[(number + 1) % operators.size()];
        made.push_back(std::make_unique<Lane>(home, visited, number, width));
        if (const auto ready = made.back()->prepare(); !ready) {
            return Unexpected{ready.error()};
        }
    }
    return made;
}

}  // namespace

Expected<json::object, std::string> bench_via_api(const BenchOptions& options,
                                                  const BenchProgress& progress) {
    const auto manifest = load_manifest(options.devnet);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const auto operators = load_operators(*manifest, options.devnet);
    if (!operators) {
        return Unexpected{operators.error()};
    }
    // A few lanes keep all operators busy; a lane is as wide as the concurrency asks for.
    const std::uint32_t lanes_wanted = std::min<std::uint32_t>(
        options.concurrency, static_cast<std::uint32_t>(operators->size()) * 2);
    const std::uint32_t width =
        std::min((options.concurrency + lanes_wanted - 1) / lanes_wanted, lane_width_max);
    const std::uint32_t lane_count = (options.concurrency + width - 1) / width;
    auto lanes = make_lanes(*operators, lane_count, width);
    if (!lanes) {
        return Unexpected{lanes.error()};
    }
    const DevnetUsage before = measure_usage(*manifest);
    const std::uint64_t segments_before = segment_bytes(manifest->nodes.front());
    LaneRunner runner{options.charges, progress};
    const auto begin = std::chrono::steady_clock::now();
    runner.run(*lanes, width);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (!runner.error().empty()) {
        return Unexpected{runner.error()};
    }
    const DevnetUsage after = measure_usage(*manifest);
    const std::uint64_t segments = segment_bytes(manifest->nodes.front()) - segments_before;
    const BenchLatencies& latencies = runner.latencies();
    return json::object{
        {"via", "api"},
        {"charges", options.charges},
        {"concurrency", lane_count * width},
        {"elapsed_s", elapsed.count()},
        {"charges_per_second", static_cast<double>(options.charges) / elapsed.count()},
        {"approve", latencies.approve.summary()},
        {"start", latencies.start.summary()},
        {"record", latencies.record.summary()},
        {"settle", latencies.settle.summary()},
        {"charge", latencies.charge.summary()},
        {"segment_bytes_per_charge",
         static_cast<double>(segments) / static_cast<double>(options.charges)},
        {"processes", usage_between(before, after)}};
}

}  // namespace tally::tools
