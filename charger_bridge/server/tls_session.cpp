#include "charger_bridge/server/tls_session.h"

#include "ledger/base/check.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <set>

namespace tally::bridge {

namespace {

constexpr const char* suites_1_2{
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384"};
constexpr const char* suites_1_3{
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"};
constexpr unsigned char session_context[]{'o', 'c', 'p', 'p'};

// ---- The descriptor as OpenSSL's BIO. Its own one for sockets would raise SIGPIPE.

int descriptor_of(BIO* bio) { return *static_cast<int*>(BIO_get_data(bio)); }

static_assert(EAGAIN == EWOULDBLOCK);
bool would_block() { return errno == EAGAIN || errno == EINTR; }

int bio_write(BIO* bio, const char* data, int length) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(descriptor_of(bio), data, static_cast<std::size_t>(length), MSG_NOSIGNAL);
    if (sent < 0 && would_block()) {
        BIO_set_retry_write(bio);
    }
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int length) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(descriptor_of(bio), data, static_cast<std::size_t>(length), 0);
    if (got < 0 && would_block()) {
        BIO_set_retry_read(bio);
    }
    return static_cast<int>(got);
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_destroy(BIO* bio) {
    delete static_cast<int*>(BIO_get_data(bio));
    BIO_set_data(bio, nullptr);
    return 1;
}

BIO_METHOD* make_method() {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "charger socket");
    ENSURE(method != nullptr);
    ENSURE(BIO_meth_set_write(method, bio_write) == 1);
    ENSURE(BIO_meth_set_read(method, bio_read) == 1);
    ENSURE(BIO_meth_set_ctrl(method, bio_control) == 1);
    ENSURE(BIO_meth_set_destroy(method, bio_destroy) == 1);
    return method;
}

BIO* make_bio(int descriptor) {
    static BIO_METHOD* const method = make_method();
    BIO* const bio = BIO_new(method);
    ENSURE(bio != nullptr);
    BIO_set_data(bio, new int{descriptor});
    BIO_set_init(bio, 1);
    return bio;
}

// ---- Settings

/// A key under a passphrase is refused instead of asking for it on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*argument*/) { return 0; }

std::string why() {
    const unsigned long code = ERR_peek_last_error();
    const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return reason != nullptr ? reason : "cannot be read";
}

void set_rules(SSL_CTX* raw) {
    ENSURE(SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1);
    ENSURE(SSL_CTX_set_cipher_list(raw, suites_1_2) == 1);
    ENSURE(SSL_CTX_set_ciphersuites(raw, suites_1_3) == 1);
    std::string groups{"X25519:P-256:P-384"};  // the macro casts const away
    ENSURE(SSL_CTX_set1_groups_list(raw, groups.data()) == 1);
    SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    ENSURE(SSL_CTX_set_num_tickets(raw, 0) == 1);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    ENSURE(SSL_CTX_set_session_id_context(raw, session_context, sizeof session_context) == 1);
    ENSURE(SSL_CTX_set_max_early_data(raw, 0) == 1);
    SSL_CTX_set_max_cert_list(raw, static_cast<long>(certificate_bytes_max));
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
}

/// Empty when the file is for its owner's eyes only, else what is wrong.
std::string key_file_problem(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return path + ": " + std::strerror(errno);
    }
    if (!S_ISREG(status.st_mode) || (status.st_mode & 077U) != 0) {
        return path + ": must be a regular file of mode 0600 or 0400";
    }
    return {};
}

std::string load_certificate(SSL_CTX* raw, const TlsFiles::Certificate& files,
                             std::set<int>& kinds) {
    if (SSL_CTX_use_certificate_chain_file(raw, files.chain_file.c_str()) != 1) {
        return files.chain_file + ": " + why();
    }
    const EVP_PKEY* const key = X509_get0_pubkey(SSL_CTX_get0_certificate(raw));
    const int kind = key != nullptr ? EVP_PKEY_get_base_id(key) : 0;
    if (kind != EVP_PKEY_EC && kind != EVP_PKEY_RSA) {
        return files.chain_file + ": its key must be EC or RSA";
    }
    if (!kinds.insert(kind).second) {
        return files.chain_file + ": there is another certificate with a key of this kind";
    }
    if (std::string problem = key_file_problem(files.key_file); !problem.empty()) {
        return problem;
    }
    if (SSL_CTX_use_PrivateKey_file(raw, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(raw) != 1) {
        return files.key_file + ": " + why();
    }
    return {};
}

std::string load_authorities(SSL_CTX* raw, const TlsFiles& files) {
    if (files.client_ca_file.empty()) {
        return {};
    }
    if (SSL_CTX_load_verify_file(raw, files.client_ca_file.c_str()) != 1) {
        return files.client_ca_file + ": " + why();
    }
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(files.client_ca_file.c_str());
    if (names == nullptr) {
        return files.client_ca_file + ": " + why();
    }
    SSL_CTX_set_client_CA_list(raw, names);
    if (!files.client_crl_file.empty()) {
        X509_STORE* const store = SSL_CTX_get_cert_store(raw);
        X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        if (lookup == nullptr ||
            X509_load_crl_file(lookup, files.client_crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
            return files.client_crl_file + ": " + why();
        }
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    }
    // Asked for, not demanded: which chargers need one is the gate's business.
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_verify_depth(raw, certificate_chain_max);
    return {};
}

}  // namespace

Expected<std::shared_ptr<const ServerTls>, std::string> ServerTls::load(const TlsFiles& files) {
    SSL_CTX* const raw = SSL_CTX_new(TLS_server_method());
    ENSURE(raw != nullptr);
    std::shared_ptr<const ServerTls> result{new ServerTls{raw}};
    set_rules(raw);
    std::set<int> kinds;
    for (const TlsFiles::Certificate& certificate : files.certificates) {
        if (std::string problem = load_certificate(raw, certificate, kinds); !problem.empty()) {
            return Unexpected{std::move(problem)};
        }
    }
    if (kinds.empty()) {
        return Unexpected{std::string{"no server certificate is named"}};
    }
    if (std::string problem = load_authorities(raw, files); !problem.empty()) {
        return Unexpected{std::move(problem)};
    }
    return result;
}

ServerTls::~ServerTls() { SSL_CTX_free(m_context); }

TlsSession::TlsSession(const std::shared_ptr<const ServerTls>& settings, int descriptor)
    : m_settings{settings}, m_ssl{SSL_new(settings->native())} {
    ENSURE(m_ssl != nullptr);
    BIO* const bio = make_bio(descriptor);
    SSL_set_bio(m_ssl, bio, bio);
    SSL_set_accept_state(m_ssl);
}

TlsSession::~TlsSession() { SSL_free(m_ssl); }

TlsSession::Progress TlsSession::progress(int result, std::size_t bytes) const {
    if (result == 1) {
        return {Outcome::done, bytes};
    }
    switch (SSL_get_error(m_ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return {Outcome::want_read, 0};
        case SSL_ERROR_WANT_WRITE:
            return {Outcome::want_write, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {Outcome::closed, 0};
        default:  // an int of OpenSSL, not an enum of ours
            return {Outcome::failed, 0};
    }
}

TlsSession::Progress TlsSession::handshake() {
    ERR_clear_error();
    return progress(SSL_do_handshake(m_ssl), 0);
}

TlsSession::Progress TlsSession::read(std::span<std::uint8_t> into) {
    ERR_clear_error();
    std::size_t bytes{0};
    const int result = SSL_read_ex(m_ssl, into.data(), into.size(), &bytes);
    return progress(result, bytes);
}

TlsSession::Progress TlsSession::write(std::span<const std::uint8_t> from) {
    ERR_clear_error();
    std::size_t bytes{0};
    const int result = SSL_write_ex(m_ssl, from.data(), from.size(), &bytes);
    return progress(result, bytes);
}

void TlsSession::close_notify() {
    if (SSL_is_init_finished(m_ssl) != 0) {
        ERR_clear_error();
        static_cast<void>(SSL_shutdown(m_ssl));
    }
}

std::optional<CertificateNames> TlsSession::client() const {
    const X509* const certificate = SSL_get0_peer_certificate(m_ssl);
    if (certificate == nullptr || SSL_get_verify_result(m_ssl) != X509_V_OK) {
        return std::nullopt;
    }
    return names_of(certificate);
}

}  // namespace tally::bridge
