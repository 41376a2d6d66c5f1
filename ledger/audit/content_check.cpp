#include "ledger/audit/content_check.h"

namespace tally {

void ContentCheck::check(const AuditBlock& block) {
    const bool complete = check_envelopes(block);
    if (!block.follows || !complete) {
        m_log_known = false;
    }
    if (m_log_known) {
        check_log(block);
    }
}

/// Whether all leaves of the block can be made.
bool ContentCheck::check_envelopes(const AuditBlock& block) {
    std::vector<Hash> hashes;
    std::uint64_t transactions = 0;
    bool decoded = true;
    for (const AuditEnvelope& envelope : block.envelopes) {
        hashes.push_back(envelope.hash);
        transactions += envelope.transaction_hashes.size();
        decoded = decoded && envelope.envelope.has_value();
        for (Finding finding : envelope.findings) {
            finding.segment = block.segment;
            finding.offset = block.offset;
            m_findings.add(std::move(finding));
        }
    }
    m_envelopes += hashes.size();
    m_transactions += transactions;
    if (body_root(hashes) != block.content.block.header.body_root) {
        m_findings.add(block.finding(FindingKind::body_root,
                                     "the envelopes are not those that the header commits to"));
    }
    const std::size_t results = block.content.results.size();
    if (decoded && results != transactions) {
        m_findings.add(block.finding(FindingKind::result_count,
                                     std::to_string(results) + " results for " +
                                         std::to_string(transactions) + " transactions"));
        return false;
    }
    return decoded;
}

void ContentCheck::check_log(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    const auto add = [this, &header](const Hash& hash, const PartyId& signer, ResultCode result) {
        const Leaf leaf{m_log.size(), header.height, hash, signer, result};
        m_log.append(leaf.leaf_hash());
    };
    const std::vector<Event>& events = block.content.events;
    for (std::size_t i = 0; i < events_before_transactions(events); ++i) {
        add(events[i].hash(), PartyId{}, ResultCode::ok);
    }
    std::size_t at = 0;
    for (const AuditEnvelope& envelope : block.envelopes) {
        for (const Hash& hash : envelope.transaction_hashes) {
            add(hash, envelope.envelope->signer, block.content.results[at]);
            ++at;
        }
    }
    if (const Event* seal = find_seal(events)) {
        add(seal->hash(), PartyId{}, ResultCode::ok);
    }
    if (m_log.size() != header.log_size) {
        m_findings.add(block.finding(FindingKind::log_size,
                                     "the header names " + std::to_string(header.log_size) +
                                         " leaves, there are " + std::to_string(m_log.size())));
        m_log_known = false;
    } else if (m_log.root() != header.log_root) {
        m_findings.add(block.finding(FindingKind::log_root,
                                     "the leaves of this block (envelopes, results or events) are "
                                     "not those that the header commits to"));
        m_log_known = false;
    } else {
        m_log_checked_to = header.height;
    }
}

}  // namespace tally
