#include "tools/storage/backup_command.h"

#include "ledger/base/posix_file_system.h"
#include "node/config/genesis_json.h"
#include "tools/storage/backup.h"
#include "tools/storage/quantity.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_done{0};
constexpr int exit_refused{1};
constexpr int exit_unreadable{2};

struct BackupArguments {
    std::string url;
    std::string data_dir;
    std::string genesis;
    BackupOptions options;
    bool json{false};
};

struct RestoreArguments {
    std::string from;
    std::string data_dir;
    std::string genesis;
    bool check_only{false};
    bool json{false};
};

int fail(const char* command, int code, const std::string& text) {
    std::cerr << "tally " << command << ": " << text << "\n";
    return code;
}

/// A line for each stage.
StageProgress progress_lines() {
    auto line = std::make_shared<std::unique_ptr<ProgressLine>>();
    auto shown = std::make_shared<std::string>();
    return [line, shown](const char* stage, std::uint64_t done, std::uint64_t total) {
        if (*shown != stage) {
            *shown = stage;
            *line = std::make_unique<ProgressLine>(stage);
        }
        (*line)->show(done, total);
    };
}

boost::json::object summary_of(const BackupManifest& manifest) {
    return {{"chain_id", to_hex(manifest.chain_id)},    {"height", manifest.height},
            {"digest", to_hex(manifest.digest)},        {"base_height", manifest.base_height},
            {"segments", manifest.segments.size() + 1}, {"bytes", manifest.total_bytes()}};
}

Expected<std::unique_ptr<BackupSource>, SourceError> source_of(const BackupArguments& arguments,
                                                               const Genesis& genesis) {
    if (!arguments.url.empty()) {
        return backup_source_of_url(arguments.url);
    }
    return backup_source_of_folder(arguments.data_dir, genesis);
}

int backup(const BackupArguments& arguments) {
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return fail("backup", exit_unreadable, genesis.error());
    }
    const auto source = source_of(arguments, *genesis);
    if (!source) {
        return fail("backup", exit_unreadable, source.error().message);
    }
    PosixFileSystem files;
    const auto report = make_backup(**source, files, *genesis, arguments.options, progress_lines());
    if (!report) {
        return fail("backup", exit_refused, report.error());
    }
    const BackupManifest& manifest = report->manifest;
    if (arguments.json) {
        boost::json::object summary = summary_of(manifest);
        summary["segments_kept"] = report->files_kept;
        summary["bytes_fetched"] = report->bytes_fetched;
        std::cout << boost::json::serialize(summary) << "\n";
        return exit_done;
    }
    std::cout << arguments.options.folder << ": blocks " << manifest.base_height + 1 << " to "
              << manifest.height << " and the state behind them, " << manifest.segments.size() + 1
              << " segments, " << bytes_text(manifest.total_bytes()) << " ("
              << bytes_text(report->bytes_fetched) << " fetched); verified against the genesis\n"
              << "digest of block " << manifest.height << ": " << to_hex(manifest.digest) << "\n";
    return exit_done;
}

int restore(const RestoreArguments& arguments) {
    const auto genesis = node::load_genesis(arguments.genesis);
    if (!genesis) {
        return fail("restore", exit_unreadable, genesis.error());
    }
    PosixFileSystem files;
    const StageProgress progress = progress_lines();
    if (arguments.check_only) {
        const auto manifest = read_backup_manifest(files, arguments.from);
        if (!manifest) {
            return fail("restore", exit_unreadable, manifest.error());
        }
        const auto checked = check_backup(files, arguments.from, *manifest, *genesis,
                                          [&progress](std::uint64_t done, std::uint64_t total) {
                                              progress("checking", done, total);
                                          });
        if (!checked) {
            return fail("restore", exit_refused, "the backup does not hold: " + checked.error());
        }
        std::cout << arguments.from << ": holds, up to block " << manifest->height << "\n";
        return exit_done;
    }
    const auto restored =
        restore_backup(files, arguments.from, arguments.data_dir, *genesis, progress);
    if (!restored) {
        return fail("restore", exit_refused, restored.error());
    }
    if (arguments.json) {
        std::cout << boost::json::serialize(summary_of(*restored)) << "\n";
        return exit_done;
    }
    std::cout
        << arguments.data_dir << ": restored up to block " << restored->height << "\n"
        << "There is no safety record in it: the node fetches the blocks since, observes, and\n"
           "votes again from the next epoch on. Do not run tallyd init; make sure that no\n"
           "other node runs with the same keys; then: tallyd run --config node.toml\n";
    return exit_done;
}

void add_backup(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<BackupArguments>();
    CLI::App* command =
        app.add_subcommand("backup", "Copy a node's ledger, also while it runs, and verify it");
    CLI::Option* url = command->add_option("--from", arguments->url, "URL of a running node");
    CLI::Option* data =
        command->add_option("--data", arguments->data_dir, "Data folder of a stopped node");
    url->excludes(data);
    command->add_option("--genesis", arguments->genesis, "The genesis file")->required();
    command->add_option("--to", arguments->options.folder, "Backup folder")->required();
    command->add_flag("--incremental", arguments->options.incremental,
                      "Bring the backup in that folder up to date");
    command->add_flag("--json", arguments->json, "Print JSON");
    command->footer(
        "Takes all segments, archived ones too, and a snapshot of the state with the certificate\n"
        "that proves it. A backup is complete when backup.json is there: it is written last, when\n"
        "everything has been read again and checked. One that was interrupted goes on.\n"
        "Not in it: keys, the safety record (on purpose), the operator's accounts and sessions\n"
        "(<data>/operator) and the hub's copy of live figures (<data>/backup).\n"
        "Exit codes: 0 done, 1 refused or interrupted, 2 cannot read or reach.\n"
        "Examples:\n"
        "  tally backup --from http://127.0.0.1:7002 --genesis genesis.json --to /mnt/backup/aaa\n"
        "  tally backup --from http://127.0.0.1:7002 --genesis genesis.json --to /mnt/backup \\\n"
        "    --incremental --json\n"
        "  tally backup --data /var/lib/tally --genesis genesis.json --to /mnt/backup/aaa");
    command->callback([arguments, &exit_code] {
        if (arguments->url.empty() && arguments->data_dir.empty()) {
            throw CLI::RequiredError{"--from or --data"};
        }
        exit_code = backup(*arguments);
    });
}

void add_restore(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<RestoreArguments>();
    CLI::App* command = app.add_subcommand("restore", "Make a data folder from a backup");
    command->add_option("--from", arguments->from, "Backup folder")->required();
    CLI::Option* data =
        command->add_option("--data", arguments->data_dir, "Data folder to make: new or empty");
    CLI::Option* check =
        command->add_flag("--check", arguments->check_only, "Only verify the backup, make nothing");
    check->excludes(data);
    command->add_option("--genesis", arguments->genesis, "The genesis file")->required();
    command->add_flag("--json", arguments->json, "Print JSON");
    command->footer(
        "Everything is checked against the genesis before anything is made: hashes of all files,\n"
        "the chain of validators, the certificate, the state and every block.\n"
        "The folder gets no safety record: a validator restored so does not vote before the\n"
        "next epoch, because what it signed after the backup is not known here.\n"
        "Exit codes: 0 done, 1 refused or the backup does not hold, 2 cannot read.\n"
        "Examples:\n"
        "  tally restore --from /mnt/backup/aaa --check --genesis genesis.json\n"
        "  tally restore --from /mnt/backup/aaa --data /var/lib/tally --genesis genesis.json");
    command->callback([arguments, &exit_code] {
        if (!arguments->check_only && arguments->data_dir.empty()) {
            throw CLI::RequiredError{"--data or --check"};
        }
        exit_code = restore(*arguments);
    });
}

}  // namespace

void add_backup_commands(CLI::App& app, int& exit_code) {
    add_backup(app, exit_code);
    add_restore(app, exit_code);
}

}  // namespace tally::tools
