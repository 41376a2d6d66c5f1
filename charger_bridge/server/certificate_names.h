#pragma once

// Who a client certificate says its holder is. Pure; OpenSSL in certificate_names.cpp only.

#include "ledger/base/bytes.h"

#include <optional>
#include <string>

struct x509_st;

namespace tally::bridge {

inline constexpr std::size_t certificate_bytes_max{16UL * 1024};
inline constexpr std::size_t certificate_name_bytes_max{64};  ///< X.520 allows no longer ones

/// The subject of a charger's certificate (OCPP security profile 3): O names the operator, CN the
/// station or its serial number.
struct CertificateNames {
    std::string organization;
    std::string common_name;
    friend bool operator==(const CertificateNames&, const CertificateNames&) = default;
};

/// Nothing unless the subject has exactly one O and one CN, each 1 to
/// `certificate_name_bytes_max` printable ASCII characters in whatever string type: a certificate
/// that two readers could read differently names nobody.
[[nodiscard]] std::optional<CertificateNames> names_of(const x509_st* certificate);
/// The same from DER of at most `certificate_bytes_max`; trailing bytes are refused.
[[nodiscard]] std::optional<CertificateNames> names_from_der(ByteView der);

}  // namespace tally::bridge
