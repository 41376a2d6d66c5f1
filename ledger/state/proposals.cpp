#include "ledger/state/proposals.h"

#include "ledger/base/check.h"
#include "ledger/state/cycles.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tally {
namespace {

std::size_t count_voters(const std::vector<Validator>& validators,
                         const std::vector<PartyId>& votes) {
    return static_cast<std::size_t>(std::count_if(
        votes.begin(), votes.end(),
        [&validators](const PartyId& party) { return is_validator(validators, party); }));
}

bool has_hub(const StateView& state, const std::vector<PartyId>& votes) {
    return std::any_of(votes.begin(), votes.end(),
                       [&state](const PartyId& party) { return is_hub(state, party); });
}

ResultCode check_role(const StateView& state, const Member& member, bool promote) {
    if (member.validator == promote) {
        return ResultCode::nothing_to_change;
    }
    const std::size_t wanted = wanted_validators(state).size();
    if (promote && wanted >= validators_max) {
        return ResultCode::too_many_validators;
    }
    return !promote && wanted == 1 ? ResultCode::last_validator : ResultCode::ok;
}

ResultCode check_keys(const StateView& state, const Member& member, const ProposeChange& change) {
    bool differs{false};
    for (const auto& [role, proven] : new_keys(change)) {
        if (is_key_of_another(state, member.party, proven.key)) {
            return ResultCode::key_in_use;
        }
        differs = differs || member.key(role) != proven.key;
    }
    return differs ? ResultCode::ok : ResultCode::nothing_to_change;
}

bool is_in(const FeatureList& features, std::uint32_t feature) {
    return std::binary_search(features.begin(), features.end(), feature);
}

ResultCode check_feature(const EpochRecord& epoch, const ProposeChange& change) {
    const bool is_wanted = is_in(epoch.wanted_features, change.feature);
    if (change.kind == ChangeKind::withdraw_feature) {
        return is_wanted ? ResultCode::ok : ResultCode::nothing_to_change;
    }
    if (is_wanted || is_in(epoch.features, change.feature)) {
        return ResultCode::nothing_to_change;
    }
    return epoch.features.size() + epoch.wanted_features.size() < features_max
               ? ResultCode::ok
               : ResultCode::too_many_features;
}

void want_feature(StateOverlay& state, std::uint32_t feature) {
    EpochRecord epoch = find_epoch(state);
    FeatureList& wanted = epoch.wanted_features;
    wanted.insert(std::lower_bound(wanted.begin(), wanted.end(), feature), feature);
    state.put(keys::epoch(), encode(epoch));
}

void withdraw_feature(StateOverlay& state, std::uint32_t feature) {
    EpochRecord epoch = find_epoch(state);
    std::erase(epoch.wanted_features, feature);
    state.put(keys::epoch(), encode(epoch));
}

void enact_on_member(const ProposeChange& change, MemberRecord& record) {
    switch (change.kind) {
        case ChangeKind::promote:
            record.member.validator = true;
            break;
        case ChangeKind::demote:
            record.member.validator = false;
            break;
        case ChangeKind::suspend:
            record.suspended = true;
            break;
        case ChangeKind::reinstate:
            record.suspended = false;
            break;
        case ChangeKind::replace_keys:
            for (const auto& [role, proven] : new_keys(change)) {
                record.member.set_key(role, proven.key);
            }
            break;
        case ChangeKind::set_parameters:
        case ChangeKind::activate_feature:
        case ChangeKind::withdraw_feature:
        case ChangeKind::confirm_leg:
            break;
    }
}

ResultCode check_on_member(const StateView& state, const MemberRecord& record,
                           const ProposeChange& change) {
    switch (change.kind) {
        case ChangeKind::promote:
            return check_role(state, record.member, true);
        case ChangeKind::demote:
            return check_role(state, record.member, false);
        case ChangeKind::suspend:
            return record.suspended ? ResultCode::nothing_to_change : ResultCode::ok;
        case ChangeKind::reinstate:
            return record.suspended ? ResultCode::ok : ResultCode::nothing_to_change;
        case ChangeKind::replace_keys:
            return check_keys(state, record.member, change);
        case ChangeKind::set_parameters:
        case ChangeKind::activate_feature:
        case ChangeKind::withdraw_feature:
        case ChangeKind::confirm_leg:
            break;
    }
    return ResultCode::ok;
}

ResultCode check_leg(const StateView& state, const LegKey& key) {
    const std::optional<LegRecord> leg = find_leg(state, key);
    if (!leg) {
        return ResultCode::unknown_leg;
    }
    return leg->status == LegStatus::confirmed ? ResultCode::leg_confirmed : ResultCode::ok;
}

/// Whether the hub's voice is not asked for, because it is the one that may be lost or unwilling:
/// its own new keys, and a payment that it was to confirm itself.
bool is_about_hub(const StateView& state, const ProposeChange& change) {
    return change.leg ? is_hub(state, change.leg->creditor)
                      : change.kind == ChangeKind::replace_keys && is_hub(state, change.member);
}

}  // namespace

std::vector<std::pair<KeyRole, ProvenKey>> new_keys(const ProposeChange& change) {
    std::vector<std::pair<KeyRole, ProvenKey>> keys;
    const std::array<std::pair<KeyRole, const std::optional<ProvenKey>*>, 3> named{
        {{KeyRole::member, &change.member_key},
         {KeyRole::consensus, &change.consensus_key},
         {KeyRole::link, &change.link_key}}};
    for (const auto& [role, key] : named) {
        if (*key) {
            keys.emplace_back(role, **key);
        }
    }
    return keys;
}

bool is_hub(const StateView& state, const PartyId& party) {
    const std::optional<MemberRecord> member = find_member(state, party);
    return member && member->member.role == MemberRole::hub;
}

bool may_vote(const StateView& state, const PartyId& party) {
    return is_validator(find_epoch(state).validators, party) || is_hub(state, party);
}

bool is_key_of_another(const StateView& state, const PartyId& party, const PublicKey& key) {
    for (const MemberRecord& record : list_members(state)) {
        const Member& member = record.member;
        const bool has_it =
            member.member_key == key || member.consensus_key == key || member.link_key == key;
        if (has_it && member.party != party) {
            return true;
        }
    }
    const EpochRecord epoch = find_epoch(state);
    return std::any_of(epoch.validators.begin(), epoch.validators.end(),
                       [&](const Validator& validator) {
                           return validator.consensus_key == key && validator.party != party;
                       });
}

Decision count_votes(const StateView& state, const ProposalRecord& proposal) {
    const std::vector<Validator> validators = find_epoch(state).validators;
    const std::size_t all = validators.size();
    const bool without_hub = is_about_hub(state, proposal.change);
    const bool hub_agrees = without_hub || has_hub(state, proposal.approvals);
    if (hub_agrees && count_voters(validators, proposal.approvals) * 3 > all * 2) {
        return Decision::passed;
    }
    const bool hub_refuses = !without_hub && has_hub(state, proposal.rejections);
    const std::size_t left = all - count_voters(validators, proposal.rejections);
    return hub_refuses || left * 3 <= all * 2 ? Decision::rejected : Decision::open;
}

ResultCode check_change(const StateView& state, const ProposeChange& change) {
    if (change.kind == ChangeKind::set_parameters) {
        return find_parameters(state) == *change.parameters ? ResultCode::nothing_to_change
                                                            : ResultCode::ok;
    }
    if (change.leg) {
        return check_leg(state, *change.leg);
    }
    if (change.feature != 0) {
        return check_feature(find_epoch(state), change);
    }
    const std::optional<MemberRecord> record = find_member(state, change.member);
    return record ? check_on_member(state, *record, change) : ResultCode::unknown_member;
}

ResultCode enact(StateOverlay& state, const TransactionRef& ref, const ProposeChange& change) {
    if (change.leg) {
        return confirm_leg(state, *change.leg, "vote on " + to_text(ref));
    }
    if (change.kind == ChangeKind::set_parameters) {
        state.put(keys::scheme(), encode(*change.parameters));
        return ResultCode::ok;
    }
    if (change.kind == ChangeKind::activate_feature) {
        want_feature(state, change.feature);
        return ResultCode::ok;
    }
    if (change.kind == ChangeKind::withdraw_feature) {
        withdraw_feature(state, change.feature);
        return ResultCode::ok;
    }
    std::optional<MemberRecord> record = find_member(state, change.member);
    ENSURE(record.has_value());
    enact_on_member(change, *record);
    state.put(keys::member(change.member), encode(*record));
    return ResultCode::ok;
}

}  // namespace tally
