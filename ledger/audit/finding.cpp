#include "ledger/audit/finding.h"

#include <utility>

namespace tally {

const char* to_text(FindingKind kind) {
    switch (kind) {
        case FindingKind::file_header:
            return "file_header";
        case FindingKind::record_header:
            return "record_header";
        case FindingKind::record_checksum:
            return "record_checksum";
        case FindingKind::torn_tail:
            return "torn_tail";
        case FindingKind::after_footer:
            return "after_footer";
        case FindingKind::missing_footer:
            return "missing_footer";
        case FindingKind::wrong_footer:
            return "wrong_footer";
        case FindingKind::missing_blocks:
            return "missing_blocks";
        case FindingKind::undecodable:
            return "undecodable";
        case FindingKind::chain_id:
            return "chain_id";
        case FindingKind::parent:
            return "parent";
        case FindingKind::height:
            return "height";
        case FindingKind::view:
            return "view";
        case FindingKind::time:
            return "time";
        case FindingKind::validators:
            return "validators";
        case FindingKind::certificate_kind:
            return "certificate_kind";
        case FindingKind::certificate_block:
            return "certificate_block";
        case FindingKind::certificate_signers:
            return "certificate_signers";
        case FindingKind::certificate_signature:
            return "certificate_signature";
        case FindingKind::not_final:
            return "not_final";
        case FindingKind::body_root:
            return "body_root";
        case FindingKind::envelope:
            return "envelope";
        case FindingKind::transaction:
            return "transaction";
        case FindingKind::result_count:
            return "result_count";
        case FindingKind::log_size:
            return "log_size";
        case FindingKind::log_root:
            return "log_root";
        case FindingKind::signer:
            return "signer";
        case FindingKind::signature:
            return "signature";
        case FindingKind::execution:
            return "execution";
        case FindingKind::state_mismatch:
            return "state_mismatch";
        case FindingKind::result_differs:
            return "result_differs";
        case FindingKind::event_differs:
            return "event_differs";
        case FindingKind::accounting:
            return "accounting";
    }
    return "unknown";
}

void FindingLog::add(Finding finding) {
    ++m_count;
    if (m_findings.size() < m_findings_max) {
        m_findings.push_back(std::move(finding));
    }
}

}  // namespace tally
