#include "charger_bridge/config_meters.h"

#include "ledger/model/ids.h"

#include <fstream>
#include <iterator>
#include <set>
#include <utility>

namespace tally::bridge {
namespace {

using node::ConfigTable;

/// A public key is no secret: any file that can be read will do.
std::optional<Bytes> read_key_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return std::nullopt;
    }
    Bytes bytes;
    for (auto byte = std::istreambuf_iterator<char>{file}; byte != std::istreambuf_iterator<char>{};
         ++byte) {
        bytes.push_back(static_cast<std::uint8_t>(*byte));
        if (bytes.size() > meter_key_text_bytes_max) {
            return std::nullopt;
        }
    }
    return bytes;
}

std::optional<MeterKey> read_key(const ConfigTable& table) {
    const char* const name = table.has("key_file") ? "key_file" : "key";
    Bytes content;
    if (table.has("key_file")) {
        const auto read = read_key_file(table.path("key_file"));
        if (!read) {
            table.problem(name, "cannot be read, or is longer than a key");
            return std::nullopt;
        }
        content = *read;
    } else if (table.has("key")) {
        const std::string text = table.text("key");
        content.assign(text.begin(), text.end());
    } else {
        return std::nullopt;
    }
    const auto key = meter_key_from_file(content);
    if (!key) {
        table.problem(name, to_text(key.error()));
        return std::nullopt;
    }
    return *key;
}

}  // namespace

std::vector<MeterConfig> read_meters(const ConfigTable& charger, std::uint16_t connectors) {
    std::vector<MeterConfig> meters;
    std::set<std::uint16_t> seen;
    for (const ConfigTable& table : charger.tables("meters", connectors)) {
        MeterConfig meter;
        meter.connector = static_cast<std::uint16_t>(table.integer("connector", {1, connectors}));
        meter.serial = table.text("serial");
        meter.lenient = table.boolean("lenient", false);
        meter.allows_unsigned = table.boolean("unsigned", false);
        meter.key = read_key(table);
        if (!is_valid_name(meter.serial, meter_serial_bytes_max)) {
            table.problem("serial", "must be 1 to 36 printable ASCII characters without spaces");
        }
        if (!meter.key && !meter.allows_unsigned && !table.has("key") && !table.has("key_file")) {
            table.problem("key", "is needed, or key_file, or unsigned = true");
        }
        if (!seen.insert(meter.connector).second) {
            table.problem("connector", "is there twice");
        }
        meters.push_back(std::move(meter));
    }
    return meters;
}

}  // namespace tally::bridge
