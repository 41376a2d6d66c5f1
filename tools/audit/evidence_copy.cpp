#include "tools/audit/evidence_copy.h"

#include "ledger/base/bytes.h"
#include "ledger/base/posix_file_system.h"
#include "ledger/model/ids.h"
#include "node/runtime/http_client.h"
#include "tools/support/json_api.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace tally::tools {
namespace {

constexpr unsigned status_gone{410};

/// One charge's file, or nothing when the bridge does not keep all of it.
Expected<std::optional<std::string>, std::string> fetch_texts(const std::string& url,
                                                              const std::string& bearer_token) {
    node::HttpClientRequest request;
    request.url = url;
    request.bearer_token = bearer_token;
    request.body_bytes_max = evidence_file_bytes_max;
    auto response = node::http_request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    if (response->status == status_gone) {
        return std::optional<std::string>{};
    }
    if (response->status != 200) {
        return Unexpected{url + ": " + std::to_string(response->status) + ": " + response->body};
    }
    return std::optional{std::move(response->body)};
}

}  // namespace

bool is_url(const std::string& target) { return target.find("://") != std::string::npos; }

EvidenceCopy::~EvidenceCopy() {
    if (!m_folder.empty()) {
        std::error_code error;
        std::filesystem::remove_all(m_folder, error);
    }
}

Expected<Done, std::string> EvidenceCopy::make_folder() {
    std::error_code error;
    const std::filesystem::path base = std::filesystem::temp_directory_path(error);
    std::string name = (base / "tally-evidence-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
        return Unexpected{name + ": no folder can be made for the meter data; set TMPDIR"};
    }
    m_folder = std::move(name);
    return Done{};
}

Expected<Done, std::string> EvidenceCopy::fetch(const std::string& url,
                                                const std::string& bearer_token,
                                                const Progress& progress) {
    if (const auto made = make_folder(); !made) {
        return made;
    }
    PosixFileSystem files;
    const JsonApi keeper{url, bearer_token};
    // A node lists under the first path; a bridge knows no such hash.
    std::string list = "/api/v1/evidence/charges";
    if (!keeper.get(list)) {
        list = "/api/v1/evidence";
    }
    std::uint64_t listed{0};
    std::string after;
    while (true) {
        const auto page = keeper.get(list + (after.empty() ? "" : "?after=" + after));
        if (!page) {
            return Unexpected{url + list + ": " + page.error().text};
        }
        for (const auto& item : json_items(*page)) {
            const auto ref = transaction_ref_from_text(json_text(item, "authorization"));
            const auto hash = fixed_from_hex<Hash>(json_text(item, "hash"));
            if (!ref || !hash || ++listed > m_files_max) {
                return Unexpected{url + "/api/v1/evidence: not a list of at most " +
                                  std::to_string(m_files_max) + " charges and hashes"};
            }
            const auto texts = fetch_texts(url + "/api/v1/evidence/" + to_hex(*hash), bearer_token);
            if (!texts) {
                return Unexpected{texts.error()};
            }
            m_not_whole += *texts ? 0U : 1U;
            const std::string path = m_folder + "/" + to_text(*ref) + ".jsonl";
            if (*texts && !files.write_whole(path, as_bytes(**texts))) {
                return Unexpected{path + ": cannot be written"};
            }
            progress(listed);
        }
        std::string next = json_text(*page, "next");
        if (next.empty()) {
            return Done{};
        }
        if (next <= after || !fixed_from_hex<Hash>(next)) {
            return Unexpected{url + "/api/v1/evidence: goes back to " + next};
        }
        after = std::move(next);
    }
}

}  // namespace tally::tools
