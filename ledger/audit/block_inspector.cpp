#include "ledger/audit/block_inspector.h"

#include "ledger/chain/finality.h"
#include "ledger/model/transaction.h"

#include <algorithm>

namespace tally {
namespace {

Finding finding_at(const AuditBlock& block, FindingKind kind, std::size_t index,
                   std::string message) {
    return {kind, block.content.block.header.height, index, {}, 0, std::move(message)};
}

}  // namespace

void BlockInspector::add_jobs(AuditBlock& block, EnvelopeCheck check,
                              std::vector<JobRunner::Job>& jobs) const {
    const std::size_t count = block.envelopes.size();
    for (std::size_t first = 0; first < count; first += envelopes_per_job) {
        const std::size_t end = std::min(count, first + envelopes_per_job);
        jobs.emplace_back([this, &block, check, first, end] {
            for (std::size_t index = first; index < end; ++index) {
                (this->*check)(block, index, block.envelopes[index]);
            }
        });
    }
}

void BlockInspector::inspect(std::vector<AuditBlock>& blocks, JobRunner& runner) const {
    std::vector<JobRunner::Job> jobs;
    for (AuditBlock& block : blocks) {
        jobs.emplace_back([this, &block] { check_certificate(block); });
        if (m_level >= AuditLevel::merkle) {
            block.envelopes.resize(block.content.block.envelopes.size());
            add_jobs(block, &BlockInspector::inspect_envelope, jobs);
        }
    }
    runner.run(std::move(jobs));
}

void BlockInspector::add_signature_jobs(std::vector<AuditBlock>& blocks,
                                        std::vector<JobRunner::Job>& jobs) const {
    for (AuditBlock& block : blocks) {
        add_jobs(block, &BlockInspector::check_signature, jobs);
    }
}

void BlockInspector::check_certificate(AuditBlock& block) const {
    const QuorumCertificate& certificate = block.content.finalization;
    const auto found = [&block](FindingKind kind, std::string message) {
        block.certificate_finding = Finding{
            kind, block.content.block.header.height, std::nullopt, {}, 0, std::move(message)};
    };
    if (certificate.statement.kind == VoteKind::nullify) {
        found(FindingKind::certificate_kind,
              "the certificate is neither a finalization nor a notarization");
        return;
    }
    if (certificate.statement.epoch != block.content.block.header.epoch) {
        found(FindingKind::certificate_epoch,
              "the certificate is of epoch " + std::to_string(certificate.statement.epoch));
        return;
    }
    if (!block.validators) {
        return;  // Whose votes they had to be is not known: the chain check says so.
    }
    const std::optional<CertificateError> error =
        tally::check_certificate(certificate, m_chain_id, block.validators->keys);
    if (error == CertificateError::bad_signature) {
        found(FindingKind::certificate_signature, "a vote's signature does not verify");
    } else if (error) {
        found(FindingKind::certificate_signers, to_text(*error));
    }
}

void BlockInspector::inspect_envelope(const AuditBlock& block, std::size_t index,
                                      AuditEnvelope& out) const {
    const Bytes& bytes = block.content.block.envelopes[index];
    out.hash = envelope_hash(bytes);
    Expected<Envelope, EnvelopeError> envelope = decode_envelope(bytes);
    if (!envelope) {
        out.findings.push_back(
            finding_at(block, FindingKind::envelope, index,
                       "envelope " + std::to_string(index) + " cannot be decoded"));
        return;
    }
    for (std::size_t i = 0; i < envelope->transactions.size(); ++i) {
        const Bytes& transaction = envelope->transactions[i];
        out.transaction_hashes.push_back(transaction_hash(transaction));
        Expected<Transaction, TransactionError> decoded = decode_transaction(transaction);
        out.transactions.emplace_back();
        if (decoded && m_level >= AuditLevel::signatures) {
            out.transactions.back() = std::move(decoded).value();
        } else if (!decoded) {
            out.findings.push_back(finding_at(block, FindingKind::transaction, index,
                                              "transaction " + std::to_string(i) + " of envelope " +
                                                  std::to_string(index) + ": " +
                                                  to_text(decoded.error())));
        }
    }
    out.envelope = std::move(envelope).value();
}

void BlockInspector::check_signature(const AuditBlock& block, std::size_t index,
                                     AuditEnvelope& out) const {
    if (!out.envelope) {
        return;
    }
    const Envelope& envelope = *out.envelope;
    const std::string name = "envelope " + std::to_string(index);
    if (!out.signer_key) {
        out.findings.push_back(
            finding_at(block, FindingKind::signer, index,
                       name + " is signed by " + to_text(envelope.signer) + ", who is no member"));
        return;
    }
    const Hash digest =
        envelope_signing_digest(m_chain_id, envelope.signer, envelope_root(envelope));
    for (BridgeSignature& metered : out.bridge_signatures) {
        metered.verified = metered.key.verify(metered.digest, metered.signature);
    }
    out.signature_checked = out.signer_key->verify(digest, envelope.signature);
    if (!out.signature_checked) {
        out.findings.push_back(
            finding_at(block, FindingKind::signature, index,
                       name + " does not bear the signature of " + to_text(envelope.signer)));
    }
}

}  // namespace tally
