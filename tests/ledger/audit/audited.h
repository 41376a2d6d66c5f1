#pragma once

// The members of the fixture's genesis, and an audit of what a forger made, at level business.

#include "tests/ledger/audit/forged_ledger.h"
#include "tests/ledger/audit/forger.h"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tally::test {

inline const PartyId aaa{party("AAA")};
inline const PartyId bbb{party("BBB")};
inline const PartyId ccc{party("CCC")};
inline const PartyId hub{party("HUB")};
inline const Currency cny{currency("CNY")};

inline AuditReport audit(const std::vector<FinalizedBlock>& blocks, const AuditOptions& options,
                         Genesis genesis = make_genesis()) {
    ForgedLedger ledger{blocks, std::move(genesis)};
    ledger.write();
    AuditReport report = ledger.audit_as_is(options);
    for (const Finding& finding : report.findings) {
        UNSCOPED_INFO(to_text(finding.kind) << " at " << finding.height << ": " << finding.message);
    }
    return report;
}
inline AuditReport audit(const Forger& forger) {
    return audit(forger.blocks(), {AuditLevel::business}, forger.genesis());
}

/// Whether such a finding, with these words, was made.
inline bool finds(const AuditReport& report, FindingKind kind, const std::string& words) {
    for (const Finding& finding : report.findings) {
        if (finding.kind == kind && finding.message.find(words) != std::string::npos) {
            return true;
        }
    }
    return false;
}
inline bool finds(const Forger& forger, FindingKind kind, const std::string& words) {
    return finds(audit(forger), kind, words);
}

}  // namespace tally::test
