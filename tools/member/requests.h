#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace tally::tools {

/// What the command line says about a change to propose.
struct ProposalOptions {
    std::string kind;  ///< as on the command line: "replace-keys" for replace_keys
    std::string member;
    std::string keys;              ///< file of `tally member prove-keys`
    std::vector<std::string> set;  ///< "name=value"
    std::uint32_t feature{0};      ///< 0: none named
    // Only of confirm-leg, whose `member` is the debtor.
    std::uint64_t cycle{0};
    std::string currency;
    std::string creditor;
};

/// The action, or what is wrong with the options. `parameters` are those in force as the API shows
/// them, which `set` changes some of; needed only for set-parameters. Proven keys must be of this
/// member and chain.
[[nodiscard]] Expected<ProposeChange, std::string> proposal_of(const ProposalOptions& options,
                                                               const Hash& chain_id,
                                                               boost::json::value parameters);

[[nodiscard]] Expected<VoteOnChange, std::string> vote_of(const std::string& proposal,
                                                          const std::string& vote);

}  // namespace tally::tools
