#include "ledger/audit/chain_check.h"

namespace tally {

ChainCheck::ChainCheck(const BlockHeader& genesis_header, const std::vector<Validator>& validators,
                       FindingLog& log)
    : m_previous{genesis_header},
      m_previous_digest{genesis_header.digest()},
      m_validator_count{validators.size()},
      m_validators_hash{validators_hash(validators)},
      m_log{log} {}

void ChainCheck::check(const AuditBlock& block) {
    if (block.content.block.header.chain_id != m_previous.chain_id) {
        m_log.add(
            block.finding(FindingKind::chain_id,
                          "the block is of chain " + to_hex(block.content.block.header.chain_id)));
    }
    if (block.follows) {
        check_links(block);
    } else {
        m_uncovered = 0;  // what finalizes the blocks before may be the damaged one
    }
    check_validators(block);
    if (block.certificate_finding) {
        Finding finding = *block.certificate_finding;
        finding.segment = block.segment;
        finding.offset = block.offset;
        m_log.add(std::move(finding));
    }
    check_certificate(block);
    const Hash chain_id = m_previous.chain_id;
    m_previous = block.content.block.header;
    m_previous.chain_id = chain_id;
    m_previous_digest = block.digest;
}

void ChainCheck::check_links(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    if (header.parent != m_previous_digest) {
        m_log.add(block.finding(FindingKind::parent, "the parent is " + to_hex(header.parent) +
                                                         ", the block before it is " +
                                                         to_hex(m_previous_digest)));
    }
    if (header.height != m_previous.height + 1) {
        m_log.add(block.finding(FindingKind::height, "the block before it has height " +
                                                         std::to_string(m_previous.height)));
    }
    if (header.view <= m_previous.view || header.parent_view != m_previous.view) {
        m_log.add(block.finding(FindingKind::view, "view " + std::to_string(header.view) +
                                                       " on parent view " +
                                                       std::to_string(header.parent_view) +
                                                       "; the block before it has view " +
                                                       std::to_string(m_previous.view)));
    }
    if (header.time <= m_previous.time) {
        m_log.add(block.finding(FindingKind::time, "the time does not rise"));
    }
}

void ChainCheck::check_validators(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    if (header.epoch != m_previous.epoch || header.seals_epoch ||
        header.next_validators_hash != m_validators_hash) {
        m_log.add(block.finding(FindingKind::validators,
                                "epoch or next validators are not those of the genesis"));
    }
    if (header.proposer >= m_validator_count) {
        m_log.add(block.finding(FindingKind::validators, "the proposer is not a validator"));
    }
}

void ChainCheck::check_certificate(const AuditBlock& block) {
    const VoteStatement& statement = block.content.finalization.statement;
    if (statement.digest != block.digest) {
        m_log.add(block.finding(FindingKind::certificate_block,
                                "the certificate is for block " + to_hex(statement.digest)));
    } else if (statement.view != block.content.block.header.view) {
        m_log.add(block.finding(FindingKind::certificate_kind,
                                "the certificate is of view " + std::to_string(statement.view)));
    }
    if (statement.kind == VoteKind::finalize) {
        m_uncovered = 0;
        return;
    }
    if (m_uncovered == 0) {
        m_first_uncovered = block.finding(
            FindingKind::not_final, "from this block on, no block of the ledger is finalized");
    }
    ++m_uncovered;
}

std::uint64_t ChainCheck::finish(bool live) {
    if (m_uncovered > 0 && !live) {
        m_log.add(m_first_uncovered);
    }
    return m_uncovered;
}

}  // namespace tally
