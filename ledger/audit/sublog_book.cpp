#include "ledger/audit/sublog_book.h"

#include "ledger/base/overloaded.h"
#include "ledger/state/queries.h"

#include <utility>
#include <variant>

namespace tally {
namespace {

/// The member or the home operator that a half-signed action is about.
PartyId party_of(const TwoSigned& action) {
    return std::visit(
        Overloaded{
            [](const SetLimit& limit) { return limit.member; },
            [](const LateCharge& late) { return late.charge.metered.authorization.signer; },
            [](const CreditCharge& credit) { return credit.authorization.signer; },
            [](const RebillCharge& rebill) { return rebill.charge.metered.authorization.signer; },
        },
        action);
}

/// The charge that an action is a step of; null for actions that are not about an open one.
const AuthorizationRef* charge_of(const Action& action) {
    return std::visit(
        [](const auto& one) -> const AuthorizationRef* {
            using One = std::decay_t<decltype(one)>;
            if constexpr (std::is_same_v<One, RecordCharge>) {
                return &one.metered.authorization;
            } else if constexpr (std::is_same_v<One, CreditCharge>) {
                return nullptr;  // Of a charge that has ended.
            } else if constexpr (requires { one.authorization; }) {
                return &one.authorization;
            } else {
                return nullptr;
            }
        },
        action);
}

void add_change(const ProposeChange& change, std::set<PartyId>& parties) {
    parties.insert(change.member);
    if (change.leg) {
        parties.insert(change.leg->debtor);
        parties.insert(change.leg->creditor);
    }
}

}  // namespace

void SublogBook::restore(const StateView& state) { m_record = find_sublog(state, m_member); }

void SublogBook::add_charge(const AuthorizationRef& ref, Parties& parties) const {
    parties.insert(ref.signer);
    if (const Authorization* const charge = m_charges.find_charge(ref)) {
        parties.insert(charge->visited);
    }
}

void SublogBook::add_half_signed(const TransactionRef& ref, Parties& parties) const {
    parties.insert(ref.signer);
    if (const CountersignRecord* const waiting = m_charges.find_half_signed(ref)) {
        parties.insert(party_of(waiting->action));
    }
}

void SublogBook::add_proposal(const TransactionRef& ref, Parties& parties) const {
    parties.insert(ref.signer);
    if (const ProposalRecord* const proposal = m_governance.find_proposal(ref)) {
        add_change(proposal->change, parties);
    }
}

void SublogBook::add_action(const Action& action, Parties& parties) const {
    if (const AuthorizationRef* const ref = charge_of(action)) {
        add_charge(*ref, parties);
        return;
    }
    std::visit(Overloaded{
                   [&](const SetAgreement& one) { parties.insert(one.partner); },
                   [&](const SetLimit& one) { parties.insert(one.member); },
                   [&](const LateCharge& one) { parties.insert(party_of(one)); },
                   [&](const CreditCharge& one) { parties.insert(party_of(one)); },
                   [&](const RebillCharge& one) { parties.insert(party_of(one)); },
                   [&](const Countersign& one) { add_half_signed(one.transaction, parties); },
                   [&](const DecideAuthorization& one) { parties.insert(one.visited); },
                   [&](const ConfirmPayment& one) { parties.insert(one.debtor); },
                   [&](const AdmitFollower& one) { parties.insert(one.member.party); },
                   [&](const ProposeChange& one) { add_change(one, parties); },
                   [&](const VoteOnChange& one) { add_proposal(one.proposal, parties); },
                   [&](const SubmitEvidence& one) {
                       parties.insert(m_governance.validator_of(one.first.epoch, one.signer));
                   },
                   [](const auto& /*one*/) {},
               },
               action);
}

void SublogBook::add_expiry(const Event& event, Parties& parties) const {
    switch (event.cause) {
        case ExpiryCause::not_started:
        case ExpiryCause::not_recorded:
        case ExpiryCause::not_claimed:
        case ExpiryCause::not_arbitrated:
            parties = {event.debtor, event.creditor};
            break;
        case ExpiryCause::not_countersigned:
            add_half_signed(event.ref, parties);
            break;
        case ExpiryCause::not_decided:
            add_proposal(event.ref, parties);
            break;
        case ExpiryCause::correction_over:
            parties.insert(event.ref.signer);
            if (const CorrectionRecord* const record = m_charges.corrections().find(event.ref)) {
                parties.insert(record->visited);
            }
            break;
    }
}

bool SublogBook::touches(const Event& event) const {
    Parties parties;
    switch (event.kind) {
        case EventKind::expired:
            add_expiry(event, parties);
            break;
        case EventKind::epoch_sealed:
            for (const Validator& validator : event.validators) {
                parties.insert(validator.party);
            }
            break;
        case EventKind::cycle_closed:
        case EventKind::leg_defaulted:
            parties = {event.debtor, event.creditor};
            for (const NetPosition& position : event.positions) {
                parties.insert(position.party);
            }
            break;
    }
    return parties.contains(m_member);
}

bool SublogBook::touches(const StoredTransaction& stored) const {
    Parties parties{stored.signer()};
    const bool repeated =
        stored.result == ResultCode::exists || stored.result == ResultCode::exists_different;
    if (!repeated) {
        add_action(stored.transaction.action, parties);
    }
    return parties.contains(m_member);
}

void SublogBook::add(const Leaf& leaf) {
    if (m_governance.is_member(m_member)) {
        m_record.log.append(leaf.leaf_hash());
    }
}

std::optional<std::string> SublogBook::problem_with(const MerkleFrontier& other) const {
    const MerkleFrontier& own = m_record.log;
    if (own == other) {
        return std::nullopt;
    }
    return std::to_string(own.size()) + " leaves touch " + to_text(m_member) +
           ", its sub-log counts " + std::to_string(other.size()) +
           (own.size() == other.size() ? ", and they are others" : "");
}

void SublogBook::end_block(const BusinessScope& scope) {
    if (!m_proven || m_proven->height != scope.height()) {
        return;
    }
    if (const auto problem = problem_with(m_proven->record.log)) {
        scope.log.add(scope.block.finding(
            FindingKind::withheld, "against the proof of the state after this block: " + *problem));
    }
    m_proven.reset();
}

std::optional<std::string> SublogBook::compare(const StateView& state) const {
    return problem_with(find_sublog(state, m_member).log);
}

}  // namespace tally
