#pragma once

#include "ledger/crypto/sha256.h"
#include "ledger/model/genesis.h"
#include "ledger/model/transaction.h"

#include <string>
#include <vector>

namespace tally::test {

/// Values that are fixed, valid and different in every field, for golden encodings and round trips.

inline constexpr UnixMillis sample_time{1'800'000'000'000};

inline PartyId party(const char* text) { return *party_from_text(text); }
inline Currency currency(const char* text) { return *currency_from_text(text); }

inline SecretKey secret(std::uint8_t number) {
    SecretKey key;
    key.data.back() = number;
    return key;
}

inline TransactionId sample_id(std::uint8_t number) {
    TransactionId id;
    id.data = {0x01, 0xa3, 0x18, 0x5c, 0x50, 0x00, 0, 1, 2, 3, 4, 5, 6, 7, 8, number};
    return id;
}

inline AuthorizationRef sample_authorization() { return {party("BBB"), sample_id(1)}; }

inline Tariff sample_tariff() {
    TariffElement night;
    night.components = {{PriceKind::energy, 4'000, 60'000, 1},
                        {PriceKind::service, 3'000, std::nullopt, 0}};
    night.restrictions.start_minute = 1'320;
    night.restrictions.end_minute = 420;
    night.restrictions.days_of_week = 0x1f;
    night.restrictions.start_day = 20'000;
    night.restrictions.max_wh = 50'000;
    TariffElement reserved;
    reserved.components = {{PriceKind::flat, 10'000, 190'000, 1},
                           {PriceKind::time, 5'000, 190'000, 300}};
    reserved.restrictions.reservation = ReservationRule::reservation_expires;
    reserved.restrictions.min_duration_s = 600;
    TariffElement day;
    day.components = {{PriceKind::energy, 9'000, 60'000, 10},
                      {PriceKind::parking_time, 20'000, 190'000, 60}};
    Tariff tariff;
    tariff.currency = currency("CNY");
    tariff.elements = {night, reserved, day};
    tariff.min_price = PriceLimit{5'000, 5'300};
    tariff.max_price = PriceLimit{1'000'000, std::nullopt};
    tariff.valid_from = sample_time;
    return tariff;
}

inline MeteredCharge sample_metered() {
    MeteredCharge charge;
    charge.authorization = sample_authorization();
    charge.evse_id = "CN*AAA*E0001*1";
    charge.bridge_id = "AAA-bridge-1";
    charge.meter_serial = "M-0001";
    charge.meter_epoch = 2;
    charge.readings = {{sample_time, 480, 1'000, false},
                       {sample_time + 600'000, 480, 5'000, true, Activity::parking, 7'400},
                       {sample_time + 1'800'000, 480, 13'000, false}};
    charge.evidence = sha256(as_bytes("evidence"));
    charge.bridge_signature.data.fill(0x5a);
    return charge;
}

inline DecideAuthorization sample_approval() {
    DecideAuthorization action;
    action.visited = party("AAA");
    action.request_hash = sha256(as_bytes("request"));
    action.token_commitment = sha256(as_bytes("token"));
    action.station = "CP-0001";
    action.currency = currency("CNY");
    action.approved = true;
    action.amount = 500'000;
    action.tariffs = {{"day", 1}, {"night", 3}};
    action.start_by = sample_time + 300'000;
    return action;
}

inline DecideAuthorization sample_denial() {
    DecideAuthorization action = sample_approval();
    action.approved = false;
    action.amount = 0;
    action.tariffs.clear();
    action.start_by = 0;
    action.reason = DenyReason::insufficient_balance;
    return action;
}

inline Member sample_follower() {
    Member member;
    member.party = party("DDD");
    member.country = "CN";
    member.operator_id = "987654321";
    member.member_key = public_key_of(secret(50));
    member.consensus_key = public_key_of(secret(51));
    member.link_key = public_key_of(secret(52));
    member.validator = false;
    return member;
}

inline Signature sample_possession(std::uint8_t filling) {
    Signature possession;
    possession.data.fill(filling);
    return possession;
}

inline ProposeChange sample_proposal(ChangeKind kind) {
    ProposeChange action;
    action.kind = kind;
    if (kind == ChangeKind::activate_feature || kind == ChangeKind::withdraw_feature) {
        action.feature = 70'000;
        return action;
    }
    if (kind == ChangeKind::confirm_leg) {
        action.leg = LegKey{1ULL << 63U, currency("CNY"), party("CCC"), party("AAA")};
        return action;
    }
    if (kind == ChangeKind::set_parameters) {
        action.parameters = Parameters{};
        action.parameters->delta = 400;
        action.parameters->epoch_blocks_max = 5'000;
        action.parameters->epoch_blocks_min = 50;
        return action;
    }
    action.member = party("DDD");
    if (kind == ChangeKind::replace_keys) {
        action.member_key = ProvenKey{public_key_of(secret(53)), sample_possession(0x44)};
        action.link_key = ProvenKey{public_key_of(secret(54)), sample_possession(0x55)};
    }
    return action;
}

inline AdmitFollower sample_admission() {
    return {sample_follower(),
            {sample_possession(0x61), sample_possession(0x62), sample_possession(0x63)}};
}

inline SubmitEvidence sample_evidence() {
    SubmitEvidence action;
    action.signer = 2;
    action.first = {5, VoteKind::finalize, 9, 8, sha256(as_bytes("one"))};
    action.first_signature.data.fill(0x11);
    action.second = {5, VoteKind::nullify, 9, 0, {}};
    action.second_signature.data.fill(0x22);
    return action;
}

inline RotateKey sample_rotation() {
    return {KeyRole::link, public_key_of(secret(41)), sample_possession(0x33)};
}

inline RatedCharge sample_rated() {
    return {sample_metered(), {"day", 7}, currency("CNY"), 123'456, 120'000};
}

/// One of each kind, a denial, and five changes.
inline std::vector<Action> sample_actions() {
    const Bytes meter_key{0x30, 0x59, 0x30, 0x13};
    return {
        SetAgreement{party("AAA"), true, currency("CNY"), {"day", "night"}, 10'000'000},
        RegisterBridge{"AAA-bridge-1", public_key_of(secret(9)), BridgeKind::ocpi},
        RegisterCharger{"CN*AAA*E0001*1", "CP-0001", 2, "AAA-bridge-1", 60'000, "M-0001", 2,
                        meter_key},
        PublishTariff{{"day", 7}, sample_tariff()},
        SetLimit{party("BBB"), currency("CNY"), 100'000'000},
        Countersign{{party("HUB"), sample_id(2)}, sha256(as_bytes("first"))},
        sample_approval(),
        sample_denial(),
        ReleaseAuthorization{sample_authorization()},
        StartCharge{sample_authorization(), "CN*AAA*E0001*1", {"day", 7}},
        RecordCharge{sample_metered(), 123'456, 120'000},
        SettleCharge{sample_authorization(), 120'000},
        ClaimCharge{sample_authorization()},
        sample_admission(),
        sample_proposal(ChangeKind::promote),
        sample_proposal(ChangeKind::replace_keys),
        sample_proposal(ChangeKind::set_parameters),
        sample_proposal(ChangeKind::activate_feature),
        sample_proposal(ChangeKind::confirm_leg),
        VoteOnChange{{party("AAA"), sample_id(4)}, true},
        sample_rotation(),
        ReportReady{5, sha256(as_bytes("validators")), 1'234},
        sample_evidence(),
        RevokeBridge{"AAA-bridge-1"},
        OpenDispute{sample_authorization(), 20'000, DisputeReason::not_our_customer,
                    sha256(as_bytes("proof"))},
        AcceptDispute{sample_authorization()},
        Arbitrate{sample_authorization(), 15'000, sha256(as_bytes("decision"))},
        LateCharge{sample_rated()},
        CreditCharge{sample_authorization(),
                     {party("AAA"), sample_id(5)},
                     currency("CNY"),
                     120'000,
                     60'000,
                     sha256(as_bytes("why"))},
        RebillCharge{{party("AAA"), sample_id(6)}, sample_rated()},
        ConfirmPayment{2'961, currency("CNY"), party("BBB"), "2026-11-22/0001 TALLY"},
    };
}

inline Transaction sample_transaction(Action action) {
    return {sample_id(3), sample_time + 60'000, std::move(action)};
}

inline Member sample_member(const char* name, MemberRole role, std::uint8_t key) {
    Member member;
    member.party = party(name);
    member.country = "CN";
    member.role = role;
    member.member_key = public_key_of(secret(key));
    member.consensus_key = public_key_of(secret(static_cast<std::uint8_t>(key + 1)));
    member.link_key = public_key_of(secret(static_cast<std::uint8_t>(key + 2)));
    return member;
}

/// A hub and two operators that accept each other.
inline Genesis sample_genesis() {
    Genesis genesis;
    genesis.name = "sample network";
    genesis.time = sample_time;
    genesis.members = {sample_member("AAA", MemberRole::operator_, 10),
                       sample_member("BBB", MemberRole::operator_, 20),
                       sample_member("HUB", MemberRole::hub, 30)};
    genesis.members[0].operator_id = "123456789";
    genesis.agreements = {{party("AAA"), {party("BBB"), true, currency("CNY"), {"day"}, 5'000'000}},
                          {party("BBB"), {party("AAA"), true, currency("CNY"), {}, 0}}};
    genesis.limits = {{party("AAA"), currency("CNY"), 100'000'000},
                      {party("BBB"), currency("CNY"), 200'000'000}};
    return genesis;
}

}  // namespace tally::test
