#include "node/api/membership_json.h"

#include "ledger/state/epochs.h"
#include "node/api/ledger_json.h"
#include "node/config/genesis_json.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

json::array party_list(const std::vector<PartyId>& parties) {
    json::array list;
    for (const PartyId& party : parties) {
        list.emplace_back(to_text(party));
    }
    return list;
}

json::array validator_list(const std::vector<Validator>& validators) {
    json::array list;
    for (const Validator& validator : validators) {
        list.emplace_back(json::object{{"party", to_text(validator.party)},
                                       {"consensus_key", to_hex(validator.consensus_key)}});
    }
    return list;
}

const Validator* find_in(const std::vector<Validator>& validators, const PartyId& party) {
    const auto found =
        std::find_if(validators.begin(), validators.end(),
                     [&party](const Validator& validator) { return validator.party == party; });
    return found == validators.end() ? nullptr : &*found;
}

json::array feature_list(const FeatureList& features) {
    json::array list;
    for (const std::uint32_t feature : features) {
        list.emplace_back(feature);
    }
    return list;
}

json::object proposal_json(const ProposalEntry& entry, std::size_t validators) {
    json::object item = to_json(Action{entry.proposal.change});
    item["id"] = to_text(entry.ref);
    item["proposer"] = to_text(entry.ref.signer);
    item["approvals"] = party_list(entry.proposal.approvals);
    item["rejections"] = party_list(entry.proposal.rejections);
    item["validators"] = validators;
    item["expires_ms"] = entry.proposal.expires;
    return item;
}

}  // namespace

json::object members_json(const StateView& state) {
    const EpochRecord epoch = find_epoch(state);
    json::array items;
    for (const MemberRecord& record : list_members(state)) {
        json::object item = to_json(record.member);
        const Validator* now = find_in(epoch.validators, record.member.party);
        item["suspended"] = record.suspended;
        item["validator_now"] = now != nullptr;
        item["consensus_key_now"] =
            now != nullptr ? json::value(to_hex(now->consensus_key)) : json::value(nullptr);
        items.emplace_back(std::move(item));
    }
    return {{"items", std::move(items)}};
}

json::object epoch_json(const StateView& state, std::uint64_t height) {
    const EpochRecord epoch = find_epoch(state);
    const Parameters parameters = find_parameters(state);
    const NextEpoch wanted = wanted_epoch(state);
    const bool changes = is_change(epoch, wanted);
    const bool current = changes && epoch.ready_for == wanted.hash();
    const std::uint64_t done = height + 1 - epoch.first_height;
    const std::uint64_t left =
        parameters.epoch_blocks_max > done ? parameters.epoch_blocks_max - done : 0;
    return {{"epoch", epoch.epoch},
            {"first_height", epoch.first_height},
            {"height", height},
            {"blocks_max", parameters.epoch_blocks_max},
            {"blocks_left", left},
            {"validators", validator_list(epoch.validators)},
            {"wanted", validator_list(wanted.validators)},
            {"features", feature_list(epoch.features)},
            {"wanted_features", feature_list(wanted.features)},
            {"changes", changes},
            {"ready", current ? party_list(epoch.ready) : json::array{}},
            {"ready_needed", changes ? quorum(wanted.validators.size()) : 0},
            {"admissions", epoch.admissions},
            {"admissions_max", parameters.admissions_per_epoch},
            {"parameters", parameters_to_json(parameters)}};
}

json::object proposals_json(const StateView& state) {
    const std::size_t validators = find_epoch(state).validators.size();
    json::array items;
    for (const ProposalEntry& entry : list_proposals(state)) {
        items.emplace_back(proposal_json(entry, validators));
    }
    return {{"items", std::move(items)}};
}

json::object evidence_json(const StateView& state) {
    const std::uint64_t epoch = find_epoch(state).epoch;
    std::vector<EvidenceEntry> entries = list_evidence(state, 0, evidence_listed_max);
    // More than fits: what matters is recent.
    if (entries.size() == evidence_listed_max && epoch > 0) {
        entries = list_evidence(state, epoch - 1, evidence_listed_max);
    }
    std::reverse(entries.begin(), entries.end());
    json::array items;
    for (const EvidenceEntry& entry : entries) {
        json::object item = to_json(Action{entry.record.evidence});
        item["epoch"] = entry.epoch;
        item["offender"] = to_text(entry.offender);
        item["reporter"] = to_text(entry.record.reporter);
        item["reported_at_ms"] = entry.record.reported_at;
        items.emplace_back(std::move(item));
    }
    return {{"items", std::move(items)}};
}

}  // namespace tally::node
