#pragma once

#include "ledger/store/segment_source.h"
#include "node/runtime/http_client.h"

#include <cstdio>
#include <string>

namespace tally::tools {

/// Segments of a running node, by GET /api/v1/segments. Each file is downloaded as a whole into a
/// nameless temporary file when it is first read, so memory stays small; one at a time is kept.
class HttpSegmentSource final : public SegmentSource {
public:
    static constexpr std::uint64_t segment_bytes_max{1024UL * 1024 * 1024};

    explicit HttpSegmentSource(std::string url);
    ~HttpSegmentSource() override;
    HttpSegmentSource(const HttpSegmentSource&) = delete;
    HttpSegmentSource& operator=(const HttpSegmentSource&) = delete;

    [[nodiscard]] Expected<std::vector<SegmentInfo>, SourceError> list() override;
    [[nodiscard]] Expected<Bytes, SourceError> read(const std::string& name, std::uint64_t offset,
                                                    std::uint64_t length) override;

private:
    [[nodiscard]] Expected<Done, SourceError> fetch(const std::string& name);

    std::string m_url;
    node::HttpClient m_client;
    std::string m_name;  ///< of the file in m_file
    std::FILE* m_file{nullptr};
};

/// `url` without slashes at its end, and `path` behind it.
[[nodiscard]] std::string join_url(std::string url, const std::string& path);

}  // namespace tally::tools
