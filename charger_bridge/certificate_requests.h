#pragma once

// Certificates that chargers ask for (SignCertificate), for an operator who has them signed. In
// memory: a charger that gets no certificate asks again.

#include "ledger/base/clock.h"

#include <map>
#include <string>
#include <utility>

namespace tally::bridge {

inline constexpr std::size_t certificate_requests_max{2'000};

struct CertificateRequest {
    UnixMillis time{0};
    std::string type;  ///< as the charger said it; may be empty
    std::string csr;   ///< PEM, as sent: not looked into
};

/// The newest request of each charger.
class CertificateRequests {
public:
    /// False when there is no room.
    bool add(const std::string& station, CertificateRequest request) {
        if (m_newest.size() >= certificate_requests_max && !m_newest.contains(station)) {
            return false;
        }
        m_newest[station] = std::move(request);
        return true;
    }
    /// A certificate was handed out.
    void answered(const std::string& station) { m_newest.erase(station); }
    [[nodiscard]] const std::map<std::string, CertificateRequest>& all() const { return m_newest; }

private:
    std::map<std::string, CertificateRequest> m_newest;
};

}  // namespace tally::bridge
