#include "ledger/model/clearing_wire.h"

#include "ledger/model/ledger.pb.h"
#include "ledger/model/membership_wire.h"
#include "ledger/model/tariff_wire.h"

namespace tally::wire_form {

namespace {

void rated_to_wire(const RatedCharge& charge, wire::RatedCharge& out) {
    to_wire(charge.metered, *out.mutable_metered());
    to_wire(charge.tariff, *out.mutable_tariff());
    out.set_currency(octets(charge.currency));
    out.set_rated_amount(charge.rated_amount);
    out.set_amount(charge.amount);
}

RatedCharge rated_from_wire(Reader& reader, const wire::RatedCharge& in) {
    RatedCharge charge;
    charge.metered = from_wire(reader, in.metered());
    charge.tariff = from_wire(in.tariff());
    charge.currency = reader.fixed<Currency>(in.currency());
    charge.rated_amount = in.rated_amount();
    charge.amount = in.amount();
    return charge;
}

}  // namespace

void to_wire(const TariffRef& ref, wire::TariffRef& out) {
    out.set_tariff_id(ref.tariff_id);
    out.set_version(ref.version);
}

void to_wire(const MeteredCharge& charge, wire::MeteredCharge& out) {
    to_wire(charge.authorization, *out.mutable_authorization());
    out.set_evse_id(charge.evse_id);
    out.set_bridge_id(charge.bridge_id);
    out.set_meter_serial(charge.meter_serial);
    out.set_meter_epoch(charge.meter_epoch);
    for (const MeterReading& reading : charge.readings) {
        to_wire(reading, *out.add_readings());
    }
    out.set_evidence(octets(charge.evidence));
    out.set_bridge_signature(octets(charge.bridge_signature));
}

void to_wire(const RevokeBridge& action, wire::RevokeBridge& out) {
    out.set_bridge_id(action.bridge_id);
}

void to_wire(const OpenDispute& action, wire::OpenDispute& out) {
    to_wire(action.authorization, *out.mutable_authorization());
    out.set_disputed(action.disputed);
    out.set_reason(static_cast<wire::DisputeReason>(action.reason));
    out.set_evidence(octets(action.evidence));
}

void to_wire(const AcceptDispute& action, wire::AcceptDispute& out) {
    to_wire(action.authorization, *out.mutable_authorization());
}

void to_wire(const Arbitrate& action, wire::Arbitrate& out) {
    to_wire(action.authorization, *out.mutable_authorization());
    out.set_amount(action.amount);
    out.set_reason(octets(action.reason));
}

void to_wire(const LateCharge& action, wire::LateCharge& out) {
    rated_to_wire(action.charge, *out.mutable_charge());
}

void to_wire(const CreditCharge& action, wire::CreditCharge& out) {
    to_wire(action.authorization, *out.mutable_authorization());
    to_wire(action.record, *out.mutable_record());
    out.set_currency(octets(action.currency));
    out.set_charged(action.charged);
    out.set_amount(action.amount);
    out.set_reason(octets(action.reason));
}

void to_wire(const RebillCharge& action, wire::RebillCharge& out) {
    to_wire(action.credit, *out.mutable_credit());
    rated_to_wire(action.charge, *out.mutable_charge());
}

void to_wire(const ConfirmPayment& action, wire::ConfirmPayment& out) {
    out.set_cycle(action.cycle);
    out.set_currency(octets(action.currency));
    out.set_debtor(octets(action.debtor));
    out.set_reference(action.reference);
}

TariffRef from_wire(const wire::TariffRef& in) { return {in.tariff_id(), in.version()}; }

MeteredCharge from_wire(Reader& reader, const wire::MeteredCharge& in) {
    MeteredCharge charge;
    charge.authorization = from_wire(reader, in.authorization());
    charge.evse_id = in.evse_id();
    charge.bridge_id = in.bridge_id();
    charge.meter_serial = in.meter_serial();
    charge.meter_epoch = in.meter_epoch();
    for (const wire::MeterReading& reading : in.readings()) {
        charge.readings.push_back(from_wire(reader, reading));
    }
    charge.evidence = reader.fixed<Hash>(in.evidence());
    charge.bridge_signature = reader.fixed<Signature>(in.bridge_signature());
    return charge;
}

RevokeBridge from_wire(Reader& /*reader*/, const wire::RevokeBridge& in) {
    return {in.bridge_id()};
}

OpenDispute from_wire(Reader& reader, const wire::OpenDispute& in) {
    OpenDispute action;
    action.authorization = from_wire(reader, in.authorization());
    action.disputed = in.disputed();
    if (in.reason() == wire::DISPUTE_REASON_UNSPECIFIED ||
        !wire::DisputeReason_IsValid(in.reason())) {
        reader.fail(TransactionError::unknown_action);
    }
    action.reason = static_cast<DisputeReason>(in.reason());
    action.evidence = reader.fixed<Hash>(in.evidence());
    return action;
}

AcceptDispute from_wire(Reader& reader, const wire::AcceptDispute& in) {
    return {from_wire(reader, in.authorization())};
}

Arbitrate from_wire(Reader& reader, const wire::Arbitrate& in) {
    return {from_wire(reader, in.authorization()), in.amount(), reader.fixed<Hash>(in.reason())};
}

LateCharge from_wire(Reader& reader, const wire::LateCharge& in) {
    return {rated_from_wire(reader, in.charge())};
}

CreditCharge from_wire(Reader& reader, const wire::CreditCharge& in) {
    CreditCharge action;
    action.authorization = from_wire(reader, in.authorization());
    action.record = from_wire(reader, in.record());
    action.currency = reader.fixed<Currency>(in.currency());
    action.charged = in.charged();
    action.amount = in.amount();
    action.reason = reader.fixed<Hash>(in.reason());
    return action;
}

RebillCharge from_wire(Reader& reader, const wire::RebillCharge& in) {
    return {from_wire(reader, in.credit()), rated_from_wire(reader, in.charge())};
}

ConfirmPayment from_wire(Reader& reader, const wire::ConfirmPayment& in) {
    return {in.cycle(), reader.fixed<Currency>(in.currency()), reader.fixed<PartyId>(in.debtor()),
            in.reference()};
}

}  // namespace tally::wire_form
