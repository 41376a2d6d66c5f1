#pragma once

// State records of membership: the epoch, open proposals, evidence and the parameters in force.

#include "ledger/model/actions.h"
#include "ledger/state/records.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t open_proposals_max{64};
inline constexpr std::size_t open_proposals_of_member_max{8};
/// With those that replace keys of the hub, of which each member may have one open besides.
inline constexpr std::size_t open_proposals_in_all_max{open_proposals_max + members_max};

/// The epoch of the next block: who votes in it, and how far the next set is. There is one.
struct EpochRecord {
    std::uint64_t epoch{0};
    std::uint64_t first_height{1};
    std::vector<Validator> validators;  ///< 1 to `validators_max`, by key
    std::vector<Validator> previous;    ///< of the epoch before, for evidence; empty in epoch 0
    std::uint32_t admissions{0};        ///< members admitted in this epoch
    std::vector<PartyId> ready;         ///< validators of the next set that reported ready, sorted
    Hash ready_for;                     ///< NextEpoch that `ready` is about; zero: none
    FeatureList features;               ///< active in this epoch
    FeatureList wanted_features;        ///< asked for and not active yet
    friend bool operator==(const EpochRecord&, const EpochRecord&) = default;
};

/// A change that waits for votes. The key is its transaction.
struct ProposalRecord {
    ProposeChange change;
    UnixMillis expires{0};            ///< last block time at which it can be voted on
    std::vector<PartyId> approvals;   ///< in the order they came
    std::vector<PartyId> rejections;  ///< in the order they came
    friend bool operator==(const ProposalRecord&, const ProposalRecord&) = default;
};

/// Two contradicting votes of one validator. The key is epoch and offender.
struct EvidenceRecord {
    SubmitEvidence evidence;
    PartyId reporter;
    UnixMillis reported_at{0};
    friend bool operator==(const EvidenceRecord&, const EvidenceRecord&) = default;
};

[[nodiscard]] Bytes encode(const EpochRecord& record);
[[nodiscard]] Bytes encode(const ProposalRecord& record);
[[nodiscard]] Bytes encode(const EvidenceRecord& record);
[[nodiscard]] Bytes encode(const Parameters& record);

template <>
std::optional<EpochRecord> decode_record(ByteView bytes);
template <>
std::optional<ProposalRecord> decode_record(ByteView bytes);
template <>
std::optional<EvidenceRecord> decode_record(ByteView bytes);
template <>
std::optional<Parameters> decode_record(ByteView bytes);

}  // namespace tally
