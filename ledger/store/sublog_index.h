#pragma once

// Which leaves of the main log are in which member's sub-log: kept by every node beside the state,
// because the state has only count and right edge. A node that was made from a snapshot has the
// entries of the blocks that it executed itself.

#include "ledger/state/sublog.h"

#include <cstdint>
#include <vector>

namespace tally {

/// One entry of a member's sub-log.
struct SublogEntry {
    std::uint64_t number{0};      ///< in the sub-log, from 0 on
    std::uint64_t leaf_index{0};  ///< in the main log
    std::uint64_t height{0};      ///< of the block that made it
    Hash leaf_hash;               ///< what the sub-log's tree is over
    friend bool operator==(const SublogEntry&, const SublogEntry&) = default;
};

/// Some entries of a member's sub-log, without gaps.
struct SublogPage {
    SublogRecord record;              ///< in the state after the last final block
    std::uint64_t available_from{0};  ///< entries before this number are not held here
    std::vector<SublogEntry> entries;
};

/// Adds to `batch` where the entries are that the block of this height made.
void index_sublogs(const SublogAdditions& additions, std::uint64_t height, WriteBatch& batch);

/// Number of the first entry that the index holds; `count` when it holds none.
[[nodiscard]] std::uint64_t first_sublog_number(const StateView& view, const PartyId& party,
                                                std::uint64_t count);
/// Entries from number `from` on, at most `count_max`, without their hashes. Fewer, or none, when
/// there are no more or the index begins later.
[[nodiscard]] std::vector<SublogEntry> read_sublog(const StateView& view, const PartyId& party,
                                                   std::uint64_t from, std::size_t count_max);

}  // namespace tally
