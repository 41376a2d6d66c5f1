#include "tools/bench/state_tables.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"
#include "ledger/store/leveldb_store.h"
#include "node/process/node_files.h"
#include "tools/audit/audit_target.h"

#include <boost/json/object.hpp>

#include <filesystem>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr std::size_t entries_per_scan{4096};

json::object read_table(std::uint8_t table, const std::vector<KeyValueStore::Entry>& first,
                        const KeyValueStore& store) {
    const Bytes prefix{table};
    std::vector<KeyValueStore::Entry> entries = first;
    std::uint64_t count{0};
    std::uint64_t bytes{0};
    Sha256 digest;
    while (!entries.empty()) {
        for (const KeyValueStore::Entry& entry : entries) {
            Encoder encoder;
            encoder.var_bytes(entry.key).var_bytes(entry.value);
            digest.update(encoder.bytes());
            ++count;
            bytes += entry.key.size() + entry.value.size();
        }
        Bytes behind = entries.back().key;
        behind.push_back(0);
        auto more = store.scan(prefix, behind, entries_per_scan);
        if (!more) {
            return {};
        }
        entries = std::move(more).value();
    }
    return {{"table", to_hex(prefix)},
            {"entries", count},
            {"bytes", bytes},
            {"digest", to_hex(digest.finish())}};
}

}  // namespace

std::optional<TableSize> measure_table(const KeyValueStore& store, Table table) {
    const Bytes prefix{static_cast<std::uint8_t>(table)};
    Bytes from = prefix;
    TableSize size;
    for (;;) {
        const auto entries = store.scan(prefix, from, entries_per_scan);
        if (!entries) {
            return std::nullopt;
        }
        for (const KeyValueStore::Entry& entry : *entries) {
            ++size.entries;
            size.bytes += entry.key.size() + entry.value.size();
        }
        if (entries->size() < entries_per_scan) {
            return size;
        }
        from = entries->back().key;
        from.push_back(0);
    }
}

Expected<json::array, std::string> read_state_tables(const std::string& data_dir) {
    const std::string folder = node::DataFolders{data_dir}.state;
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        return Unexpected{folder + ": there is no state"};
    }
    if (is_state_locked(folder)) {
        return Unexpected{folder + " is in use; stop the node first"};
    }
    const auto store = LevelDbStore::open(folder);
    if (!store) {
        return Unexpected{store.error()};
    }
    json::array tables;
    for (unsigned table = 0; table <= 0xff; ++table) {
        const auto byte = static_cast<std::uint8_t>(table);
        const auto first = (*store)->scan(Bytes{byte}, Bytes{byte}, entries_per_scan);
        json::object figures =
            first && !first->empty() ? read_table(byte, *first, **store) : json::object{};
        if (!first || (!first->empty() && figures.empty())) {
            return Unexpected{folder + " is damaged"};
        }
        if (!figures.empty()) {
            tables.emplace_back(std::move(figures));
        }
    }
    return tables;
}

}  // namespace tally::tools
