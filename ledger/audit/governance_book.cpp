#include "ledger/audit/governance_book.h"

#include "ledger/state/context.h"
#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"

#include <algorithm>
#include <array>
#include <variant>

namespace tally {
namespace {

bool is_in(const std::vector<PartyId>& parties, const PartyId& party) {
    return std::find(parties.begin(), parties.end(), party) != parties.end();
}

std::string list_text(const std::vector<PartyId>& parties) {
    std::string text;
    for (const PartyId& party : parties) {
        text += (text.empty() ? "" : ", ") + to_text(party);
    }
    return text.empty() ? "nobody" : text;
}

std::string change_text(const ProposeChange& change) {
    std::string text = to_text(change.kind);
    if (change.leg) {
        text += " of cycle " + std::to_string(change.leg->cycle) + " in " +
                to_text(change.leg->currency) + " from " + to_text(change.leg->debtor) + " to " +
                to_text(change.leg->creditor);
    } else if (change.feature != 0) {
        text += " " + std::to_string(change.feature);
    } else if (change.kind != ChangeKind::set_parameters) {
        text += " " + to_text(change.member);
    }
    return text;
}

void set_keys(const ProposeChange& change, Member& member) {
    const std::array<std::pair<KeyRole, const std::optional<ProvenKey>*>, 3> named{
        {{KeyRole::member, &change.member_key},
         {KeyRole::consensus, &change.consensus_key},
         {KeyRole::link, &change.link_key}}};
    for (const auto& [role, key] : named) {
        if (*key) {
            member.set_key(role, (*key)->key);
        }
    }
}

}  // namespace

void GovernanceBook::restore(const StateView& state) {
    m_parameters = find_parameters(state);
    for (const MemberRecord& record : list_members(state)) {
        m_members.insert_or_assign(record.member.party, record);
    }
    for (ProposalEntry& entry : list_proposals(state)) {
        m_proposals.insert_or_assign(entry.ref, std::move(entry.proposal));
    }
    EpochRecord epoch = find_epoch(state);
    m_epoch = epoch.epoch;
    m_validators = std::move(epoch.validators);
    m_previous = std::move(epoch.previous);
}

bool GovernanceBook::is_hub(const PartyId& party) const {
    const auto found = m_members.find(party);
    return found != m_members.end() && found->second.member.role == MemberRole::hub;
}

PartyId GovernanceBook::hub() const {
    for (const auto& [party, record] : m_members) {
        if (record.member.role == MemberRole::hub) {
            return party;
        }
    }
    return PartyId{};
}

const ProposalRecord* GovernanceBook::find_proposal(const TransactionRef& ref) const {
    const auto found = m_proposals.find(ref);
    return found == m_proposals.end() ? nullptr : &found->second;
}

PartyId GovernanceBook::validator_of(std::uint64_t epoch, std::uint32_t index) const {
    if (epoch != m_epoch && epoch + 1 != m_epoch) {
        return PartyId{};
    }
    const std::vector<Validator>& set = epoch == m_epoch ? m_validators : m_previous;
    return index < set.size() ? set[index].party : PartyId{};
}

bool GovernanceBook::may_vote(const PartyId& party) const {
    return is_validator(m_validators, party) || is_hub(party);
}

void GovernanceBook::admit(const BusinessScope& scope, const StoredTransaction& stored,
                           const AdmitFollower& action) {
    const PartyId& party = action.member.party;
    if (!is_hub(stored.signer()) || m_members.contains(party)) {
        scope.find(FindingKind::vote, stored.number,
                   to_text(stored.signer()) + " admitted " + to_text(party) +
                       ", who is a member already or whom only the hub may admit");
    }
    m_members.insert_or_assign(party, MemberRecord{action.member, false});
    scope.report.govern(scope.height(), scope.now(),
                        to_text(party) + " is admitted by " + to_text(stored.signer()));
}

void GovernanceBook::propose(const BusinessScope& scope, const StoredTransaction& stored,
                             const ProposeChange& action) {
    ProposalRecord proposal;
    proposal.change = action;
    proposal.expires = deadline_after(scope.now(), scope.parameters.countersign_window);
    if (may_vote(stored.signer())) {
        proposal.approvals.push_back(stored.signer());
    }
    scope.report.govern(scope.height(), scope.now(),
                        to_text(stored.signer()) + " proposes: " + change_text(action));
    m_proposals.insert_or_assign(stored.ref(), proposal);
    decide(scope, stored.ref(), proposal);
}

void GovernanceBook::vote(const BusinessScope& scope, const StoredTransaction& stored,
                          const VoteOnChange& action) {
    const auto found = m_proposals.find(action.proposal);
    const std::string voter = to_text(stored.signer());
    if (found == m_proposals.end()) {
        scope.find(FindingKind::vote, stored.number,
                   voter + " votes on " + to_text(action.proposal) + ", which is not open");
        return;
    }
    ProposalRecord& proposal = found->second;
    const bool voted =
        is_in(proposal.approvals, stored.signer()) || is_in(proposal.rejections, stored.signer());
    if (!may_vote(stored.signer()) || voted || scope.now() > proposal.expires) {
        scope.find(FindingKind::vote, stored.number,
                   "the vote of " + voter + " on " + to_text(action.proposal) +
                       " is accepted, though " +
                       (voted ? "it voted before"
                              : (may_vote(stored.signer()) ? "it is too late" : "it has no vote")));
    }
    (action.approve ? proposal.approvals : proposal.rejections).push_back(stored.signer());
    scope.report.govern(
        scope.height(), scope.now(),
        voter + (action.approve ? " approves: " : " rejects: ") + change_text(proposal.change));
    const ProposalRecord copy = proposal;
    decide(scope, action.proposal, copy);
}

void GovernanceBook::decide(const BusinessScope& scope, const TransactionRef& ref,
                            const ProposalRecord& proposal) {
    const auto voters = [this](const std::vector<PartyId>& votes) {
        return static_cast<std::size_t>(std::count_if(
            votes.begin(), votes.end(),
            [this](const PartyId& party) { return is_validator(m_validators, party); }));
    };
    const auto hub_among = [this](const std::vector<PartyId>& votes) {
        return std::any_of(votes.begin(), votes.end(),
                           [this](const PartyId& party) { return is_hub(party); });
    };
    const ProposeChange& change = proposal.change;
    const std::size_t all = m_validators.size();
    const bool without_hub = change.leg
                                 ? is_hub(change.leg->creditor)
                                 : change.kind == ChangeKind::replace_keys && is_hub(change.member);
    const bool enough = voters(proposal.approvals) * 3 > all * 2;
    const bool passed = enough && (without_hub || hub_among(proposal.approvals));
    const bool hopeless = (all - voters(proposal.rejections)) * 3 <= all * 2;
    const bool rejected = hopeless || (!without_hub && hub_among(proposal.rejections));
    if (!passed && !rejected) {
        return;
    }
    scope.report.govern(scope.height(), scope.now(),
                        (passed ? "passed: " : "rejected: ") + change_text(change) +
                            "; for: " + list_text(proposal.approvals) +
                            "; against: " + list_text(proposal.rejections));
    if (passed && change.leg) {
        m_confirmed = ConfirmedLeg{*change.leg, "vote on " + to_text(ref)};
    } else if (passed) {
        enact(change);
    }
    m_proposals.erase(ref);
}

void GovernanceBook::enact(const ProposeChange& change) {
    if (change.kind == ChangeKind::set_parameters && change.parameters) {
        m_parameters = *change.parameters;
        return;
    }
    const auto found = m_members.find(change.member);
    if (found == m_members.end()) {
        return;
    }
    MemberRecord& record = found->second;
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
            set_keys(change, record.member);
            break;
        case ChangeKind::set_parameters:
        case ChangeKind::activate_feature:
        case ChangeKind::withdraw_feature:
        case ChangeKind::confirm_leg:
            break;
    }
}

void GovernanceBook::rotate(const BusinessScope& scope, const StoredTransaction& stored,
                            const RotateKey& action) {
    const auto found = m_members.find(stored.signer());
    if (found != m_members.end()) {
        found->second.member.set_key(action.role, action.new_key);
    }
    scope.report.govern(scope.height(), scope.now(),
                        to_text(stored.signer()) + " changes its " + to_text(action.role) + " key");
}

void GovernanceBook::prove(const BusinessScope& scope, const StoredTransaction& stored,
                           const SubmitEvidence& action) {
    const std::uint64_t epoch = action.first.epoch;
    const std::vector<Validator>& set = epoch == m_epoch ? m_validators : m_previous;
    const bool known = (epoch == m_epoch || epoch + 1 == m_epoch) && action.signer < set.size();
    const auto is_signed = [&](const VoteStatement& statement, const Signature& signature) {
        return verify_signature(set[action.signer].consensus_key,
                                statement.signing_digest(m_chain_id), signature);
    };
    const bool holds = known && is_equivocation(action.first, action.second) &&
                       is_signed(action.first, action.first_signature) &&
                       is_signed(action.second, action.second_signature);
    if (!holds) {
        scope.find(FindingKind::proof, stored.number,
                   "the evidence that " + to_text(stored.signer()) + " submitted proves nothing");
        return;
    }
    const std::string what = to_text(set[action.signer].party) +
                             " signed two contradicting votes in view " +
                             std::to_string(action.first.view) + " of epoch " +
                             std::to_string(epoch) + ", reported by " + to_text(stored.signer());
    scope.report.note(NoteKind::equivocation, scope.height(), what);
    scope.report.govern(scope.height(), scope.now(), what);
}

void GovernanceBook::take(const BusinessScope& scope, const StoredTransaction& stored) {
    m_confirmed.reset();
    const Action& action = stored.transaction.action;
    if (const auto* admission = std::get_if<AdmitFollower>(&action)) {
        admit(scope, stored, *admission);
    } else if (const auto* proposal = std::get_if<ProposeChange>(&action)) {
        propose(scope, stored, *proposal);
    } else if (const auto* one = std::get_if<VoteOnChange>(&action)) {
        vote(scope, stored, *one);
    } else if (const auto* rotation = std::get_if<RotateKey>(&action)) {
        rotate(scope, stored, *rotation);
    } else if (const auto* evidence = std::get_if<SubmitEvidence>(&action)) {
        prove(scope, stored, *evidence);
    }
}

void GovernanceBook::take(const BusinessScope& scope, const Event& event, std::size_t number) {
    if (event.kind == EventKind::expired && event.cause == ExpiryCause::not_decided) {
        if (m_proposals.erase(event.ref) == 0) {
            scope.find(FindingKind::unmatched, number,
                       "the proposal " + to_text(event.ref) + " expired, but it is not open");
        }
    } else if (event.kind == EventKind::leg_defaulted) {
        m_members[event.debtor].suspended = true;
        scope.report.govern(scope.height(), scope.now(),
                            to_text(event.debtor) + " is suspended: a payment is in default");
    } else if (event.kind == EventKind::epoch_sealed) {
        if (event.validators != m_validators || !event.features.empty()) {
            std::vector<PartyId> parties;
            for (const Validator& validator : event.validators) {
                parties.push_back(validator.party);
            }
            scope.report.govern(scope.height(), scope.now(),
                                "epoch " + std::to_string(event.epoch + 1) +
                                    " begins with the validators " + list_text(parties) + " and " +
                                    std::to_string(event.features.size()) + " new features");
        }
        m_previous = std::move(m_validators);
        m_validators = event.validators;
        m_epoch = event.epoch + 1;
    }
}

std::vector<std::string> GovernanceBook::compare(const StateView& state) const {
    std::vector<std::string> problems;
    if (find_parameters(state) != m_parameters) {
        problems.emplace_back("the parameters are not those that were voted for");
    }
    const std::vector<MemberRecord> members = list_members(state);
    if (members.size() != m_members.size()) {
        problems.push_back("there are " + std::to_string(members.size()) + " members, " +
                           std::to_string(m_members.size()) + " were admitted");
    }
    for (const MemberRecord& record : members) {
        const auto known = m_members.find(record.member.party);
        if (known == m_members.end() || known->second != record) {
            problems.push_back("member " + to_text(record.member.party) +
                               " is not what admission, keys and votes make it");
        }
    }
    return problems;
}

}  // namespace tally
