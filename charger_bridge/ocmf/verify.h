#pragma once

#include "charger_bridge/ocmf/der.h"
#include "charger_bridge/ocmf/public_key.h"
#include "charger_bridge/ocmf/record.h"

namespace tally::bridge {

/// What becomes of a signature. All but `valid` mean that nothing in the record may be believed.
enum class SignatureVerdict : std::uint8_t {
    valid,
    unknown_algorithm,   ///< SA is none of the seven of OCMF
    unknown_encoding,    ///< SE is neither hex nor base64, or SM is not application/x-der
    signature_encoding,  ///< SD is not what SE says
    signature_form,      ///< SD is not strict DER; lenient it might be accepted
    key_curve,           ///< the key is of another curve than SA, or not a point of it
    signature_wrong,     ///< not made with this key over this payload
};
/// snake_case, as in reports.
[[nodiscard]] const char* to_text(SignatureVerdict verdict);
[[nodiscard]] const char* explain(SignatureVerdict verdict);

/// Verifies the record's signature over its payload under a key that the caller trusts for this
/// meter; a key that came with the record is nothing to trust. With `lenient`, only for meters that
/// are known to need it, r | s without DER and the DER errors of `DerRule` are accepted too.
/// s is not required to be low: whoever looks for repeated records goes by `payload_hash`.
[[nodiscard]] SignatureVerdict verify_ocmf(const OcmfRecord& record, const MeterKey& key,
                                           DerRule rule);

}  // namespace tally::bridge
