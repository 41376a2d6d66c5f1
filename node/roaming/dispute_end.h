#pragma once

#include "ledger/model/actions.h"
#include "ledger/state/state_view.h"

#include <optional>

namespace tally::node {

/// The authorization whose dispute this action ends when it succeeds.
[[nodiscard]] std::optional<AuthorizationRef> dispute_ended_by(const Action& action);

/// What an authorization that has ended made its home operator pay; 0 when the state does not know
/// of it.
[[nodiscard]] Money posted_in_all(const StateView& state, const AuthorizationRef& authorization);

}  // namespace tally::node
