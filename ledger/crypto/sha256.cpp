#include "ledger/crypto/sha256.h"

#include "ledger/base/check.h"

#include <openssl/evp.h>

namespace tally {

namespace {

constexpr std::size_t hmac_block_bytes{64};

/// Looked up once: the implicit fetch that EVP_sha256() causes at each start costs more than
/// hashing a Merkle node.
const EVP_MD* algorithm() {
    static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    ENSURE(fetched != nullptr);
    return fetched;
}

/// One per thread for the short forms below.
Sha256& thread_hasher() {
    thread_local Sha256 hasher;
    return hasher;
}

}  // namespace

struct Sha256::Impl {
    EVP_MD_CTX* context{EVP_MD_CTX_new()};

    Impl() {
        ENSURE(context != nullptr);
        ENSURE(EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1);
    }
    ~Impl() { EVP_MD_CTX_free(context); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : m_impl{std::make_unique<Impl>()} {}
Sha256::~Sha256() = default;

Sha256& Sha256::update(ByteView bytes) {
    ENSURE(EVP_DigestUpdate(m_impl->context, bytes.data(), bytes.size()) == 1);
    return *this;
}

Hash Sha256::finish() {
    Hash result;
    ENSURE(EVP_DigestFinal_ex(m_impl->context, result.data.data(), nullptr) == 1);
    // A null type keeps the fetched algorithm: the cheap way to start again.
    ENSURE(EVP_DigestInit_ex2(m_impl->context, nullptr, nullptr) == 1);
    return result;
}

Hash sha256(ByteView bytes) { return thread_hasher().update(bytes).finish(); }

Hash sha256(ByteView first, ByteView second) {
    return thread_hasher().update(first).update(second).finish();
}

Hash sha256(ByteView first, ByteView second, ByteView third) {
    return thread_hasher().update(first).update(second).update(third).finish();
}

Hash tagged_hash(std::string_view tag, ByteView bytes) {
    ENSURE(!tag.empty() && tag.size() <= 64);
    const std::uint8_t length = static_cast<std::uint8_t>(tag.size());
    return sha256(ByteView{&length, 1}, as_bytes(tag), bytes);
}

Hash hmac_sha256(ByteView key, ByteView bytes) {
    const Hash short_key = key.size() > hmac_block_bytes ? sha256(key) : Hash{};
    const ByteView used = key.size() > hmac_block_bytes ? short_key.view() : key;
    std::array<std::uint8_t, hmac_block_bytes> inner{};
    std::array<std::uint8_t, hmac_block_bytes> outer{};
    for (std::size_t i = 0; i < hmac_block_bytes; ++i) {
        const std::uint8_t octet = i < used.size() ? used[i] : std::uint8_t{0};
        inner[i] = octet ^ std::uint8_t{0x36};
        outer[i] = octet ^ std::uint8_t{0x5c};
    }
    const Hash inner_hash = sha256(inner, bytes);
    return sha256(outer, inner_hash.view());
}

}  // namespace tally
