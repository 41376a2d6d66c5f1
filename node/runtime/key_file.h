#pragma once

#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"

#include <string>

namespace tally::node {

/// Why a key file was refused: a sentence that names the file and the rule, never its content.
struct KeyFileError {
    std::string text;
};

/// A secret key file: one line of 64 hexadecimal digits. The file must be a regular file of the
/// running user (or root) that nobody else may read or write: mode 0600 or 0400.
[[nodiscard]] Expected<SecretKey, KeyFileError> read_secret_key(const std::string& path);

/// Creates the file with mode 0600, synced. Refuses when anything of that name exists: a key that
/// is overwritten is lost.
[[nodiscard]] Expected<Done, KeyFileError> write_new_secret_key(const std::string& path,
                                                                const SecretKey& key);

inline constexpr std::size_t secret_text_bytes_max{4096};
/// A secret of one line (bearer token, password), under the same rules. 1 to
/// `secret_text_bytes_max` bytes of printable ASCII, the line end removed.
[[nodiscard]] Expected<std::string, KeyFileError> read_secret_text(const std::string& path);
[[nodiscard]] Expected<Done, KeyFileError> write_new_secret_text(const std::string& path,
                                                                 const std::string& text);

}  // namespace tally::node
