#pragma once

// What makes a block final for someone who has the genesis and nothing else.

#include "ledger/crypto/quorum_certificate.h"
#include "ledger/model/block_header.h"
#include "ledger/model/membership.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tally {

/// Parsed consensus keys of an epoch's validators, in index order. Nothing when one is not on the
/// curve.
[[nodiscard]] std::optional<std::vector<VerifyKey>> validator_keys(
    const std::vector<Validator>& validators);

/// Whether a certificate of this view may be for this header: of its own view, or of a later one
/// when the block seals its epoch and was proposed again.
[[nodiscard]] bool fits_view(const VoteStatement& statement, const BlockHeader& header) noexcept;

/// Whether a certificate says FINALIZE for exactly this header. Checks no signature. A problem in
/// words, or nothing.
[[nodiscard]] std::optional<std::string> check_statement(const QuorumCertificate& certificate,
                                                         const BlockHeader& header);

/// "too few signers" and so on.
[[nodiscard]] const char* to_text(CertificateError error);

}  // namespace tally
