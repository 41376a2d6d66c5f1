#pragma once

// Which of the signed records of a charge it is billed by. Bridge and audit ask the same function.

#include "charger_bridge/ocmf/billing.h"

#include <vector>

namespace tally::bridge {

inline constexpr std::int64_t mwh_of_wh{1000};

/// The record with begin and end, or the begin record and the end record. Points into the records
/// that were asked about.
struct BilledRecords {
    const OcmfRecord* first{nullptr};
    const OcmfRecord* second{nullptr};
    Billing billing;

    /// Both a begin and an end were found; whether they may be billed is in `billing.reasons`.
    [[nodiscard]] bool is_whole() const { return billing.begin && billing.end; }
};

/// A record with begin and end counts, the one with the latest end if there are several; else the
/// earliest begin record with the latest end record. The order in which a station sent them does
/// not matter, and what is not chosen can be left out: the choice among the rest is the same.
/// Signatures are not looked at.
[[nodiscard]] BilledRecords choose_billed(const std::vector<OcmfRecord>& records);

/// The same records by their places in the list: at most 3 that a later choice can need.
[[nodiscard]] std::vector<std::size_t> needed_for_choice(const std::vector<OcmfRecord>& records);

}  // namespace tally::bridge
