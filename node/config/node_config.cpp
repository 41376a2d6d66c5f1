#include "node/config/node_config.h"

#include "ledger/model/parameters.h"
#include "node/tokens/token_key.h"

#include <set>
#include <utility>

namespace tally::node {

namespace {

PartyId read_party(const ConfigTable& table, std::string_view key) {
    const std::string text = table.text(key);
    const std::optional<PartyId> party = party_from_text(text);
    if (!party && !text.empty()) {
        table.problem(key, "must be three letters, but is \"" + text + "\"");
    }
    return party.value_or(PartyId{});
}

std::optional<PublicKey> read_link_key(const ConfigTable& table) {
    const std::string text = table.text("link_key", std::string{});
    if (text.empty()) {
        return std::nullopt;
    }
    const std::optional<PublicKey> key = fixed_from_hex<PublicKey>(text);
    if (!key || !VerifyKey::parse(*key)) {
        table.problem("link_key", "must be a public key of 66 hexadecimal digits");
    }
    return key;
}

/// The file that the key after the one in `file` is read from.
std::string read_next(const ConfigTable& keys, std::string_view key, const std::string& file) {
    const std::string told = keys.path(key, std::string{});
    return told.empty() ? file + next_key_suffix : told;
}

std::vector<PeerAddress> read_peers(const ConfigTable& root) {
    std::vector<PeerAddress> peers;
    std::set<PartyId> seen;
    for (const ConfigTable& table : root.tables("peer", peers_max)) {
        const PartyId member = read_party(table, "member");
        if (!member.is_zero() && !seen.insert(member).second) {
            table.problem("member", "is listed twice");
        }
        peers.push_back({member, table.host_port("address"), read_link_key(table)});
    }
    return peers;
}

std::optional<Checkpoint> read_checkpoint(const ConfigTable& sync) {
    const bool has_height = sync.has("checkpoint_height");
    const std::string text = sync.text("checkpoint_digest", std::string{});
    if (!has_height && text.empty()) {
        return std::nullopt;
    }
    Checkpoint checkpoint;
    checkpoint.height =
        static_cast<std::uint64_t>(sync.integer("checkpoint_height", {1, INT64_MAX}));
    const std::optional<Hash> digest = fixed_from_hex<Hash>(text);
    if (!digest) {
        sync.problem("checkpoint_digest", "must be 64 hexadecimal digits");
    }
    checkpoint.digest = digest.value_or(Hash{});
    return checkpoint;
}

SyncConfig read_sync(const ConfigTable& sync) {
    SyncConfig config;
    const auto number = [&sync](std::string_view key, std::uint64_t fallback) {
        return static_cast<std::uint64_t>(
            sync.integer(key, {1, 1'000'000'000}, static_cast<std::int64_t>(fallback)));
    };
    config.min_blocks = number("min_blocks", config.min_blocks);
    config.snapshot_interval = number("snapshot_interval", config.snapshot_interval);
    config.min_chain_age = std::chrono::seconds{
        sync.integer("min_chain_age_s", {0, 86'400}, config.min_chain_age.count())};
    config.checkpoint = read_checkpoint(sync);
    return config;
}

void read_review(const ConfigTable& roaming, NodeConfig& config) {
    const std::string text = roaming.text("review_from", "");
    if (!text.empty()) {
        config.review_from = money_from_text(text);
        if (!config.review_from || *config.review_from < 0 || *config.review_from > amount_max) {
            roaming.problem("review_from", "must be a decimal text such as \"50.00\"");
        }
    }
    config.review_margin =
        roaming.duration_ms("review_margin_ms", {0, parameter_duration_max}, config.review_margin);
}

ArchiveConfig read_archive(const ConfigTable& archive) {
    ArchiveConfig config;
    config.folder = archive.path("folder", std::string{});
    const bool has_age = archive.has("older_than_d");
    const bool has_size = archive.has("keep_bytes");
    if (config.folder.empty() && (has_age || has_size)) {
        archive.problem("folder", "is needed: where are the segments to go?");
    }
    if (has_size) {
        config.rule.keep_bytes =
            static_cast<std::uint64_t>(archive.integer("keep_bytes", {0, INT64_MAX}));
        config.rule.older_than.reset();
    }
    if (has_age) {
        config.rule.older_than = std::chrono::days{archive.integer("older_than_d", {1, 36'500})};
    }
    config.segment_bytes = static_cast<std::uint64_t>(
        archive.integer("segment_bytes", {64 * 1024, 256L * 1024 * 1024},
                        static_cast<std::int64_t>(config.segment_bytes)));
    return config;
}

/// "0.850" in 1/1000.
std::int64_t read_coefficient(const ConfigTable& table) {
    const std::string text = table.text("b");
    const std::optional<Money> value = money_from_text(text);  // in 1/10000
    constexpr Money per_permille{money_scale / 1000};
    const bool fits = value && *value >= 0 && *value % per_permille == 0 &&
                      *value / per_permille <= coefficient_permille_max;
    if (!fits && !text.empty()) {
        table.problem("b", "must be a decimal text of 0 to 1000 with at most three places");
    }
    return fits ? *value / per_permille : 1000;
}

CoefficientBands read_coefficients(const ConfigTable& root) {
    constexpr std::size_t bands_max{16};
    CoefficientBands bands;
    for (const ConfigTable& table : root.tables("coefficient", bands_max)) {
        CoefficientBand band;
        band.up_to_w = table.integer("up_to_w", {1, INT64_MAX}, INT64_MAX);
        band.permille = read_coefficient(table);
        if (!bands.empty() && band.up_to_w <= bands.back().up_to_w) {
            table.problem("up_to_w", "must rise from one [[coefficient]] to the next");
        }
        bands.push_back(band);
    }
    return bands;
}

NodeConfig read(const ConfigTable& root) {
    NodeConfig config;
    config.member = read_party(root, "member");
    config.data_dir = root.path("data_dir");
    config.genesis_file = root.path("genesis");

    const ConfigTable keys = root.table("keys");
    config.member_key_file = keys.path("member");
    config.consensus_key_file = keys.path("consensus");
    config.link_key_file = keys.path("link");
    config.next_member_key_file = read_next(keys, "next_member", config.member_key_file);
    config.next_consensus_key_file = read_next(keys, "next_consensus", config.consensus_key_file);
    config.next_link_key_file = read_next(keys, "next_link", config.link_key_file);

    config.link_listen = root.table("link").host_port("listen");
    config.peers = read_peers(root);

    const ConfigTable api = root.table("api");
    config.api_listen = api.host_port("listen");
    config.api_token_file = api.path("token_file");
    config.evidence_token_file =
        api.has("evidence_token_file") ? api.path("evidence_token_file") : config.api_token_file;

    config.customers_file = root.table("accounts").path("customers", std::string{});

    read_review(root.table("roaming"), config);

    config.coefficients = read_coefficients(root);
    config.token_key_files = root.table("tokens").texts("keys", token_keys_max);

    const ConfigTable log = root.table("log");
    config.log_level = log.choice("level", {"trace", "debug", "info", "warn", "error"}, "info");
    config.log_file = log.path("file", std::string{});

    const ConfigTable limits = root.table("limits");
    config.verify_threads = static_cast<std::size_t>(limits.integer("verify_threads", {1, 256}, 2));
    config.sync = read_sync(root.table("sync"));
    config.keep_finished = std::chrono::days{
        root.table("state").integer("keep_finished_d", {0, 36'500}, config.keep_finished.count())};
    config.archive = read_archive(root.table("archive"));
    config.free_bytes_min = static_cast<std::uint64_t>(root.table("storage").integer(
        "free_bytes_min", {0, INT64_MAX}, static_cast<std::int64_t>(config.free_bytes_min)));
    return config;
}

}  // namespace

Expected<NodeConfig, ConfigProblems> load_node_config(const std::string& path) {
    const Expected<ConfigReader, ConfigProblem> reader = ConfigReader::open(path);
    if (!reader) {
        return Unexpected{ConfigProblems{reader.error()}};
    }
    NodeConfig config = read(reader->root());
    ConfigProblems problems = reader->finish();
    if (!problems.empty()) {
        return Unexpected{std::move(problems)};
    }
    for (std::string& file : config.token_key_files) {  // as every path: from the file's folder
        const std::size_t slash = path.find_last_of('/');
        if (file.front() != '/' && slash != std::string::npos) {
            file = path.substr(0, slash + 1) + file;
        }
    }
    return config;
}

}  // namespace tally::node
