#include "tools/keys/key_set.h"

#include "ledger/base/posix_file_system.h"
#include "node/config/json_fields.h"
#include "node/config/json_text.h"
#include "node/runtime/key_file.h"

#include <boost/json/serialize.hpp>

namespace tally::tools {

namespace json = boost::json;
using node::JsonFields;
using node::JsonProblems;

namespace {

constexpr std::uint64_t public_json_bytes_max{64UL * 1024};

Expected<PublicKey, std::string> generate_one(const std::string& path, Random& random) {
    const SecretKey secret = generate_secret(random);
    const auto written = node::write_new_secret_key(path, secret);
    if (!written) {
        return Unexpected{written.error().text};
    }
    return public_key_of(secret);
}

Expected<Done, std::string> write_public(const std::string& folder, const json::object& content) {
    PosixFileSystem files;
    const std::string path = folder + "/public.json";
    const std::string text = json::serialize(content) + "\n";
    if (!files.write_whole(path, as_bytes(text))) {
        return Unexpected{path + ": cannot be written"};
    }
    return Done{};
}

Expected<Done, std::string> make_folder(const std::string& folder) {
    PosixFileSystem files;
    if (!files.create_directories(folder)) {
        return Unexpected{folder + ": cannot be created"};
    }
    return Done{};
}

}  // namespace

Expected<PublicKeys, std::string> generate_member_keys(const std::string& folder, Random& random) {
    if (const auto made = make_folder(folder); !made) {
        return Unexpected{made.error()};
    }
    PublicKeys keys;
    struct Item {
        const char* name;
        PublicKey* key;
    };
    for (const Item& item : {Item{"member", &keys.member}, Item{"consensus", &keys.consensus},
                             Item{"link", &keys.link}}) {
        const auto key = generate_one(folder + "/" + item.name + ".key", random);
        if (!key) {
            return Unexpected{key.error()};
        }
        *item.key = *key;
    }
    const auto written = write_public(folder, {{"member_key", to_hex(keys.member)},
                                               {"consensus_key", to_hex(keys.consensus)},
                                               {"link_key", to_hex(keys.link)}});
    if (!written) {
        return Unexpected{written.error()};
    }
    return keys;
}

Expected<PublicKey, std::string> generate_bridge_key(const std::string& folder, Random& random) {
    if (const auto made = make_folder(folder); !made) {
        return Unexpected{made.error()};
    }
    const auto key = generate_one(folder + "/bridge.key", random);
    if (!key) {
        return Unexpected{key.error()};
    }
    if (const auto written = write_public(folder, {{"bridge_key", to_hex(*key)}}); !written) {
        return Unexpected{written.error()};
    }
    return *key;
}

Expected<PublicKeys, std::string> load_public_keys(const std::string& path) {
    const PosixFileSystem files;
    const auto content = files.read(path, 0, public_json_bytes_max);
    if (!content) {
        return Unexpected{path + ": cannot be read"};
    }
    const auto document = node::parse_json(as_text(*content));
    if (!document) {
        return Unexpected{path + ": " + document.error()};
    }
    JsonProblems problems;
    JsonFields fields{*document, "", problems};
    const PublicKeys keys{fields.hex<PublicKey>("member_key"),
                          fields.hex<PublicKey>("consensus_key"),
                          fields.hex<PublicKey>("link_key")};
    fields.finish();
    if (problems.any()) {
        return Unexpected{path + ": " + problems.first()};
    }
    return keys;
}

}  // namespace tally::tools
