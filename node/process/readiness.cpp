#include "node/process/readiness.h"

#include "ledger/crypto/quorum_certificate.h"
#include "node/runtime/logging.h"

namespace tally::node {

std::vector<std::string> not_ready_reasons(const ReadinessFacts& facts) {
    std::vector<std::string> reasons;
    if (facts.stopping) {
        reasons.emplace_back("stopping");
    }
    if (!facts.is_member) {
        reasons.emplace_back(
            "not a member as far as this node knows: the hub admits it with 'tally member admit "
            "admission.json', and it must reach a peer to hear of it");
    }
    reasons.insert(reasons.end(), facts.missing_keys.begin(), facts.missing_keys.end());
    if (facts.role == consensus::Role::waiting) {
        reasons.emplace_back("waiting for the status of enough validators");
    }
    if (facts.role == consensus::Role::observer) {
        reasons.emplace_back(
            facts.has_record
                ? "the safety record is older than votes that others have seen"
                : "the safety record is lost or damaged: observing, not voting, or the safety "
                  "record is older than votes that others have seen; this node votes again after "
                  "the next change of epoch");
    }
    const std::size_t needed = quorum(facts.validators);
    const std::size_t own = facts.role == consensus::Role::follower ? 0 : 1;
    if (facts.validators_connected + own < needed) {
        reasons.emplace_back("linked to " + std::to_string(facts.validators_connected) +
                             " validators, a quorum needs " + std::to_string(needed - own));
    }
    return reasons;
}

void RoleWatch::look(consensus::Role role) {
    using consensus::Role;
    if (role == m_last) {
        return;
    }
    if (role == Role::observer) {
        log_error("consensus", "not_voting",
                  {{"what",
                    "the safety record of this node is lost, or older than votes that other "
                    "validators have of it: the data folder is a copy or a restored backup, or "
                    "another node runs with the same consensus key"},
                   {"do",
                    "stop the other node, or this one; never let both run. This node observes, "
                    "and votes again after the next change of epoch"}});
    } else if (m_last == Role::observer && role == Role::validator) {
        log_info("consensus", "voting_again");
    }
    m_last = role;
}

}  // namespace tally::node
