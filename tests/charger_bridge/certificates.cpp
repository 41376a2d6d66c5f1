#include "tests/charger_bridge/certificates.h"

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tally::bridge::test {

namespace {

std::shared_ptr<EVP_PKEY> make_key(KeyKind kind) {
    std::string curve{"P-256"};
    EVP_PKEY* const key = kind == KeyKind::ec ? EVP_EC_gen(curve.data()) : EVP_RSA_gen(2048U);
    REQUIRE(key != nullptr);
    return {key, EVP_PKEY_free};
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
    if (value.empty()) {
        return;
    }
    REQUIRE(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0) == 1);
}

void add_extension(X509* certificate, int kind, const char* value) {
    X509V3_CTX context{};
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    REQUIRE(extension != nullptr);
    REQUIRE(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> unsigned_certificate(EVP_PKEY* key, const Subject& subject) {
    static long serial{0};
    const std::shared_ptr<X509> certificate{X509_new(), X509_free};
    X509* const raw = certificate.get();
    REQUIRE(X509_set_version(raw, X509_VERSION_3) == 1);
    REQUIRE(ASN1_INTEGER_set(X509_get_serialNumber(raw), ++serial) == 1);
    REQUIRE(X509_gmtime_adj(X509_getm_notBefore(raw), subject.begins_s) != nullptr);
    REQUIRE(X509_gmtime_adj(X509_getm_notAfter(raw), subject.ends_s) != nullptr);
    REQUIRE(X509_set_pubkey(raw, key) == 1);
    X509_NAME* const name = X509_get_subject_name(raw);
    add_name(name, "O", subject.organization);
    add_name(name, "CN", subject.common_name);
    add_name(name, "CN", subject.second_common_name);
    return certificate;
}

template <typename Write>
std::string to_pem(const Write& write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    REQUIRE(write(bio) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text{data, static_cast<std::size_t>(size)};
    BIO_free(bio);
    return text;
}

}  // namespace

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bridge-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    m_path = name;
}

TempFolder::~TempFolder() { std::filesystem::remove_all(m_path); }

Identity make_authority(const std::string& name) {
    const auto key = make_key(KeyKind::ec);
    const auto certificate = unsigned_certificate(key.get(), {name, name + " root", {}});
    REQUIRE(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    return {key, certificate};
}

Identity issue(const Identity& authority, KeyKind kind, const Subject& subject) {
    const auto key = make_key(kind);
    const auto certificate = unsigned_certificate(key.get(), subject);
    REQUIRE(X509_set_issuer_name(certificate.get(),
                                 X509_get_subject_name(authority.certificate.get())) == 1);
    REQUIRE(X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) > 0);
    return {key, certificate};
}

std::string revocation_list(const Identity& authority, const Identity& revoked) {
    const std::shared_ptr<X509_CRL> list{X509_CRL_new(), X509_CRL_free};
    const std::shared_ptr<ASN1_TIME> time{ASN1_TIME_new(), ASN1_TIME_free};
    REQUIRE(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1);
    REQUIRE(X509_CRL_set_issuer_name(list.get(),
                                     X509_get_subject_name(authority.certificate.get())) == 1);
    REQUIRE(X509_gmtime_adj(time.get(), -60) != nullptr);
    REQUIRE(X509_CRL_set1_lastUpdate(list.get(), time.get()) == 1);
    X509_REVOKED* const entry = X509_REVOKED_new();
    REQUIRE(X509_REVOKED_set_serialNumber(entry,
                                          X509_get_serialNumber(revoked.certificate.get())) == 1);
    REQUIRE(X509_REVOKED_set_revocationDate(entry, time.get()) == 1);
    REQUIRE(X509_CRL_add0_revoked(list.get(), entry) == 1);
    REQUIRE(X509_gmtime_adj(time.get(), 3600) != nullptr);
    REQUIRE(X509_CRL_set1_nextUpdate(list.get(), time.get()) == 1);
    REQUIRE(X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) > 0);
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

std::string certificate_pem(const Identity& identity) {
    return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, identity.certificate.get()); });
}

Bytes certificate_der(const Identity& identity) {
    unsigned char* data = nullptr;
    const int size = i2d_X509(identity.certificate.get(), &data);
    REQUIRE(size > 0);
    Bytes der{data, data + size};
    OPENSSL_free(data);
    return der;
}

void write_file(const std::string& path, const std::string& text, unsigned mode) {
    std::ofstream{path, std::ios::binary} << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

void write_identity(const TempFolder& folder, const std::string& name, const Identity& identity) {
    write_file(folder.file(name + ".crt"), certificate_pem(identity), 0644);
    write_file(folder.file(name + ".key"), to_pem([&](BIO* bio) {
                   return PEM_write_bio_PrivateKey(bio, identity.key.get(), nullptr, nullptr, 0,
                                                   nullptr, nullptr);
               }));
}

ClientTls::ClientTls(const Identity* identity) : context{SSL_CTX_new(TLS_client_method())} {
    REQUIRE(context != nullptr);
    // Level 0 so that a test can also offer what must be refused.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    if (identity != nullptr) {
        REQUIRE(SSL_CTX_use_certificate(context, identity->certificate.get()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey(context, identity->key.get()) == 1);
    }
}

ClientTls::~ClientTls() { SSL_CTX_free(context); }

}  // namespace tally::bridge::test
