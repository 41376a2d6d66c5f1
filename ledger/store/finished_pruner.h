#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/model/ids.h"
#include "ledger/state/state_view.h"

#include <cstddef>

namespace tally {

/// Entries of finished authorizations that are looked at for each one that a block adds, and at
/// least for each block. More than one: so the walk gets around while it grows.
inline constexpr std::size_t finished_looked_at_per_new{4};
inline constexpr std::size_t finished_looked_at_per_block{8};

/// Takes old entries out of the derived table of finished authorizations, a few with every block:
/// it walks around the table and keeps no index of times. An entry stays at most a third longer
/// than it has to while as many finish as before. Nothing that is executed reads that table.
class FinishedPruner {
public:
    /// `store` must outlive it. Keeps all.
    explicit FinishedPruner(const KeyValueStore& store);
    /// How long an entry stays after its authorization has ended, in ms of block time; 0: for ever.
    void set_keep(UnixMillis keep) noexcept { m_keep = keep; }

    /// Adds to `batch`, which holds a block's changes, the deletions that this block brings.
    /// False when the store cannot be read.
    [[nodiscard]] bool prune(const StateChanges& changes, UnixMillis now, WriteBatch& batch);

private:
    const KeyValueStore& m_store;
    UnixMillis m_keep{0};
    Bytes m_next;  ///< where the walk goes on
};

}  // namespace tally
