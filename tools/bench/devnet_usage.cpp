#include "tools/bench/devnet_usage.h"

#include "node/runtime/process.h"

#include <boost/json/object.hpp>

#include <filesystem>
#include <system_error>

namespace tally::tools {

namespace json = boost::json;

namespace {

std::uint64_t folder_bytes(const std::string& folder) {
    std::error_code error;
    std::uint64_t bytes{0};
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder, error}) {
        std::error_code gone;  // LevelDB removes files while we look
        if (entry.is_regular_file(gone)) {
            const std::uintmax_t size = entry.file_size(gone);
            bytes += gone ? 0 : size;
        }
    }
    return bytes;
}

void add_program(DevnetUsage& usage, const std::string& name, int pid,
                 const std::string& data_dir) {
    const auto process = node::process_usage(pid);
    if (process) {
        const std::chrono::duration<double> cpu = process->user_time + process->system_time;
        usage.programs[name] = {cpu.count(), process->resident_bytes, folder_bytes(data_dir)};
    }
}

}  // namespace

DevnetUsage measure_usage(const DevnetManifest& manifest) {
    DevnetUsage usage;
    for (const DevnetNode& node : manifest.nodes) {
        add_program(usage, node.member, node.pid, node.data_dir);
    }
    for (const DevnetBridge& bridge : manifest.bridges) {
        add_program(usage, "bridge-" + bridge.operator_, bridge.pid, bridge.data_dir);
    }
    return usage;
}

json::array usage_between(const DevnetUsage& before, const DevnetUsage& after) {
    json::array items;
    for (const auto& [name, end] : after.programs) {
        const auto found = before.programs.find(name);
        const DevnetUsage::Program begin =
            found == before.programs.end() ? DevnetUsage::Program{} : found->second;
        items.emplace_back(
            json::object{{"name", name},
                         {"cpu_s", end.cpu_s - begin.cpu_s},
                         {"resident_bytes", end.resident_bytes},
                         {"disk_bytes", static_cast<std::int64_t>(end.disk_bytes) -
                                            static_cast<std::int64_t>(begin.disk_bytes)}});
    }
    return items;
}

std::uint64_t segment_bytes(const DevnetNode& node) {
    return folder_bytes(node.data_dir + "/ledger/segments");
}

}  // namespace tally::tools
