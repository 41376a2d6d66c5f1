#include "ledger/state/epochs.h"

#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

bool is_ready(const EpochRecord& record, const std::vector<Validator>& wanted) {
    return wanted != record.validators && record.ready_for == validators_hash(wanted) &&
           record.ready.size() >= quorum(wanted.size());
}

}  // namespace

EpochRecord find_epoch(const StateView& view) {
    const std::optional<Bytes> value = view.get(keys::epoch());
    ENSURE(value.has_value());
    std::optional<EpochRecord> record = decode_record<EpochRecord>(*value);
    ENSURE(record.has_value());
    return std::move(*record);
}

Parameters find_parameters(const StateView& view) {
    const std::optional<Bytes> value = view.get(keys::scheme());
    ENSURE(value.has_value());
    const std::optional<Parameters> parameters = decode_record<Parameters>(*value);
    ENSURE(parameters.has_value());
    return *parameters;
}

std::vector<Validator> wanted_validators(const StateView& view) {
    std::vector<Member> members;
    for (MemberRecord& record : list_members(view)) {
        members.push_back(std::move(record.member));
    }
    std::vector<Validator> wanted = validators_of(members);
    ENSURE(!wanted.empty());
    return wanted;
}

bool is_next_set_ready(const StateView& view) {
    const EpochRecord record = find_epoch(view);
    // Members are read only when somebody reported ready: this is asked for every block.
    return !record.ready.empty() && is_ready(record, wanted_validators(view));
}

bool seals_epoch(const StateView& parent, std::uint64_t height) {
    const EpochRecord record = find_epoch(parent);
    ENSURE(height >= record.first_height);
    const Parameters parameters = find_parameters(parent);
    const std::uint64_t blocks = height - record.first_height + 1;
    if (blocks >= parameters.epoch_blocks_max) {
        return true;
    }
    return blocks >= parameters.epoch_blocks_min && !record.ready.empty() &&
           is_ready(record, wanted_validators(parent));
}

std::vector<Validator> sealed_set(const StateView& parent) {
    EpochRecord record = find_epoch(parent);
    if (!record.ready.empty()) {
        std::vector<Validator> wanted = wanted_validators(parent);
        if (is_ready(record, wanted)) {
            return wanted;
        }
    }
    return std::move(record.validators);
}

Event seal_epoch(StateOverlay& state, std::uint64_t height, std::vector<Validator> next) {
    EpochRecord before = find_epoch(state);
    Event event;
    event.kind = EventKind::epoch_sealed;
    event.epoch = before.epoch;
    event.validators = next;
    EpochRecord after;
    after.epoch = before.epoch + 1;
    after.first_height = height + 1;
    if (before.ready_for != validators_hash(next)) {
        // What is still wanted is still prepared: short epochs must not make it begin anew.
        after.ready = std::move(before.ready);
        after.ready_for = before.ready_for;
    }
    after.validators = std::move(next);
    after.previous = std::move(before.validators);
    state.put(keys::epoch(), encode(after));
    return event;
}

bool is_validator(const std::vector<Validator>& validators, const PartyId& party) {
    return std::any_of(validators.begin(), validators.end(),
                       [&party](const Validator& validator) { return validator.party == party; });
}

}  // namespace tally
