#pragma once

#include "ledger/base/bytes.h"

#include <memory>
#include <string_view>

namespace tally {

/// SHA-256 in pieces (OpenSSL EVP). Not thread safe; reusable after `finish`.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    Sha256& update(ByteView bytes);
    /// The digest of everything since construction or the last `finish`.
    [[nodiscard]] Hash finish();

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

/// SHA-256 of `bytes`. Uses one EVP context per thread.
[[nodiscard]] Hash sha256(ByteView bytes);
/// SHA-256 of the two pieces one after the other.
[[nodiscard]] Hash sha256(ByteView first, ByteView second);
[[nodiscard]] Hash sha256(ByteView first, ByteView second, ByteView third);

/// SHA-256(length of tag : u8 | tag | bytes). Everything that is signed in this project is a tagged
/// hash, so that a signature made for one purpose means nothing for another. `tag` is 1 to 64
/// characters, for example "tally/envelope/v1".
[[nodiscard]] Hash tagged_hash(std::string_view tag, ByteView bytes);

/// HMAC-SHA-256 (RFC 2104).
[[nodiscard]] Hash hmac_sha256(ByteView key, ByteView bytes);

}  // namespace tally
