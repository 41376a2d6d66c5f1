#include "ledger/state/apply.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/proposals.h"
#include "ledger/state/queries.h"

#include <algorithm>

namespace tally {
namespace {

keys::Deadline deadline_of(const TransactionRef& ref, const ProposalRecord& record) {
    return {record.expires, ref, DeadlineKind::proposal};
}

bool is_rescue(const StateView& state, const ProposeChange& change) {
    return change.kind == ChangeKind::replace_keys && is_hub(state, change.member);
}

/// New keys for the hub have places of their own, one for each member: without the hub nothing else
/// passes, so whoever fills the other places must not be able to keep it out.
ResultCode check_room(const StateView& state, const PartyId& signer, const ProposeChange& change) {
    const bool rescue = is_rescue(state, change);
    std::size_t open{0};
    std::size_t own{0};
    for (const ProposalEntry& entry : list_proposals(state)) {
        if (is_rescue(state, entry.proposal.change) == rescue) {
            ++open;
            own += entry.ref.signer == signer ? 1U : 0U;
        }
    }
    const bool full =
        rescue ? own > 0 : open >= open_proposals_max || own >= open_proposals_of_member_max;
    return full ? ResultCode::too_many_proposals : ResultCode::ok;
}

/// Whether the set of the next epoch already waits for another key of this member than the one, if
/// any, that it votes with: once more, and readiness for the next set could start anew for ever.
bool waits_for_key(const StateView& state, const Member& member) {
    const std::vector<Validator> current = find_epoch(state).validators;
    const Validator wanted{member.party, member.consensus_key};
    return member.validator && std::find(current.begin(), current.end(), wanted) == current.end();
}

bool has_voted(const ProposalRecord& record, const PartyId& party) {
    const auto is_in = [&party](const std::vector<PartyId>& votes) {
        return std::find(votes.begin(), votes.end(), party) != votes.end();
    };
    return is_in(record.approvals) || is_in(record.rejections);
}

/// Whether the key's secret was in the hands of `party` when it was made part of this chain.
bool is_proven(const Context& context, const PartyId& party, KeyRole role, const ProvenKey& key) {
    return context.block.check_signature(
        key.key, key_possession_digest(context.block.chain_id, party, role, key.key),
        key.possession);
}

/// Makes a proposal that has passed, and forgets one that is decided. `ref` is on record with its
/// deadline, or neither is.
ResultCode settle(StateOverlay& state, const TransactionRef& ref, const ProposalRecord& record) {
    const Decision decision = count_votes(state, record);
    if (decision == Decision::open) {
        state.put(keys::proposal(ref), encode(record));
        state.put(keys::deadline(deadline_of(ref, record)), {});
        return ResultCode::ok;
    }
    if (decision == Decision::passed) {
        const ResultCode result = check_change(state, record.change);
        if (result != ResultCode::ok) {
            return result;  // It made sense when it was proposed and does no longer.
        }
        const ResultCode made = enact(state, ref, record.change);
        if (made != ResultCode::ok) {
            return made;
        }
    }
    if (find_proposal(state, ref)) {
        state.erase(keys::proposal(ref));
        state.erase(keys::deadline(deadline_of(ref, record)));
    }
    return ResultCode::ok;
}

}  // namespace

ResultCode apply(Context& context, const AdmitFollower& action) {
    StateOverlay& state = context.state();
    const Member& member = action.member;
    if (!is_hub(state, context.signer())) {
        return ResultCode::not_permitted;
    }
    if (find_member(state, member.party)) {
        return ResultCode::already_member;
    }
    EpochRecord epoch = find_epoch(state);
    if (epoch.admissions >= context.block.parameters.admissions_per_epoch ||
        list_members(state).size() >= members_max) {
        return ResultCode::admissions_full;
    }
    for (const PublicKey& key : {member.member_key, member.consensus_key, member.link_key}) {
        if (is_key_of_another(state, member.party, key)) {
            return ResultCode::key_in_use;
        }
    }
    for (std::size_t i = 0; i < key_roles.size(); ++i) {
        const ProvenKey proven{member.key(key_roles[i]), action.possessions[i]};
        if (!is_proven(context, member.party, key_roles[i], proven)) {
            return ResultCode::bad_possession;
        }
    }
    ++epoch.admissions;
    state.put(keys::epoch(), encode(epoch));
    state.put(keys::member(member.party), encode(MemberRecord{member, false}));
    return ResultCode::ok;
}

ResultCode apply(Context& context, const ProposeChange& action) {
    StateOverlay& state = context.state();
    if (find_proposal(state, context.transaction)) {
        return ResultCode::id_in_use;  // The id still names a proposal that is open.
    }
    if (const ResultCode result = check_change(state, action); result != ResultCode::ok) {
        return result;
    }
    if (const ResultCode result = check_room(state, context.signer(), action);
        result != ResultCode::ok) {
        return result;
    }
    for (const auto& [role, key] : new_keys(action)) {
        if (!is_proven(context, action.member, role, key)) {
            return ResultCode::bad_possession;
        }
    }
    ProposalRecord record;
    record.change = action;
    record.expires = deadline_after(context.now(), context.block.parameters.countersign_window);
    if (may_vote(state, context.signer())) {
        record.approvals.push_back(context.signer());
    }
    return settle(state, context.transaction, record);
}

ResultCode apply(Context& context, const VoteOnChange& action) {
    StateOverlay& state = context.state();
    std::optional<ProposalRecord> record = find_proposal(state, action.proposal);
    if (!record) {
        return ResultCode::unknown_proposal;
    }
    if (!may_vote(state, context.signer())) {
        return ResultCode::not_validator;
    }
    if (context.now() > record->expires) {
        return ResultCode::too_late;
    }
    if (has_voted(*record, context.signer())) {
        return ResultCode::already_voted;
    }
    (action.approve ? record->approvals : record->rejections).push_back(context.signer());
    return settle(state, action.proposal, *record);
}

ResultCode apply(Context& context, const RotateKey& action) {
    StateOverlay& state = context.state();
    std::optional<MemberRecord> record = find_member(state, context.signer());
    if (!record) {
        return ResultCode::unknown_member;
    }
    if (record->member.key(action.role) == action.new_key) {
        return ResultCode::nothing_to_change;
    }
    if (is_key_of_another(state, context.signer(), action.new_key)) {
        return ResultCode::key_in_use;
    }
    if (action.role == KeyRole::consensus && waits_for_key(state, record->member)) {
        return ResultCode::rotation_pending;
    }
    if (!is_proven(context, context.signer(), action.role, {action.new_key, action.possession})) {
        return ResultCode::bad_possession;
    }
    record->member.set_key(action.role, action.new_key);
    state.put(keys::member(context.signer()), encode(*record));
    return ResultCode::ok;
}

}  // namespace tally
