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
/// That set, with the features that are asked for and not active yet.
[[nodiscard]] NextEpoch wanted_epoch(const StateView& view);
/// Whether something is wanted that differs from the current epoch.
[[nodiscard]] bool is_change(const EpochRecord& current, const NextEpoch& wanted);
/// Whether it does, and a quorum of the wanted set has reported ready.
[[nodiscard]] bool is_next_epoch_ready(const StateView& view);
/// The first active feature that is not among the `known` ones, which are rising.
[[nodiscard]] std::optional<std::uint32_t> find_unknown_feature(const FeatureList& active,
                                                                const FeatureList& known);

/// Whether the block at `height`, on the state `parent`, seals its epoch: with it the epoch has
/// lasted `epoch_blocks_min` blocks and the next epoch is ready, or `epoch_blocks_max` blocks.
[[nodiscard]] bool seals_epoch(const StateView& parent, std::uint64_t height);
/// What such a block hands over to: the wanted epoch when it is ready, else the current set and no
/// new feature.
[[nodiscard]] NextEpoch sealed_epoch(const StateView& parent);

/// Ends the epoch, last of all in the block at `height`. `next` is `sealed_epoch` of the state
/// before it; of its features those become active that are still wanted after the block.
[[nodiscard]] Event seal_epoch(StateOverlay& state, std::uint64_t height, NextEpoch next);

[[nodiscard]] bool is_validator(const std::vector<Validator>& validators, const PartyId& party);

}  // namespace tally
