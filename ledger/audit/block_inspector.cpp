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

BlockInspector::BlockInspector(const Genesis& genesis, std::vector<VerifyKey> validators,
                               AuditLevel level)
    : m_chain_id{genesis.chain_id()}, m_validators{std::move(validators)}, m_level{level} {
    for (const Member& member : genesis.members) {
        if (const std::optional<VerifyKey> key = VerifyKey::parse(member.member_key)) {
            m_member_keys.emplace(member.party, *key);
        }
    }
}

void BlockInspector::inspect(std::vector<AuditBlock>& blocks, JobRunner& runner) const {
    std::vector<JobRunner::Job> jobs;
    for (AuditBlock& block : blocks) {
        jobs.emplace_back([this, &block] { check_certificate(block); });
        if (m_level < AuditLevel::merkle) {
            continue;
        }
        const std::size_t count = block.content.block.envelopes.size();
        block.envelopes.resize(count);
        for (std::size_t first = 0; first < count; first += envelopes_per_job) {
            const std::size_t end = std::min(count, first + envelopes_per_job);
            jobs.emplace_back([this, &block, first, end] {
                for (std::size_t index = first; index < end; ++index) {
                    inspect_envelope(block, index, block.envelopes[index]);
                }
            });
        }
    }
    runner.run(std::move(jobs));
}

void BlockInspector::check_certificate(AuditBlock& block) const {
    const QuorumCertificate& certificate = block.content.finalization;
    const auto found = [&block](FindingKind kind, std::string message) {
        block.certificate_finding = Finding{
            kind, block.content.block.header.height, std::nullopt, {}, 0, std::move(message)};
    };
    if (certificate.statement.kind == VoteKind::nullify ||
        certificate.statement.epoch != block.content.block.header.epoch) {
        found(FindingKind::certificate_kind,
              "the certificate is neither a finalization nor a notarization of this epoch");
        return;
    }
    const std::optional<CertificateError> error =
        tally::check_certificate(certificate, m_chain_id, m_validators);
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
        if (const auto decoded = decode_transaction(transaction); !decoded) {
            out.findings.push_back(finding_at(block, FindingKind::transaction, index,
                                              "transaction " + std::to_string(i) + " of envelope " +
                                                  std::to_string(index) + ": " +
                                                  to_text(decoded.error())));
        }
    }
    out.envelope = std::move(envelope).value();
    if (m_level >= AuditLevel::signatures) {
        check_signature(block, index, out);
    }
}

void BlockInspector::check_signature(const AuditBlock& block, std::size_t index,
                                     AuditEnvelope& out) const {
    const Envelope& envelope = *out.envelope;
    const auto key = m_member_keys.find(envelope.signer);
    const std::string name = "envelope " + std::to_string(index);
    if (key == m_member_keys.end()) {
        out.findings.push_back(
            finding_at(block, FindingKind::signer, index,
                       name + " is signed by " + to_text(envelope.signer) + ", who is no member"));
        return;
    }
    const Hash digest =
        envelope_signing_digest(m_chain_id, envelope.signer, envelope_root(envelope));
    out.signature_checked = key->second.verify(digest, envelope.signature);
    if (!out.signature_checked) {
        out.findings.push_back(
            finding_at(block, FindingKind::signature, index,
                       name + " does not bear the signature of " + to_text(envelope.signer)));
    }
}

}  // namespace tally
