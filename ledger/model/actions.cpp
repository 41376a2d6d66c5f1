#include "ledger/model/actions.h"

#include "ledger/base/overloaded.h"
#include "ledger/crypto/sha256.h"

#include <algorithm>
#include <array>

namespace tally {

namespace {

bool is_amount(Money amount) noexcept { return amount >= 0 && amount <= amount_max; }

bool is_time(UnixMillis time) noexcept { return time >= 0 && time <= unix_millis_max; }

bool is_known(BridgeKind kind) noexcept {
    switch (kind) {
        case BridgeKind::site:
        case BridgeKind::ocpi:
        case BridgeKind::tcec:
            return true;
    }
    return false;
}

bool is_known(DenyReason reason) noexcept {
    return reason >= DenyReason::unknown_token && reason <= DenyReason::not_allowed;
}

bool is_known(DisputeReason reason) noexcept {
    return reason >= DisputeReason::energy && reason <= DisputeReason::other;
}

bool is_valid(const TransactionRef& ref) noexcept { return is_valid(ref.signer); }

bool within(const SetAgreement& action) {
    return is_valid(action.partner) && is_valid(action.currency) &&
           action.tariffs_offered.size() <= tariffs_offered_max &&
           std::all_of(
               action.tariffs_offered.begin(), action.tariffs_offered.end(),
               [](const std::string& id) { return is_valid_name(id, tariff_id_bytes_max); }) &&
           is_amount(action.exposure_cap);
}

bool within(const RegisterBridge& action) {
    return is_valid_name(action.bridge_id, bridge_id_bytes_max) && is_known(action.kind) &&
           VerifyKey::parse(action.public_key).has_value();
}

bool within(const RevokeBridge& action) {
    return is_valid_name(action.bridge_id, bridge_id_bytes_max);
}

bool within(const RegisterCharger& action) {
    return is_valid_name(action.evse_id, evse_id_bytes_max) &&
           is_valid_name(action.station, station_id_bytes_max) && action.connector > 0 &&
           is_valid_name(action.bridge_id, bridge_id_bytes_max) && action.rated_power_w > 0 &&
           action.rated_power_w <= rated_power_w_max &&
           is_valid_name(action.meter_serial, meter_serial_bytes_max) &&
           action.meter_public_key.size() <= meter_key_bytes_max;
}

bool within(const PublishTariff& action) {
    return is_valid(action.ref) && action.tariff.is_valid();
}

bool within(const SetLimit& action) {
    return is_valid(action.member) && is_valid(action.currency) && is_amount(action.limit);
}

bool within(const Countersign& action) { return is_valid(action.transaction); }

bool within(const DecideAuthorization& action) {
    if (!is_valid(action.visited) || !is_valid(action.currency) ||
        !is_valid_name(action.station, station_id_bytes_max)) {
        return false;
    }
    if (!action.approved) {
        return is_known(action.reason) && action.amount == 0 && action.tariffs.empty() &&
               action.start_by == 0;
    }
    return action.reason == DenyReason{} && is_amount(action.amount) && is_time(action.start_by) &&
           !action.tariffs.empty() && action.tariffs.size() <= tariffs_offered_max &&
           std::all_of(action.tariffs.begin(), action.tariffs.end(),
                       [](const TariffRef& ref) { return is_valid(ref); });
}

bool within(const ReleaseAuthorization& action) { return is_valid(action.authorization); }

bool within(const StartCharge& action) {
    return is_valid(action.authorization) && is_valid_name(action.evse_id, evse_id_bytes_max) &&
           is_valid(action.tariff);
}

bool within(const MeteredCharge& charge) {
    return is_valid(charge.authorization) && is_valid_name(charge.evse_id, evse_id_bytes_max) &&
           is_valid_name(charge.bridge_id, bridge_id_bytes_max) &&
           is_valid_name(charge.meter_serial, meter_serial_bytes_max) &&
           charge.readings.size() >= 2 && charge.readings.size() <= readings_max &&
           std::all_of(charge.readings.begin(), charge.readings.end(),
                       [](const MeterReading& reading) { return is_valid(reading); });
}

bool within(const RecordCharge& action) {
    return within(action.metered) && is_amount(action.rated_amount) && is_amount(action.amount);
}

bool within(const SettleCharge& action) {
    return is_valid(action.authorization) && is_amount(action.amount);
}

bool within(const ClaimCharge& action) { return is_valid(action.authorization); }

bool within(const OpenDispute& action) {
    return is_valid(action.authorization) && is_amount(action.disputed) && action.disputed > 0 &&
           is_known(action.reason);
}

bool within(const AcceptDispute& action) { return is_valid(action.authorization); }

bool within(const Arbitrate& action) {
    return is_valid(action.authorization) && is_amount(action.amount);
}

bool within(const RatedCharge& charge) {
    return within(charge.metered) && is_valid(charge.tariff) && is_valid(charge.currency) &&
           is_amount(charge.rated_amount) && is_amount(charge.amount);
}

bool within(const LateCharge& action) { return within(action.charge); }

bool within(const CreditCharge& action) {
    return is_valid(action.authorization) && is_valid(action.record) && is_valid(action.currency) &&
           is_amount(action.charged) && is_amount(action.amount) && action.amount > 0;
}

bool within(const RebillCharge& action) { return is_valid(action.credit) && within(action.charge); }

bool within(const ConfirmPayment& action) {
    return is_valid(action.currency) && is_valid(action.debtor) && !action.reference.empty() &&
           action.reference.size() <= payment_reference_bytes_max &&
           std::all_of(action.reference.begin(), action.reference.end(),
                       [](char character) { return character >= 0x20 && character <= 0x7e; });
}

bool is_key(const PublicKey& key) { return VerifyKey::parse(key).has_value(); }

bool is_key_or_absent(const std::optional<ProvenKey>& key) { return !key || is_key(key->key); }

bool within(const AdmitFollower& action) {
    const Member& member = action.member;
    return !find_problem(member) && member.role == MemberRole::operator_ && !member.validator &&
           is_key(member.member_key) && is_key(member.consensus_key) && is_key(member.link_key);
}

bool is_leg(const LegKey& leg) {
    return is_valid(leg.currency) && is_valid(leg.debtor) && is_valid(leg.creditor) &&
           leg.debtor != leg.creditor;
}

bool within(const ProposeChange& action) {
    const bool has_key = action.member_key || action.consensus_key || action.link_key;
    const bool is_plain = !has_key && !action.parameters && action.feature == 0 && !action.leg;
    switch (action.kind) {
        case ChangeKind::promote:
        case ChangeKind::demote:
        case ChangeKind::suspend:
        case ChangeKind::reinstate:
            return is_valid(action.member) && is_plain;
        case ChangeKind::replace_keys:
            return is_valid(action.member) && has_key && !action.parameters && !action.leg &&
                   action.feature == 0 && is_key_or_absent(action.member_key) &&
                   is_key_or_absent(action.consensus_key) && is_key_or_absent(action.link_key);
        case ChangeKind::set_parameters:
            return action.member.is_zero() && !has_key && action.feature == 0 && !action.leg &&
                   action.parameters && !find_problem(*action.parameters);
        case ChangeKind::activate_feature:
        case ChangeKind::withdraw_feature:
            return action.member.is_zero() && !has_key && !action.parameters && !action.leg &&
                   action.feature != 0;
        case ChangeKind::confirm_leg:
            return action.member.is_zero() && !has_key && !action.parameters &&
                   action.feature == 0 && action.leg && is_leg(*action.leg);
    }
    return false;
}

bool within(const VoteOnChange& action) { return is_valid(action.proposal); }

bool within(const RotateKey& action) {
    return action.role >= KeyRole::member && action.role <= KeyRole::link && is_key(action.new_key);
}

bool within(const ReportReady&) { return true; }

bool within(const SubmitEvidence& action) {
    return action.signer < validators_max && is_well_formed(action.first) &&
           is_well_formed(action.second);
}

}  // namespace

const char* to_text(DenyReason reason) {
    switch (reason) {
        case DenyReason::unknown_token:
            return "unknown_token";
        case DenyReason::token_blocked:
            return "token_blocked";
        case DenyReason::insufficient_balance:
            return "insufficient_balance";
        case DenyReason::minimum_approval:
            return "minimum_approval";
        case DenyReason::concurrent_charge:
            return "concurrent_charge";
        case DenyReason::currency_mismatch:
            return "currency_mismatch";
        case DenyReason::no_agreement:
            return "no_agreement";
        case DenyReason::limit_exceeded:
            return "limit_exceeded";
        case DenyReason::not_allowed:
            return "not_allowed";
    }
    return "none";
}

const char* to_text(DisputeReason reason) {
    switch (reason) {
        case DisputeReason::energy:
            return "energy";
        case DisputeReason::price:
            return "price";
        case DisputeReason::time:
            return "time";
        case DisputeReason::not_our_customer:
            return "not_our_customer";
        case DisputeReason::duplicate:
            return "duplicate";
        case DisputeReason::other:
            return "other";
    }
    return "unknown";
}

std::optional<DisputeReason> dispute_reason_from_text(std::string_view text) {
    constexpr auto last = static_cast<std::uint8_t>(DisputeReason::other);
    for (auto number = static_cast<std::uint8_t>(DisputeReason::energy); number <= last; ++number) {
        if (text == to_text(DisputeReason{number})) {
            return DisputeReason{number};
        }
    }
    return std::nullopt;
}

Bytes encode_metered(const MeteredCharge& charge) {
    Encoder encoder;
    encode(encoder, charge.authorization);
    encoder.text(charge.evse_id).text(charge.bridge_id).text(charge.meter_serial);
    encoder.u32(charge.meter_epoch).u32(static_cast<std::uint32_t>(charge.readings.size()));
    for (const MeterReading& reading : charge.readings) {
        encode(encoder, reading);
    }
    encoder.fixed(charge.evidence);
    return std::move(encoder).take();
}

MeteredCharge decode_metered(Decoder& decoder) {
    MeteredCharge charge;
    charge.authorization = decode_transaction_ref(decoder);
    charge.evse_id = decoder.text(evse_id_bytes_max);
    charge.bridge_id = decoder.text(bridge_id_bytes_max);
    charge.meter_serial = decoder.text(meter_serial_bytes_max);
    charge.meter_epoch = decoder.u32();
    const std::uint32_t count =
        decoder.count(static_cast<std::uint32_t>(readings_max), reading_bytes_min);
    charge.readings.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        charge.readings.push_back(decode_reading(decoder));
    }
    charge.evidence = decoder.fixed<Hash>();
    if (!within(charge)) {
        decoder.fail();
    }
    return charge;
}

Hash metered_signing_digest(const Hash& chain_id, const MeteredCharge& charge) {
    Encoder encoder;
    encoder.fixed(chain_id).raw(encode_metered(charge));
    return tagged_hash("tally/metered-charge/v1", encoder.bytes());
}

bool is_within_bounds(const Action& action) {
    return std::visit([](const auto& concrete) { return within(concrete); }, action);
}

const char* action_name(const Action& action) {
    return std::visit(Overloaded{
                          [](const SetAgreement&) { return "SetAgreement"; },
                          [](const RegisterBridge&) { return "RegisterBridge"; },
                          [](const RegisterCharger&) { return "RegisterCharger"; },
                          [](const PublishTariff&) { return "PublishTariff"; },
                          [](const SetLimit&) { return "SetLimit"; },
                          [](const Countersign&) { return "Countersign"; },
                          [](const DecideAuthorization&) { return "DecideAuthorization"; },
                          [](const ReleaseAuthorization&) { return "ReleaseAuthorization"; },
                          [](const StartCharge&) { return "StartCharge"; },
                          [](const RecordCharge&) { return "RecordCharge"; },
                          [](const SettleCharge&) { return "SettleCharge"; },
                          [](const ClaimCharge&) { return "ClaimCharge"; },
                          [](const AdmitFollower&) { return "AdmitFollower"; },
                          [](const ProposeChange&) { return "ProposeChange"; },
                          [](const VoteOnChange&) { return "VoteOnChange"; },
                          [](const RotateKey&) { return "RotateKey"; },
                          [](const ReportReady&) { return "ReportReady"; },
                          [](const SubmitEvidence&) { return "SubmitEvidence"; },
                          [](const RevokeBridge&) { return "RevokeBridge"; },
                          [](const OpenDispute&) { return "OpenDispute"; },
                          [](const AcceptDispute&) { return "AcceptDispute"; },
                          [](const Arbitrate&) { return "Arbitrate"; },
                          [](const LateCharge&) { return "LateCharge"; },
                          [](const CreditCharge&) { return "CreditCharge"; },
                          [](const RebillCharge&) { return "RebillCharge"; },
                          [](const ConfirmPayment&) { return "ConfirmPayment"; },
                      },
                      action);
}

}  // namespace tally
