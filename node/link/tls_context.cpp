#include "node/link/tls_context.h"

#include "ledger/base/check.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace tally::node {

namespace {

/// "tally/1" behind its length, as ALPN lists are written.
constexpr std::array<unsigned char, 8> alpn_list{7, 't', 'a', 'l', 'l', 'y', '/', '1'};
constexpr std::string_view alpn_name{"tally/1"};
constexpr std::string_view exporter_label{"EXPORTER-Channel-Binding"};
/// A self-signed Ed25519 certificate takes about 300 bytes.
constexpr long certificate_bytes_max{4096};
constexpr long certificate_seconds{10L * 365 * 24 * 3600};

int choose_alpn(SSL* /*connection*/, const unsigned char** chosen, unsigned char* chosen_length,
                const unsigned char* offered, unsigned int offered_length, void* /*argument*/) {
    // Walks the peer's list by hand: SSL_select_next_proto would pick our own name when nothing
    // matches.
    unsigned int at{0};
    while (at < offered_length) {
        const unsigned int length = offered[at];
        if (length == 0 || length > offered_length - at - 1) {
            break;
        }
        const unsigned char* name = offered + at + 1;
        if (length == alpn_name.size() && std::equal(name, name + length, alpn_list.begin() + 1)) {
            *chosen = name;
            *chosen_length = static_cast<unsigned char>(length);
            return SSL_TLSEXT_ERR_OK;
        }
        at += length + 1;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Replaces OpenSSL's chain building: exactly one certificate with an Ed25519 key. Its names and
/// dates mean nothing, so a wrong clock cannot cut links; TLS proves that the peer holds its key.
int accept_throw_away_certificate(X509_STORE_CTX* store, void* /*argument*/) {
    const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    const EVP_PKEY* key = leaf == nullptr ? nullptr : X509_get0_pubkey(leaf);
    const bool accepted = sent != nullptr && sk_X509_num(sent) == 1 && key != nullptr &&
                          EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    X509_STORE_CTX_set_error(store, accepted ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return accepted ? 1 : 0;
}

TlsContext make_common() {
    TlsContext context{SSL_CTX_new(TLS_method())};
    ENSURE(context != nullptr);
    SSL_CTX* raw = context.get();
    ENSURE(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
    ENSURE(SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1);
    // These two are macros that cast const away, so they get texts of their own.
    std::string groups{"X25519:P-256"};
    std::string signatures{"ed25519"};
    ENSURE(SSL_CTX_set1_groups_list(raw, groups.data()) == 1);
    ENSURE(SSL_CTX_set_ciphersuites(raw,
                                    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
                                    "TLS_AES_256_GCM_SHA384") == 1);
    ENSURE(SSL_CTX_set1_sigalgs_list(raw, signatures.data()) == 1);
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    ENSURE(SSL_CTX_set_num_tickets(raw, 0) == 1);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    ENSURE(SSL_CTX_set_max_early_data(raw, 0) == 1);
    SSL_CTX_set_max_cert_list(raw, certificate_bytes_max);
    return context;
}

struct KeyDeleter {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct CertificateDeleter {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

}  // namespace

void TlsContextDeleter::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

TlsContext make_dialer_tls() {
    TlsContext context = make_common();
    // The one OpenSSL function of these that gives 0 for success.
    ENSURE(SSL_CTX_set_alpn_protos(context.get(), alpn_list.data(), alpn_list.size()) == 0);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context.get(), accept_throw_away_certificate, nullptr);
    return context;
}

TlsContext make_listener_tls() {
    TlsContext context = make_common();
    SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
    const std::unique_ptr<EVP_PKEY, KeyDeleter> key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
    const std::unique_ptr<X509, CertificateDeleter> certificate{X509_new()};
    ENSURE(key != nullptr && certificate != nullptr);
    X509* raw = certificate.get();
    ENSURE(X509_set_version(raw, X509_VERSION_3) == 1);
    ENSURE(ASN1_INTEGER_set(X509_get_serialNumber(raw), 1) == 1);
    ENSURE(X509_gmtime_adj(X509_getm_notBefore(raw), 0) != nullptr);
    ENSURE(X509_gmtime_adj(X509_getm_notAfter(raw), certificate_seconds) != nullptr);
    ENSURE(X509_set_pubkey(raw, key.get()) == 1);
    ENSURE(X509_sign(raw, key.get(), nullptr) > 0);
    ENSURE(SSL_CTX_use_certificate(context.get(), raw) == 1);
    ENSURE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    return context;
}

bool negotiated_our_protocol(const ssl_st* connection) {
    const unsigned char* name{nullptr};
    unsigned int length{0};
    SSL_get0_alpn_selected(connection, &name, &length);
    return length == alpn_name.size() && std::equal(name, name + length, alpn_list.begin() + 1);
}

std::optional<ChannelBinding> channel_binding(ssl_st* connection) {
    ChannelBinding binding;
    if (SSL_version(connection) != TLS1_3_VERSION || SSL_is_init_finished(connection) == 0 ||
        SSL_export_keying_material(connection, binding.data.data(), binding.data.size(),
                                   exporter_label.data(), exporter_label.size(), nullptr, 0,
                                   0) != 1) {
        return std::nullopt;
    }
    return binding;
}

void request_key_update(ssl_st* connection) {
    // Refused only when an update is already under way, which is as good.
    static_cast<void>(SSL_key_update(connection, SSL_KEY_UPDATE_NOT_REQUESTED));
}

}  // namespace tally::node
