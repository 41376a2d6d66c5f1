#pragma once

// Who a charger says it is: the path and the Authorization header of its websocket handshake. Pure.

#include "ledger/base/bytes.h"
#include "ledger/base/random.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

inline constexpr std::size_t handshake_path_bytes_max{512};
inline constexpr std::size_t authorization_bytes_max{512};
inline constexpr std::size_t password_bytes_max{64};

/// "/ocpp/CP%201" gives "CP 1". Nothing outside /ocpp/, for an empty or too long id, a further
/// slash, a wrong escape, or bytes that are not printable ASCII.
[[nodiscard]] std::optional<std::string> station_from_path(std::string_view target);

struct BasicCredentials {
    std::string user;
    Bytes password;  ///< raw bytes: OCPP passwords need not be text
};
/// Reads "Basic <base64>", split at the first ':' on bytes. Nothing on anything else.
[[nodiscard]] std::optional<BasicCredentials> credentials_from_header(std::string_view header);

/// Passwords of the configured stations, kept as HMAC-SHA-256 under a key made at start.
///
/// Unknown stations and wrong passwords cost the same work and give the same answer. Guessing is
/// slowed: after `guesses_free` failures of one station from one address further ones wait, from
/// one second doubling to `lockout_max`, right password included. The real charger, coming from
/// another address, is not locked out by somebody who guesses at its id.
class PasswordBook {
public:
    static constexpr unsigned guesses_free{5};
    static constexpr std::chrono::seconds lockout_max{300};
    static constexpr std::size_t lockouts_max{4096};  ///< remembered at once; the oldest makes room

    enum class Verdict : std::uint8_t { accepted, refused, locked };

    explicit PasswordBook(Random& random);
    void add(const std::string& station, ByteView password);
    /// `header` is the whole Authorization header, empty when there was none; `address` where the
    /// connection comes from.
    [[nodiscard]] Verdict check(const std::string& station, std::string_view header,
                                const std::string& address, std::chrono::milliseconds now);

private:
    struct Guesses {
        unsigned failures{0};
        std::chrono::milliseconds locked_until{0};
        std::chrono::milliseconds last{0};
    };
    [[nodiscard]] Hash digest_of(const std::string& user, ByteView password) const;
    void remember_failure(const std::string& key, std::chrono::milliseconds now);

    Hash m_key;
    Hash m_nobody;  ///< compared with when the station is unknown; equals no password's digest
    std::map<std::string, Hash> m_digests;
    std::map<std::string, Guesses> m_guesses;
};

}  // namespace tally::bridge
