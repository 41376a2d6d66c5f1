#include "ledger/model/transaction.h"

#include "ledger/crypto/merkle.h"
#include "ledger/model/clearing_wire.h"
#include "ledger/model/ledger.pb.h"
#include "ledger/model/membership_wire.h"
#include "ledger/model/tariff_wire.h"
#include "ledger/model/wire_check.h"
#include "ledger/model/wire_reader.h"

#include <string>

namespace tally {

namespace {

using wire_form::from_wire;
using wire_form::octets;
using wire_form::Reader;
using wire_form::to_wire;

// ---- values to messages

void to_wire(const SetAgreement& action, wire::SetAgreement& out) {
    out.set_partner(octets(action.partner));
    out.set_active(action.active);
    out.set_currency(octets(action.currency));
    for (const std::string& tariff : action.tariffs_offered) {
        out.add_tariffs_offered(tariff);
    }
    out.set_exposure_cap(action.exposure_cap);
}

void to_wire(const RegisterBridge& action, wire::RegisterBridge& out) {
    out.set_bridge_id(action.bridge_id);
    out.set_public_key(octets(action.public_key));
    out.set_kind(static_cast<wire::BridgeKind>(action.kind));
}

void to_wire(const RegisterCharger& action, wire::RegisterCharger& out) {
    out.set_evse_id(action.evse_id);
    out.set_station(action.station);
    out.set_connector(action.connector);
    out.set_bridge_id(action.bridge_id);
    out.set_rated_power_w(action.rated_power_w);
    out.set_meter_serial(action.meter_serial);
    out.set_meter_epoch(action.meter_epoch);
    out.set_meter_public_key(std::string{as_text(action.meter_public_key)});
}

void to_wire(const PublishTariff& action, wire::PublishTariff& out) {
    to_wire(action.ref, *out.mutable_ref());
    to_wire(action.tariff, *out.mutable_tariff());
}

void to_wire(const SetLimit& action, wire::SetLimit& out) {
    out.set_member(octets(action.member));
    out.set_currency(octets(action.currency));
    out.set_limit(action.limit);
}

void to_wire(const Countersign& action, wire::Countersign& out) {
    to_wire(action.transaction, *out.mutable_transaction());
    out.set_transaction_hash(octets(action.transaction_hash));
}

void to_wire(const DecideAuthorization& action, wire::DecideAuthorization& out) {
    out.set_visited(octets(action.visited));
    out.set_request_hash(octets(action.request_hash));
    out.set_token_commitment(octets(action.token_commitment));
    out.set_station(action.station);
    out.set_currency(octets(action.currency));
    out.set_approved(action.approved);
    out.set_amount(action.amount);
    for (const TariffRef& ref : action.tariffs) {
        to_wire(ref, *out.add_tariffs());
    }
    out.set_start_by_ms(action.start_by);
    out.set_reason(static_cast<wire::DenyReason>(action.reason));
}

void to_wire(const ReleaseAuthorization& action, wire::ReleaseAuthorization& out) {
    to_wire(action.authorization, *out.mutable_authorization());
}

void to_wire(const StartCharge& action, wire::StartCharge& out) {
    to_wire(action.authorization, *out.mutable_authorization());
    out.set_evse_id(action.evse_id);
    to_wire(action.tariff, *out.mutable_tariff());
}

void to_wire(const RecordCharge& action, wire::RecordCharge& out) {
    to_wire(action.metered, *out.mutable_metered());
    out.set_rated_amount(action.rated_amount);
    out.set_amount(action.amount);
}

void to_wire(const SettleCharge& action, wire::SettleCharge& out) {
    to_wire(action.authorization, *out.mutable_authorization());
    out.set_amount(action.amount);
}

void to_wire(const ClaimCharge& action, wire::ClaimCharge& out) {
    to_wire(action.authorization, *out.mutable_authorization());
}

/// Writes an action into its place in the oneof.
struct ActionWriter {
    wire::Transaction& out;

    void operator()(const SetAgreement& a) const { to_wire(a, *out.mutable_set_agreement()); }
    void operator()(const RegisterBridge& a) const { to_wire(a, *out.mutable_register_bridge()); }
    void operator()(const RegisterCharger& a) const { to_wire(a, *out.mutable_register_charger()); }
    void operator()(const PublishTariff& a) const { to_wire(a, *out.mutable_publish_tariff()); }
    void operator()(const SetLimit& a) const { to_wire(a, *out.mutable_set_limit()); }
    void operator()(const Countersign& a) const { to_wire(a, *out.mutable_countersign()); }
    void operator()(const DecideAuthorization& a) const {
        to_wire(a, *out.mutable_decide_authorization());
    }
    void operator()(const ReleaseAuthorization& a) const {
        to_wire(a, *out.mutable_release_authorization());
    }
    void operator()(const StartCharge& a) const { to_wire(a, *out.mutable_start_charge()); }
    void operator()(const RecordCharge& a) const { to_wire(a, *out.mutable_record_charge()); }
    void operator()(const SettleCharge& a) const { to_wire(a, *out.mutable_settle_charge()); }
    void operator()(const ClaimCharge& a) const { to_wire(a, *out.mutable_claim_charge()); }
    void operator()(const AdmitFollower& a) const { to_wire(a, *out.mutable_admit_follower()); }
    void operator()(const ProposeChange& a) const { to_wire(a, *out.mutable_propose_change()); }
    void operator()(const VoteOnChange& a) const { to_wire(a, *out.mutable_vote_on_change()); }
    void operator()(const RotateKey& a) const { to_wire(a, *out.mutable_rotate_key()); }
    void operator()(const ReportReady& a) const { to_wire(a, *out.mutable_report_ready()); }
    void operator()(const SubmitEvidence& a) const { to_wire(a, *out.mutable_submit_evidence()); }
    void operator()(const RevokeBridge& a) const { to_wire(a, *out.mutable_revoke_bridge()); }
    void operator()(const OpenDispute& a) const { to_wire(a, *out.mutable_open_dispute()); }
    void operator()(const AcceptDispute& a) const { to_wire(a, *out.mutable_accept_dispute()); }
    void operator()(const Arbitrate& a) const { to_wire(a, *out.mutable_arbitrate()); }
    void operator()(const LateCharge& a) const { to_wire(a, *out.mutable_late_charge()); }
    void operator()(const CreditCharge& a) const { to_wire(a, *out.mutable_credit_charge()); }
    void operator()(const RebillCharge& a) const { to_wire(a, *out.mutable_rebill_charge()); }
    void operator()(const ConfirmPayment& a) const { to_wire(a, *out.mutable_confirm_payment()); }
};

// ---- messages to values

SetAgreement from_wire(Reader& reader, const wire::SetAgreement& in) {
    SetAgreement action;
    action.partner = reader.fixed<PartyId>(in.partner());
    action.active = in.active();
    action.currency = reader.fixed<Currency>(in.currency());
    action.tariffs_offered.assign(in.tariffs_offered().begin(), in.tariffs_offered().end());
    action.exposure_cap = in.exposure_cap();
    return action;
}

RegisterBridge from_wire(Reader& reader, const wire::RegisterBridge& in) {
    RegisterBridge action;
    action.bridge_id = in.bridge_id();
    action.public_key = reader.fixed<PublicKey>(in.public_key());
    if (in.kind() == wire::BRIDGE_KIND_UNSPECIFIED || !wire::BridgeKind_IsValid(in.kind())) {
        reader.fail(TransactionError::unknown_action);
    }
    action.kind = static_cast<BridgeKind>(in.kind());
    return action;
}

RegisterCharger from_wire(Reader& reader, const wire::RegisterCharger& in) {
    RegisterCharger action;
    action.evse_id = in.evse_id();
    action.station = in.station();
    action.connector = reader.narrow<std::uint16_t>(in.connector());
    action.bridge_id = in.bridge_id();
    action.rated_power_w = in.rated_power_w();
    action.meter_serial = in.meter_serial();
    action.meter_epoch = in.meter_epoch();
    const ByteView key = as_bytes(in.meter_public_key());
    action.meter_public_key.assign(key.begin(), key.end());
    return action;
}

PublishTariff from_wire(Reader& reader, const wire::PublishTariff& in) {
    return {from_wire(in.ref()), from_wire(reader, in.tariff())};
}

SetLimit from_wire(Reader& reader, const wire::SetLimit& in) {
    return {reader.fixed<PartyId>(in.member()), reader.fixed<Currency>(in.currency()), in.limit()};
}

Countersign from_wire(Reader& reader, const wire::Countersign& in) {
    return {from_wire(reader, in.transaction()), reader.fixed<Hash>(in.transaction_hash())};
}

DecideAuthorization from_wire(Reader& reader, const wire::DecideAuthorization& in) {
    DecideAuthorization action;
    action.visited = reader.fixed<PartyId>(in.visited());
    action.request_hash = reader.fixed<Hash>(in.request_hash());
    action.token_commitment = reader.fixed<Hash>(in.token_commitment());
    action.station = in.station();
    action.currency = reader.fixed<Currency>(in.currency());
    action.approved = in.approved();
    action.amount = in.amount();
    for (const wire::TariffRef& ref : in.tariffs()) {
        action.tariffs.push_back(from_wire(ref));
    }
    action.start_by = in.start_by_ms();
    if (!wire::DenyReason_IsValid(in.reason())) {
        reader.fail(TransactionError::unknown_action);
    }
    action.reason = static_cast<DenyReason>(in.reason());
    return action;
}

ReleaseAuthorization from_wire(Reader& reader, const wire::ReleaseAuthorization& in) {
    return {from_wire(reader, in.authorization())};
}

StartCharge from_wire(Reader& reader, const wire::StartCharge& in) {
    return {from_wire(reader, in.authorization()), in.evse_id(), from_wire(in.tariff())};
}

RecordCharge from_wire(Reader& reader, const wire::RecordCharge& in) {
    RecordCharge action;
    action.metered = from_wire(reader, in.metered());
    action.rated_amount = in.rated_amount();
    action.amount = in.amount();
    return action;
}

SettleCharge from_wire(Reader& reader, const wire::SettleCharge& in) {
    return {from_wire(reader, in.authorization()), in.amount()};
}

ClaimCharge from_wire(Reader& reader, const wire::ClaimCharge& in) {
    return {from_wire(reader, in.authorization())};
}

Action action_from_wire(Reader& reader, const wire::Transaction& in) {
    switch (in.action_case()) {
        case wire::Transaction::kSetAgreement:
            return from_wire(reader, in.set_agreement());
        case wire::Transaction::kRegisterBridge:
            return from_wire(reader, in.register_bridge());
        case wire::Transaction::kRegisterCharger:
            return from_wire(reader, in.register_charger());
        case wire::Transaction::kPublishTariff:
            return from_wire(reader, in.publish_tariff());
        case wire::Transaction::kSetLimit:
            return from_wire(reader, in.set_limit());
        case wire::Transaction::kCountersign:
            return from_wire(reader, in.countersign());
        case wire::Transaction::kDecideAuthorization:
            return from_wire(reader, in.decide_authorization());
        case wire::Transaction::kReleaseAuthorization:
            return from_wire(reader, in.release_authorization());
        case wire::Transaction::kStartCharge:
            return from_wire(reader, in.start_charge());
        case wire::Transaction::kRecordCharge:
            return from_wire(reader, in.record_charge());
        case wire::Transaction::kSettleCharge:
            return from_wire(reader, in.settle_charge());
        case wire::Transaction::kClaimCharge:
            return from_wire(reader, in.claim_charge());
        case wire::Transaction::kAdmitFollower:
            return from_wire(reader, in.admit_follower());
        case wire::Transaction::kProposeChange:
            return from_wire(reader, in.propose_change());
        case wire::Transaction::kVoteOnChange:
            return from_wire(reader, in.vote_on_change());
        case wire::Transaction::kRotateKey:
            return from_wire(reader, in.rotate_key());
        case wire::Transaction::kReportReady:
            return from_wire(reader, in.report_ready());
        case wire::Transaction::kSubmitEvidence:
            return from_wire(reader, in.submit_evidence());
        case wire::Transaction::kRevokeBridge:
            return from_wire(reader, in.revoke_bridge());
        case wire::Transaction::kOpenDispute:
            return from_wire(reader, in.open_dispute());
        case wire::Transaction::kAcceptDispute:
            return from_wire(reader, in.accept_dispute());
        case wire::Transaction::kArbitrate:
            return from_wire(reader, in.arbitrate());
        case wire::Transaction::kLateCharge:
            return from_wire(reader, in.late_charge());
        case wire::Transaction::kCreditCharge:
            return from_wire(reader, in.credit_charge());
        case wire::Transaction::kRebillCharge:
            return from_wire(reader, in.rebill_charge());
        case wire::Transaction::kConfirmPayment:
            return from_wire(reader, in.confirm_payment());
        case wire::Transaction::ACTION_NOT_SET:
            break;
    }
    reader.fail(TransactionError::unknown_action);
    return {};
}

TransactionError error_of(WireError error) {
    switch (error) {
        case WireError::malformed:
            return TransactionError::malformed;
        case WireError::unknown_field:
            return TransactionError::unknown_field;
        case WireError::unknown_enum:
            return TransactionError::unknown_action;
    }
    return TransactionError::malformed;
}

bool is_within_bounds(const Transaction& transaction) {
    return transaction.not_after >= 0 && transaction.not_after <= unix_millis_max &&
           is_within_bounds(transaction.action);
}

}  // namespace

const char* to_text(TransactionError error) {
    switch (error) {
        case TransactionError::too_large:
            return "too_large";
        case TransactionError::malformed:
            return "malformed";
        case TransactionError::unknown_field:
            return "unknown_field";
        case TransactionError::unknown_action:
            return "unknown_action";
        case TransactionError::out_of_range:
            return "out_of_range";
    }
    return "unknown";
}

Bytes encode_transaction(const Transaction& transaction) {
    ENSURE(is_within_bounds(transaction));
    wire::Transaction message;
    message.set_id(octets(transaction.id));
    message.set_not_after_ms(transaction.not_after);
    std::visit(ActionWriter{message}, transaction.action);
    Bytes bytes(message.ByteSizeLong());
    ENSURE(bytes.size() <= transaction_bytes_max);
    ENSURE(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
    return bytes;
}

Expected<Transaction, TransactionError> decode_transaction(ByteView bytes) {
    if (bytes.size() > transaction_bytes_max) {
        return Unexpected{TransactionError::too_large};
    }
    if (const auto error = check_wire(*wire::Transaction::descriptor(), bytes)) {
        return Unexpected{error_of(*error)};
    }
    wire::Transaction message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return Unexpected{TransactionError::malformed};
    }
    Reader reader;
    Transaction transaction;
    transaction.id = reader.fixed<TransactionId>(message.id());
    transaction.not_after = message.not_after_ms();
    transaction.action = action_from_wire(reader, message);
    if (reader.error()) {
        return Unexpected{*reader.error()};
    }
    if (!is_within_bounds(transaction)) {
        return Unexpected{TransactionError::out_of_range};
    }
    return transaction;
}

Hash transaction_hash(ByteView bytes) { return merkle_leaf_hash(bytes); }

}  // namespace tally
