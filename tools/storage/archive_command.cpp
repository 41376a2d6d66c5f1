#include "tools/storage/archive_command.h"

#include "ledger/base/lock_file.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/store/leveldb_store.h"
#include "ledger/store/segment_archiver.h"
#include "tools/storage/quantity.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_done{0};
constexpr int exit_refused{1};
constexpr int exit_unreadable{2};
constexpr std::chrono::hours default_age{90 * 24};

struct Arguments {
    std::string data_dir;
    std::string to;
    std::string older_than;
    std::string keep_bytes;
    bool dry_run{false};
    bool json{false};
};

struct Problem {
    int exit_code{exit_refused};
    std::string text;
};

Problem refused(std::string text) { return {exit_refused, std::move(text)}; }
Problem unreadable(std::string text) { return {exit_unreadable, std::move(text)}; }

Expected<RetentionRule, Problem> rule_of(const Arguments& arguments) {
    RetentionRule rule;
    if (!arguments.older_than.empty()) {
        rule.older_than = duration_from_text(arguments.older_than);
        if (!rule.older_than) {
            return Unexpected{refused("--older-than " + arguments.older_than +
                                      ": must be a number and d, h, m or s, as in 90d")};
        }
    }
    if (!arguments.keep_bytes.empty()) {
        rule.keep_bytes = bytes_from_text(arguments.keep_bytes);
        if (!rule.keep_bytes) {
            return Unexpected{refused("--keep-bytes " + arguments.keep_bytes +
                                      ": must be a number, or one with K, M or G, as in 20G")};
        }
    }
    if (!rule.older_than && !rule.keep_bytes) {
        rule.older_than = default_age;
    }
    return rule;
}

/// The folder given, or the one that earlier segments went to.
Expected<std::string, Problem> archive_of(const Arguments& arguments, const FileSystem& files,
                                          const std::string& segments) {
    if (!arguments.to.empty()) {
        std::error_code error;
        const auto path = std::filesystem::absolute(arguments.to, error).lexically_normal();
        std::string text = path.string();
        while (text.size() > 1 && text.ends_with('/')) {
            text.pop_back();
        }
        return error ? Expected<std::string, Problem>{Unexpected{
                           unreadable(arguments.to + ": " + error.message())}}
                     : Expected<std::string, Problem>{text};
    }
    const auto record = read_archived_record(files, segments);
    if (!record) {
        return Unexpected{unreadable(record.error())};
    }
    if (!*record) {
        return Unexpected{refused("nothing was ever moved from here: name a folder with --to")};
    }
    return (*record)->folder;
}

struct Moved {
    std::string archive;
    ArchivePlan plan;
    std::size_t count{0};
    std::uint64_t bytes{0};
};

std::optional<Problem> move_all(SegmentArchiver& archiver, Moved& moved) {
    if (const auto prepared = archiver.prepare(); !prepared) {
        return refused(prepared.error().message);
    }
    ProgressLine progress{"moving segments"};
    for (const SegmentInfo& segment : moved.plan.segments) {
        progress.show(moved.bytes, moved.plan.bytes);
        const auto done = archiver.move(segment, [](ArchiveStep) { return true; });
        if (!done) {
            return refused("step " + std::string{to_text(done.error().step)} + ": " +
                           done.error().message + "\n" + std::to_string(moved.count) +
                           " segments were moved before; nothing is lost, run this again");
        }
        ++moved.count;
        moved.bytes += segment.bytes;
    }
    progress.show(1, 1);
    return std::nullopt;
}

Expected<Moved, Problem> archive_segments(const Arguments& arguments) {
    const auto rule = rule_of(arguments);
    if (!rule) {
        return Unexpected{rule.error()};
    }
    const std::string ledger = arguments.data_dir + "/ledger";
    const std::string segments = ledger + "/segments";
    const std::string state = ledger + "/state";
    std::error_code error;
    if (!std::filesystem::exists(state + "/CURRENT", error)) {
        return Unexpected{unreadable("there is no ledger with a state in " + arguments.data_dir)};
    }
    const auto lock = LockFile::acquire(arguments.data_dir + "/lock");
    if (!lock) {
        return Unexpected{
            refused(lock.error() == FileError::already_exists
                        ? "a node uses " + arguments.data_dir +
                              "; stop it, or let it do this itself: [archive] in its configuration"
                        : arguments.data_dir + "/lock: " + to_text(lock.error()))};
    }
    PosixFileSystem files;
    const auto archive = archive_of(arguments, files, segments);
    if (!archive) {
        return Unexpected{archive.error()};
    }
    const auto store = LevelDbStore::open(state);
    if (!store) {
        return Unexpected{unreadable(store.error())};
    }
    const auto situation = situation_of(files, **store, segments);
    if (!situation) {
        return Unexpected{unreadable(situation.error())};
    }
    auto plan = plan_archive(files, segments, *rule, *situation);
    if (!plan) {
        return Unexpected{unreadable(plan.error())};
    }
    Moved moved{*archive, std::move(*plan), 0, 0};
    if (arguments.dry_run) {
        return moved;
    }
    SegmentArchiver archiver{files, segments, *archive, situation->chain_id};
    if (std::optional<Problem> problem = move_all(archiver, moved)) {
        return Unexpected{*problem};
    }
    return moved;
}

void print_json(const Moved& moved, bool dry_run) {
    boost::json::array names;
    for (const SegmentInfo& segment : moved.plan.segments) {
        names.emplace_back(boost::json::object{{"name", segment.name}, {"bytes", segment.bytes}});
    }
    const boost::json::object report{{"archive", moved.archive},
                                     {"dry_run", dry_run},
                                     {"segments", std::move(names)},
                                     {"bytes", moved.plan.bytes},
                                     {"bytes_kept", moved.plan.bytes_kept},
                                     {"held_back", moved.plan.held_back > 0}};
    std::cout << boost::json::serialize(report) << "\n";
}

void print_text(const Moved& moved, bool dry_run) {
    const char* const verb = dry_run ? "would move " : "moved ";
    for (const SegmentInfo& segment : moved.plan.segments) {
        std::cout << verb << segment.name << "  " << bytes_text(segment.bytes) << "\n";
    }
    std::cout << verb << moved.plan.segments.size() << " segments (" << bytes_text(moved.plan.bytes)
              << ") to " << moved.archive << "; " << bytes_text(moved.plan.bytes_kept) << " stay\n";
    if (moved.plan.held_back > 0) {
        std::cout << "more would go by the rule, but something open, or what the next start needs, "
                     "goes back to it\n";
    }
}

int archive(const Arguments& arguments) {
    const auto moved = archive_segments(arguments);
    if (!moved) {
        std::cerr << "tally archive: " << moved.error().text << "\n";
        return moved.error().exit_code;
    }
    if (arguments.json) {
        print_json(*moved, arguments.dry_run);
    } else {
        print_text(*moved, arguments.dry_run);
    }
    return exit_done;
}

}  // namespace

void add_archive_command(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    CLI::App* command =
        app.add_subcommand("archive", "Move old blocks of a stopped node to another folder");
    command->add_option("--data", arguments->data_dir, "The node's data folder")->required();
    command->add_option("--to", arguments->to,
                        "Archive folder, of this node alone; without it where earlier ones went");
    command->add_option("--older-than", arguments->older_than,
                        "Move segments whose last block is this much older than the newest one "
                        "(90d, 36h, ...); 90d unless another rule is given");
    command->add_option("--keep-bytes", arguments->keep_bytes,
                        "Move the oldest until no more than this is left (500M, 20G, ...)");
    command->add_flag("--dry-run", arguments->dry_run, "Say what would go, change nothing");
    command->add_flag("--json", arguments->json, "Print JSON");
    command->footer(
        "Each segment is copied, synced, read again and compared before the original goes;\n"
        "whatever interrupts this, nothing is lost, and the next run goes on. The node, tally\n"
        "audit and tally rebuild read both folders. The newest segment, the last 120 s, and what\n"
        "an open charge or the next start needs stay. With both rules a segment goes when either\n"
        "names it.\n"
        "When an archive was copied to another place, --to with the new place makes it known.\n"
        "Exit codes: 0 done, 1 refused or interrupted by an error, 2 cannot read.\n"
        "Examples:\n"
        "  tally archive --data /var/lib/tally --to /mnt/archive/aaa --dry-run\n"
        "  tally archive --data /var/lib/tally --to /mnt/archive/aaa --older-than 90d\n"
        "  tally archive --data /var/lib/tally --keep-bytes 20G --json");
    command->callback([arguments, &exit_code] { exit_code = archive(*arguments); });
}

}  // namespace tally::tools
