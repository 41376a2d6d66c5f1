#include "tools/charger/meter_seal.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "tools/support/text_file.h"

#include <date/date.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <sstream>
#include <utility>

namespace tally::tools {

namespace {

using bridge::MeterCurve;

constexpr std::size_t key_file_bytes_max{16UL * 1024};

/// Frees what OpenSSL hands out.
template <typename Thing, void (*release)(Thing*)>
struct Release {
    void operator()(Thing* thing) const { release(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using Group = std::unique_ptr<EC_GROUP, Release<EC_GROUP, EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Release<EC_POINT, EC_POINT_free>>;
using Number = std::unique_ptr<BIGNUM, Release<BIGNUM, BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM, OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX, EVP_MD_CTX_free>>;

/// A scalar in [1, order): the words hashed to more digits than any of the curves has.
Number scalar_of(const EC_GROUP* group, std::string_view words) {
    const Hash first = sha256(as_bytes(std::string{words} + "/1"));
    const Hash second = sha256(as_bytes(std::string{words} + "/2"));
    Bytes digits{first.data.begin(), first.data.end()};
    digits.insert(digits.end(), second.data.begin(), second.data.end());
    Number wide{BN_bin2bn(digits.data(), static_cast<int>(digits.size()), nullptr)};
    Number range{BN_dup(EC_GROUP_get0_order(group))};
    Number scalar{BN_new()};
    BN_CTX* const scratch = BN_CTX_new();
    ENSURE(wide && range && scalar && scratch != nullptr);
    ENSURE(BN_sub_word(range.get(), 1) == 1);
    ENSURE(BN_mod(scalar.get(), wide.get(), range.get(), scratch) == 1);
    ENSURE(BN_add_word(scalar.get(), 1) == 1);
    BN_CTX_free(scratch);
    return scalar;
}

Key key_of(MeterCurve curve, std::string_view words) {
    const char* const name = bridge::openssl_name(curve);
    const Group group{EC_GROUP_new_by_curve_name(OBJ_txt2nid(name))};
    ENSURE(group);
    const Number scalar = scalar_of(group.get(), words);
    const Point point{EC_POINT_new(group.get())};
    ENSURE(EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1);
    Bytes encoded(256);
    encoded.resize(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                      encoded.data(), encoded.size(), nullptr));
    const Builder builder{OSSL_PARAM_BLD_new()};
    ENSURE(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, name, 0) ==
           1);
    ENSURE(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                            encoded.size()) == 1);
    ENSURE(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) == 1);
    const Params params{OSSL_PARAM_BLD_to_param(builder.get())};
    const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
    EVP_PKEY* key{nullptr};
    ENSURE(EVP_PKEY_fromdata_init(context.get()) == 1);
    ENSURE(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
    return Key{key};
}

/// "2026-03-01T08:00:00,123+0000 S".
std::string ocmf_time(UnixMillis time) {
    const date::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds{time}};
    std::ostringstream text;
    text << date::format("%FT%T", point);
    std::string shown = text.str();
    const std::size_t dot = shown.find('.');
    if (dot == std::string::npos) {
        shown += ",000";
    } else {
        shown[dot] = ',';
    }
    return shown + "+0000 S";
}

std::string kilowatt_hours(std::int64_t watt_hours) {
    std::string digits = std::to_string(watt_hours);
    if (digits.size() < 4) {
        digits.insert(0, 4 - digits.size(), '0');
    }
    return digits.insert(digits.size() - 3, ".");
}

}  // namespace

struct MeterSeal::Impl {
    Key key;
    MeterCurve curve{MeterCurve::secp256r1};
};

MeterSeal::MeterSeal(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
MeterSeal::MeterSeal(MeterSeal&&) noexcept = default;
MeterSeal& MeterSeal::operator=(MeterSeal&&) noexcept = default;
MeterSeal::~MeterSeal() = default;

Expected<MeterSeal, std::string> MeterSeal::from_file(const std::string& path) {
    const auto content = read_text(path, key_file_bytes_max);
    if (!content) {
        return Unexpected{content.error()};
    }
    BIO* const source = BIO_new_mem_buf(content->data(), static_cast<int>(content->size()));
    Key key{PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr)};
    BIO_free(source);
    if (!key) {
        return Unexpected{path + ": no PEM private key without a passphrase"};
    }
    auto impl = std::make_unique<Impl>();
    impl->key = std::move(key);
    MeterSeal seal{std::move(impl)};
    const auto known = bridge::meter_key_from_bytes(seal.public_key());
    if (!known || !known->curve) {
        return Unexpected{path + ": not a key on one of the curves of OCMF"};
    }
    seal.m_impl->curve = *known->curve;
    return seal;
}

MeterSeal MeterSeal::from_words(MeterCurve curve, std::string_view words) {
    auto impl = std::make_unique<Impl>();
    impl->key = key_of(curve, words);
    impl->curve = curve;
    return MeterSeal{std::move(impl)};
}

Bytes MeterSeal::public_key() const {
    unsigned char* out{nullptr};
    const int size = i2d_PUBKEY(m_impl->key.get(), &out);
    ENSURE(size > 0);
    Bytes bytes{out, out + size};
    OPENSSL_free(out);
    return bytes;
}

std::string MeterSeal::algorithm() const {
    return std::string{"ECDSA-"} + bridge::to_text(m_impl->curve) + "-SHA256";
}

std::string MeterSeal::record(const SealedReading& reading) const {
    const std::string payload =
        R"({"FV":"1.0","GI":"Tallystick simulated","GS":")" + reading.meter_serial +
        R"(","GV":"1","PG":"T)" + std::to_string(reading.page) + R"(","MV":"Tallystick","MM":)" +
        R"("simulated","MS":")" + reading.meter_serial + R"(","MF":"1","IS":true,"IL":"VERIFIED")" +
        R"(,"IF":["RFID_PLAIN","OCPP_AUTH"],"IT":"ISO14443","ID":")" + reading.token +
        R"(","RD":[{"TM":")" + ocmf_time(reading.time) + R"(","TX":")" + reading.reason +
        R"(","RV":)" + kilowatt_hours(reading.register_wh) +
        R"(,"RI":"1-b:1.8.0","RU":"kWh","RT":"AC","EF":"","ST":"G"}]})";
    const ByteView signed_bytes = as_bytes(payload);
    const Digest digest{EVP_MD_CTX_new()};
    ENSURE(EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, m_impl->key.get()) ==
           1);
    Bytes signature(256);
    std::size_t size = signature.size();
    ENSURE(EVP_DigestSign(digest.get(), signature.data(), &size, signed_bytes.data(),
                          signed_bytes.size()) == 1);
    signature.resize(size);
    return "OCMF|" + payload + R"(|{"SA":")" + algorithm() + R"(","SD":")" + to_hex(signature) +
           "\"}";
}

std::optional<MeterCurve> meter_curve_from_text(std::string_view name) {
    return bridge::curve_of_algorithm("ECDSA-" + std::string{name} + "-SHA256");
}

std::string base64_text(ByteView bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace tally::tools
