#pragma once

#include "ledger/crypto/merkle.h"
#include "ledger/state/sublog.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally {

/// Whether the entries that somebody holds of a member's sub-log are all there are: they are fed in
/// order and compared with the record in the state, which a state proof or a replay vouches for.
///
/// Memory: 64 hashes, whatever the length. Threads: one at a time.
class SublogCheck {
public:
    explicit SublogCheck(SublogRecord expected);

    /// The next entry: `leaf.leaf_hash()` of a leaf that touches the member, or the hash alone.
    void add(const Hash& leaf_hash);
    [[nodiscard]] std::uint64_t count() const noexcept { return m_count; }
    /// What is wrong, in words: how many entries are missing or too many, or between which numbers
    /// one is missing, added or changed. Nothing when the sub-log is complete.
    [[nodiscard]] std::optional<std::string> problem() const;

private:
    /// Compares the subtree of the state's tree that has just become full.
    void compare();

    SublogRecord m_expected;
    std::uint64_t m_count{0};
    std::size_t m_subtree{0};        ///< of the expected, that is being filled
    std::uint64_t m_subtree_end{0};  ///< number of the first entry behind it
    MerkleFrontier m_filling;        ///< of that subtree
    std::optional<std::string> m_problem;
};

}  // namespace tally
