#include "node/roaming/dispute_end.h"

#include "ledger/state/queries.h"

namespace tally::node {

std::optional<AuthorizationRef> dispute_ended_by(const Action& action) {
    if (const auto* accepted = std::get_if<AcceptDispute>(&action)) {
        return accepted->authorization;
    }
    const auto* arbitrated = std::get_if<Arbitrate>(&action);
    return arbitrated != nullptr ? std::optional{arbitrated->authorization} : std::nullopt;
}

std::optional<Money> posted_in_all(const StateView& state, const AuthorizationRef& authorization) {
    const std::optional<Authorization> found = find_authorization(state, authorization);
    return found && found->end ? std::optional{found->end->posted} : std::nullopt;
}

}  // namespace tally::node
