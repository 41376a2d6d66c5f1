#include "tools/member/requests.h"

#include "node/config/genesis_json.h"
#include "tools/keys/proven_keys.h"

#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

Expected<ProposeChange, std::string> with_keys(ProposeChange change, const ProposalOptions& options,
                                               const Hash& chain_id) {
    if (options.keys.empty()) {
        return Unexpected{
            std::string{"replace-keys: give --keys FILE, which the member makes with 'tally member "
                        "prove-keys'"}};
    }
    const auto keys = load_proven_keys(options.keys);
    if (!keys) {
        return Unexpected{keys.error()};
    }
    if (keys->party != change.member || keys->chain_id != chain_id) {
        return Unexpected{options.keys + ": proves keys of " + to_text(keys->party) +
                          " for chain " + to_hex(keys->chain_id)};
    }
    change.member_key = keys->member;
    change.consensus_key = keys->consensus;
    change.link_key = keys->link;
    return change;
}

/// A whole number as such; anything else as text.
json::value value_of(const std::string& text) {
    std::int64_t number{0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        return number;
    }
    return json::value(text);
}

Expected<ProposeChange, std::string> with_parameters(ProposeChange change,
                                                     const ProposalOptions& options,
                                                     json::value parameters) {
    if (options.set.empty() || !parameters.is_object()) {
        return Unexpected{std::string{"set-parameters: give --set name=value"}};
    }
    for (const std::string& text : options.set) {
        const std::size_t equals = text.find('=');
        const std::string name = text.substr(0, equals);
        json::value* value = parameters.get_object().if_contains(name);
        if (equals == std::string::npos || value == nullptr) {
            return Unexpected{"--set " + text +
                              ": must be name=value of a parameter; see 'tally "
                              "show epoch'"};
        }
        const std::string told = text.substr(equals + 1);
        *value = value->is_string() ? json::value(told) : value_of(told);
    }
    node::JsonProblems problems;
    change.parameters = node::parameters_from_json(parameters, "parameters", nullptr, problems);
    if (problems.any()) {
        return Unexpected{problems.first()};
    }
    if (const auto problem = find_problem(*change.parameters)) {
        return Unexpected{*problem};
    }
    return change;
}

Expected<ProposeChange, std::string> with_leg(ProposeChange change, const ProposalOptions& options,
                                              const PartyId& debtor) {
    const auto currency = currency_from_text(options.currency);
    const auto creditor = party_from_text(options.creditor);
    if (!currency || !creditor || *creditor == debtor) {
        return Unexpected{std::string{
            "confirm-leg: give the debtor, --cycle NUMBER, --currency and --creditor of the leg"}};
    }
    change.leg = LegKey{options.cycle, *currency, debtor, *creditor};
    return change;
}

}  // namespace

Expected<ProposeChange, std::string> proposal_of(const ProposalOptions& options,
                                                 const Hash& chain_id, json::value parameters) {
    std::string name = options.kind;
    std::replace(name.begin(), name.end(), '-', '_');
    const auto kind = change_kind_from_text(name);
    if (!kind) {
        return Unexpected{options.kind +
                          ": must be promote, demote, suspend, reinstate, replace-keys, "
                          "set-parameters, activate-feature, withdraw-feature or confirm-leg"};
    }
    ProposeChange change;
    change.kind = *kind;
    if (*kind == ChangeKind::set_parameters) {
        return with_parameters(std::move(change), options, std::move(parameters));
    }
    if (*kind == ChangeKind::activate_feature || *kind == ChangeKind::withdraw_feature) {
        change.feature = options.feature;
        return change.feature != 0
                   ? Expected<ProposeChange, std::string>{change}
                   : Unexpected{options.kind + ": give --feature NUMBER, from 1 on"};
    }
    const auto member = party_from_text(options.member);
    if (!member) {
        return Unexpected{options.kind + ": MEMBER must be three letters"};
    }
    if (*kind == ChangeKind::confirm_leg) {
        return with_leg(std::move(change), options, *member);
    }
    change.member = *member;
    return *kind == ChangeKind::replace_keys ? with_keys(std::move(change), options, chain_id)
                                             : Expected<ProposeChange, std::string>{change};
}

Expected<VoteOnChange, std::string> vote_of(const std::string& proposal, const std::string& vote) {
    const auto ref = transaction_ref_from_text(proposal);
    if (!ref) {
        return Unexpected{proposal + ": must look like AAA- and 32 hexadecimal digits"};
    }
    if (vote != "approve" && vote != "reject") {
        return Unexpected{vote + ": must be approve or reject"};
    }
    return VoteOnChange{*ref, vote == "approve"};
}

}  // namespace tally::tools
