#include "ledger/model/membership_wire.h"

#include "ledger/model/ledger.pb.h"

namespace tally::wire_form {
namespace {

void to_wire(const Member& member, wire::Member& out) {
    out.set_party(octets(member.party));
    out.set_country(member.country);
    out.set_role(static_cast<wire::MemberRole>(member.role));
    out.set_operator_id(member.operator_id);
    out.set_member_key(octets(member.member_key));
    out.set_consensus_key(octets(member.consensus_key));
    out.set_link_key(octets(member.link_key));
    out.set_validator(member.validator);
}

Member from_wire(Reader& reader, const wire::Member& in) {
    Member member;
    member.party = reader.fixed<PartyId>(in.party());
    member.country = in.country();
    if (in.role() == wire::MEMBER_ROLE_UNSPECIFIED || !wire::MemberRole_IsValid(in.role())) {
        reader.fail(TransactionError::unknown_action);
    }
    member.role = static_cast<MemberRole>(in.role());
    member.operator_id = in.operator_id();
    member.member_key = reader.fixed<PublicKey>(in.member_key());
    member.consensus_key = reader.fixed<PublicKey>(in.consensus_key());
    member.link_key = reader.fixed<PublicKey>(in.link_key());
    member.validator = in.validator();
    return member;
}

void to_wire(const Parameters& parameters, wire::Parameters& out) {
    out.set_start_window_ms(parameters.start_window);
    out.set_record_window_ms(parameters.record_window);
    out.set_settle_window_ms(parameters.settle_window);
    out.set_claim_window_ms(parameters.claim_window);
    out.set_countersign_window_ms(parameters.countersign_window);
    out.set_home_release_after_ms(parameters.home_release_after);
    out.set_charger_clock_back_ms(parameters.charger_clock_back);
    out.set_charger_clock_ahead_ms(parameters.charger_clock_ahead);
    out.set_minimum_approval(parameters.minimum_approval);
    out.set_delta_ms(parameters.delta);
    out.set_idle_interval_ms(parameters.idle_interval);
    out.set_skip_timeout_ms(parameters.skip_timeout);
    out.set_epoch_blocks_max(parameters.epoch_blocks_max);
    out.set_admissions_per_epoch(parameters.admissions_per_epoch);
    out.set_epoch_blocks_min(parameters.epoch_blocks_min);
    out.set_arbitrate_window_ms(parameters.arbitrate_window);
    out.set_dispute_default(static_cast<wire::DisputeDefault>(parameters.dispute_default));
    out.set_correction_window_ms(parameters.correction_window);
    out.set_cycle_start_ms(parameters.cycle_start);
    out.set_cycle_length_ms(parameters.cycle_length);
    out.set_payment_window_ms(parameters.payment_window);
    out.set_default_bearer(static_cast<wire::DefaultBearer>(parameters.default_bearer));
}

Parameters from_wire(Reader& reader, const wire::Parameters& in) {
    Parameters parameters;
    parameters.start_window = in.start_window_ms();
    parameters.record_window = in.record_window_ms();
    parameters.settle_window = in.settle_window_ms();
    parameters.claim_window = in.claim_window_ms();
    parameters.countersign_window = in.countersign_window_ms();
    parameters.home_release_after = in.home_release_after_ms();
    parameters.charger_clock_back = in.charger_clock_back_ms();
    parameters.charger_clock_ahead = in.charger_clock_ahead_ms();
    parameters.minimum_approval = in.minimum_approval();
    parameters.delta = in.delta_ms();
    parameters.idle_interval = in.idle_interval_ms();
    parameters.skip_timeout = in.skip_timeout_ms();
    parameters.epoch_blocks_max = in.epoch_blocks_max();
    parameters.admissions_per_epoch = in.admissions_per_epoch();
    parameters.epoch_blocks_min = in.epoch_blocks_min();
    parameters.arbitrate_window = in.arbitrate_window_ms();
    if (in.dispute_default() == wire::DISPUTE_DEFAULT_UNSPECIFIED ||
        !wire::DisputeDefault_IsValid(in.dispute_default())) {
        reader.fail(TransactionError::unknown_action);
    }
    parameters.dispute_default = static_cast<DisputeDefault>(in.dispute_default());
    parameters.correction_window = in.correction_window_ms();
    parameters.cycle_start = in.cycle_start_ms();
    parameters.cycle_length = in.cycle_length_ms();
    parameters.payment_window = in.payment_window_ms();
    if (in.default_bearer() == wire::DEFAULT_BEARER_UNSPECIFIED ||
        !wire::DefaultBearer_IsValid(in.default_bearer())) {
        reader.fail(TransactionError::unknown_action);
    }
    parameters.default_bearer = static_cast<DefaultBearer>(in.default_bearer());
    return parameters;
}

/// Absent keys are empty on the wire, and so are their signatures.
std::optional<ProvenKey> key_from_wire(Reader& reader, const std::string& key,
                                       const std::string& possession) {
    if (key.empty() && possession.empty()) {
        return std::nullopt;
    }
    return ProvenKey{reader.fixed<PublicKey>(key), reader.fixed<Signature>(possession)};
}

void to_wire(const VoteStatement& statement, const Signature& signature, wire::Vote& out) {
    out.set_epoch(statement.epoch);
    out.set_kind(static_cast<wire::VoteKind>(statement.kind));
    out.set_view(statement.view);
    out.set_parent_view(statement.parent_view);
    out.set_digest(octets(statement.digest));
    out.set_signature(octets(signature));
}

VoteStatement from_wire(Reader& reader, const wire::Vote& in) {
    VoteStatement statement;
    statement.epoch = in.epoch();
    if (in.kind() == wire::VOTE_KIND_UNSPECIFIED || !wire::VoteKind_IsValid(in.kind())) {
        reader.fail(TransactionError::unknown_action);
    }
    statement.kind = static_cast<VoteKind>(in.kind());
    statement.view = in.view();
    statement.parent_view = in.parent_view();
    statement.digest = reader.fixed<Hash>(in.digest());
    return statement;
}

}  // namespace

void to_wire(const TransactionRef& ref, wire::TransactionRef& out) {
    out.set_signer(octets(ref.signer));
    out.set_id(octets(ref.id));
}

void to_wire(const AdmitFollower& action, wire::AdmitFollower& out) {
    to_wire(action.member, *out.mutable_member());
    out.set_member_possession(octets(action.possessions[0]));
    out.set_consensus_possession(octets(action.possessions[1]));
    out.set_link_possession(octets(action.possessions[2]));
}

void to_wire(const ProposeChange& action, wire::ProposeChange& out) {
    out.set_kind(static_cast<wire::ChangeKind>(action.kind));
    if (!action.member.is_zero()) {
        out.set_member(octets(action.member));
    }
    if (action.member_key) {
        out.set_member_key(octets(action.member_key->key));
        out.set_member_possession(octets(action.member_key->possession));
    }
    if (action.consensus_key) {
        out.set_consensus_key(octets(action.consensus_key->key));
        out.set_consensus_possession(octets(action.consensus_key->possession));
    }
    if (action.link_key) {
        out.set_link_key(octets(action.link_key->key));
        out.set_link_possession(octets(action.link_key->possession));
    }
    if (action.parameters) {
        to_wire(*action.parameters, *out.mutable_parameters());
    }
    out.set_feature(action.feature);
    if (action.leg) {
        wire::Leg& leg = *out.mutable_leg();
        leg.set_cycle(action.leg->cycle);
        leg.set_currency(octets(action.leg->currency));
        leg.set_debtor(octets(action.leg->debtor));
        leg.set_creditor(octets(action.leg->creditor));
    }
}

void to_wire(const VoteOnChange& action, wire::VoteOnChange& out) {
    to_wire(action.proposal, *out.mutable_proposal());
    out.set_approve(action.approve);
}

void to_wire(const RotateKey& action, wire::RotateKey& out) {
    out.set_role(static_cast<wire::KeyRole>(action.role));
    out.set_new_key(octets(action.new_key));
    out.set_possession(octets(action.possession));
}

void to_wire(const ReportReady& action, wire::ReportReady& out) {
    out.set_epoch(action.epoch);
    out.set_next_epoch(octets(action.next_epoch));
    out.set_height(action.height);
}

void to_wire(const SubmitEvidence& action, wire::SubmitEvidence& out) {
    out.set_signer(action.signer);
    to_wire(action.first, action.first_signature, *out.mutable_first());
    to_wire(action.second, action.second_signature, *out.mutable_second());
}

TransactionRef from_wire(Reader& reader, const wire::TransactionRef& in) {
    return {reader.fixed<PartyId>(in.signer()), reader.fixed<TransactionId>(in.id())};
}

AdmitFollower from_wire(Reader& reader, const wire::AdmitFollower& in) {
    return {from_wire(reader, in.member()),
            {reader.fixed<Signature>(in.member_possession()),
             reader.fixed<Signature>(in.consensus_possession()),
             reader.fixed<Signature>(in.link_possession())}};
}

ProposeChange from_wire(Reader& reader, const wire::ProposeChange& in) {
    ProposeChange action;
    if (in.kind() == wire::CHANGE_KIND_UNSPECIFIED || !wire::ChangeKind_IsValid(in.kind())) {
        reader.fail(TransactionError::unknown_action);
    }
    action.kind = static_cast<ChangeKind>(in.kind());
    if (!in.member().empty()) {
        action.member = reader.fixed<PartyId>(in.member());
    }
    action.member_key = key_from_wire(reader, in.member_key(), in.member_possession());
    action.consensus_key = key_from_wire(reader, in.consensus_key(), in.consensus_possession());
    action.link_key = key_from_wire(reader, in.link_key(), in.link_possession());
    if (in.has_parameters()) {
        action.parameters = from_wire(reader, in.parameters());
    }
    action.feature = in.feature();
    if (in.has_leg()) {
        action.leg = LegKey{in.leg().cycle(), reader.fixed<Currency>(in.leg().currency()),
                            reader.fixed<PartyId>(in.leg().debtor()),
                            reader.fixed<PartyId>(in.leg().creditor())};
    }
    return action;
}

VoteOnChange from_wire(Reader& reader, const wire::VoteOnChange& in) {
    return {from_wire(reader, in.proposal()), in.approve()};
}

RotateKey from_wire(Reader& reader, const wire::RotateKey& in) {
    if (in.role() == wire::KEY_ROLE_UNSPECIFIED || !wire::KeyRole_IsValid(in.role())) {
        reader.fail(TransactionError::unknown_action);
    }
    return {static_cast<KeyRole>(in.role()), reader.fixed<PublicKey>(in.new_key()),
            reader.fixed<Signature>(in.possession())};
}

ReportReady from_wire(Reader& reader, const wire::ReportReady& in) {
    return {in.epoch(), reader.fixed<Hash>(in.next_epoch()), in.height()};
}

SubmitEvidence from_wire(Reader& reader, const wire::SubmitEvidence& in) {
    SubmitEvidence action;
    action.signer = in.signer();
    action.first = from_wire(reader, in.first());
    action.first_signature = reader.fixed<Signature>(in.first().signature());
    action.second = from_wire(reader, in.second());
    action.second_signature = reader.fixed<Signature>(in.second().signature());
    return action;
}

}  // namespace tally::wire_form
