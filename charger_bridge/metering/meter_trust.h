#pragma once

// Whose signature counts for a connector: what the operator configured at the site, held against
// what is registered on the ledger. Pure.

#include "charger_bridge/ocmf/der.h"
#include "charger_bridge/ocmf/public_key.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally::bridge {

/// A meter as the configuration of the site has it ([[charger]] meters).
struct MeterConfig {
    std::uint16_t connector{1};
    std::string serial;
    std::optional<MeterKey> key;
    bool lenient{false};          ///< signatures that are not strict DER count too
    bool allows_unsigned{false};  ///< a charge without signed readings may be billed
};

/// What a charge's signed readings are verified against.
struct MeterTrust {
    std::string serial;
    std::optional<MeterKey> key;  ///< nothing: nobody's signature counts
    DerRule rule{DerRule::strict};
    bool is_required{false};  ///< without signed begin and end the charge is not billed by itself
    /// Why site and ledger contradict each other: "meter_serial_differs", "meter_key_differs",
    /// "meter_key_unreadable"; empty: they do not. Then nothing is billed by itself.
    std::string problem;
};

/// The ledger's key counts, and without one the site's. Signatures are required where the ledger
/// has a key, whatever the site says, and where the site has one and does not allow unsigned
/// charges. A charger without a key in both places is registered as one that does not sign.
[[nodiscard]] MeterTrust trust_of(const MeterConfig* site, const std::string& ledger_serial,
                                  ByteView ledger_key);

}  // namespace tally::bridge
