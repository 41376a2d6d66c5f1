#pragma once

// Who a charger says it is: the path and the Authorization header of its websocket handshake. Pure.

#include "ledger/base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace tally::bridge {

inline constexpr std::size_t handshake_path_bytes_max{512};
inline constexpr std::size_t authorization_bytes_max{512};
/// Of passwords that are configured: OCPP 1.6 has keys of 16 to 20 bytes, 2.0.1 passwords of 16 to
/// 40 characters. What chargers show may be of any length up to `password_bytes_max`.
inline constexpr std::size_t password_bytes_min{16};
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

}  // namespace tally::bridge
