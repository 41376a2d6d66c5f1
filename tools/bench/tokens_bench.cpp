#include "tools/bench/tokens_bench.h"

#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "ledger/store/leveldb_store.h"
#include "node/roaming/messages.h"
#include "node/roaming/token_registrar.h"
#include "node/tokens/token_registry.h"
#include "tools/show/render.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

/// Cards that the operator's side is measured with.
constexpr std::uint64_t gathered_max{1'000'000};

struct Options {
    std::uint64_t tokens{10'000'000};
    std::uint64_t lookups{100'000};
    std::uint32_t seconds_max{900};
    std::string out;
    std::uint64_t seed{1};
};

/// Splitmix64: repeatable card numbers.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : m_state{seed} {}
    std::uint64_t next() {
        m_state += 0x9e3779b97f4a7c15;
        std::uint64_t value = m_state;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }

private:
    std::uint64_t m_state;
};

/// A card of 7 bytes, as readers show it.
std::string card_of(std::uint64_t number) {
    Encoder encoder;
    encoder.u64(number);
    std::string text = to_hex(ByteView{encoder.bytes()}.subspan(1));
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

std::uint64_t resident_kib() {
    std::ifstream status{"/proc/self/status"};
    std::string word;
    std::uint64_t value{0};
    while (status >> word) {
        if (word == "VmRSS:") {
            status >> value;
        }
    }
    return value;
}

std::uint64_t folder_bytes(const std::string& folder) {
    std::uint64_t sum{0};
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
        sum += entry.is_regular_file() ? entry.file_size() : 0;
    }
    return sum;
}

double seconds_since(const Clock& clock, std::chrono::microseconds begin) {
    return static_cast<double>((clock.monotonic() - begin).count()) / 1e6;
}

double rounded(double value) {
    return static_cast<double>(static_cast<std::int64_t>(value * 100 + 0.5)) / 100;
}

/// The bench's state: a hub's register on disk, and an operator that signs what it sends.
struct Bench {
    const Options& options;
    SystemClock clock{};
    SystemRandom random{};
    std::string folder;
    std::chrono::microseconds begin{clock.monotonic()};
    node::SharedTokenKey key{};
    KeySigner member_key;
    VerifyKey verify_key;
    Hash chain_id{};
    PartyId member{};

    [[nodiscard]] std::string hashes_file() const { return folder + "/hashes"; }
    [[nodiscard]] bool is_over() const { return seconds_since(clock, begin) > options.seconds_max; }
};

/// Hashes all cards, sorts them and leaves them in a file, so that they are in no memory later.
void make_hashes(Bench& bench, json::object& figures) {
    Numbers numbers{bench.options.seed};
    std::vector<node::TokenHash> hashes;
    hashes.reserve(bench.options.tokens);
    const auto begin = bench.clock.monotonic();
    for (std::uint64_t i = 0; i < bench.options.tokens; ++i) {
        hashes.push_back(node::token_hash(bench.key, card_of(numbers.next())));
    }
    const double seconds = seconds_since(bench.clock, begin);
    figures["hmac_per_s"] =
        static_cast<std::int64_t>(static_cast<double>(bench.options.tokens) / seconds);
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    figures["tokens"] = hashes.size();
    std::ofstream file{bench.hashes_file(), std::ios::binary};
    for (const node::TokenHash& hash : hashes) {
        const std::string_view bytes = as_text(hash.view());
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
}

std::vector<node::TokenHash> read_page(std::ifstream& file) {
    std::vector<node::TokenHash> page;
    std::string bytes(node::TokenHash::size, '\0');
    while (page.size() < node::token_chunk_max &&
           file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
        page.push_back(*node::TokenHash::from(as_bytes(bytes)));
    }
    return page;
}

Bytes sign(Bench& bench, const node::TokenMessage& message) {
    node::SignedMessage to_hub;
    to_hub.from = bench.member;
    to_hub.to.data = {'H', 'U', 'B'};
    to_hub.id = bench.random.fixed<node::MessageId>();
    to_hub.body = node::encode_roaming_body(message);
    to_hub.signature = bench.member_key.sign(to_hub.signing_digest(bench.chain_id));
    return node::encode_signed_message(to_hub);
}

/// What a hub does with a frame before its register sees it.
std::optional<node::TokenMessage> receive(const Bench& bench, ByteView frame) {
    const auto message = node::decode_signed_message(frame);
    if (!message ||
        !bench.verify_key.verify(message->signing_digest(bench.chain_id), message->signature)) {
        return std::nullopt;
    }
    const auto body = node::decode_roaming_body(message->body);
    if (!body || !std::holds_alternative<node::TokenMessage>(*body)) {
        return std::nullopt;
    }
    return std::get<node::TokenMessage>(*body);
}

/// Sends the whole set chunk by chunk, each taken and synced before the next. False: out of time.
bool register_all(Bench& bench, node::TokenRegistry& registry, json::object& figures) {
    std::ifstream file{bench.hashes_file(), std::ios::binary};
    const auto begin = bench.clock.monotonic();
    node::TokenChunk chunk;
    chunk.key = bench.key.id;
    chunk.version = 1;
    chunk.is_first = true;
    std::uint64_t sent{0};
    while (!chunk.is_last) {
        chunk.hashes = read_page(file);
        chunk.is_last = chunk.hashes.size() < node::token_chunk_max;
        const auto message = receive(bench, sign(bench, chunk));
        ENSURE(message.has_value());
        const auto receipt = registry.take(bench.member, std::get<node::TokenChunk>(*message));
        ENSURE(receipt.result == node::TokenResult::taken);
        sent += chunk.hashes.size();
        chunk.is_first = false;
        chunk.after = chunk.hashes.empty() ? chunk.after : chunk.hashes.back();
        if (bench.is_over()) {
            return false;
        }
    }
    const double seconds = seconds_since(bench.clock, begin);
    figures["registration_s"] = rounded(seconds);
    figures["registered_per_s"] = static_cast<std::int64_t>(static_cast<double>(sent) / seconds);
    return true;
}

json::object percentiles(std::vector<std::int64_t> times) {
    if (times.empty()) {
        return {{"count", 0}};
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](std::size_t per_cent) {
        return times[std::min(times.size() - 1, times.size() * per_cent / 100)];
    };
    return {
        {"count", times.size()}, {"p50_us", at(50)}, {"p99_us", at(99)}, {"max_us", times.back()}};
}

/// Look-ups as the hub answers them, signature and decoding left out; half of them of cards that
/// nobody has.
void look_up(Bench& bench, const node::TokenRegistry& registry, json::object& figures) {
    std::vector<std::int64_t> found;
    std::vector<std::int64_t> unknown;
    Numbers pick{bench.options.seed + 1};
    for (std::uint64_t i = 0; i < bench.options.lookups && !bench.is_over(); ++i) {
        const bool is_known = i % 2 == 0;
        std::uint64_t number = pick.next();
        if (is_known) {
            // The n-th number of the sequence, without going through it.
            const std::uint64_t nth = number % bench.options.tokens;
            number = Numbers{bench.options.seed + nth * 0x9e3779b97f4a7c15}.next();
        }
        node::TokenLookup lookup;
        lookup.hashes = {{bench.key.id, node::token_hash(bench.key, card_of(number))}};
        const auto begin = bench.clock.monotonic();
        const node::TokenAnswer answer = registry.find(lookup);
        const std::int64_t took = (bench.clock.monotonic() - begin).count();
        ENSURE(!is_known || answer.finding == node::TokenFinding::found);
        (answer.finding == node::TokenFinding::found ? found : unknown).push_back(took);
    }
    figures["found"] = percentiles(std::move(found));
    figures["unknown"] = percentiles(std::move(unknown));
}

/// What an operator's node does with its customers' cards when it starts: for the first time, and
/// when all of them are registered. Reading the customers is left out.
void gather(Bench& bench, KeyValueStore& store, json::object& figures) {
    node::TokenMirror mirror{store, bench.key};
    const std::uint64_t cards = std::min(bench.options.tokens, gathered_max);
    for (const char* name : {"gathered_first_per_s", "gathered_again_per_s"}) {
        Numbers numbers{bench.options.seed};
        const auto begin = bench.clock.monotonic();
        std::vector<std::string> page;
        for (std::uint64_t i = 0; i < cards; ++i) {
            page.push_back(card_of(numbers.next()));
            if (page.size() == node::token_gather_step || i + 1 == cards) {
                mirror.add(page);
                page.clear();
            }
        }
        const double seconds = seconds_since(bench.clock, begin);
        figures[name] = static_cast<std::int64_t>(static_cast<double>(cards) / seconds);
    }
}

int run(const Options& options) {
    SystemRandom random;
    const auto secret = generate_secret(random);
    const auto verify_key = VerifyKey::parse(public_key_of(secret));
    ENSURE(verify_key.has_value());
    Bench bench{.options = options,
                .folder = options.out,
                .member_key = KeySigner{secret},
                .verify_key = *verify_key};
    bench.key = node::shared_key_of(random.fixed<node::SharedSecret>());
    bench.member.data = {'B', 'B', 'B'};
    std::error_code error;
    if (!std::filesystem::create_directory(options.out, error)) {
        std::cerr << "tally bench tokens: " << options.out << ": must not exist, its parent must\n";
        return 1;
    }
    json::object figures;
    make_hashes(bench, figures);
    malloc_trim(0);
    const std::uint64_t before = resident_kib();
    LevelDbStore::Options store_options;  // as the node opens it
    store_options.write_buffer_bytes = 8UL * 1024 * 1024;
    store_options.block_cache_bytes = 16UL * 1024 * 1024;
    auto store = LevelDbStore::open(options.out + "/tokens", store_options);
    if (!store) {
        std::cerr << "tally bench tokens: " << store.error() << "\n";
        return 1;
    }
    {
        node::TokenRegistry registry{**store};
        if (!register_all(bench, registry, figures)) {
            std::cerr << "tally bench tokens: not done within " << options.seconds_max << " s\n";
            return 1;
        }
        look_up(bench, registry, figures);
        figures["hub_memory_mib"] = (resident_kib() - std::min(before, resident_kib())) / 1024;
    }
    store.value().reset();
    auto mirror_store = LevelDbStore::open(options.out + "/mirror", store_options);
    if (!mirror_store) {
        std::cerr << "tally bench tokens: " << mirror_store.error() << "\n";
        return 1;
    }
    gather(bench, **mirror_store, figures);
    mirror_store.value().reset();
    figures["disk_mib"] = folder_bytes(options.out + "/tokens") / (1024UL * 1024);
    std::cout << render_fields(figures);
    std::filesystem::remove_all(options.out, error);
    return 0;
}

}  // namespace

void add_tokens_bench(CLI::App& bench, int& exit_code) {
    CLI::App* tokens = bench.add_subcommand(
        "tokens", "Register cards without a prefix at a hub's register, and look them up");
    const auto options = std::make_shared<Options>();
    tokens->add_option("--tokens", options->tokens, "Cards to register")
        ->check(CLI::Range(std::uint64_t{1}, node::tokens_per_member_max));
    tokens->add_option("--lookups", options->lookups, "Look-ups, half of them of unknown cards")
        ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{10'000'000}));
    tokens->add_option("--seconds", options->seconds_max, "Gives up after so long");
    tokens->add_option("--out", options->out, "Folder to make and remove again")->required();
    tokens->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace tally::tools
