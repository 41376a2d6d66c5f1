#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace tally::bridge {

namespace {

const char* name_of(MeterCurve curve) {
    switch (curve) {
        case MeterCurve::secp192k1:
            return "secp192k1";
        case MeterCurve::secp256k1:
            return "secp256k1";
        case MeterCurve::secp192r1:
            return "prime192v1";
        case MeterCurve::secp256r1:
            return "prime256v1";
        case MeterCurve::brainpool256r1:
            return "brainpoolP256r1";
        case MeterCurve::secp384r1:
            return "secp384r1";
        case MeterCurve::brainpool384r1:
            return "brainpoolP384r1";
    }
    return "";
}

}  // namespace

struct MeterSigner::Impl {
    EVP_PKEY* key{nullptr};
};

MeterSigner::MeterSigner(MeterCurve curve) : m_impl{std::make_unique<Impl>()}, m_curve{curve} {
    m_impl->key = EVP_EC_gen(name_of(curve));
    REQUIRE(m_impl->key != nullptr);
}

MeterSigner::~MeterSigner() { EVP_PKEY_free(m_impl->key); }

Bytes MeterSigner::key_info() const {
    unsigned char* out{nullptr};
    const int size = i2d_PUBKEY(m_impl->key, &out);
    REQUIRE(size > 0);
    Bytes bytes{out, out + size};
    OPENSSL_free(out);
    return bytes;
}

Bytes MeterSigner::point() const {
    std::size_t size{0};
    Bytes bytes(256);
    REQUIRE(EVP_PKEY_get_octet_string_param(m_impl->key, OSSL_PKEY_PARAM_PUB_KEY, bytes.data(),
                                            bytes.size(), &size) == 1);
    bytes.resize(size);
    return bytes;
}

std::string MeterSigner::pem() const {
    BIO* const out = BIO_new(BIO_s_mem());
    REQUIRE(PEM_write_bio_PUBKEY(out, m_impl->key) == 1);
    char* data{nullptr};
    const long size = BIO_get_mem_data(out, &data);
    std::string text{data, static_cast<std::size_t>(size)};
    BIO_free(out);
    return text;
}

MeterKey MeterSigner::key() const {
    const auto key = meter_key_from_bytes(key_info());
    REQUIRE(key);
    return *key;
}

Bytes MeterSigner::sign(std::string_view payload) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    REQUIRE(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, m_impl->key) == 1);
    const ByteView bytes = as_bytes(payload);
    Bytes signature(256);
    std::size_t size = signature.size();
    REQUIRE(EVP_DigestSign(context, signature.data(), &size, bytes.data(), bytes.size()) == 1);
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return signature;
}

std::string MeterSigner::algorithm() const {
    return std::string{"ECDSA-"} + to_text(m_curve) + "-SHA256";
}

std::string MeterSigner::record(std::string_view payload) const {
    return record_text(payload,
                       R"("SA":")" + algorithm() + R"(","SD":")" + to_hex(sign(payload)) + "\"");
}

std::string base64_of(ByteView bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string record_text(std::string_view payload, std::string_view signature_fields) {
    return "OCMF|" + std::string{payload} + "|{" + std::string{signature_fields} + "}";
}

std::string PayloadParts::text() const {
    std::string readings;
    for (const std::string& reading : {begin, end}) {
        if (!reading.empty()) {
            readings += (readings.empty() ? "{" : ",{") + reading + "}";
        }
    }
    return "{" + general + R"(,"RD":[)" + readings + "]}";
}

std::string with(std::string text, std::string_view from, std::string_view to) {
    const std::size_t place = text.find(from);
    INFO(text << " has no " << from);
    REQUIRE(place != std::string::npos);
    return text.replace(place, from.size(), to);
}

OcmfRecord parsed(const std::string& text) {
    auto record = parse_ocmf(text);
    INFO((record ? "" : record.error()));
    REQUIRE(record);
    return std::move(record).value();
}

}  // namespace tally::bridge
