#include "charger_bridge/server/password_hash.h"

#include "ledger/base/check.h"

#include <openssl/evp.h>

namespace tally::bridge {

namespace {

constexpr std::string_view prefix{"scrypt1:"};
constexpr std::uint64_t cost{8'192};
constexpr std::uint64_t block_size{8};
constexpr std::uint64_t parallel{1};
constexpr std::uint64_t memory_max{32UL * 1024 * 1024};
constexpr std::size_t key_digits{40};  ///< of an OCPP 1.6 AuthorizationKey

}  // namespace

std::optional<PasswordHash> password_hash_from_text(std::string_view text) {
    constexpr std::size_t salt_digits{Salt::size * 2};
    constexpr std::size_t size{prefix.size() + salt_digits + 1 + Hash::size * 2};
    if (text.size() != size || !text.starts_with(prefix) ||
        text[prefix.size() + salt_digits] != ':') {
        return std::nullopt;
    }
    const auto salt = fixed_from_hex<Salt>(std::string{text.substr(prefix.size(), salt_digits)});
    const auto hash =
        fixed_from_hex<Hash>(std::string{text.substr(prefix.size() + salt_digits + 1)});
    if (!salt || !hash) {
        return std::nullopt;
    }
    return PasswordHash{*salt, *hash};
}

std::string to_text(const PasswordHash& password) {
    return std::string{prefix} + to_hex(password.salt) + ":" + to_hex(password.hash);
}

Hash slow_hash(ByteView password, const Salt& salt) {
    Hash result;
    ENSURE(EVP_PBE_scrypt(reinterpret_cast<const char*>(password.data()), password.size(),
                          salt.data.data(), salt.data.size(), cost, block_size, parallel,
                          memory_max, result.data.data(), result.data.size()) == 1);
    return result;
}

PasswordHash make_password_hash(ByteView password, Random& random) {
    const Salt salt = random.fixed<Salt>();
    return {salt, slow_hash(password, salt)};
}

Bytes plain_password(ByteView password) {
    if (password.size() == key_digits) {
        if (const std::optional<Bytes> bytes = from_hex(std::string{as_text(password)})) {
            return *bytes;
        }
    }
    return {password.begin(), password.end()};
}

bool equal_in_constant_time(const Hash& left, const Hash& right) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < Hash::size; ++i) {
        difference |= static_cast<unsigned>(left.data[i] ^ right.data[i]);
    }
    return difference == 0;
}

}  // namespace tally::bridge
