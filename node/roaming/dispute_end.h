#pragma once

#include "ledger/model/actions.h"
#include "ledger/state/state_view.h"

#include <optional>

namespace tally::node {

/// The authorization whose dispute this action ends when it succeeds.
[[nodiscard]] std::optional<AuthorizationRef> dispute_ended_by(const Action& action);

/// What an authorization that has ended made its home operator pay. Nothing when the node does not
/// keep it any more: a session that learns of its end so late is left as it is, for people to see.
[[nodiscard]] std::optional<Money> posted_in_all(const StateView& state,
                                                 const AuthorizationRef& authorization);

}  // namespace tally::node
