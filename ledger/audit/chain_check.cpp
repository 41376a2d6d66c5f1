#include "ledger/audit/chain_check.h"

#include "ledger/chain/finality.h"

namespace tally {

ChainCheck::ChainCheck(const BlockHeader& genesis_header, FindingLog& log)
    : m_previous{genesis_header}, m_previous_digest{genesis_header.digest()}, m_log{log} {}

void ChainCheck::restore(const BlockHeader& header, std::uint64_t uncovered) {
    m_previous = header;
    m_previous_digest = header.digest();
    m_uncovered = uncovered;
    m_first_uncovered = {FindingKind::not_final,
                         header.height,
                         std::nullopt,
                         {},
                         0,
                         "the last blocks are notarized only, no finalization follows"};
}

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
    check_epoch(block);
    check_seal(block);
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
    const bool view_fits = m_previous.seals_epoch ? header.view >= 1 && header.parent_view == 0
                                                  : header.view > m_previous.view &&
                                                        header.parent_view == m_previous.view;
    if (!view_fits) {
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

void ChainCheck::check_epoch(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    const std::uint64_t expected = m_previous.epoch + (m_previous.seals_epoch ? 1 : 0);
    if (block.follows && header.epoch != expected) {
        m_log.add(block.finding(FindingKind::epoch, "the epoch is " + std::to_string(header.epoch) +
                                                        ", not " + std::to_string(expected)));
    }
    if (block.validators) {
        if (header.proposer >= block.validators->keys.size()) {
            m_log.add(block.finding(FindingKind::validators, "the proposer is not a validator"));
        }
        return;
    }
    if (m_unknown_epoch != header.epoch) {
        m_unknown_epoch = header.epoch;
        m_log.add(block.finding(FindingKind::validator_set,
                                "from this block on nothing tells who votes in epoch " +
                                    std::to_string(header.epoch) +
                                    "; its certificates cannot be checked"));
    }
}

void ChainCheck::check_seal(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    const Event* seal = find_seal(block.content.events);
    if (header.seals_epoch != (seal != nullptr)) {
        m_log.add(block.finding(FindingKind::validator_set,
                                header.seals_epoch
                                    ? "the block seals its epoch without naming the next validators"
                                    : "the block names next validators without sealing its epoch"));
        return;
    }
    if (seal == nullptr) {
        if (block.validators && header.next_validators_hash != block.validators->hash) {
            m_log.add(block.finding(FindingKind::validators,
                                    "the next validators are not those of the epoch"));
        }
        return;
    }
    if (seal->epoch != header.epoch ||
        validators_hash(seal->validators) != header.next_validators_hash) {
        m_log.add(block.finding(FindingKind::validator_set,
                                "the next validators are not those that the header commits to"));
    }
    if (block.content.finalization.statement.kind != VoteKind::finalize) {
        m_log.add(block.finding(FindingKind::certificate_kind,
                                "a block that seals its epoch must have a finalization"));
    }
}

void ChainCheck::check_certificate(const AuditBlock& block) {
    const VoteStatement& statement = block.content.finalization.statement;
    if (statement.digest != block.digest) {
        m_log.add(block.finding(FindingKind::certificate_block,
                                "the certificate is for block " + to_hex(statement.digest)));
    } else if (!fits_view(statement, block.content.block.header)) {
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
