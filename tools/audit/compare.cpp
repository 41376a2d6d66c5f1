#include "tools/audit/compare.h"

#include "ledger/audit/fork.h"
#include "ledger/base/posix_file_system.h"
#include "node/runtime/http_client.h"
#include "tools/audit/http_segment_source.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <iostream>
#include <optional>

namespace tally::tools {
namespace {

constexpr int exit_same{0};
constexpr int exit_differs{1};
constexpr int exit_unreadable{2};

struct Answer {
    std::string url;
    std::uint64_t height{0};
    std::optional<HeaderProof> proof;
};

Expected<std::uint64_t, std::string> height_of(const std::string& url) {
    node::HttpClientRequest request;
    request.url = join_url(url, "/api/v1/status");
    const auto response = node::http_request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    boost::json::error_code error;
    const boost::json::value body = boost::json::parse(response->body, error);
    const boost::json::object* const object = error ? nullptr : body.if_object();
    const boost::json::value* const height = object ? object->if_contains("height") : nullptr;
    const auto number = height ? height->to_number<std::uint64_t>(error) : 0;
    if (response->status != 200 || height == nullptr || error) {
        return Unexpected{request.url + " does not tell its height"};
    }
    return number;
}

Expected<HeaderProof, std::string> fetch(const std::string& url, std::uint64_t height) {
    node::HttpClientRequest request;
    request.url = join_url(url, "/api/v1/blocks/" + std::to_string(height) + "/proof");
    request.body_bytes_max = header_proof_bytes_max;
    const auto response = node::http_request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    std::optional<HeaderProof> proof = HeaderProof::decode(as_bytes(response->body));
    if (response->status != 200 || !proof || proof->header().height != height) {
        return Unexpected{request.url + " gives no proof (status " +
                          std::to_string(response->status) + ")"};
    }
    return std::move(*proof);
}

int report_fork(const Genesis& genesis, const std::string& file, const Answer& one,
                const Answer& other) {
    const ForkEvidence evidence{*one.proof, *other.proof};
    const auto culprits = verify_fork(evidence, genesis);
    if (!culprits) {
        std::cout << "finding: fork: " << culprits.error() << "\n";
        return exit_differs;
    }
    PosixFileSystem files;
    const bool written = files.write_whole(file, evidence.encode()).has_value();
    std::cout << "finding: fork at height " << one.proof->header().height << ": " << one.url
              << " has " << to_hex(one.proof->header().digest()) << ", " << other.url << " has "
              << to_hex(other.proof->header().digest()) << "; signed both:";
    for (const PartyId& party : *culprits) {
        std::cout << " " << to_text(party);
    }
    std::cout << "\nevidence      " << (written ? file : "cannot write " + file) << "\n";
    return written ? exit_differs : exit_unreadable;
}

/// Asks all for the block of this height and compares.
int compare_at(const Genesis& genesis, std::vector<Answer>& answers, std::uint64_t height,
               const std::string& fork_file) {
    for (Answer& answer : answers) {
        auto proof = fetch(answer.url, height);
        if (!proof) {
            std::cerr << "tally audit: " << proof.error() << "\n";
            return exit_unreadable;
        }
        answer.proof = std::move(proof).value();
        if (const auto verified = verify_header_proof(*answer.proof, genesis); !verified) {
            std::cout << "finding: proof: " << answer.url << ": " << verified.error() << "\n";
            return exit_differs;
        }
        if (is_fork(*answers.front().proof, *answer.proof)) {
            return report_fork(genesis, fork_file, answers.front(), answer);
        }
    }
    std::cout << "compared      " << answers.size() << " members have one ledger up to block "
              << height << " " << to_hex(answers.front().proof->header().digest()) << "\n";
    return exit_same;
}

}  // namespace

int compare_members(const Genesis& genesis, const std::vector<std::string>& urls,
                    const std::string& fork_file, const AuditReport* audited) {
    std::vector<Answer> answers;
    std::uint64_t common{UINT64_MAX};
    for (const std::string& url : urls) {
        const auto height = height_of(url);
        if (!height) {
            std::cerr << "tally audit: " << height.error() << "\n";
            return exit_unreadable;
        }
        answers.push_back({url, *height, std::nullopt});
        common = std::min(common, *height);
    }
    if (common == 0) {
        std::cerr << "tally audit: a member has no block yet\n";
        return exit_unreadable;
    }
    if (const int code = compare_at(genesis, answers, common, fork_file); code != exit_same) {
        return code;
    }
    if (audited == nullptr || audited->last_height == 0) {
        return exit_same;
    }
    if (audited->last_height > common) {
        std::cout << "compared      the audited ledger is longer than that of a member\n";
        return exit_same;
    }
    const int code = compare_at(genesis, answers, audited->last_height, fork_file);
    if (code != exit_same) {
        return code;
    }
    if (answers.front().proof->header().digest() != audited->last_digest) {
        std::cout << "finding: fork at height " << audited->last_height
                  << ": the audited ledger ends with " << to_hex(audited->last_digest) << "\n";
        return exit_differs;
    }
    std::cout << "compared      the audited ledger is theirs; they have "
              << common - audited->last_height << " blocks more\n";
    return exit_same;
}

}  // namespace tally::tools
