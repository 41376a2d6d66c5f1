#include "tools/bench/ledger_bench.h"

#include "ledger/state/keys.h"
#include "node/runtime/key_file.h"
#include "tools/bench/history_ledger.h"
#include "tools/bench/history_work.h"
#include "tools/bench/seeded_random.h"
#include "tools/bench/state_tables.h"
#include "tools/devnet/plan.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

namespace fs = std::filesystem;

constexpr Money limit_amount{amount_max / 2};
constexpr std::uint64_t progress_blocks{50};
/// The clock of the last block stays behind the time that was asked for.
constexpr std::uint64_t spare_percent{3};
constexpr UnixMillis ms_per_hour{3'600'000};

Expected<std::vector<Currency>, std::string> parse_currencies(
    const std::vector<std::string>& texts) {
    std::vector<Currency> currencies;
    for (const std::string& text : texts) {
        const std::optional<Currency> currency = currency_from_text(text);
        if (!currency) {
            return Unexpected{text + ": is not a currency, such as CNY"};
        }
        currencies.push_back(*currency);
    }
    return currencies;
}

/// Blocks that the history takes, a little too many.
std::uint64_t estimate_blocks(const LedgerBenchOptions& options, const HistoryShape& shape) {
    const std::uint64_t full = options.transactions / (shape.begun_per_block() * 379 / 100 + 1);
    const std::uint64_t all = full + shape.charge_blocks() + 64;
    return all + all * spare_percent / 100;
}

/// Limits that no history reaches, and the currency of each pair of operators.
void set_rules(const std::vector<PlannedNode>& nodes, const std::vector<Currency>& currencies,
               Genesis& genesis) {
    std::map<PartyId, std::size_t> numbers;
    genesis.limits.clear();
    for (const PlannedNode& node : nodes) {
        if (node.is_hub) {
            continue;
        }
        numbers.emplace(node.party, numbers.size());
        for (const Currency& currency : currencies) {
            genesis.limits.push_back({node.party, currency, limit_amount});
        }
    }
    for (GenesisAgreement& half : genesis.agreements) {
        half.agreement.currency = currencies[currency_between(
            numbers.at(half.member), numbers.at(half.agreement.partner), currencies.size())];
    }
}

Expected<SecretKey, std::string> read_key(const std::string& path) {
    const auto key = node::read_secret_key(path);
    if (!key) {
        return Unexpected{key.error().text};
    }
    return *key;
}

struct Keys {
    std::vector<HistoryMember> operators;
    std::map<PartyId, SecretKey> consensus;
};

Expected<Keys, std::string> read_keys(const DevnetPlan& plan, Random& random) {
    Keys keys;
    for (const PlannedNode& node : plan.nodes) {
        const auto member = read_key(node.folder + "/keys/member.key");
        const auto consensus = read_key(node.folder + "/keys/consensus.key");
        if (!member || !consensus) {
            return Unexpected{member ? consensus.error() : member.error()};
        }
        keys.consensus.insert_or_assign(node.party, *consensus);
        if (!node.is_hub) {
            keys.operators.push_back({node.party, *member, random.fixed<SecretKey>()});
        }
    }
    return keys;
}

Expected<Done, std::string> initialize_nodes(const DevnetManifest& manifest) {
    PosixFileSystem files;
    for (const DevnetNode& node : manifest.nodes) {
        const auto inputs = node::load_inputs(node.config);
        if (!inputs) {
            return Unexpected{inputs.error().text};
        }
        if (const auto made = node::initialize_node(*inputs, files); !made) {
            return Unexpected{made.error().text};
        }
    }
    return Done{};
}

/// The ledger of the first node for the other validators too, and to all of them their last votes.
Expected<Done, std::string> complete_validators(const DevnetPlan& plan, const Keys& keys,
                                                const BlockHeader& last) {
    const fs::path from = fs::path{plan.nodes.front().folder} / "data" / "ledger";
    for (const PlannedNode& node : plan.nodes) {
        if (!node.validator) {
            continue;
        }
        const node::DataFolders folders{node.folder + "/data"};
        if (auto voted = remember_votes(folders, keys.consensus.at(node.party), last); !voted) {
            return voted;
        }
        if (&node == &plan.nodes.front()) {
            continue;
        }
        const fs::path to = fs::path{node.folder} / "data" / "ledger";
        std::error_code error;
        fs::remove_all(to, error);
        fs::copy(from, to, fs::copy_options::recursive, error);
        if (error) {
            return Unexpected{to.string() + ": " + error.message()};
        }
    }
    return Done{};
}

struct Written {
    HistoryCounts counts;
    BlockHeader last;
    json::array samples;
};

std::uint64_t bytes_of(const std::string& folder) {
    std::uint64_t bytes{0};
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator{folder, error}) {
        bytes += entry.is_regular_file() ? entry.file_size() : 0;
    }
    return bytes;
}

/// How large the state is now: what the state root commits to, finished authorizations, and the
/// store's files with all indexes.
Expected<json::object, std::string> measure(const HistoryLedger& ledger,
                                            const HistoryCounts& counts,
                                            const std::string& state_folder) {
    TableSize tree;
    for (const Table table : tree_tables) {
        const std::optional<TableSize> size = measure_table(ledger.store(), table);
        if (!size) {
            return Unexpected{std::string{"the state cannot be read"}};
        }
        tree.entries += size->entries;
        tree.bytes += size->bytes;
    }
    const std::optional<TableSize> finished = measure_table(ledger.store(), Table::finished);
    if (!finished || tree.entries != ledger.ledger().state_entries()) {
        return Unexpected{std::string{"the state's entries are not those of its tree"}};
    }
    return json::object{{"charges_settled", counts.settled},
                        {"transactions", counts.transactions},
                        {"blocks", ledger.ledger().final_header().height},
                        {"open", counts.open},
                        {"state_entries", tree.entries},
                        {"state_bytes", tree.bytes},
                        {"finished_entries", finished->entries},
                        {"finished_bytes", finished->bytes},
                        {"store_file_bytes", bytes_of(state_folder)}};
}

Expected<Written, std::string> write_history(const LedgerBenchOptions& options,
                                             const DevnetPlan& plan, HistoryWork& work,
                                             const Keys& keys,
                                             const LedgerBenchProgress& progress) {
    const node::DataFolders folders{plan.nodes.front().folder + "/data"};
    const auto ledger =
        HistoryLedger::open(folders, plan.genesis, keys.consensus, options.keep_finished_ms);
    if (!ledger) {
        return Unexpected{ledger.error()};
    }
    UnixMillis time = plan.genesis.time;
    json::array samples;
    std::uint64_t next_sample = options.sample_charges;
    for (std::uint64_t block = 0; work.counts().transactions < options.transactions; ++block) {
        time += static_cast<UnixMillis>(options.interval_ms);
        if (const auto added = (*ledger)->add_block(time, work.next_block(time)); !added) {
            return Unexpected{added.error()};
        }
        if (block % progress_blocks == 0) {
            progress(work.counts().transactions, options.transactions);
        }
        if (next_sample > 0 && work.counts().settled >= next_sample) {
            auto sample = measure(**ledger, work.counts(), folders.state);
            if (!sample) {
                return Unexpected{sample.error()};
            }
            samples.emplace_back(std::move(sample).value());
            next_sample += options.sample_charges;
        }
    }
    return Written{work.counts(), (*ledger)->finish().final_header(), std::move(samples)};
}

json::object figures_of(const DevnetPlan& plan, const Written& written) {
    const node::DataFolders folders{plan.nodes.front().folder + "/data"};
    json::object figures{{"transactions", written.counts.transactions},
                         {"blocks", written.last.height},
                         {"epoch", written.last.epoch},
                         {"charges_settled", written.counts.settled},
                         {"denied", written.counts.denied},
                         {"released", written.counts.released},
                         {"never_started", written.counts.left_to_expire},
                         {"open", written.counts.open},
                         {"first_block_ms", plan.genesis.time},
                         {"last_block_ms", written.last.time},
                         {"segment_bytes", bytes_of(folders.segments)},
                         {"state_bytes", bytes_of(folders.state)},
                         {"chain_id", to_hex(plan.genesis.chain_id())},
                         {"state_root", to_hex(written.last.state_root)}};
    if (!written.samples.empty()) {
        figures["samples"] = written.samples;
    }
    return figures;
}

Expected<DevnetPlan, std::string> plan_network(const LedgerBenchOptions& options,
                                               const HistoryShape& shape, Random& random) {
    DevnetOptions devnet;
    devnet.folder = options.folder;
    devnet.operators = options.operators;
    devnet.validators = options.validators;
    devnet.bridges = options.bridges;
    devnet.base_port = options.base_port;
    devnet.epoch_blocks_max = options.epoch_blocks_max;
    const UnixMillis end = options.end.value_or(SystemClock{}.now());
    const auto past =
        static_cast<UnixMillis>(estimate_blocks(options, shape) * options.interval_ms);
    if (end - past <= 0) {
        return Unexpected{std::string{"the history is longer than the time before its end"}};
    }
    auto plan = make_plan(devnet, end - past, random);
    if (plan) {
        set_rules(plan->nodes, shape.currencies, plan->genesis);
        Parameters& parameters = plan->genesis.parameters;
        // Nobody pays in this history: one cycle for all of it, and time to pay after that.
        parameters.cycle_length = parameter_duration_max;
        parameters.payment_window = parameter_duration_max;
        parameters.start_window = std::max(parameters.start_window, shape.start_within());
        parameters.idle_interval = options.idle_interval_ms.value_or(parameters.idle_interval);
    }
    return plan;
}

/// A new or empty folder, which is as it was before unless everything was made in it.
class Workplace {
public:
    static Expected<std::unique_ptr<Workplace>, std::string> make(const std::string& folder) {
        std::error_code error;
        const bool was_there = fs::exists(folder, error);
        fs::create_directories(folder, error);
        const fs::path path = fs::canonical(folder, error);
        if (error || !fs::is_empty(path, error)) {
            return Unexpected{folder + ": must be a new or empty folder"};
        }
        return std::unique_ptr<Workplace>{new Workplace{path, was_there}};
    }
    ~Workplace() {
        std::error_code error;
        if (!m_is_done && !m_was_there) {
            fs::remove_all(m_path, error);
        } else if (!m_is_done) {
            for (const auto& entry : fs::directory_iterator{m_path, error}) {
                fs::remove_all(entry.path(), error);
            }
        }
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    [[nodiscard]] const fs::path& path() const { return m_path; }
    void keep() { m_is_done = true; }

private:
    Workplace(fs::path path, bool was_there) : m_path{std::move(path)}, m_was_there{was_there} {}

    fs::path m_path;
    bool m_was_there;
    bool m_is_done{false};
};

Expected<HistoryShape, std::string> shape_of(const LedgerBenchOptions& options) {
    auto currencies = parse_currencies(options.currencies);
    if (!currencies) {
        return Unexpected{currencies.error()};
    }
    HistoryShape shape{options.per_block, options.open,
                       static_cast<UnixMillis>(options.interval_ms), std::move(currencies).value()};
    const UnixMillis window = Parameters{}.record_window;
    if (shape.charge_time_max() >= window) {
        return Unexpected{"with --open " + std::to_string(options.open) + ", --per-block " +
                          std::to_string(options.per_block) + " and --interval-ms " +
                          std::to_string(options.interval_ms) + " a charge would last up to " +
                          std::to_string(shape.charge_time_max() / ms_per_hour) +
                          " hours, and has to be recorded within " +
                          std::to_string(window / ms_per_hour) + " of its start"};
    }
    return shape;
}

Expected<json::object, std::string> make_past(const LedgerBenchOptions& options,
                                              const HistoryShape& shape,
                                              const LedgerBenchProgress& progress) {
    const auto begin = std::chrono::steady_clock::now();
    SeededRandom random{options.seed};
    const auto plan = plan_network(options, shape, random);
    if (!plan) {
        return Unexpected{plan.error()};
    }
    const DevnetManifest manifest = manifest_of(*plan);
    auto keys = read_keys(*plan, random);
    if (!keys) {
        return Unexpected{keys.error()};
    }
    if (const auto done = write_files(*plan); !done) {
        return Unexpected{done.error()};
    }
    if (const auto done = initialize_nodes(manifest); !done) {
        return Unexpected{done.error()};
    }
    HistoryWork work{plan->genesis.chain_id(), keys->operators, shape, random};
    const auto written = write_history(options, *plan, work, *keys, progress);
    if (!written) {
        return Unexpected{written.error()};
    }
    if (const auto copied = complete_validators(*plan, *keys, written->last); !copied) {
        return Unexpected{copied.error()};
    }
    if (const auto saved = save_manifest(options.folder, manifest); !saved) {
        return Unexpected{saved.error()};
    }
    json::object figures = figures_of(*plan, *written);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    figures["seconds"] = took.count();
    return figures;
}

}  // namespace

Expected<json::object, std::string> bench_ledger(const LedgerBenchOptions& asked,
                                                 const LedgerBenchProgress& progress) {
    const auto shape = shape_of(asked);
    if (!shape) {
        return Unexpected{shape.error()};
    }
    const auto place = Workplace::make(asked.folder);
    if (!place) {
        return Unexpected{place.error()};
    }
    LedgerBenchOptions options = asked;
    options.folder = (*place)->path().string();
    auto figures = make_past(options, *shape, progress);
    if (figures) {
        (*place)->keep();
    }
    return figures;
}

}  // namespace tally::tools
