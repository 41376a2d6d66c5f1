#include "tools/member/rotation.h"

#include "node/runtime/key_file.h"
#include "tools/keys/proven_keys.h"

#include <filesystem>
#include <system_error>

namespace tally::tools {

namespace {

std::optional<PublicKey> public_in(const std::string& file) {
    const auto secret = node::read_secret_key(file);
    return secret ? std::optional{public_key_of(*secret)} : std::nullopt;
}

/// The last change holds: its key becomes the configured one.
Expected<Done, std::string> complete(const KeyFiles& files) {
    std::error_code error;
    std::filesystem::rename(files.next, files.current, error);
    if (error) {
        return Unexpected{files.next + ": cannot be moved to " + files.current + ": " +
                          error.message()};
    }
    return Done{};
}

Expected<PublicKey, std::string> make_key(const std::string& file, Random& random) {
    const SecretKey secret = generate_secret(random);
    if (const auto written = node::write_new_secret_key(file, secret); !written) {
        return Unexpected{written.error().text};
    }
    return public_key_of(secret);
}

}  // namespace

KeyFiles key_files_of(const node::NodeConfig& config, KeyRole role) {
    switch (role) {
        case KeyRole::member:
            return {config.member_key_file, config.next_member_key_file};
        case KeyRole::consensus:
            return {config.consensus_key_file, config.next_consensus_key_file};
        case KeyRole::link:
            return {config.link_key_file, config.next_link_key_file};
    }
    return {};
}

Expected<PublicKey, std::string> prepare_next_key(const KeyFiles& files, KeyRole role,
                                                  const KnownMember& known, Random& random) {
    const PublicKey& named = known.key(role);
    const std::optional<PublicKey> next = public_in(files.next);
    const bool next_is_there = std::filesystem::exists(files.next);
    if (next_is_there && !next) {
        return Unexpected{files.next + ": is not a readable key file"};
    }
    if (next == named) {
        const bool votes_with_other = role == KeyRole::consensus && known.consensus_key_now &&
                                      known.consensus_key_now != next;
        if (votes_with_other) {
            return Unexpected{files.next +
                              ": the last change of this key holds from the next epoch on; only "
                              "then it can be changed again"};
        }
        if (const auto done = complete(files); !done) {
            return Unexpected{done.error()};
        }
        return make_key(files.next, random);
    }
    if (public_in(files.current) != named) {
        return Unexpected{files.current + ": neither this file nor " + files.next +
                          " holds the key that the ledger names (" + to_hex(named) + ")"};
    }
    return next ? Expected<PublicKey, std::string>{*next} : make_key(files.next, random);
}

Expected<RotateKey, std::string> rotation_to(const std::string& file, KeyRole role,
                                             const SubmitAs& as) {
    const auto secret = node::read_secret_key(file);
    if (!secret) {
        return Unexpected{secret.error().text};
    }
    const ProvenKey proven = prove_key(*secret, as.chain_id, as.member, role);
    return RotateKey{role, proven.key, proven.possession};
}

}  // namespace tally::tools
