#pragma once

// TLS towards chargers, on OpenSSL's own interface and the socket's descriptor. An idle connection
// keeps no record buffers, which matters with 2,000 of them.

#include "charger_bridge/server/certificate_names.h"
#include "ledger/base/expected.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace tally::bridge {

/// Certificates of a chain, and authorities above it, that are followed at most.
inline constexpr int certificate_chain_max{4};

/// PEM files. Key files must be readable for their owner only.
struct TlsFiles {
    struct Certificate {
        std::string chain_file;  ///< the server's certificate first, then those above it
        std::string key_file;
        friend bool operator==(const Certificate&, const Certificate&) = default;
    };
    /// One with an EC key and one with an RSA key, or either: OCPP names suites for both.
    std::vector<Certificate> certificates;
    /// Who signs the certificates of chargers; empty: none are asked for.
    std::string client_ca_file;
    /// Certificates of chargers that are revoked; empty: none are.
    std::string client_crl_file;
};

/// The settings that connections share; immutable, so that connections under way keep theirs when
/// new ones are loaded. TLS 1.2 and 1.3; the four suites that OCPP names, the ECDHE-RSA ones and
/// those of TLS 1.3; no compression, renegotiation, tickets, session cache or early data.
class ServerTls {
public:
    /// The error names the file and what is wrong with it, never its content.
    [[nodiscard]] static Expected<std::shared_ptr<const ServerTls>, std::string> load(
        const TlsFiles& files);
    ~ServerTls();
    ServerTls(const ServerTls&) = delete;
    ServerTls& operator=(const ServerTls&) = delete;
    [[nodiscard]] ssl_ctx_st* native() const { return m_context; }

private:
    explicit ServerTls(ssl_ctx_st* context) : m_context{context} {}
    ssl_ctx_st* m_context;
};

/// One connection's TLS, server side. Never blocks and never waits: every call says what it needs
/// before it can go on. The descriptor must be non-blocking and open in every call but the
/// destructor's; it stays the caller's.
class TlsSession {
public:
    enum class Outcome : std::uint8_t { done, want_read, want_write, closed, failed };
    struct Progress {
        Outcome outcome{Outcome::failed};
        std::size_t bytes{0};
    };

    TlsSession(const std::shared_ptr<const ServerTls>& settings, int descriptor);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    [[nodiscard]] Progress handshake();
    /// At least one byte when done; `into` must not be empty.
    [[nodiscard]] Progress read(std::span<std::uint8_t> into);
    /// May take a part only. After want_write the same bytes must be offered again.
    [[nodiscard]] Progress write(std::span<const std::uint8_t> from);
    /// Says goodbye, without waiting for the other side's.
    void close_notify();

    /// The names in the client's certificate once the handshake is done: its chain was verified.
    /// Nothing when the client has none, or one that names nobody.
    [[nodiscard]] std::optional<CertificateNames> client() const;

private:
    [[nodiscard]] Progress progress(int result, std::size_t bytes) const;
    std::shared_ptr<const ServerTls> m_settings;
    ssl_st* m_ssl;
};

}  // namespace tally::bridge
