#pragma once

#include "ledger/model/actions.h"

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace tally::tools {

/// What the command line says about a change to propose.
struct ProposalOptions {
    std::string kind;  ///< as on the command line: "replace-keys" for replace_keys
    std::string member;
    std::string keys;  ///< public.json with all three new keys
    std::string member_key;
    std::string consensus_key;
    std::string link_key;
    std::vector<std::string> set;  ///< "name=value"
};

/// The action, or what is wrong with the options. `parameters` are those in force as the API shows
/// them, which `set` changes some of; needed only for set-parameters.
[[nodiscard]] Expected<ProposeChange, std::string> proposal_of(const ProposalOptions& options,
                                                               boost::json::value parameters);

[[nodiscard]] Expected<VoteOnChange, std::string> vote_of(const std::string& proposal,
                                                          const std::string& vote);

}  // namespace tally::tools
