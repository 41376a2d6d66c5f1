#include "charger_bridge/ocmf/point.h"

#include "ledger/base/check.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>

namespace tally::bridge {
namespace {

struct FreeKey {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeKey>;

constexpr std::uint8_t uncompressed{0x04};
constexpr std::uint8_t compressed_even{0x02};
constexpr std::uint8_t compressed_odd{0x03};

bool has_length(MeterCurve curve, ByteView point) {
    const std::size_t coordinate = coordinate_bytes(curve);
    if (point.empty()) {
        return false;
    }
    const std::uint8_t form = point.front();
    return (form == uncompressed && point.size() == 1 + 2 * coordinate) ||
           ((form == compressed_even || form == compressed_odd) && point.size() == 1 + coordinate);
}

/// Null when the bytes are no point of the curve.
Key make_key(MeterCurve curve, ByteView point) {
    if (!has_length(curve, point)) {
        return nullptr;
    }
    const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
    ENSURE(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
    std::string name{openssl_name(curve)};
    Bytes bytes{point.begin(), point.end()};
    std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* key{nullptr};
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.data()) != 1) {
        ERR_clear_error();
        return nullptr;
    }
    return Key{key};
}

}  // namespace

bool is_point(MeterCurve curve, ByteView point) {
    const Key key = make_key(curve, point);
    if (key == nullptr) {
        return false;
    }
    const KeyContext context{EVP_PKEY_CTX_new(key.get(), nullptr)};
    const bool right = context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
    ERR_clear_error();
    return right;
}

bool verify_ecdsa(MeterCurve curve, ByteView point, const EcdsaPair& pair, const Hash& digest) {
    const Key key = make_key(curve, point);
    if (key == nullptr) {
        return false;
    }
    const KeyContext context{EVP_PKEY_CTX_new(key.get(), nullptr)};
    ENSURE(context != nullptr && EVP_PKEY_verify_init(context.get()) == 1);
    const Bytes signature = ecdsa_to_der(pair);
    const ByteView hash = digest.view();
    const int result = EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                       hash.data(), hash.size());
    ERR_clear_error();
    return result == 1;
}

}  // namespace tally::bridge
