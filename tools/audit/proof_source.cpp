#include "tools/audit/proof_source.h"

#include "node/runtime/http_client.h"
#include "tools/audit/http_segment_source.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <utility>

namespace tally::tools {
namespace {

class HttpProofSource final : public ProofSource {
public:
    explicit HttpProofSource(std::string url) : m_url{std::move(url)} {}

    [[nodiscard]] const std::string& name() const override { return m_url; }
    [[nodiscard]] Expected<std::uint64_t, std::string> height() override;
    [[nodiscard]] Expected<std::optional<HeaderProof>, std::string> proof(
        std::uint64_t height) override;

private:
    std::string m_url;
    node::HttpClient m_client;
};

Expected<std::uint64_t, std::string> HttpProofSource::height() {
    node::HttpClientRequest request;
    request.url = join_url(m_url, "/api/v1/status");
    const auto response = m_client.request(request);
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

Expected<std::optional<HeaderProof>, std::string> HttpProofSource::proof(std::uint64_t height) {
    node::HttpClientRequest request;
    request.url = join_url(m_url, "/api/v1/blocks/" + std::to_string(height) + "/proof");
    request.body_bytes_max = header_proof_bytes_max;
    const auto response = m_client.request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    if (response->status == 404) {
        return std::optional<HeaderProof>{};
    }
    std::optional<HeaderProof> proof = HeaderProof::decode(as_bytes(response->body));
    if (response->status != 200 || !proof) {
        return Unexpected{request.url + " gives no proof (status " +
                          std::to_string(response->status) + ")"};
    }
    return proof;
}

}  // namespace

std::vector<std::unique_ptr<ProofSource>> http_proof_sources(const std::vector<std::string>& urls) {
    std::vector<std::unique_ptr<ProofSource>> sources;
    sources.reserve(urls.size());
    for (const std::string& url : urls) {
        sources.push_back(std::make_unique<HttpProofSource>(url));
    }
    return sources;
}

}  // namespace tally::tools
