#include "ledger/crypto/sealed_box.h"

#include "ledger/base/check.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <limits>
#include <memory>

namespace tally {

namespace {

using Nonce = FixedBytes<12, struct SealedNonceTag>;
using GcmTag = FixedBytes<16, struct GcmTagTag>;
using BoxKey = FixedBytes<32, struct BoxKeyTag>;

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
struct FreeKdf {
    void operator()(EVP_KDF* kdf) const noexcept { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

/// Everything that fixes one encryption but the content.
struct BoxParameters {
    BoxKey key;
    Nonce nonce;
    ByteView context;
};

/// OpenSSL takes parameters as pointers to non-const and does not write through them.
OSSL_PARAM octets(const char* name, ByteView bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()),
                                             bytes.size());
}

BoxKey derive_key(const Hash& shared, const PublicKey& ephemeral, const PublicKey& recipient,
                  std::string_view purpose) {
    Bytes salt;
    append(salt, ephemeral.view());
    append(salt, recipient.view());
    std::string digest{"SHA256"};
    const std::array<OSSL_PARAM, 5> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        octets(OSSL_KDF_PARAM_KEY, shared.view()), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, as_bytes(purpose)), OSSL_PARAM_construct_end()};
    const std::unique_ptr<EVP_KDF, FreeKdf> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
    ENSURE(kdf != nullptr);
    const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context{EVP_KDF_CTX_new(kdf.get())};
    ENSURE(context != nullptr);
    BoxKey key;
    ENSURE(EVP_KDF_derive(context.get(), key.data.data(), key.data.size(), parameters.data()) == 1);
    return key;
}

int openssl_length(std::size_t length) {
    ENSURE(length <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(length);
}

Bytes encrypt(const BoxParameters& box, ByteView content, GcmTag& tag) {
    const CipherContext cipher{EVP_CIPHER_CTX_new()};
    ENSURE(cipher != nullptr);
    ENSURE(EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), box.key.data.data(),
                               box.nonce.data.data(), nullptr) == 1);
    int done{0};
    if (!box.context.empty()) {
        ENSURE(EVP_EncryptUpdate(cipher.get(), nullptr, &done, box.context.data(),
                                 openssl_length(box.context.size())) == 1);
    }
    Bytes result(content.size());
    if (!content.empty()) {
        ENSURE(EVP_EncryptUpdate(cipher.get(), result.data(), &done, content.data(),
                                 openssl_length(content.size())) == 1);
    }
    std::array<std::uint8_t, 16> unused{};  // GCM writes nothing at the end.
    ENSURE(EVP_EncryptFinal_ex(cipher.get(), unused.data(), &done) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, openssl_length(GcmTag::size),
                               tag.data.data()) == 1);
    return result;
}

std::optional<Bytes> decrypt(const BoxParameters& box, ByteView content, GcmTag tag) {
    const CipherContext cipher{EVP_CIPHER_CTX_new()};
    ENSURE(cipher != nullptr);
    ENSURE(EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), box.key.data.data(),
                               box.nonce.data.data(), nullptr) == 1);
    int done{0};
    if (!box.context.empty()) {
        ENSURE(EVP_DecryptUpdate(cipher.get(), nullptr, &done, box.context.data(),
                                 openssl_length(box.context.size())) == 1);
    }
    Bytes result(content.size());
    if (!content.empty()) {
        ENSURE(EVP_DecryptUpdate(cipher.get(), result.data(), &done, content.data(),
                                 openssl_length(content.size())) == 1);
    }
    ENSURE(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, openssl_length(GcmTag::size),
                               tag.data.data()) == 1);
    std::array<std::uint8_t, 16> unused{};
    if (EVP_DecryptFinal_ex(cipher.get(), unused.data(), &done) != 1) {
        return std::nullopt;
    }
    return result;
}

}  // namespace

std::optional<Bytes> seal(const PublicKey& recipient, std::string_view purpose, ByteView context,
                          ByteView content, Random& random) {
    SecretKey ephemeral_secret = generate_secret(random);
    const PublicKey ephemeral = public_key_of(ephemeral_secret);
    const std::optional<Hash> shared = ecdh(ephemeral_secret, recipient);
    OPENSSL_cleanse(ephemeral_secret.data.data(), ephemeral_secret.data.size());
    if (!shared) {
        return std::nullopt;
    }
    const BoxParameters box{derive_key(*shared, ephemeral, recipient, purpose),
                            random.fixed<Nonce>(), context};
    GcmTag tag;
    const Bytes encrypted = encrypt(box, content, tag);
    Bytes result;
    result.reserve(sealed_box_overhead + encrypted.size());
    append(result, ephemeral.view());
    append(result, box.nonce.view());
    append(result, encrypted);
    append(result, tag.view());
    return result;
}

std::optional<Bytes> open_sealed(const SecretKey& secret, std::string_view purpose,
                                 ByteView context, ByteView box) {
    if (box.size() < sealed_box_overhead) {
        return std::nullopt;
    }
    const PublicKey ephemeral = PublicKey::from(box.first(PublicKey::size)).value_or(PublicKey{});
    const std::optional<Hash> shared = ecdh(secret, ephemeral);
    if (!shared) {
        return std::nullopt;
    }
    const ByteView rest = box.subspan(PublicKey::size);
    const BoxParameters parameters{derive_key(*shared, ephemeral, public_key_of(secret), purpose),
                                   Nonce::from(rest.first(Nonce::size)).value_or(Nonce{}), context};
    return decrypt(parameters, rest.subspan(Nonce::size, box.size() - sealed_box_overhead),
                   GcmTag::from(rest.last(GcmTag::size)).value_or(GcmTag{}));
}

}  // namespace tally
