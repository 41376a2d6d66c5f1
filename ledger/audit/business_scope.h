#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/audit/business_report.h"
#include "ledger/model/parameters.h"

#include <functional>
#include <string>
#include <utility>

namespace tally {

/// The block that is looked at by the books of the business level, and where they write what they
/// find. All references must outlive it.
struct BusinessScope {
    const AuditBlock& block;
    const Parameters& parameters;  ///< in force before the block
    PartyId hub;
    BusinessReport& report;
    FindingLog& log;
    UnixMillis parent_time{0};  ///< of the block before

    [[nodiscard]] UnixMillis now() const noexcept { return block.time(); }
    [[nodiscard]] std::uint64_t height() const noexcept { return block.height(); }

    /// `number` is that of the transaction or event in the block.
    void find(FindingKind kind, std::size_t number, std::string message) const {
        Finding finding = block.finding(kind, std::move(message));
        finding.index = number;
        log.add(std::move(finding));
    }
    /// The same for a book that does not know the block; the scope must outlive it.
    [[nodiscard]] std::function<void(FindingKind, std::string)> finder(std::size_t number) const {
        return [this, number](FindingKind kind, std::string message) {
            find(kind, number, std::move(message));
        };
    }
};

}  // namespace tally
