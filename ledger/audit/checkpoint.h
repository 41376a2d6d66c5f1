#pragma once

#include "ledger/audit/business_report.h"
#include "ledger/base/key_value_store.h"
#include "ledger/chain/id_window.h"
#include "ledger/model/block_header.h"

#include <optional>
#include <vector>

namespace tally {

/// Everything that an audit of level replay or business needs to go on behind a block: written by
/// one audit, for the auditor's own later ones. Its hash is in `tally audit`'s checkpoint file; who
/// can change both can make an audit believe anything that happened before.
struct AuditCheckpoint {
    BlockHeader header;              ///< of the last block that was audited
    std::vector<Hash> log_subtrees;  ///< right edge of the log
    std::vector<KeyValueStore::Entry> state;
    std::vector<IdWindow::BlockIds> ids;  ///< of the blocks in the window, oldest first
    std::uint64_t uncovered{0};           ///< blocks at the end without a finalization
    std::uint64_t transactions{0};        ///< since the genesis
    bool has_business{false};             ///< written at level business
    BusinessReport business;              ///< sums since the genesis, if so
    Bytes books;                          ///< and `BusinessCheck::save_books`
};

/// Encoding (fixed-width codec): magic "TALLYAUD", version u16 = 2, header 247, log subtrees: count
/// u8 and 32 each, state: count u32, key and value behind u32 lengths each, ids: count u32, each
/// time i64, transactions: count u32, ref 19 and hash 32 each, roots: count u32, 32 each; uncovered
/// u64, transactions u64, has_business u8, business and books behind a u32 length each. The state
/// has the tables of the state tree only: the derived ones are made anew, because no root covers
/// them.
[[nodiscard]] Bytes encode(const AuditCheckpoint& checkpoint);
/// Nothing when truncated, left-over or out of bounds, when state entries are not in order of key
/// and blocks of ids not in order of time. What the state says is looked at by `restore_state`.
[[nodiscard]] std::optional<AuditCheckpoint> decode_audit_checkpoint(ByteView bytes);

}  // namespace tally
