#include "ledger/state/touched.h"

#include "ledger/base/check.h"
#include "ledger/base/overloaded.h"
#include "ledger/state/epochs.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <utility>

namespace tally {
namespace {

/// The state before a block, under an overlay that has changed since.
class StateBefore final : public StateView {
public:
    explicit StateBefore(const StateOverlay& state) : m_state{state} {}
    [[nodiscard]] std::optional<Bytes> get(ByteView key) const override {
        return m_state.get_before(key);
    }
    [[nodiscard]] std::optional<KeyValueStore::Entry> next(ByteView /*from*/,
                                                           ByteView /*prefix*/) const override {
        ENSURE(false);  // Events name what they are about; nothing is searched for.
        return std::nullopt;
    }

private:
    const StateOverlay& m_state;
};

/// Home and, as long as it is live, visited operator.
void add_authorization(const StateView& state, const AuthorizationRef& ref,
                       std::set<PartyId>& parties) {
    parties.insert(ref.signer);
    if (const std::optional<Authorization> found = find_live_authorization(state, ref)) {
        parties.insert(found->visited);
    }
}

/// Those that a half-signed action is about; who signed first is in its reference.
void add_two_signed(const TwoSigned& action, std::set<PartyId>& parties) {
    std::visit(Overloaded{
                   [&](const SetLimit& limit) { parties.insert(limit.member); },
                   [&](const LateCharge& late) {
                       parties.insert(late.charge.metered.authorization.signer);
                   },
                   [&](const CreditCharge& credit) { parties.insert(credit.authorization.signer); },
                   [&](const RebillCharge& rebill) {
                       parties.insert(rebill.charge.metered.authorization.signer);
                   },
               },
               action);
}

void add_half_signed(const StateView& state, const TransactionRef& ref,
                     std::set<PartyId>& parties) {
    parties.insert(ref.signer);
    if (const std::optional<CountersignRecord> found = find_countersign(state, ref)) {
        add_two_signed(found->action, parties);
    }
}

void add_change(const ProposeChange& change, std::set<PartyId>& parties) {
    parties.insert(change.member);
    if (change.leg) {
        parties.insert(change.leg->debtor);
        parties.insert(change.leg->creditor);
    }
}

void add_proposal(const StateView& state, const TransactionRef& ref, std::set<PartyId>& parties) {
    parties.insert(ref.signer);
    if (const std::optional<ProposalRecord> found = find_proposal(state, ref)) {
        add_change(found->change, parties);
    }
}

void add_correction(const StateView& state, const AuthorizationRef& ref,
                    std::set<PartyId>& parties) {
    parties.insert(ref.signer);
    if (const std::optional<CorrectionRecord> found = find_correction(state, ref)) {
        parties.insert(found->visited);
    }
}

/// The validator that evidence accuses, when the state knows the set that it voted in.
void add_offender(const StateView& state, const SubmitEvidence& evidence,
                  std::set<PartyId>& parties) {
    const EpochRecord epoch = find_epoch(state);
    const bool is_current = evidence.first.epoch == epoch.epoch;
    if (!is_current && evidence.first.epoch + 1 != epoch.epoch) {
        return;
    }
    const std::vector<Validator>& set = is_current ? epoch.validators : epoch.previous;
    if (evidence.signer < set.size()) {
        parties.insert(set[evidence.signer].party);
    }
}

/// One function for each kind of action and no general one: a new kind does not compile before
/// somebody has said whom it touches.
class Toucher {
public:
    Toucher(const StateView& state, std::set<PartyId>& parties)
        : m_state{state}, m_parties{parties} {}

    // What a member says of itself alone.
    void operator()(const RegisterBridge& /*action*/) const {}
    void operator()(const RevokeBridge& /*action*/) const {}
    void operator()(const RegisterCharger& /*action*/) const {}
    void operator()(const PublishTariff& /*action*/) const {}
    void operator()(const RotateKey& /*action*/) const {}
    void operator()(const ReportReady& /*action*/) const {}

    void operator()(const SetAgreement& action) const { m_parties.insert(action.partner); }
    void operator()(const SetLimit& action) const { add_two_signed(action, m_parties); }
    void operator()(const LateCharge& action) const { add_two_signed(action, m_parties); }
    void operator()(const CreditCharge& action) const { add_two_signed(action, m_parties); }
    void operator()(const RebillCharge& action) const { add_two_signed(action, m_parties); }
    void operator()(const Countersign& action) const {
        add_half_signed(m_state, action.transaction, m_parties);
    }
    void operator()(const DecideAuthorization& action) const { m_parties.insert(action.visited); }
    void operator()(const ReleaseAuthorization& action) const { add(action.authorization); }
    void operator()(const StartCharge& action) const { add(action.authorization); }
    void operator()(const RecordCharge& action) const { add(action.metered.authorization); }
    void operator()(const SettleCharge& action) const { add(action.authorization); }
    void operator()(const ClaimCharge& action) const { add(action.authorization); }
    void operator()(const OpenDispute& action) const { add(action.authorization); }
    void operator()(const AcceptDispute& action) const { add(action.authorization); }
    void operator()(const Arbitrate& action) const { add(action.authorization); }
    void operator()(const ConfirmPayment& action) const { m_parties.insert(action.debtor); }
    void operator()(const AdmitFollower& action) const { m_parties.insert(action.member.party); }
    void operator()(const ProposeChange& action) const { add_change(action, m_parties); }
    void operator()(const VoteOnChange& action) const {
        add_proposal(m_state, action.proposal, m_parties);
    }
    void operator()(const SubmitEvidence& action) const {
        add_offender(m_state, action, m_parties);
    }

private:
    void add(const AuthorizationRef& ref) const { add_authorization(m_state, ref, m_parties); }

    const StateView& m_state;
    std::set<PartyId>& m_parties;
};

std::set<PartyId> touched_by_expiry(const StateView& before, const Event& event) {
    std::set<PartyId> parties;
    switch (event.cause) {
        case ExpiryCause::not_started:
        case ExpiryCause::not_recorded:
        case ExpiryCause::not_claimed:
        case ExpiryCause::not_arbitrated:
            parties = {event.debtor, event.creditor};
            break;
        case ExpiryCause::not_countersigned:
            add_half_signed(before, event.ref, parties);
            break;
        case ExpiryCause::not_decided:
            add_proposal(before, event.ref, parties);
            break;
        case ExpiryCause::correction_over:
            add_correction(before, event.ref, parties);
            break;
    }
    return parties;
}

}  // namespace

void touch_parties(Context& context, const Action& action) {
    context.touch(context.signer());
    std::visit(Toucher{context.state(), context.touched}, action);
}

std::set<PartyId> touched_by(const StateOverlay& state, const Event& event) {
    std::set<PartyId> parties;
    switch (event.kind) {
        case EventKind::expired:
            parties = touched_by_expiry(StateBefore{state}, event);
            break;
        case EventKind::epoch_sealed:
            for (const Validator& validator : event.validators) {
                parties.insert(validator.party);
            }
            break;
        case EventKind::leg_defaulted:
            parties = {event.debtor, event.creditor};
            [[fallthrough]];
        case EventKind::cycle_closed:
            for (const NetPosition& position : event.positions) {
                parties.insert(position.party);
            }
            break;
    }
    return parties;
}

}  // namespace tally
