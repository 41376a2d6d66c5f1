#pragma once

// Passwords that people choose, as they may stand in a configuration file: salted and made slow to
// guess. Pure, but for the salt; safe to run on any thread.

#include "ledger/base/bytes.h"
#include "ledger/base/random.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

struct SaltTag;
using Salt = FixedBytes<16, SaltTag>;

/// The one text form is "scrypt1:SALT:HASH" in hexadecimal: scrypt with N = 8192, r = 8, p = 1
/// (8 MiB). The figures are fixed, so that every check costs the same.
struct PasswordHash {
    Salt salt;
    Hash hash;
    friend bool operator==(const PasswordHash&, const PasswordHash&) = default;
};

[[nodiscard]] std::optional<PasswordHash> password_hash_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const PasswordHash& password);
/// `password` should be in its one form, see `plain_password`.
[[nodiscard]] Hash slow_hash(ByteView password, const Salt& salt);
[[nodiscard]] PasswordHash make_password_hash(ByteView password, Random& random);

/// A password of exactly 40 hexadecimal digits means the 20 bytes they spell: OCPP 1.6 sets keys in
/// hexadecimal, and chargers differ in which of the two they use as password. Others are
/// themselves.
[[nodiscard]] Bytes plain_password(ByteView password);

/// Takes the same time wherever the first difference is.
[[nodiscard]] bool equal_in_constant_time(const Hash& left, const Hash& right);

}  // namespace tally::bridge
