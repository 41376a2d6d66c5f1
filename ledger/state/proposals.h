#pragma once

// Changes that members vote on: whether they make sense, whether they passed, and what they do.

#include "ledger/model/result_code.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/state_overlay.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace tally {

enum class Decision : std::uint8_t { open, passed, rejected };

/// The votes so far, by the validators of the current epoch. Passed: approved by more than 2/3 of
/// them and by the hub; without asking it the hub's own keys are replaced and payments to it
/// confirmed. Rejected: that cannot be reached any more.
[[nodiscard]] Decision count_votes(const StateView& state, const ProposalRecord& proposal);

/// Whether the change can be made to this state: unknown_member, nothing_to_change, key_in_use,
/// too_many_validators, last_validator, too_many_features, unknown_leg, leg_confirmed or ok. Proofs
/// of possession are not looked at.
[[nodiscard]] ResultCode check_change(const StateView& state, const ProposeChange& change);
/// The roles that a change of keys names, with the new keys.
[[nodiscard]] std::vector<std::pair<KeyRole, ProvenKey>> new_keys(const ProposeChange& change);
/// Makes a change that `check_change` finds ok; `ref` is the proposal. Not `ok` when it cannot be
/// made after all, see `confirm_leg`.
[[nodiscard]] ResultCode enact(StateOverlay& state, const TransactionRef& ref,
                               const ProposeChange& change);

/// Whether a key is any of another member's, wanted or voting now.
[[nodiscard]] bool is_key_of_another(const StateView& state, const PartyId& party,
                                     const PublicKey& key);
/// Whether the member's votes on changes count.
[[nodiscard]] bool may_vote(const StateView& state, const PartyId& party);
[[nodiscard]] bool is_hub(const StateView& state, const PartyId& party);

}  // namespace tally
