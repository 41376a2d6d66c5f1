#include "ledger/chain/finality.h"

namespace tally {

std::optional<std::vector<VerifyKey>> validator_keys(const std::vector<Validator>& validators) {
    std::vector<VerifyKey> keys;
    for (const Validator& validator : validators) {
        const std::optional<VerifyKey> key = VerifyKey::parse(validator.consensus_key);
        if (!key) {
            return std::nullopt;
        }
        keys.push_back(*key);
    }
    return keys;
}

bool fits_view(const VoteStatement& statement, const BlockHeader& header) noexcept {
    return statement.view == header.view || (header.seals_epoch && statement.view > header.view);
}

std::optional<std::string> check_statement(const QuorumCertificate& certificate,
                                           const BlockHeader& header) {
    const VoteStatement& statement = certificate.statement;
    if (statement.kind != VoteKind::finalize) {
        return "the certificate is not a finalization";
    }
    if (statement.digest != header.digest()) {
        return "the certificate is for another block";
    }
    if (statement.epoch != header.epoch) {
        return "the certificate is of another epoch";
    }
    if (!fits_view(statement, header)) {
        return "the certificate is of another view";
    }
    return std::nullopt;
}

const char* to_text(CertificateError error) {
    switch (error) {
        case CertificateError::too_few_signers:
            return "too few signers";
        case CertificateError::unknown_signer:
            return "a signer is not a validator";
        case CertificateError::bad_signature:
            return "a signature does not verify";
    }
    return "unknown error";
}

}  // namespace tally
