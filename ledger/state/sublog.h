#pragma once

// One log for each member: of the leaves of the main log that touch it. Count and right edge are in
// the state, so that nobody can leave an entry out unseen.

#include "ledger/crypto/merkle.h"
#include "ledger/state/records.h"
#include "ledger/state/state_overlay.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace tally {

/// A member's log: the RFC 9162 tree over the leaf hashes of the main log's leaves that touch it,
/// in their order. A member without a record has no entry yet.
struct SublogRecord {
    MerkleFrontier log;
    friend bool operator==(const SublogRecord&, const SublogRecord&) = default;
};

[[nodiscard]] Bytes encode(const SublogRecord& record);
template <>
std::optional<SublogRecord> decode_record(ByteView bytes);

/// What a block adds to a member's log.
struct SublogEntries {
    std::uint64_t first{0};             ///< number of the first of them in the member's log
    std::vector<std::uint64_t> leaves;  ///< their indexes in the main log, rising
    friend bool operator==(const SublogEntries&, const SublogEntries&) = default;
};

/// By member.
using SublogAdditions = std::map<PartyId, SublogEntries>;

/// Adds the leaves of one block to the logs of those that they touch. Used once; `state` must
/// outlive it.
class SublogAppender {
public:
    explicit SublogAppender(StateOverlay& state) : m_state{state} {}

    /// Adds a leaf to the log of `party`. Nothing happens when `party` is no member.
    void append(const PartyId& party, std::uint64_t leaf_index, const Hash& leaf_hash);
    /// Writes the records of all that were touched, and tells what was added.
    [[nodiscard]] SublogAdditions finish() &&;

private:
    StateOverlay& m_state;
    std::map<PartyId, SublogRecord> m_records;
    SublogAdditions m_added;
};

}  // namespace tally
