#pragma once

// Which validators vote in which epoch, as functions of the state. docs/protocol/ledger.md, Epochs.

#include "ledger/state/epoch_records.h"
#include "ledger/state/event.h"
#include "ledger/state/state_overlay.h"

#include <optional>
#include <vector>

namespace tally {

/// The epoch of the block after the state's. Every state from height 0 on has it (else ENSURE).
[[nodiscard]] EpochRecord find_epoch(const StateView& view);
/// The parameters in force for the block after the state's. Every state has them (else ENSURE).
[[nodiscard]] Parameters find_parameters(const StateView& view);

/// The set that the members' records ask for, ordered by key. Never empty.
[[nodiscard]] std::vector<Validator> wanted_validators(const StateView& view);
/// Whether that set differs from the current one and a quorum of it has reported ready.
[[nodiscard]] bool is_next_set_ready(const StateView& view);

/// Whether the block at `height`, on the state `parent`, seals its epoch: with it the epoch has
/// lasted `epoch_blocks_min` blocks and the next set is ready, or `epoch_blocks_max` blocks.
[[nodiscard]] bool seals_epoch(const StateView& parent, std::uint64_t height);
/// The set that such a block hands over to: the wanted one when it is ready, else the current one.
[[nodiscard]] std::vector<Validator> sealed_set(const StateView& parent);

/// Ends the epoch with the block at `height`: the last thing that happens in it. `next` is the
/// `sealed_set` of the state before the block.
[[nodiscard]] Event seal_epoch(StateOverlay& state, std::uint64_t height,
                               std::vector<Validator> next);

[[nodiscard]] bool is_validator(const std::vector<Validator>& validators, const PartyId& party);

}  // namespace tally
