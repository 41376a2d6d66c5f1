#include "ledger/audit/sublog_check.h"

#include <bit>
#include <utility>

namespace tally {
namespace {

/// Leaves of the subtree at this place of a frontier: one for each set bit of the size, the
/// greatest first.
std::uint64_t subtree_leaves(std::uint64_t size, std::size_t place) {
    for (std::size_t i = 0; i < place; ++i) {
        size -= std::bit_floor(size);
    }
    return std::bit_floor(size);
}

}  // namespace

SublogCheck::SublogCheck(SublogRecord expected)
    : m_expected{std::move(expected)}, m_subtree_end{subtree_leaves(m_expected.log.size(), 0)} {}

void SublogCheck::add(const Hash& leaf_hash) {
    ++m_count;
    if (m_count > m_expected.log.size()) {
        return;
    }
    m_filling.append(leaf_hash);
    if (m_count == m_subtree_end) {
        compare();
    }
}

void SublogCheck::compare() {
    if (!m_problem && m_filling.root() != m_expected.log.subtrees()[m_subtree]) {
        m_problem = "of the entries " + std::to_string(m_subtree_end - m_filling.size()) + " to " +
                    std::to_string(m_subtree_end - 1) + " one is missing, added or changed";
    }
    ++m_subtree;
    m_subtree_end += subtree_leaves(m_expected.log.size(), m_subtree);
    m_filling = MerkleFrontier{};
}

std::optional<std::string> SublogCheck::problem() const {
    const std::uint64_t expected = m_expected.log.size();
    if (m_count == expected) {
        return m_problem;
    }
    const std::string counts =
        m_count < expected ? std::to_string(expected - m_count) + " of " +
                                 std::to_string(expected) + " entries are missing"
                           : std::to_string(m_count - expected) + " entries are more than the " +
                                 std::to_string(expected) + " that the state counts";
    return m_problem ? counts + "; " + *m_problem : counts;
}

}  // namespace tally
