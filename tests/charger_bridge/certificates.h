#pragma once

// Certificates for tests, made on the spot: an authority, what it signs, PEM files in a folder.

#include "ledger/base/bytes.h"

#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;
struct ssl_ctx_st;

namespace tally::bridge::test {

enum class KeyKind : std::uint8_t { ec, rsa };

/// A folder that is removed at the end.
class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return m_path + "/" + name; }

private:
    std::string m_path;
};

/// A certificate and its key; shared, since OpenSSL counts references anyway.
struct Identity {
    std::shared_ptr<evp_pkey_st> key;
    std::shared_ptr<x509_st> certificate;
};

struct Subject {
    std::string organization;
    std::string common_name;
    std::string second_common_name;  ///< empty: none
    long begins_s{-3600};            ///< from now
    long ends_s{3600};
};

/// Signed by itself, and may sign others.
Identity make_authority(const std::string& name);
/// Signed by `authority`.
Identity issue(const Identity& authority, KeyKind kind, const Subject& subject);
/// A list of revoked certificates that names `revoked`, signed by `authority`, as PEM.
std::string revocation_list(const Identity& authority, const Identity& revoked);

std::string certificate_pem(const Identity& identity);
Bytes certificate_der(const Identity& identity);
/// Writes NAME.crt and NAME.key (mode 0600) into the folder.
void write_identity(const TempFolder& folder, const std::string& name, const Identity& identity);
void write_file(const std::string& path, const std::string& text, unsigned mode = 0600);

/// A client's settings: trusts everybody; `identity` may be null.
struct ClientTls {
    explicit ClientTls(const Identity* identity = nullptr);
    ~ClientTls();
    ClientTls(const ClientTls&) = delete;
    ClientTls& operator=(const ClientTls&) = delete;
    ssl_ctx_st* context;
};

}  // namespace tally::bridge::test
