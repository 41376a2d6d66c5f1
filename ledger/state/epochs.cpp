#include "ledger/state/epochs.h"

#include "ledger/base/check.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tally {
namespace {

bool is_ready(const EpochRecord& record, const NextEpoch& wanted) {
    return is_change(record, wanted) && record.ready_for == wanted.hash() &&
           record.ready.size() >= quorum(wanted.validators.size());
}

FeatureList united(const FeatureList& one, const FeatureList& other) {
    FeatureList all;
    std::set_union(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(all));
    return all;
}

FeatureList common(const FeatureList& one, const FeatureList& other) {
    FeatureList both;
    std::set_intersection(one.begin(), one.end(), other.begin(), other.end(),
                          std::back_inserter(both));
    return both;
}

FeatureList without(const FeatureList& all, const FeatureList& taken) {
    FeatureList left;
    std::set_difference(all.begin(), all.end(), taken.begin(), taken.end(),
                        std::back_inserter(left));
    return left;
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

NextEpoch wanted_epoch(const StateView& view) {
    return {wanted_validators(view), find_epoch(view).wanted_features};
}

bool is_change(const EpochRecord& current, const NextEpoch& wanted) {
    return wanted.validators != current.validators || !wanted.features.empty();
}

bool is_next_epoch_ready(const StateView& view) {
    const EpochRecord record = find_epoch(view);
    // Members are read only when somebody reported ready: this is asked for every block.
    return !record.ready.empty() && is_ready(record, wanted_epoch(view));
}

std::optional<std::uint32_t> find_unknown_feature(const FeatureList& active,
                                                  const FeatureList& known) {
    const FeatureList unknown = without(active, known);
    return unknown.empty() ? std::nullopt : std::optional{unknown.front()};
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
           is_ready(record, wanted_epoch(parent));
}

NextEpoch sealed_epoch(const StateView& parent) {
    EpochRecord record = find_epoch(parent);
    if (!record.ready.empty()) {
        NextEpoch wanted = wanted_epoch(parent);
        if (is_ready(record, wanted)) {
            return wanted;
        }
    }
    return {std::move(record.validators), {}};
}

Event seal_epoch(StateOverlay& state, std::uint64_t height, NextEpoch next) {
    EpochRecord before = find_epoch(state);
    // `next` is of the state before the block, which may itself have withdrawn a feature.
    next.features = common(next.features, before.wanted_features);
    Event event;
    event.kind = EventKind::epoch_sealed;
    event.epoch = before.epoch;
    event.validators = next.validators;
    event.features = next.features;
    EpochRecord after;
    after.epoch = before.epoch + 1;
    after.first_height = height + 1;
    if (before.ready_for != next.hash()) {
        // What is still wanted is still prepared: short epochs must not make it begin anew.
        after.ready = std::move(before.ready);
        after.ready_for = before.ready_for;
    }
    after.features = united(before.features, next.features);
    after.wanted_features = without(before.wanted_features, next.features);
    ENSURE(after.features.size() + after.wanted_features.size() <= features_max);
    after.validators = std::move(next.validators);
    after.previous = std::move(before.validators);
    state.put(keys::epoch(), encode(after));
    return event;
}

bool is_validator(const std::vector<Validator>& validators, const PartyId& party) {
    return std::any_of(validators.begin(), validators.end(),
                       [&party](const Validator& validator) { return validator.party == party; });
}

}  // namespace tally
