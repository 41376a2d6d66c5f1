#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/model/ids.h"
#include "ledger/state/cycles.h"
#include "ledger/state/state_view.h"

#include <cstddef>

namespace tally {

/// Entries of the history of cycles that are looked at with one block. More than a block can add,
/// so that what is left behind never grows.
inline constexpr std::size_t cycle_history_looked_at_per_block{2 * cycle_currencies_per_block_max};

/// Takes old entries out of the derived table of closed cycles. Entries are in the order in which
/// they were made, so a pass begins with the oldest and ends at the first that is young enough; the
/// next pass comes when that one is due. An entry stays as long as a leg of its cycle and currency
/// is not confirmed, and then until the next pass. Nothing that is executed reads that table.
class CycleHistoryPruner {
public:
    /// `store` must outlive it. Keeps all.
    explicit CycleHistoryPruner(const KeyValueStore& store);
    /// How long an entry stays after its cycle was closed, in ms of block time; 0: for ever.
    void set_keep(UnixMillis keep) noexcept { m_keep = keep; }

    /// Adds to `batch`, which holds a block's changes, the deletions that this block brings.
    /// False when the store cannot be read.
    [[nodiscard]] bool prune(const StateChanges& changes, UnixMillis now, WriteBatch& batch);

private:
    const KeyValueStore& m_store;
    UnixMillis m_keep{0};
    UnixMillis m_due{0};  ///< up to this block time nothing has to leave
    Bytes m_next;         ///< where the pass goes on
};

}  // namespace tally
