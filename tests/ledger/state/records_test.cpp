// Records: one encoding each, and nothing else decodes.

#include "ledger/state/records.h"

#include "ledger/model/day_bands.h"
#include "ledger/state/cycle_records.h"

#include <catch2/catch.hpp>

#include <random>

namespace tally {
namespace {

const PartyId aaa = *party_from_text("AAA");
const PartyId bbb = *party_from_text("BBB");
const Currency cny = *currency_from_text("CNY");

Authorization approved() {
    Authorization authorization;
    authorization.visited = aaa;
    authorization.currency = cny;
    authorization.amount = 500'000;
    authorization.request_hash.data.fill(1);
    authorization.token_commitment.data.fill(2);
    authorization.station = "ST1";
    authorization.tariffs = {{"std", 1}, {"night", 7}};
    authorization.decided_at = 1000;
    authorization.start_by = 2000;
    return authorization;
}

Authorization with_status(AuthorizationStatus status, bool start, bool record, bool end) {
    Authorization authorization = approved();
    authorization.status = status;
    if (start) {
        authorization.start = Authorization::Start{1500, 9000, "E1", {"std", 1}};
    }
    if (record) {
        authorization.record =
            Authorization::Record{3000, 4000, 5000, 1400, 2900, 12'000, 180'000, 170'000, {}};
    }
    if (end) {
        authorization.end =
            Authorization::End{3500, 170'000, DenyReason::not_allowed, ExpiryCause::not_claimed};
    }
    return authorization;
}

/// Encodes, reads back, and checks that every shorter, longer and flipped form is told apart.
template <typename Record>
void check_codec(const Record& record) {
    const Bytes encoded = encode(record);
    REQUIRE(decode_record<Record>(encoded) == record);
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        REQUIRE_FALSE(decode_record<Record>(ByteView{encoded}.first(length)));
    }
    Bytes longer = encoded;
    longer.push_back(0);
    REQUIRE_FALSE(decode_record<Record>(longer));
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
            Bytes other = encoded;
            other[i] = static_cast<std::uint8_t>(other[i] ^ flip);
            const std::optional<Record> decoded = decode_record<Record>(other);
            // Whatever decodes is canonical: it encodes to the very bytes it came from.
            REQUIRE((!decoded || encode(*decoded) == other));
        }
    }
    Bytes version = encoded;
    version[0] = 2;
    REQUIRE_FALSE(decode_record<Record>(version));
}

RatedCharge rated() {
    RatedCharge charge;
    charge.metered.authorization = {bbb, {}};
    charge.metered.evse_id = "E1";
    charge.metered.bridge_id = "B1";
    charge.metered.meter_serial = "M1";
    charge.metered.readings = {{1000, 480, 0, false}, {2000, 480, 12, true}};
    charge.metered.bridge_signature.data.fill(9);
    charge.tariff = {"std", 3};
    charge.currency = cny;
    charge.rated_amount = 8;
    charge.amount = 7;
    return charge;
}

ChargerRecord charger(bool busy, bool last) {
    ChargerRecord record;
    record.station = "ST1";
    record.connector = 2;
    record.bridge_id = "bridge-1";
    record.rated_power_w = 60'000;
    record.meter_serial = "M1";
    record.meter_epoch = 3;
    record.meter_public_key = Bytes(91, 7);
    if (busy) {
        record.busy = AuthorizationRef{bbb, {}};
    }
    if (last) {
        record.last_end_time = 77;
        record.last_reading = ChargerRecord::LastReading{"M0", 1, 99};
    }
    return record;
}

}  // namespace

TEST_CASE("every record has one encoding", "[state][records]") {
    Member member;
    member.party = aaa;
    member.country = "CN";
    member.operator_id = "123456789";
    member.member_key.data.fill(3);
    check_codec(MemberRecord{member, true});
    check_codec(Account{1, 2, 3, 4, 5, 6, 7, 8});
    check_codec(CycleRecord{9, 8, 7, {}});
    check_codec(CycleRecord{9, 8, 7, CycleRecord::Closing{5, cny}});
    check_codec(ClosedCycleRecord{1, 2, 3, {{aaa, 5}}});
    check_codec(LegRecord{5, 6, LegStatus::pending, {}, {}});
    check_codec(LegRecord{5, 6, LegStatus::defaulted, {{aaa, 2}}, {}});
    check_codec(LegRecord{5, 6, LegStatus::confirmed, {{aaa, 2}}, "statement"});
    check_codec(CycleHistory{1, 2, {{aaa, -5}, {bbb, 5}}, {{aaa, bbb, 5}}});
    check_codec(AgreementRecord{true, cny, {"a", "bc"}, 9});
    check_codec(AgreementRecord{false, cny, {}, 0});
    check_codec(BridgeRecord{member.member_key, BridgeKind::tcec, false});
    check_codec(BridgeRecord{member.member_key, BridgeKind::site, true});
    check_codec(charger(false, false));
    check_codec(charger(true, true));
    check_codec(CountersignRecord{Hash{}, 5, SetLimit{aaa, cny, 6}});
    check_codec(CountersignRecord{Hash{}, 5, LateCharge{rated()}});
    check_codec(CountersignRecord{Hash{}, 5, CreditCharge{{bbb, {}}, {aaa, {}}, cny, 8, 7, {}}});
    check_codec(CountersignRecord{Hash{}, 5, RebillCharge{{aaa, {}}, rated()}});
    check_codec(CorrectionRecord{aaa, cny, 5, {{{aaa, {}}, 9, 9}}, {}});
    check_codec(CorrectionRecord{aaa, cny, 5, {{{aaa, {}}, 9, 0}, {{bbb, {}}, 3, 2}}, {{aaa, {}}}});
    check_codec(Exposure{1, 2, 3});
    check_codec(Totals{1, -1, WideMoney{1} << 100, 0, 5, WideMoney{1} << 90});
    check_codec(day_tariff(cny, {{0, 1, 2}, {600, 3, 4}}));
}

TEST_CASE("an authorization has the parts of its status", "[state][records]") {
    using Status = AuthorizationStatus;
    check_codec(with_status(Status::approved, false, false, false));
    check_codec(with_status(Status::started, true, false, false));
    check_codec(with_status(Status::recorded, true, true, false));
    check_codec(with_status(Status::settled, true, true, true));
    check_codec(with_status(Status::claimed, true, true, true));
    check_codec(with_status(Status::released, false, false, true));
    check_codec(with_status(Status::released, true, false, true));
    check_codec(with_status(Status::denied, false, false, true));
    check_codec(with_status(Status::expired, true, true, true));
    Bytes approved_with_status_started = encode(approved());
    approved_with_status_started[1] = static_cast<std::uint8_t>(Status::started);
    CHECK_FALSE(decode_record<Authorization>(approved_with_status_started));
}

TEST_CASE("a leg has what its status asks for", "[state][records]") {
    const auto decodes = [](const LegRecord& leg) {
        return decode_record<LegRecord>(encode(leg)).has_value();
    };
    CHECK_FALSE(decodes({0, 6, LegStatus::pending, {}, {}}));
    CHECK_FALSE(decodes({5, 6, LegStatus::pending, {{aaa, 1}}, {}}));
    CHECK_FALSE(decodes({5, 6, LegStatus::pending, {}, "statement"}));
    CHECK_FALSE(decodes({5, 6, LegStatus::confirmed, {}, {}}));
    CHECK_FALSE(decodes({5, 6, LegStatus::defaulted, {{aaa, 0}}, {}}));
    CHECK_FALSE(decodes({5, 6, LegStatus{4}, {}, {}}));
    CHECK_FALSE(decodes({5, 6, LegStatus::confirmed, {}, std::string(65, 'x')}));
    CHECK_FALSE(decode_record<ClosedCycleRecord>(encode(ClosedCycleRecord{1, 2, 0, {{aaa, 5}}})));
    CHECK_FALSE(decode_record<ClosedCycleRecord>(encode(ClosedCycleRecord{1, 2, 1, {}})));
}

TEST_CASE("negative amounts and unknown codes do not decode", "[state][records]") {
    Bytes account = encode(Account{1, 2, 3, 4, 5});
    account[1] = 0x80;
    CHECK_FALSE(decode_record<Account>(account));
    Bytes bridge = encode(BridgeRecord{});
    std::uint8_t& kind = bridge[bridge.size() - 2];
    kind = 4;
    CHECK_FALSE(decode_record<BridgeRecord>(bridge));
    kind = 0;
    CHECK_FALSE(decode_record<BridgeRecord>(bridge));
    Bytes waiting = encode(CountersignRecord{Hash{}, 5, SetLimit{aaa, cny, 6}});
    std::uint8_t& action = waiting[1 + Hash::size + 8];
    REQUIRE(action == 1);
    for (const int unknown : {0, 5, 255}) {
        action = static_cast<std::uint8_t>(unknown);
        CHECK_FALSE(decode_record<CountersignRecord>(waiting));
    }
    CHECK_FALSE(decode_record<CorrectionRecord>(
        encode(CorrectionRecord{aaa, cny, 5, {{{aaa, {}}, 9, 10}}, {}})));
    CHECK_FALSE(decode_record<CorrectionRecord>(encode(CorrectionRecord{aaa, cny, 5, {}, {}})));
}

TEST_CASE("lists beyond their bound do not decode", "[state][records]") {
    Authorization authorization = approved();
    authorization.tariffs.assign(tariffs_offered_max, {"std", 1});
    check_codec(authorization);
    authorization.tariffs.push_back({"std", 1});
    CHECK_FALSE(decode_record<Authorization>(encode(authorization)));
    AgreementRecord agreement{true, cny, {}, 0};
    agreement.tariffs_offered.assign(tariffs_offered_max + 1, "a");
    CHECK_FALSE(decode_record<AgreementRecord>(encode(agreement)));
    CorrectionRecord correction{aaa, cny, 5, {}, {}};
    correction.charges.assign(corrected_charges_max, {{aaa, {}}, 1, 1});
    correction.credits.assign(open_credits_max, {aaa, {}});
    check_codec(correction);
    correction.credits.push_back({aaa, {}});
    CHECK_FALSE(decode_record<CorrectionRecord>(encode(correction)));
    correction.credits.clear();
    correction.charges.push_back({{aaa, {}}, 1, 1});
    CHECK_FALSE(decode_record<CorrectionRecord>(encode(correction)));
}

TEST_CASE("a dispute is of a part of a recorded charge", "[state][records]") {
    using Status = AuthorizationStatus;
    Authorization disputed = with_status(Status::disputed, true, true, false);
    disputed.dispute = Authorization::Dispute{3500, 7000, 170'000, DisputeReason::other, {}};
    check_codec(disputed);
    CHECK(disputed.deadline() == 7000);
    CHECK(disputed.reserved() == 170'000);
    CHECK(disputed.posted_so_far() == 0);
    Authorization settled = with_status(Status::settled, true, true, true);
    settled.dispute = disputed.dispute;
    check_codec(settled);
    Authorization expired = with_status(Status::expired, true, true, true);
    expired.dispute = disputed.dispute;
    expired.end->expiry_cause = ExpiryCause::not_arbitrated;
    check_codec(expired);
    // The same bytes under a status that knows no dispute.
    Bytes claimed = encode(settled);
    claimed[1] = static_cast<std::uint8_t>(Status::claimed);
    CHECK_FALSE(decode_record<Authorization>(claimed));
    Bytes recorded = encode(disputed);
    recorded[1] = static_cast<std::uint8_t>(Status::recorded);
    CHECK_FALSE(decode_record<Authorization>(recorded));
    // More than was recorded.
    Bytes more = encode(disputed);
    const std::size_t amount = more.size() - 1 - Hash::size - 1 - sizeof(Money);
    REQUIRE(more[amount + sizeof(Money) - 1] == (170'000 & 0xff));
    ++more[amount + sizeof(Money) - 1];
    CHECK_FALSE(decode_record<Authorization>(more));
}

TEST_CASE("the deadline follows the status", "[state][records]") {
    using Status = AuthorizationStatus;
    CHECK(with_status(Status::approved, false, false, false).deadline() == 2000);
    CHECK(with_status(Status::started, true, false, false).deadline() == 9000);
    CHECK(with_status(Status::recorded, true, true, false).deadline() == 5000);
}

TEST_CASE("random bytes never crash a decoder", "[state][records]") {
    std::mt19937_64 random{3};
    for (int round = 0; round < 20'000; ++round) {
        Bytes input(random() % 120);
        for (std::uint8_t& byte : input) {
            byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 3);
        }
        if (!input.empty()) {
            input[0] = 1;
        }
        const auto record = decode_record<Authorization>(input);
        REQUIRE((!record || encode(*record) == input));
        const auto known = decode_record<ChargerRecord>(input);
        REQUIRE((!known || encode(*known) == input));
        const auto agreement = decode_record<AgreementRecord>(input);
        REQUIRE((!agreement || encode(*agreement) == input));
    }
}

}  // namespace tally
