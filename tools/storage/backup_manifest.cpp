#include "tools/storage/backup_manifest.h"

#include "ledger/store/segment_file.h"
#include "node/config/json_fields.h"
#include "node/config/json_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tally::tools {
namespace {

namespace json = boost::json;

constexpr const char* format_name{"tallystick-backup"};
constexpr std::int64_t format_version{1};

json::object to_object(const BackupFile& file) {
    return {{"path", file.path}, {"bytes", file.bytes}, {"sha256", to_hex(file.sha256)}};
}

BackupFile read_file(const json::value& value, const std::string& place,
                     node::JsonProblems& problems) {
    node::JsonFields fields{value, place, problems};
    BackupFile file;
    file.path = fields.text("path");
    file.bytes = static_cast<std::uint64_t>(fields.integer("bytes", 1, INT64_MAX));
    file.sha256 = fields.hex<Hash>("sha256");
    fields.finish();
    return file;
}

BackupFile read_part(node::JsonFields& fields, const char* key, const std::string& path,
                     node::JsonProblems& problems) {
    const json::value* const value = fields.find(key);
    if (value == nullptr) {
        fields.problem(key, "is missing");
        return {};
    }
    BackupFile file = read_file(*value, key, problems);
    if (file.path != path) {
        problems.add(std::string{key} + ".path", "must be \"" + path + "\"");
    }
    return file;
}

/// No path may lead anywhere else, and the order must be that of heights.
void read_segments(node::JsonFields& fields, BackupManifest& manifest,
                   node::JsonProblems& problems) {
    std::uint64_t next_height = manifest.base_height + 1;
    for (const json::value& item : fields.list("segments", backup_files_max)) {
        const std::string place = "segments[" + std::to_string(manifest.segments.size()) + "]";
        BackupFile file = read_file(item, place, problems);
        constexpr std::string_view folder{"segments/"};
        const auto height =
            file.path.starts_with(folder)
                ? first_height_of_segment(std::string_view{file.path}.substr(folder.size()))
                : std::nullopt;
        const bool is_first = manifest.segments.empty();
        if (!height || *height < next_height || (is_first && *height != next_height)) {
            problems.add(place + ".path", "must be segments/<height>.seg, in order of height");
            return;
        }
        next_height = *height + 1;
        manifest.segments.push_back(std::move(file));
    }
    if (manifest.tail_first_height < next_height) {
        problems.add("tail_first_height", "must be behind the segments");
    }
}

}  // namespace

std::string backup_segment_path(std::uint64_t first_height) {
    return "segments/" + segment_name(first_height);
}
std::string backup_tail_path(std::uint64_t height) {
    return "tail-" + std::to_string(height) + ".seg";
}
std::string backup_snapshot_path(std::uint64_t height) {
    return "snapshot-" + std::to_string(height) + ".bin";
}

std::uint64_t BackupManifest::total_bytes() const {
    std::uint64_t total = tail.bytes + snapshot.bytes;
    for (const BackupFile& file : segments) {
        total += file.bytes;
    }
    return total;
}

std::string BackupManifest::to_json() const {
    json::array list;
    for (const BackupFile& file : segments) {
        list.emplace_back(to_object(file));
    }
    const json::object document{
        {"format", format_name},          {"version", format_version},
        {"chain_id", to_hex(chain_id)},   {"height", height},
        {"digest", to_hex(digest)},       {"base_height", base_height},
        {"block_time_ms", block_time},    {"segments", std::move(list)},
        {"tail", to_object(tail)},        {"tail_first_height", tail_first_height},
        {"snapshot", to_object(snapshot)}};
    return json::serialize(document) + "\n";
}

Expected<BackupManifest, std::string> BackupManifest::from_json(std::string_view text) {
    if (text.size() > backup_manifest_bytes_max) {
        return Unexpected{std::string{"longer than 256 MiB"}};
    }
    const auto document = node::parse_json(text);
    if (!document) {
        return Unexpected{document.error()};
    }
    node::JsonProblems problems;
    node::JsonFields fields{*document, "", problems};
    if (fields.text("format") != format_name) {
        fields.problem("format", std::string{"must be \""} + format_name + "\"");
    }
    static_cast<void>(fields.integer("version", format_version, format_version));
    const auto number = [&fields](const char* key, std::int64_t min) {
        return static_cast<std::uint64_t>(fields.integer(key, min, INT64_MAX));
    };
    BackupManifest manifest;
    manifest.chain_id = fields.hex<Hash>("chain_id");
    manifest.height = number("height", 1);
    manifest.digest = fields.hex<Hash>("digest");
    manifest.base_height = number("base_height", 0);
    manifest.block_time = fields.integer("block_time_ms", 0, INT64_MAX);
    manifest.tail_first_height = number("tail_first_height", 1);
    manifest.tail = read_part(fields, "tail", backup_tail_path(manifest.height), problems);
    manifest.snapshot =
        read_part(fields, "snapshot", backup_snapshot_path(manifest.height), problems);
    if (manifest.base_height >= manifest.height) {
        fields.problem("base_height", "must be below height");
    }
    if (!problems.any()) {
        read_segments(fields, manifest, problems);
    }
    fields.finish();
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    return manifest;
}

}  // namespace tally::tools
