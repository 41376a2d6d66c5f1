#include "tools/audit/checkpoint_file.h"

#include "ledger/base/posix_file_system.h"
#include "ledger/crypto/sha256.h"
#include "ledger/store/segment_source.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <utility>

namespace tally::tools {
namespace {

namespace json = boost::json;

constexpr std::uint64_t json_bytes_max{64UL * 1024};
constexpr std::uint64_t state_bytes_max{16UL * 1024 * 1024 * 1024};

std::string state_file(const std::string& file) { return file + ".state"; }

std::string text_of(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string{} : std::string{*text};
}

Expected<Bytes, std::string> read_whole(const std::string& file, std::uint64_t bytes_max) {
    const PosixFileSystem files;
    auto bytes = files.read(file, 0, bytes_max);
    if (!bytes) {
        return Unexpected{file + ": " + to_text(bytes.error())};
    }
    return std::move(bytes).value();
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
    PosixFileSystem files;
    if (!files.write_whole(state_file(file), state)) {
        return Unexpected{"cannot write " + state_file(file)};
    }
    if (!files.write_whole(file, as_bytes(json::serialize(object) + "\n"))) {
        return Unexpected{"cannot write " + file};
    }
    return Done{};
}

Expected<std::shared_ptr<const AuditCheckpoint>, std::string> read_checkpoint(
    const std::string& file) {
    const auto text = read_whole(file, json_bytes_max);
    if (!text) {
        return Unexpected{text.error()};
    }
    json::error_code error;
    const json::value value = json::parse(as_text(*text), error);
    if (error || !value.is_object()) {
        return Unexpected{file + ": is not a checkpoint"};
    }
    const auto state = read_whole(state_file(file), state_bytes_max);
    if (!state) {
        return Unexpected{state.error()};
    }
    if (to_hex(sha256(*state)) != text_of(value.get_object(), "state_sha256")) {
        return Unexpected{state_file(file) + ": is not the file that " + file + " names"};
    }
    std::optional<AuditCheckpoint> checkpoint = decode_audit_checkpoint(*state);
    if (!checkpoint ||
        to_hex(checkpoint->header.digest()) != text_of(value.get_object(), "digest")) {
        return Unexpected{state_file(file) + ": is not a checkpoint of that block"};
    }
    return std::shared_ptr<const AuditCheckpoint>{
        std::make_shared<const AuditCheckpoint>(std::move(*checkpoint))};
}

}  // namespace tally::tools
