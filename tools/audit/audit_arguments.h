#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tally::tools {

/// What `tally audit` was asked for on its command line; docs/auditors.md explains each.
struct AuditArguments {
    std::string target;
    std::string genesis;
    std::string level{"replay"};
    std::string json;
    std::string report;
    std::string sign;
    std::string verify_report;
    std::string report_key;
    std::string from;
    std::string checkpoint;
    std::string evidence;
    std::string evidence_token_file;
    std::string bank;
    std::string member;
    std::string receipt;
    std::vector<std::string> lenient_meters;
    std::string fork_file{"fork.evidence"};
    std::vector<std::string> compare;
    std::uint64_t height{0};
    unsigned threads{0};
};

void add_audit_options(CLI::App& command, AuditArguments& arguments);

/// What is wrong with the options together, in words; empty when nothing is.
[[nodiscard]] std::string find_problem(const AuditArguments& arguments);

}  // namespace tally::tools
