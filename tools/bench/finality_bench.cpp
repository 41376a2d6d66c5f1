#include "tools/bench/finality_bench.h"

#include "ledger/crypto/quorum_certificate.h"
#include "node/config/genesis_json.h"
#include "node/runtime/http_client.h"
#include "node/runtime/key_file.h"
#include "tools/bench/devnet_usage.h"
#include "tools/show/render.h"
#include "tools/submit/submitter.h"
#include "tools/support/json_api.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tally::tools {

namespace json = boost::json;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t busy_submitters{8};
constexpr std::chrono::microseconds poll_pause{300};
constexpr std::chrono::seconds final_patience{20};
constexpr std::size_t http_samples{200};
constexpr std::uint64_t blocks_a_page{100};

std::chrono::microseconds since(SteadyClock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - begin);
}

/// The network as the bench sees it: who may sign, and every node's API.
struct Network {
    DevnetManifest manifest;
    std::vector<SubmitAs> operators;  ///< each through its own node
    std::vector<PartyId> partners;    ///< of the operator at the same place
};

Expected<Network, std::string> load_network(const std::string& folder) {
    auto manifest = load_manifest(folder);
    if (!manifest) {
        return Unexpected{manifest.error()};
    }
    const auto genesis = node::load_genesis(manifest->genesis);
    if (!genesis) {
        return Unexpected{genesis.error()};
    }
    Network network;
    for (const DevnetNode& node : manifest->nodes) {
        if (node.role == "hub") {
            continue;
        }
        const auto key = node::read_secret_key(folder + "/" + node.member + "/keys/member.key");
        if (!key) {
            return Unexpected{key.error().text};
        }
        network.operators.push_back({party_from_text(node.member).value_or(PartyId{}), *key,
                                     genesis->chain_id(), node.api});
    }
    if (network.operators.size() < 2) {
        return Unexpected{folder + ": at least two operators are needed"};
    }
    for (std::size_t i = 0; i < network.operators.size(); ++i) {
        network.partners.push_back(network.operators[(i + 1) % network.operators.size()].member);
    }
    network.manifest = std::move(manifest).value();
    return network;
}

/// Submits small transactions and sees them final, for as long as it is told.
class Load {
public:
    Load(const Network& network, std::size_t submitters) : m_network{network} {
        for (std::size_t number = 0; number < submitters; ++number) {
            m_threads.emplace_back([this, number] { run(number); });
        }
    }
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    void stop() {
        m_stopping = true;
        for (std::thread& thread : m_threads) {
            thread.join();
        }
        m_threads.clear();
    }
    [[nodiscard]] const Latencies& finality() const { return m_finality; }
    [[nodiscard]] std::string error() const {
        const std::lock_guard<std::mutex> lock{m_mutex};
        return m_error;
    }

private:
    /// Operators take turns, so that entry nodes and leaders are often different ones.
    void run(std::size_t number) {
        for (std::size_t turn = number; !m_stopping; ++turn) {
            const std::size_t which = turn % m_network.operators.size();
            const auto done = submit_one(m_network.operators[which], m_network.partners[which]);
            if (!done) {
                const std::lock_guard<std::mutex> lock{m_mutex};
                m_error = done.error();
                m_stopping = true;
            }
        }
    }

    Expected<Done, std::string> submit_one(const SubmitAs& as, const PartyId& partner) {
        SetAgreement action;
        action.partner = partner;
        action.currency = currency_from_text("CNY").value_or(Currency{});
        node::HttpClient client;
        const auto begin = SteadyClock::now();
        const auto submission = submit_actions(as, {action});
        if (!submission) {
            return Unexpected{submission.error()};
        }
        node::HttpClientRequest look;
        look.url = as.api + "/api/v1/transactions/" + to_text(submission->refs.front());
        while (true) {
            const auto answer = client.request(look);
            if (answer && answer->status == 200) {
                m_finality.add(since(begin));
                return Done{};
            }
            if (SteadyClock::now() - begin > final_patience) {
                return Unexpected{to_text(submission->refs.front()) + ": not final in time"};
            }
            std::this_thread::sleep_for(poll_pause);
        }
    }

    const Network& m_network;
    std::atomic<bool> m_stopping{false};
    mutable std::mutex m_mutex;
    std::string m_error;
    Latencies m_finality;
    std::vector<std::thread> m_threads;
};

std::uint64_t height_of(const Network& network) {
    const auto status = JsonApi{network.operators.front().api, ""}.get("/api/v1/status");
    return status ? json_number(*status, "height") : 0;
}

/// Intervals between the times of the blocks in (first, last], to the millisecond.
Latencies& block_intervals(const Network& network, std::uint64_t first, std::uint64_t last,
                           Latencies& intervals) {
    const JsonApi api{network.operators.front().api, ""};
    std::uint64_t before{0};
    for (std::uint64_t from = first; from <= last; from += blocks_a_page) {
        const std::uint64_t limit = std::min(blocks_a_page, last - from + 1);
        const auto page = api.get("/api/v1/blocks?from=" + std::to_string(from) +
                                  "&limit=" + std::to_string(limit));
        if (!page) {
            break;
        }
        for (const json::value& block : json_items(*page)) {
            const std::uint64_t time = json_number(block, "time_ms");
            if (before != 0) {
                intervals.add(std::chrono::milliseconds{time - before});
            }
            before = time;
        }
    }
    return intervals;
}

double cpu_seconds(const Network& network) {
    double total{0};
    for (const auto& [name, program] : measure_usage(network.manifest).programs) {
        total += program.cpu_s;
    }
    return total;
}

Expected<json::object, std::string> measure_phase(const Network& network, std::size_t submitters,
                                                  std::chrono::milliseconds duration) {
    Load load{network, submitters};
    const std::uint64_t first = height_of(network);
    const double cpu = cpu_seconds(network);
    const auto begin = SteadyClock::now();
    while (SteadyClock::now() - begin < duration && load.error().empty()) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    const std::uint64_t last = height_of(network);
    const double cpu_used = cpu_seconds(network) - cpu;
    const double elapsed = static_cast<double>(since(begin).count()) / 1000.0;
    load.stop();
    if (!load.error().empty()) {
        return Unexpected{load.error()};
    }
    if (last <= first) {
        return Unexpected{std::string{"no new block in the whole time"}};
    }
    Latencies intervals;
    const auto blocks = static_cast<double>(last - first);
    return json::object{
        {"transactions", load.finality().count()},
        {"blocks", last - first},
        {"finality", load.finality().summary()},
        {"block_interval", block_intervals(network, first, last, intervals).summary()},
        {"block_interval_mean_ms", elapsed / blocks},
        {"cpu_ms_per_block_all_nodes", cpu_used * 1000.0 / blocks}};
}

/// One request on a connection of its own, as a client submits.
json::object measure_http(const Network& network) {
    Latencies latencies;
    node::HttpClientRequest request;
    request.url = network.operators.front().api + "/livez";
    for (std::size_t i = 0; i < http_samples; ++i) {
        const auto begin = SteadyClock::now();
        if (node::http_request(request)) {
            latencies.add(since(begin));
        }
    }
    return latencies.summary();
}

double median_ms(const json::object& summary) { return summary.at("p50_ms").to_number<double>(); }

/// How often each part lies on the way from submitting to final: the envelope reaches the leader,
/// proposal, NOTARIZE, FINALIZE (4 hops); client, leader, voter twice (4 signatures); the envelope
/// at entry and leader, the leader's signature, and quorums of both votes; three turns that sync
/// journal and safety record, and the segment.
json::array path_of(std::size_t nodes, const json::object& parts) {
    const std::size_t q = quorum(nodes);
    const auto row = [&parts](const char* part, std::size_t count) {
        const double each = median_ms(parts.at(part).as_object());
        return json::object{{"part", part},
                            {"count", count},
                            {"each_ms", each},
                            {"total_ms", each * static_cast<double>(count)}};
    };
    return {row("http", 2),       row("hop", 4),    row("sign", 4),
            row("verify", 2 * q), row("append", 4), row("rewrite", 3)};
}

double sum_of(const json::array& path) {
    double sum{0};
    for (const json::value& row : path) {
        sum += row.at("total_ms").to_number<double>();
    }
    return sum;
}

/// Signing and checking votes of one block, all nodes on this machine's cores.
double shared_cores_ms(std::size_t nodes, const json::object& parts) {
    const std::size_t q = quorum(nodes);
    const double each =
        2 * median_ms(parts.at("sign").as_object()) +
        static_cast<double>(2 * (q - 1) + 2) * median_ms(parts.at("verify").as_object());
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    return each * static_cast<double>(nodes) / cores;
}

}  // namespace

Expected<json::object, std::string> bench_finality(const FinalityOptions& options,
                                                   const MachineParts& measured) {
    const auto network = load_network(options.devnet);
    if (!network) {
        return Unexpected{network.error()};
    }
    const std::size_t nodes = network->manifest.nodes.size();
    const json::object parts{
        {"http", measure_http(*network)},      {"hop", measured.hop.summary()},
        {"sign", measured.sign.summary()},     {"verify", measured.verify.summary()},
        {"append", measured.append.summary()}, {"rewrite", measured.rewrite.summary()}};
    const std::chrono::milliseconds half{options.seconds * 500ULL};
    auto light = measure_phase(*network, 1, half);
    if (!light) {
        return light;
    }
    auto busy = measure_phase(*network, busy_submitters, half);
    if (!busy) {
        return busy;
    }
    json::array path = path_of(nodes, parts);
    const double sum = sum_of(path);
    const double finality = median_ms(light->at("finality").as_object());
    return json::object{{"nodes", nodes},
                        {"quorum", quorum(nodes)},
                        {"cores", std::thread::hardware_concurrency()},
                        {"light", std::move(light).value()},
                        {"busy", std::move(busy).value()},
                        {"parts", parts},
                        {"path", std::move(path)},
                        {"path_sum_ms", sum},
                        {"signatures_of_all_nodes_ms", shared_cores_ms(nodes, parts)},
                        {"finality_to_sum", sum > 0 ? finality / sum : 0}};
}

std::string finality_text(const json::object& figures) {
    json::array measured;
    for (const char* phase : {"light", "busy"}) {
        const json::object& figure = figures.at(phase).as_object();
        for (const char* what : {"finality", "block_interval"}) {
            json::object row{{"load", phase}, {"figure", what}};
            for (const auto& entry : figure.at(what).as_object()) {
                row[entry.key()] = entry.value();
            }
            measured.push_back(std::move(row));
        }
    }
    json::array path = figures.at("path").as_array();
    path.emplace_back(json::object{{"part", "sum"}, {"total_ms", figures.at("path_sum_ms")}});
    json::object rest = figures;
    for (const char* shown : {"light", "busy", "parts", "path", "path_sum_ms"}) {
        rest.erase(shown);
    }
    for (const char* phase : {"light", "busy"}) {
        for (const char* key : {"block_interval_mean_ms", "cpu_ms_per_block_all_nodes"}) {
            rest[std::string{phase} + "_" + key] = figures.at(phase).at(key);
        }
    }
    return render_table(measured, {"load", "figure", "count", "p50_ms", "p99_ms", "max_ms"}) +
           "\nfrom submitting to final, each node on cores of its own (medians):\n" +
           render_table(path, {"part", "count", "each_ms", "total_ms"}) + "\n" +
           render_fields(rest);
}

}  // namespace tally::tools
