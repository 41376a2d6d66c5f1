#pragma once

#include "ledger/audit/audit.h"
#include "ledger/audit/audit_block.h"
#include "ledger/crypto/secp256k1.h"

#include <map>
#include <vector>

namespace tally {

/// The checks of a block that need no other block: decoding, hashes and signatures. They make up
/// nearly all the work of an audit and run in parallel.
class BlockInspector {
public:
    static constexpr std::size_t envelopes_per_job{16};

    /// Both must outlive it. `validators` are parsed consensus keys in index order.
    BlockInspector(const Genesis& genesis, std::vector<VerifyKey> validators, AuditLevel level);

    /// Fills in what the level asks for, and what is wrong.
    void inspect(std::vector<AuditBlock>& blocks, JobRunner& runner) const;

private:
    void check_certificate(AuditBlock& block) const;
    void inspect_envelope(const AuditBlock& block, std::size_t index, AuditEnvelope& out) const;
    void check_signature(const AuditBlock& block, std::size_t index, AuditEnvelope& out) const;

    Hash m_chain_id;
    std::vector<VerifyKey> m_validators;
    std::map<PartyId, VerifyKey> m_member_keys;
    AuditLevel m_level;
};

}  // namespace tally
