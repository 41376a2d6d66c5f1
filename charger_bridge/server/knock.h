#pragma once

#include "charger_bridge/server/certificate_names.h"

#include <optional>
#include <string>

namespace tally::bridge {

/// What a connection shows before it is let in.
struct Knock {
    std::string station;        ///< empty when the path holds no id
    std::string authorization;  ///< the header; empty when there is none, or more than one
    std::string address;
    bool is_encrypted{false};
    std::optional<CertificateNames> certificate;  ///< of the client, its chain verified
};

}  // namespace tally::bridge
