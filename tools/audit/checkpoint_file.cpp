#include "tools/audit/checkpoint_file.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/crypto/sha256.h"
#include "ledger/store/segment_source.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <string_view>
#include <utility>

namespace tally::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t line_bytes_max{4096};
constexpr std::uint64_t file_bytes_max{16UL * 1024 * 1024 * 1024};

std::string text_of(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string{} : std::string{*text};
}

Bytes bytes_of(const std::string& text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

}  // namespace

Expected<Done, std::string> write_checkpoint(const std::string& file,
                                             const AuditCheckpoint& checkpoint) {
    const Bytes state = encode(checkpoint);
    const BlockHeader& header = checkpoint.header;
    json::object object;
    object["chain_id"] = to_hex(header.chain_id);
    object["height"] = header.height;
    object["digest"] = to_hex(header.digest());
    object["state_root"] = to_hex(header.state_root);
    object["log_size"] = header.log_size;
    object["log_root"] = to_hex(header.log_root);
    object["state_sha256"] = to_hex(sha256(state));
    Bytes bytes = bytes_of(json::serialize(object) + "\n");
    bytes.insert(bytes.end(), state.begin(), state.end());
    PosixFileSystem files;
    if (const auto written = files.write_whole(file, bytes); !written) {
        return Unexpected{"cannot write " + file + ": " + to_text(written.error())};
    }
    return Done{};
}

Expected<std::shared_ptr<const AuditCheckpoint>, std::string> read_checkpoint(
    const std::string& file) {
    const PosixFileSystem files;
    const auto bytes = files.read(file, 0, file_bytes_max);
    if (!bytes) {
        return Unexpected{file + ": " + to_text(bytes.error())};
    }
    const std::string_view text = as_text(*bytes);
    const std::size_t end = text.substr(0, line_bytes_max).find('\n');
    json::error_code error;
    const json::value value =
        end == std::string_view::npos ? json::value{} : json::parse(text.substr(0, end), error);
    if (error || !value.is_object()) {
        return Unexpected{file + ": is not a checkpoint"};
    }
    const ByteView state = ByteView{*bytes}.subspan(end + 1);
    if (to_hex(sha256(state)) != text_of(value.get_object(), "state_sha256")) {
        return Unexpected{file + ": its state is not the one that its first line names"};
    }
    std::optional<AuditCheckpoint> checkpoint = decode_audit_checkpoint(state);
    if (!checkpoint ||
        to_hex(checkpoint->header.digest()) != text_of(value.get_object(), "digest")) {
        return Unexpected{file + ": its state is not a checkpoint of the block that it names"};
    }
    return std::shared_ptr<const AuditCheckpoint>{
        std::make_shared<const AuditCheckpoint>(std::move(*checkpoint))};
}

}  // namespace tally::tools
