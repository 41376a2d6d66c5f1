#include "tools/meter/command.h"

#include "tools/meter/meter_check.h"
#include "tools/support/text_file.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace tally::tools {
namespace {

constexpr int exit_billable{0};
constexpr int exit_not_billable{1};
constexpr int exit_unreadable{2};

struct Options {
    std::string record;
    std::string end_record;
    std::string key;
    bool lenient{false};
    bool json{false};
};

Expected<bridge::OcmfRecord, std::string> read_record(const std::string& path) {
    const auto bytes = read_text(path, bridge::ocmf_record_bytes_max);
    if (!bytes) {
        return Unexpected{bytes.error()};
    }
    auto record = bridge::parse_ocmf(as_text(*bytes));
    if (!record) {
        return Unexpected{path + ": " + record.error()};
    }
    return record;
}

Expected<bridge::MeterKey, std::string> read_key(const std::string& path) {
    const auto bytes = read_text(path, bridge::meter_key_text_bytes_max);
    if (!bytes) {
        return Unexpected{bytes.error()};
    }
    auto key = bridge::meter_key_from_file(*bytes);
    if (!key) {
        return Unexpected{path + ": " + bridge::to_text(key.error())};
    }
    return std::move(key).value();
}

Expected<MeterCheck, std::string> check_files(const Options& options) {
    const auto record = read_record(options.record);
    if (!record) {
        return Unexpected{record.error()};
    }
    std::optional<bridge::OcmfRecord> end;
    if (!options.end_record.empty()) {
        auto read = read_record(options.end_record);
        if (!read) {
            return Unexpected{read.error()};
        }
        end = std::move(read).value();
    }
    const auto key = read_key(options.key);
    if (!key) {
        return Unexpected{key.error()};
    }
    return check_meter(*record, end ? &*end : nullptr, *key,
                       options.lenient ? bridge::DerRule::lenient : bridge::DerRule::strict);
}

int verify(const Options& options) {
    const auto check = check_files(options);
    if (!check) {
        static_cast<void>(std::fprintf(stderr, "tally meter verify: %s\n", check.error().c_str()));
        return exit_unreadable;
    }
    std::cout << (options.json ? meter_check_json(*check) : meter_check_text(*check));
    return check->is_billable() ? exit_billable : exit_not_billable;
}

}  // namespace

void add_meter_command(CLI::App& app, int& exit_code) {
    CLI::App* const meter = app.add_subcommand("meter", "Signed meter records (OCMF)");
    meter->require_subcommand(1);
    auto options = std::make_shared<Options>();
    CLI::App* const command = meter->add_subcommand(
        "verify", "Whether a meter signed a record, and whether it can be billed");
    command->add_option("record", options->record, "File with OCMF|payload|signature")->required();
    command->add_option("end_record", options->end_record,
                        "The record of the end, where begin and end are two records");
    command
        ->add_option("--key", options->key,
                     "File with the public key that is registered for this meter")
        ->required();
    command->add_flag("--lenient", options->lenient,
                      "Accept the signature encodings of some meters that are not DER");
    command->add_flag("--json", options->json,
                      R"(Answer {"signature":"valid|invalid","billable":true|false,"reasons":[]})");
    command->footer(
        "The key: SubjectPublicKeyInfo as DER, hexadecimal, base64 or PEM, or a bare point. A key\n"
        "that came with the record proves nothing: use the one registered for the meter.\n"
        "A record can be valid and still not billable: the reasons say why, such as a meter that\n"
        "was not in good order, a missing end, or a page that does not follow.\n"
        "--lenient takes r | s without DER, and DER with a wrong sign or length. Use it for\n"
        "meters that are known to need it.\n"
        "Exit codes: 0 billable, 1 not, 2 a file cannot be read or is no record or key, 64 wrong\n"
        "command line.\n"
        "Examples:\n"
        "  tally meter verify charge.ocmf --key meter.pub\n"
        "  tally meter verify begin.ocmf end.ocmf --key meter.pub --json");
    command->callback([options, &exit_code] { exit_code = verify(*options); });
}

}  // namespace tally::tools
