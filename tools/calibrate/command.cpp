#include "tools/calibrate/command.h"

#include "node/config/genesis_json.h"
#include "node/runtime/exit_codes.h"
#include "node/runtime/key_file.h"
#include "tools/audit/audit_target.h"
#include "tools/audit/evidence_copy.h"
#include "tools/audit/evidence_folder.h"
#include "tools/calibrate/calibration.h"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

namespace tally::tools {

namespace {

struct Options {
    std::string ledger;
    std::string genesis;
    std::string evidence;
    std::string evidence_token;
    std::vector<std::uint32_t> bands{22'000, 60'000, 150'000};
    bool json{false};
};

constexpr int exit_nothing{1};

int fail(int exit_code, const std::string& text) {
    std::cerr << "tally calibrate: " << text << "\n";
    return exit_code;
}

Expected<EvidenceFolder, std::string> take_evidence(const Options& options, EvidenceCopy& copy) {
    if (!is_url(options.evidence)) {
        return read_evidence(options.evidence);
    }
    const auto token = node::read_secret_text(options.evidence_token);
    if (!token) {
        return Unexpected{"--evidence-token-file: " + token.error().text};
    }
    const auto fetched = copy.fetch(options.evidence, *token, [](std::uint64_t) {});
    if (!fetched) {
        return Unexpected{fetched.error()};
    }
    return read_evidence(copy.folder());
}

int calibrate(const Options& options) {
    if (!std::is_sorted(options.bands.begin(), options.bands.end())) {
        return fail(node::exit_usage, "--bands: must rise");
    }
    const auto genesis = node::load_genesis(options.genesis);
    if (!genesis) {
        return fail(node::exit_config, genesis.error());
    }
    EvidenceCopy copy;
    const auto evidence = take_evidence(options, copy);
    if (!evidence) {
        return fail(node::exit_io, evidence.error());
    }
    auto target = open_audit_target(options.ledger);
    if (!target) {
        return fail(node::exit_io, target.error().message);
    }
    Calibration calibration{options.bands};
    const auto take = [&](const SettledCharge& charge) {
        // Data of another charge under this name would fit what never was.
        const auto hash = evidence->hashes.find(charge.name);
        std::vector<MeterSample> samples;
        if (hash != evidence->hashes.end() && hash->second == charge.metered.evidence) {
            const auto texts = read_evidence_texts(evidence->paths.at(charge.name));
            samples = texts ? find_samples(texts->texts) : std::vector<MeterSample>{};
        }
        calibration.add(charge, samples);
    };
    const auto charges = for_settled_charges(*target->source, genesis->chain_id(), take);
    if (!charges) {
        return fail(node::exit_io, charges.error());
    }
    if (options.json) {
        std::cout << boost::json::serialize(calibration.to_json()) << "\n";
    } else {
        std::cout << calibration.to_text();
    }
    return calibration.is_empty() ? exit_nothing : 0;
}

}  // namespace

void add_calibrate_command(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand(
        "calibrate", "Fit the coefficient b of the remaining time from settled charges");
    const auto options = std::make_shared<Options>();
    command->add_option("LEDGER", options->ledger, "Data folder, segment folder or URL of a node")
        ->required();
    command->add_option("--genesis", options->genesis, "Genesis file")->required();
    command
        ->add_option("--evidence", options->evidence,
                     "Meter data: a folder as tally audit takes it, or the URL of a bridge")
        ->required();
    command->add_option("--evidence-token-file", options->evidence_token,
                        "Bearer token of the bridge");
    command
        ->add_option(
            "--bands", options->bands,
            "Classes of connectors by rated power, up to so many W each; one class unless told")
        ->delimiter(',');
    command->add_flag("--json", options->json, "Answer as JSON");
    command->footer(
        "Says for each operator and class which b made ts least wrong, and how wrong it was with\n"
        "it, with b = 1 and with b = 0. Signatures are not checked: that is tally audit.\n"
        "Errors of ts are in seconds. The lines [[coefficient]] are for the node's configuration.\n"
        "Exit codes: 0 done, 1 no charge with meter data, 64 command line, 74 cannot be read,\n"
        "78 genesis.\n"
        "Examples:\n"
        "  tally calibrate /var/lib/tally --genesis genesis.json --evidence meter-data \\\n"
        "      --bands 22000,60000,150000\n"
        "  tally calibrate http://127.0.0.1:7002 --genesis genesis.json \\\n"
        "      --evidence http://127.0.0.1:7011 --evidence-token-file evidence.token --json");
    command->callback([options, &exit_code] { exit_code = calibrate(*options); });
}

}  // namespace tally::tools
