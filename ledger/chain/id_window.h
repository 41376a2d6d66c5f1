#pragma once

#include "ledger/base/clock.h"
#include "ledger/model/ids.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tally {

/// The transaction ids and envelope roots of the finalized blocks of the last 120 s before a
/// block's time: what makes a repetition harmless. A function of those blocks alone, so it is
/// rebuilt from them at start and needs no place in the state.
///
/// Lookups name the time of the block that asks, because the window may hold blocks that are out
/// of its reach: how many depends on the last final block, and the answer must not.
class IdWindow {
public:
    /// What one block adds.
    struct BlockIds {
        UnixMillis time{0};
        /// Ids executed in this block (repetitions are not), to the transaction's hash.
        std::map<TransactionRef, Hash> transactions;
        /// `envelope_signing_digest` of every envelope: its root together with its signer.
        std::set<Hash> envelope_roots;
    };

    /// Adds the next finalized block and forgets those at or before its time - 120 s.
    void add(const BlockIds& ids);
    /// Hash of the transaction that was executed under this id in the 120 s before `block_time`.
    [[nodiscard]] std::optional<Hash> transaction(const TransactionRef& ref,
                                                  UnixMillis block_time) const;
    [[nodiscard]] bool has_envelope_root(const Hash& root, UnixMillis block_time) const;
    /// Blocks within the 120 s before the newest one's time, that one included.
    [[nodiscard]] std::size_t block_count() const noexcept { return m_blocks.size(); }
    /// Ids held now: for metrics.
    [[nodiscard]] std::size_t transaction_count() const noexcept { return m_transactions.size(); }

private:
    struct Seen {
        Hash hash;
        UnixMillis time{0};
    };
    struct BlockEntry {
        UnixMillis time{0};
        std::vector<TransactionRef> transactions;
        std::vector<Hash> envelope_roots;
    };
    void forget_oldest();

    std::map<TransactionRef, Seen> m_transactions;
    std::map<Hash, UnixMillis> m_envelope_roots;
    std::deque<BlockEntry> m_blocks;
};

/// Whether a block of `time` is within the 120 s before one of `block_time`.
[[nodiscard]] bool is_in_id_window(UnixMillis time, UnixMillis block_time) noexcept;

}  // namespace tally
