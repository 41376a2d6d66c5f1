#include "tools/audit/http_segment_source.h"

#include "ledger/store/segment_file.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <optional>

namespace tally::tools {
namespace {

constexpr std::chrono::minutes download_deadline{10};

std::optional<SegmentInfo> info_of(const boost::json::value& item) {
    const boost::json::object* const object = item.if_object();
    const boost::json::value* const name = object ? object->if_contains("name") : nullptr;
    const boost::json::value* const bytes = object ? object->if_contains("bytes") : nullptr;
    if (name == nullptr || bytes == nullptr || !name->is_string()) {
        return std::nullopt;
    }
    boost::json::error_code error;
    const auto size = bytes->to_number<std::uint64_t>(error);
    const std::string text{name->as_string()};
    const std::optional<std::uint64_t> first_height = first_height_of_segment(text);
    if (error || !first_height) {
        return std::nullopt;
    }
    return SegmentInfo{text, size, *first_height};
}

}  // namespace

std::string join_url(std::string url, const std::string& path) {
    while (url.ends_with('/')) {
        url.pop_back();
    }
    return url + path;
}

HttpSegmentSource::HttpSegmentSource(std::string url) : m_url{std::move(url)} {}

HttpSegmentSource::~HttpSegmentSource() {
    if (m_file != nullptr) {
        std::fclose(m_file);
    }
}

Expected<std::vector<SegmentInfo>, SourceError> HttpSegmentSource::list() {
    node::HttpClientRequest request;
    request.url = join_url(m_url, "/api/v1/segments");
    const auto response = m_client.request(request);
    if (!response) {
        return Unexpected{SourceError{response.error().text}};
    }
    boost::json::error_code error;
    const boost::json::value body = boost::json::parse(response->body, error);
    const boost::json::object* const object = error ? nullptr : body.if_object();
    const boost::json::value* const items = object ? object->if_contains("items") : nullptr;
    if (response->status != 200 || items == nullptr || !items->is_array()) {
        return Unexpected{SourceError{request.url + " does not list segments (status " +
                                      std::to_string(response->status) + ")"}};
    }
    std::vector<SegmentInfo> segments;
    for (const boost::json::value& item : items->as_array()) {
        std::optional<SegmentInfo> info = info_of(item);
        if (!info) {
            return Unexpected{SourceError{request.url + " lists something that is no segment"}};
        }
        segments.push_back(std::move(*info));
    }
    std::sort(segments.begin(), segments.end(), [](const SegmentInfo& a, const SegmentInfo& b) {
        return a.first_height < b.first_height;
    });
    return segments;
}

Expected<Done, SourceError> HttpSegmentSource::fetch(const std::string& name) {
    if (m_file != nullptr) {
        std::fclose(m_file);
    }
    m_name.clear();
    m_file = std::tmpfile();
    if (m_file == nullptr) {
        return Unexpected{SourceError{"cannot create a temporary file"}};
    }
    node::HttpClientRequest request;
    request.url = join_url(m_url, "/api/v1/segments/" + name);
    request.deadline = download_deadline;
    request.body_bytes_max = segment_bytes_max;
    const auto response = m_client.download(request, [this](std::string_view piece) {
        return std::fwrite(piece.data(), 1, piece.size(), m_file) == piece.size();
    });
    if (!response) {
        return Unexpected{SourceError{response.error().text}};
    }
    if (response->status != 200) {
        return Unexpected{
            SourceError{request.url + " answers " + std::to_string(response->status)}};
    }
    m_name = name;
    return Done{};
}

Expected<Bytes, SourceError> HttpSegmentSource::read(const std::string& name, std::uint64_t offset,
                                                     std::uint64_t length) {
    if (name != m_name) {
        if (const auto fetched = fetch(name); !fetched) {
            return Unexpected{fetched.error()};
        }
    }
    Bytes bytes(static_cast<std::size_t>(length));
    if (std::fseek(m_file, static_cast<long>(offset), SEEK_SET) != 0) {
        return Unexpected{SourceError{"cannot read the temporary file"}};
    }
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), m_file));
    return bytes;
}

}  // namespace tally::tools
