#pragma once

#include "ledger/audit/audit.h"
#include "ledger/audit/audit_block.h"

#include <vector>

namespace tally {

/// The checks of a block that need no other block: decoding, hashes and signatures. They make up
/// nearly all the work of an audit and run in parallel.
class BlockInspector {
public:
    static constexpr std::size_t envelopes_per_job{16};

    BlockInspector(const Hash& chain_id, AuditLevel level) : m_chain_id{chain_id}, m_level{level} {}

    /// Checks certificates and decodes what the level asks for. Blocks know their validators.
    void inspect(std::vector<AuditBlock>& blocks, JobRunner& runner) const;
    /// Adds jobs that check the signatures of envelopes and bridges, which know their signers'
    /// keys.
    void add_signature_jobs(std::vector<AuditBlock>& blocks,
                            std::vector<JobRunner::Job>& jobs) const;

private:
    using EnvelopeCheck = void (BlockInspector::*)(const AuditBlock& block, std::size_t index,
                                                   AuditEnvelope& out) const;
    /// A job for every few envelopes of the block.
    void add_jobs(AuditBlock& block, EnvelopeCheck check, std::vector<JobRunner::Job>& jobs) const;
    void check_certificate(AuditBlock& block) const;
    void inspect_envelope(const AuditBlock& block, std::size_t index, AuditEnvelope& out) const;
    void check_signature(const AuditBlock& block, std::size_t index, AuditEnvelope& out) const;

    Hash m_chain_id;
    AuditLevel m_level;
};

}  // namespace tally
