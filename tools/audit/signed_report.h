#pragma once

#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"

#include <string>

namespace tally::tools {

/// A report with the auditor's signature as its last line, an HTML comment:
/// `<!-- tally-audit-signature/v1 KEY SIGNATURE -->`, both hexadecimal, over
/// tagged_hash("tally/audit-report/v1", all bytes before that line).
[[nodiscard]] std::string sign_report(std::string report, const SecretKey& key);

/// The key that signed a report; the error says why it is not signed by any. Accepts any input.
[[nodiscard]] Expected<PublicKey, std::string> verify_report(const std::string& report);

}  // namespace tally::tools
