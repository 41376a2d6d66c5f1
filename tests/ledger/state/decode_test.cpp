// Keys and events read back.

#include "ledger/state/epoch_records.h"
#include "ledger/state/event.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace tally {
namespace {

const PartyId aaa = *party_from_text("AAA");
const PartyId bbb = *party_from_text("BBB");
const Currency cny = *currency_from_text("CNY");

TransactionRef ref_of(std::uint8_t number) {
    TransactionRef ref{bbb, {}};
    ref.id.data.fill(number);
    return ref;
}

}  // namespace

TEST_CASE("keys of one table have one length", "[state][keys]") {
    CHECK(keys::charger(aaa, "E").size() == keys::charger(aaa, std::string(48, 'x')).size());
    CHECK(keys::bridge(aaa, "b").size() == 1 + 3 + bridge_id_bytes_max);
    CHECK(keys::station(aaa, "S", 1).size() == 1 + 3 + station_id_bytes_max + 2);
    CHECK(keys::tariff(aaa, {"t", 1}).size() == 1 + 3 + tariff_id_bytes_max + 4);
    CHECK(keys::authorization(ref_of(1)).size() == 20);
    CHECK(keys::finished(ref_of(1)).front() == 0x82);
}

TEST_CASE("a name that begins another gives another key", "[state][keys]") {
    CHECK(keys::charger(aaa, "E1") != keys::charger(aaa, "E10"));
    const Bytes station = keys::station(aaa, "ST10", 1);
    const Bytes prefix = keys::station_prefix(aaa, "ST1");
    CHECK_FALSE(std::equal(prefix.begin(), prefix.end(), station.begin()));
}

TEST_CASE("names come back from keys", "[state][keys]") {
    const std::string longest(evse_id_bytes_max, 'x');
    CHECK(keys::name_at(keys::charger(aaa, "E1"), 4, evse_id_bytes_max) == "E1");
    CHECK(keys::name_at(keys::charger(aaa, longest), 4, evse_id_bytes_max) == longest);
    CHECK(keys::party_at(keys::account(aaa, cny), 1) == aaa);
    CHECK(keys::currency_at(keys::account(aaa, cny), 4) == cny);
    CHECK(keys::version_of(keys::tariff(aaa, {"t", 77})) == 77);
    CHECK(keys::ref_of(keys::authorization(ref_of(9))) == ref_of(9));
}

TEST_CASE("deadlines sort by time, then transaction", "[state][keys]") {
    const auto key = [](UnixMillis time, std::uint8_t id) {
        return keys::deadline({time, ref_of(id), DeadlineKind::authorization});
    };
    CHECK(key(255, 9) < key(256, 1));
    CHECK(key(256, 1) < key(256, 2));
    CHECK(key(0, 0) < key(unix_millis_max, 0));
}

TEST_CASE("a deadline's key reads back, and nothing else does", "[state][keys]") {
    const keys::Deadline deadline{12345, ref_of(7), DeadlineKind::countersign};
    const Bytes key = keys::deadline(deadline);
    CHECK(keys::decode_deadline(key) == deadline);
    for (std::size_t length = 0; length < key.size(); ++length) {
        CHECK_FALSE(keys::decode_deadline(ByteView{key}.first(length)));
    }
    Bytes other = key;
    other.push_back(0);
    CHECK_FALSE(keys::decode_deadline(other));
    other = key;
    other[0] = 0x81;
    CHECK_FALSE(keys::decode_deadline(other));
    other = key;
    other[1] = 0x80;
    CHECK_FALSE(keys::decode_deadline(other));
    other = key;
    other.back() = 6;
    CHECK_FALSE(keys::decode_deadline(other));
}

TEST_CASE("an event reads back", "[state][event]") {
    const Event event{EventKind::expired, ExpiryCause::not_claimed, ref_of(5), bbb, aaa, cny, 42};
    const Bytes encoded = event.encode();
    CHECK(encoded.size() == 2 + 19 + 9 + 8);
    CHECK(Event::decode(encoded) == event);
    Event bare;
    bare.cause = ExpiryCause::not_countersigned;
    bare.ref = ref_of(5);
    CHECK(Event::decode(bare.encode()) == bare);
    CHECK(event.hash() != bare.hash());
}

TEST_CASE("hostile events are refused", "[state][event]") {
    const Event event{EventKind::expired, ExpiryCause::not_claimed, ref_of(5), bbb, aaa, cny, 42};
    const Bytes encoded = event.encode();
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        CHECK_FALSE(Event::decode(ByteView{encoded}.first(length)));
    }
    const auto with = [&encoded](std::size_t at, std::uint8_t value) {
        Bytes other = encoded;
        other[at] = value;
        return other;
    };
    CHECK_FALSE(Event::decode(with(0, 0)));
    CHECK_FALSE(Event::decode(with(0, 2)));
    CHECK_FALSE(Event::decode(with(1, 0)));
    CHECK_FALSE(Event::decode(with(1, 8)));
    CHECK_FALSE(Event::decode(with(2, 'a')));    // signer
    CHECK_FALSE(Event::decode(with(21, 0)));     // debtor: a letter missing
    CHECK_FALSE(Event::decode(with(30, 0x80)));  // negative amount
    Bytes longer = encoded;
    longer.push_back(0);
    CHECK_FALSE(Event::decode(longer));
}

TEST_CASE("the seal of an epoch reads back, and nothing else does", "[state][event]") {
    Event seal;
    seal.kind = EventKind::epoch_sealed;
    seal.epoch = 7;
    seal.validators = {{aaa, PublicKey{{2, 1}}}, {bbb, PublicKey{{2, 2}}}};
    seal.features = {3, 70'000};
    const Bytes encoded = seal.encode();
    CHECK(encoded.size() == 1 + 8 + 4 + 2 * 36 + 4 + 2 * 4);
    CHECK(Event::decode(encoded) == seal);
    for (std::size_t length = 0; length < encoded.size(); ++length) {
        CHECK_FALSE(Event::decode(ByteView{encoded}.first(length)));
    }
    Bytes other = encoded;
    other.push_back(0);
    CHECK_FALSE(Event::decode(other));
    Event wrong = seal;
    wrong.validators.clear();
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong = seal;
    std::swap(wrong.validators[0], wrong.validators[1]);
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong = seal;
    wrong.validators[1].consensus_key = wrong.validators[0].consensus_key;
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong = seal;
    wrong.validators[0].party = PartyId{{'a', 'A', 'A'}};
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong = seal;
    wrong.validators.clear();
    for (std::size_t i = 0; i <= validators_max; ++i) {
        wrong.validators.push_back({aaa, PublicKey{{2, static_cast<std::uint8_t>(i)}}});
    }
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong.validators.pop_back();
    for (const FeatureList& features : {FeatureList{0}, FeatureList{2, 1}, FeatureList{5, 5}}) {
        wrong.features = features;
        CHECK_FALSE(Event::decode(wrong.encode()));
    }
    wrong.features.clear();
    for (std::uint32_t feature = 1; feature <= features_max + 1; ++feature) {
        wrong.features.push_back(feature);
    }
    CHECK_FALSE(Event::decode(wrong.encode()));
    wrong.features.pop_back();
    CHECK(Event::decode(wrong.encode()) == wrong);
    CHECK(wrong.encode().size() <= event_bytes_max);
}

TEST_CASE("what became of a cycle and of a leg reads back, and nothing else does",
          "[state][event]") {
    Event closed;
    closed.kind = EventKind::cycle_closed;
    closed.cycle = 7;
    closed.currency = cny;
    closed.positions = {{aaa, -5}, {bbb, 5}};
    closed.matrix.data.fill(9);
    Event missed;
    missed.kind = EventKind::leg_defaulted;
    missed.cycle = 7;
    missed.currency = cny;
    missed.debtor = aaa;
    missed.creditor = bbb;
    missed.amount = 5;
    missed.positions = {{aaa, 1}};
    for (const Event& event : {closed, missed}) {
        const Bytes encoded = event.encode();
        CHECK(Event::decode(encoded) == event);
        for (std::size_t length = 0; length < encoded.size(); ++length) {
            CHECK_FALSE(Event::decode(ByteView{encoded}.first(length)));
        }
        Bytes longer = encoded;
        longer.push_back(0);
        CHECK_FALSE(Event::decode(longer));
        Event other = event;
        other.currency = Currency{};
        CHECK_FALSE(Event::decode(other.encode()));
        other = event;
        other.positions = {{bbb, 5}, {aaa, -5}};
        CHECK_FALSE(Event::decode(other.encode()));
    }
    const auto decodes = [](Event event, const auto& change) {
        change(event);
        return Event::decode(event.encode()).has_value();
    };
    CHECK(decodes(closed, [](Event& e) { e.positions = {{aaa, 0}, {bbb, 0}}; }));
    CHECK_FALSE(decodes(closed, [](Event& e) { e.positions[0].amount = -4; }));
    CHECK_FALSE(decodes(closed, [](Event& e) { e.positions = {{aaa, 0}}; }));
    CHECK_FALSE(decodes(closed, [](Event& e) { e.positions.clear(); }));
    CHECK(decodes(missed, [](Event& e) { e.positions.clear(); }));
    CHECK_FALSE(decodes(missed, [](Event& e) { e.positions[0].amount = 0; }));
    CHECK_FALSE(decodes(missed, [](Event& e) { e.amount = 0; }));
    CHECK_FALSE(decodes(missed, [](Event& e) { e.debtor = PartyId{}; }));

    closed.positions.clear();
    for (std::size_t i = 0; i < net_positions_max; ++i) {
        const auto letter = [](std::size_t number) {
            return static_cast<std::uint8_t>('A' + number % 26);
        };
        closed.positions.push_back({PartyId{{'A', letter(i / 26), letter(i)}}, 0});
    }
    CHECK(Event::decode(closed.encode()) == closed);
    CHECK(closed.encode().size() == event_bytes_max);
    closed.positions.push_back({PartyId{{'Z', 'Z', 'Z'}}, 0});
    CHECK_FALSE(Event::decode(closed.encode()));
}

TEST_CASE("records of membership read back, and damaged ones do not", "[state][records]") {
    EpochRecord epoch;
    epoch.epoch = 3;
    epoch.first_height = 77;
    epoch.validators = {{aaa, PublicKey{{2, 1}}}, {bbb, PublicKey{{2, 2}}}};
    epoch.previous = {{aaa, PublicKey{{2, 3}}}};
    epoch.admissions = 2;
    epoch.ready = {aaa};
    epoch.ready_for.data.fill(9);
    epoch.features = {1, 4};
    epoch.wanted_features = {2};
    ProposalRecord proposal;
    proposal.change.kind = ChangeKind::set_parameters;
    proposal.change.parameters = Parameters{};
    proposal.expires = 12345;
    proposal.approvals = {bbb, aaa};
    EvidenceRecord evidence;
    evidence.evidence.signer = 1;
    evidence.evidence.first = {3, VoteKind::notarize, 7, 6, epoch.ready_for};
    evidence.evidence.second = {3, VoteKind::nullify, 7, 0, {}};
    evidence.reporter = aaa;
    evidence.reported_at = 99;
    const auto check = [](const auto& record) {
        using Record = std::decay_t<decltype(record)>;
        const Bytes encoded = encode(record);
        CHECK(decode_record<Record>(encoded) == record);
        for (std::size_t length = 0; length < encoded.size(); ++length) {
            REQUIRE_FALSE(decode_record<Record>(ByteView{encoded}.first(length)));
        }
        Bytes longer = encoded;
        longer.push_back(0);
        CHECK_FALSE(decode_record<Record>(longer));
    };
    check(epoch);
    check(proposal);
    ProposalRecord keys;
    keys.change.kind = ChangeKind::replace_keys;
    keys.change.member = aaa;
    keys.change.link_key = ProvenKey{public_key_of(test::secret_of("AAA/link-1")), {}};
    keys.change.link_key->possession.data.fill(8);
    check(keys);
    ProposalRecord feature;
    feature.change.kind = ChangeKind::activate_feature;
    feature.change.feature = 7;
    check(feature);
    ProposalRecord leg;
    leg.change.kind = ChangeKind::confirm_leg;
    leg.change.leg = LegKey{7, test::currency("CNY"), test::party("CCC"), test::party("AAA")};
    check(leg);
    leg.change.leg->creditor = test::party("CCC");
    CHECK_FALSE(decode_record<ProposalRecord>(encode(leg)));
    leg.change.leg.reset();
    CHECK_FALSE(decode_record<ProposalRecord>(encode(leg)));
    feature.change.leg = LegKey{7, test::currency("CNY"), test::party("CCC"), test::party("AAA")};
    CHECK_FALSE(decode_record<ProposalRecord>(encode(feature)));
    feature.change.leg.reset();
    feature.change.feature = 0;
    CHECK_FALSE(decode_record<ProposalRecord>(encode(feature)));
    EpochRecord unordered = epoch;
    unordered.wanted_features = {2, 2};
    CHECK_FALSE(decode_record<EpochRecord>(encode(unordered)));
    check(evidence);
    check(Parameters{});
    epoch.validators.clear();
    CHECK_FALSE(decode_record<EpochRecord>(encode(epoch)));
    proposal.change.member = aaa;  // of nobody, when it is about the parameters
    CHECK_FALSE(decode_record<ProposalRecord>(encode(proposal)));
    evidence.evidence.second.parent_view = 1;
    CHECK_FALSE(decode_record<EvidenceRecord>(encode(evidence)));
    Parameters parameters;
    parameters.epoch_blocks_max = epoch_blocks_max_floor - 1;
    CHECK_FALSE(decode_record<Parameters>(encode(parameters)));
}

TEST_CASE("names of codes", "[state]") {
    CHECK(std::string{to_text(ExpiryCause::not_decided)} == "not_decided");
    CHECK(std::string{to_text(ExpiryCause::not_started)} == "not_started");
    CHECK(std::string{to_text(ExpiryCause::not_recorded)} == "not_recorded");
    CHECK(std::string{to_text(ExpiryCause::not_claimed)} == "not_claimed");
    CHECK(std::string{to_text(ExpiryCause::not_countersigned)} == "not_countersigned");
    CHECK(std::string{to_text(ExpiryCause::not_arbitrated)} == "not_arbitrated");
    CHECK(std::string{to_text(ExpiryCause::correction_over)} == "correction_over");
    CHECK(std::string{to_text(AuthorizationStatus::disputed)} == "disputed");
    CHECK(std::string{to_text(AuthorizationStatus::approved)} == "approved");
    CHECK(std::string{to_text(AuthorizationStatus::expired)} == "expired");
}

}  // namespace tally
