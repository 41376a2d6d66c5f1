#include "ledger/audit/finding.h"

#include <array>
#include <utility>

namespace tally {
namespace {

constexpr std::array<std::pair<FindingKind, const char*>, 57> names{
    {{FindingKind::file_header, "file_header"},
     {FindingKind::record_header, "record_header"},
     {FindingKind::record_checksum, "record_checksum"},
     {FindingKind::torn_tail, "torn_tail"},
     {FindingKind::after_footer, "after_footer"},
     {FindingKind::missing_footer, "missing_footer"},
     {FindingKind::wrong_footer, "wrong_footer"},
     {FindingKind::missing_blocks, "missing_blocks"},
     {FindingKind::undecodable, "undecodable"},
     {FindingKind::chain_id, "chain_id"},
     {FindingKind::parent, "parent"},
     {FindingKind::height, "height"},
     {FindingKind::view, "view"},
     {FindingKind::time, "time"},
     {FindingKind::epoch, "epoch"},
     {FindingKind::validators, "validators"},
     {FindingKind::validator_set, "validator_set"},
     {FindingKind::certificate_kind, "certificate_kind"},
     {FindingKind::certificate_epoch, "certificate_epoch"},
     {FindingKind::certificate_block, "certificate_block"},
     {FindingKind::certificate_signers, "certificate_signers"},
     {FindingKind::certificate_signature, "certificate_signature"},
     {FindingKind::not_final, "not_final"},
     {FindingKind::body_root, "body_root"},
     {FindingKind::envelope, "envelope"},
     {FindingKind::transaction, "transaction"},
     {FindingKind::result_count, "result_count"},
     {FindingKind::log_size, "log_size"},
     {FindingKind::log_root, "log_root"},
     {FindingKind::signer, "signer"},
     {FindingKind::signature, "signature"},
     {FindingKind::feature, "feature"},
     {FindingKind::execution, "execution"},
     {FindingKind::seal, "seal"},
     {FindingKind::state_mismatch, "state_mismatch"},
     {FindingKind::result_differs, "result_differs"},
     {FindingKind::event_differs, "event_differs"},
     {FindingKind::accounting, "accounting"},
     {FindingKind::rating, "rating"},
     {FindingKind::unmatched, "unmatched"},
     {FindingKind::late, "late"},
     {FindingKind::duplicate, "duplicate"},
     {FindingKind::bridge_signature, "bridge_signature"},
     {FindingKind::meter_register, "meter_register"},
     {FindingKind::vote, "vote"},
     {FindingKind::proof, "proof"},
     {FindingKind::reconciliation, "reconciliation"},
     {FindingKind::withheld, "withheld"},
     {FindingKind::evidence, "evidence"},
     {FindingKind::bank, "bank"},
     {FindingKind::truncated, "truncated"},
     {FindingKind::checkpoint, "checkpoint"},
     {FindingKind::fork, "fork"},
     {FindingKind::cycle, "cycle"},
     {FindingKind::meter_signature, "meter_signature"},
     {FindingKind::meter_reading, "meter_reading"},
     {FindingKind::limit, "limit"}}};

}  // namespace

const char* to_text(FindingKind kind) {
    for (const auto& [known, name] : names) {
        if (known == kind) {
            return name;
        }
    }
    return "unknown";
}

void FindingLog::take(const FindingLog& other) {
    for (const Finding& finding : other.m_findings) {
        add(finding);
    }
    m_count += other.m_count - other.m_findings.size();
}

void FindingLog::add(Finding finding) {
    ++m_count;
    if (m_findings.size() < m_findings_max) {
        m_findings.push_back(std::move(finding));
    }
}

}  // namespace tally
