#pragma once

#include "charger_bridge/ocmf/billing.h"
#include "charger_bridge/ocmf/verify.h"

#include <string>

namespace tally::tools {

/// A record with begin and end, or two, looked at with one key.
struct MeterCheck {
    /// Of the first record, unless only the second one's is wrong.
    bridge::SignatureVerdict signature{bridge::SignatureVerdict::valid};
    bridge::Billing billing;  ///< empty unless the signature is valid: nothing signed it

    [[nodiscard]] bool is_valid() const noexcept {
        return signature == bridge::SignatureVerdict::valid;
    }
    [[nodiscard]] bool is_billable() const noexcept { return is_valid() && billing.is_billable(); }
};

/// `second`: the end record; null when `first` has both readings.
[[nodiscard]] MeterCheck check_meter(const bridge::OcmfRecord& first,
                                     const bridge::OcmfRecord* second, const bridge::MeterKey& key,
                                     bridge::DerRule rule);

/// {"signature":"valid|invalid","billable":true|false,"reasons":[...]} and a line end.
[[nodiscard]] std::string meter_check_json(const MeterCheck& check);
/// The same for people, with the readings and the reasons in words.
[[nodiscard]] std::string meter_check_text(const MeterCheck& check);

}  // namespace tally::tools
