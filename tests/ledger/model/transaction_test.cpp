#include "ledger/model/transaction.h"

#include "ledger/model/ledger.pb.h"
#include "tests/ledger/base/seeded_random.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

#include <functional>
#include <limits>

namespace tally {

namespace {

Bytes encode_sample(const Action& action) {
    return encode_transaction(test::sample_transaction(action));
}

std::string decode_outcome(ByteView bytes) {
    const auto result = decode_transaction(bytes);
    return result ? "accepted" : to_text(result.error());
}

/// The outcome of a valid transaction after its message was changed.
std::string outcome_after(const Action& action,
                          const std::function<void(wire::Transaction&)>& change) {
    const Bytes bytes = encode_sample(action);
    wire::Transaction message;
    REQUIRE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    change(message);
    const std::string changed = message.SerializeAsString();
    return decode_outcome(as_bytes(changed));
}

Bytes joined(Bytes bytes, std::initializer_list<int> more) {
    for (const int octet : more) {
        bytes.push_back(static_cast<std::uint8_t>(octet));
    }
    return bytes;
}

}  // namespace

TEST_CASE("every kind of transaction is read back as it was written", "[transaction]") {
    for (const Action& action : test::sample_actions()) {
        INFO(action_name(action));
        const Transaction transaction = test::sample_transaction(action);
        const auto decoded = decode_transaction(encode_transaction(transaction));
        REQUIRE(decoded);
        CHECK(*decoded == transaction);
    }
}

TEST_CASE("no transaction decodes when it is cut off", "[transaction]") {
    for (const Action& action : test::sample_actions()) {
        const Bytes bytes = encode_sample(action);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            INFO(action_name(action) << " cut to " << length);
            CHECK_FALSE(decode_transaction(ByteView{bytes}.first(length)));
        }
    }
}

TEST_CASE("a changed byte is refused or gives another transaction", "[transaction][property]") {
    for (const Action& action : test::sample_actions()) {
        const Bytes bytes = encode_sample(action);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
                Bytes changed = bytes;
                changed[i] ^= static_cast<std::uint8_t>(flip);
                const auto decoded = decode_transaction(changed);
                CHECK((!decoded || !(*decoded == test::sample_transaction(action))));
            }
        }
    }
}

TEST_CASE("a transaction larger than the bound is not looked at", "[transaction]") {
    CHECK(decode_outcome(Bytes(transaction_bytes_max + 1)) == "too_large");
    CHECK(decode_outcome(Bytes(transaction_bytes_max)) == "malformed");
    CHECK(decode_outcome({}) == "malformed");
}

TEST_CASE("the largest transactions fit their bound", "[transaction]") {
    RecordCharge record{test::sample_metered(), amount_max, amount_max};
    record.metered.readings.assign(
        readings_max, {unix_millis_max, -840, register_wh_max, true, Activity::reservation_expired,
                       reading_power_w_max});
    record.metered.evse_id.assign(evse_id_bytes_max, 'e');
    const Transaction transaction = test::sample_transaction(record);
    CHECK(*decode_transaction(encode_transaction(transaction)) == transaction);

    PublishTariff publish{{std::string(tariff_id_bytes_max, 't'), 1}, test::sample_tariff()};
    TariffElement largest;
    for (std::uint8_t kind = 1; kind <= price_components_max; ++kind) {
        largest.components.push_back(
            {static_cast<PriceKind>(kind), amount_max, vat_max, step_size_max});
    }
    largest.restrictions = {1'439,           1'440,
                            every_day,       local_day_max,
                            local_day_max,   register_wh_max,
                            register_wh_max, restriction_max,
                            restriction_max, restriction_max,
                            restriction_max, duration_s_max,
                            duration_s_max,  ReservationRule::reservation_expires};
    publish.tariff.elements.assign(tariff_elements_max, largest);
    publish.tariff.min_price = PriceLimit{amount_max, amount_max};
    publish.tariff.max_price = PriceLimit{amount_max, amount_max};
    publish.tariff.valid_until = unix_millis_max;
    const Transaction other = test::sample_transaction(publish);
    CHECK(*decode_transaction(encode_transaction(other)) == other);
}

TEST_CASE("fields that this version does not know are refused at any depth", "[transaction]") {
    const Bytes bytes = encode_sample(ClaimCharge{test::sample_authorization()});
    // Field 9 of Transaction and field 60 of it, as varints.
    CHECK(decode_outcome(joined(bytes, {0x48, 0x01})) == "unknown_field");
    CHECK(decode_outcome(joined(bytes, {0xe0, 0x03, 0x01})) == "unknown_field");
    const auto add_unknown = [](google::protobuf::Message& message) {
        message.GetReflection()->MutableUnknownFields(&message)->AddVarint(99, 1);
    };
    const RecordCharge record{test::sample_metered(), 2, 1};
    CHECK(outcome_after(record, [&](wire::Transaction& message) {
              add_unknown(*message.mutable_record_charge());
          }) == "unknown_field");
    CHECK(outcome_after(record, [&](wire::Transaction& message) {
              add_unknown(*message.mutable_record_charge()->mutable_metered()->mutable_readings(1));
          }) == "unknown_field");
    CHECK(outcome_after(record, [&](wire::Transaction& message) {
              add_unknown(
                  *message.mutable_record_charge()->mutable_metered()->mutable_authorization());
          }) == "unknown_field");
}

TEST_CASE("what two parsers could read differently is malformed", "[transaction]") {
    const Bytes bytes = encode_sample(SettleCharge{test::sample_authorization(), 5});
    REQUIRE(decode_outcome(bytes) == "accepted");
    SECTION("a field twice") {
        CHECK(decode_outcome(joined(bytes, {0x10, 0x01})) == "malformed");  // not_after_ms again
    }
    SECTION("two actions") {
        CHECK(decode_outcome(joined(bytes, {0xaa, 0x01, 0x00})) == "malformed");  // claim_charge
        CHECK(decode_outcome(joined(bytes, {0xa2, 0x01, 0x00})) == "malformed");  // settle_charge
    }
    SECTION("a varint longer than needed or than 64 bits") {
        Transaction transaction = test::sample_transaction(SettleCharge{});
        transaction.not_after = 0;
        wire::Transaction message;
        message.set_id(std::string(16, 'i'));
        const std::string id = message.SerializeAsString();
        const Bytes start{id.begin(), id.end()};
        CHECK(decode_outcome(joined(start, {0x10, 0x01})) == "unknown_action");
        CHECK(decode_outcome(joined(start, {0x10, 0x81, 0x00})) == "malformed");
        CHECK(decode_outcome(joined(start, {0x90, 0x00, 0x01})) == "malformed");
        const auto nines = {0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        CHECK(decode_outcome(joined(joined(start, nines), {0x01})) == "unknown_action");
        CHECK(decode_outcome(joined(joined(start, nines), {0x02})) == "malformed");
        CHECK(decode_outcome(joined(joined(start, nines), {0xff, 0x01})) == "malformed");
    }
    SECTION("another wire type") {
        CHECK(decode_outcome(Bytes{0x08, 0x01}) == "malformed");  // id as a number
        CHECK(decode_outcome(Bytes{0x12, 0x01, 0x00}) == "malformed");
        CHECK(decode_outcome(Bytes{0x0b, 0x0c}) == "malformed");              // a group
        CHECK(decode_outcome(Bytes{0x15, 0, 0, 0, 0}) == "malformed");        // fixed 32
        CHECK(decode_outcome(Bytes{0x02, 0x00}) == "malformed");              // field 0
        CHECK(decode_outcome(Bytes{0x0a, 0xff, 0xff, 0x03}) == "malformed");  // beyond the end
    }
    SECTION("a number wider than its type, a flag that is neither 0 nor 1") {
        // set_agreement { active: 2 }, publish_tariff { ref { version: 2^32 } }
        CHECK(decode_outcome(Bytes{0x52, 0x02, 0x10, 0x02}) == "malformed");
        CHECK(decode_outcome(Bytes{0x6a, 0x08, 0x0a, 0x06, 0x10, 0x80, 0x80, 0x80, 0x80, 0x10}) ==
              "malformed");
    }
    SECTION("a text that is not ASCII") {
        // start_charge { evse_id: "\xff" }
        CHECK(decode_outcome(Bytes{0x92, 0x01, 0x03, 0x12, 0x01, 0xff}) == "malformed");
    }
}

TEST_CASE("fields may come in any order and zeros may be written", "[transaction]") {
    const Transaction transaction =
        test::sample_transaction(ClaimCharge{test::sample_authorization()});
    Bytes bytes{0xaa, 0x01, 25, 0x0a, 23, 0x12, 16};
    append(bytes, test::sample_authorization().id.view());
    append(bytes, Bytes{0x0a, 3, 'B', 'B', 'B'});
    append(bytes, Bytes{0x10, 0x00, 0x0a, 16});
    append(bytes, transaction.id.view());
    const auto decoded = decode_transaction(bytes);
    REQUIRE(decoded);
    CHECK(decoded->id == transaction.id);
    CHECK(decoded->not_after == 0);
    CHECK(decoded->action == transaction.action);
}

TEST_CASE("no action and unknown enum values are unknown actions", "[transaction]") {
    const Action bridge = RegisterBridge{"b", public_key_of(test::secret(1)), BridgeKind::site};
    CHECK(outcome_after(bridge, [](wire::Transaction& message) {
              message.clear_register_bridge();
          }) == "unknown_action");
    for (const int kind : {0, 4, 256, 257, std::numeric_limits<int>::max(), -1}) {
        INFO(kind);
        CHECK(outcome_after(bridge, [kind](wire::Transaction& message) {
                  message.mutable_register_bridge()->set_kind(static_cast<wire::BridgeKind>(kind));
              }) == "unknown_action");
    }
    CHECK(outcome_after(test::sample_denial(), [](wire::Transaction& message) {
              message.mutable_decide_authorization()->set_reason(static_cast<wire::DenyReason>(10));
          }) == "unknown_action");
}

TEST_CASE("byte fields have their exact length", "[transaction]") {
    using Change = std::function<void(wire::Transaction&)>;
    const std::vector<Change> changes{
        [](wire::Transaction& m) { m.set_id(std::string(15, 'x')); },
        [](wire::Transaction& m) { m.set_id(std::string(17, 'x')); },
        [](wire::Transaction& m) { m.clear_id(); },
        [](wire::Transaction& m) { m.mutable_record_charge()->clear_metered(); },
        [](wire::Transaction& m) {
            m.mutable_record_charge()->mutable_metered()->clear_authorization();
        },
        [](wire::Transaction& m) {
            m.mutable_record_charge()->mutable_metered()->mutable_authorization()->set_signer(
                "BBBB");
        },
        [](wire::Transaction& m) {
            m.mutable_record_charge()->mutable_metered()->clear_evidence();
        },
        [](wire::Transaction& m) {
            m.mutable_record_charge()->mutable_metered()->set_bridge_signature(
                std::string(63, 's'));
        },
    };
    for (const Change& change : changes) {
        CHECK(outcome_after(RecordCharge{test::sample_metered(), 2, 1}, change) == "malformed");
    }
}

TEST_CASE("values outside their bounds are refused, on both sides", "[transaction]") {
    std::vector<Action> wrong;
    const auto with = [&wrong](auto action, auto change) {
        change(action);
        wrong.emplace_back(action);
    };
    const auto agreement = std::get<SetAgreement>(test::sample_actions()[0]);
    with(agreement, [](auto& a) { a.partner = PartyId{{'a', 'A', 'A'}}; });
    with(agreement, [](auto& a) { a.currency = Currency{{'C', 'N', '1'}}; });
    with(agreement, [](auto& a) { a.exposure_cap = -1; });
    with(agreement, [](auto& a) { a.exposure_cap = amount_max + 1; });
    with(agreement, [](auto& a) { a.tariffs_offered.assign(17, "t"); });
    with(agreement, [](auto& a) { a.tariffs_offered = {""}; });
    with(agreement, [](auto& a) { a.tariffs_offered = {"with space"}; });
    const auto bridge = std::get<RegisterBridge>(test::sample_actions()[1]);
    with(bridge, [](auto& a) { a.bridge_id.clear(); });
    with(bridge, [](auto& a) { a.bridge_id.assign(bridge_id_bytes_max + 1, 'b'); });
    with(bridge, [](auto& a) { a.public_key = PublicKey{}; });
    const auto charger = std::get<RegisterCharger>(test::sample_actions()[2]);
    with(charger, [](auto& a) { a.connector = 0; });
    with(charger, [](auto& a) { a.rated_power_w = 0; });
    with(charger, [](auto& a) { a.rated_power_w = rated_power_w_max + 1; });
    with(charger, [](auto& a) { a.evse_id.assign(evse_id_bytes_max + 1, 'e'); });
    with(charger, [](auto& a) { a.station.clear(); });
    with(charger, [](auto& a) { a.meter_serial = "a\tb"; });
    with(charger, [](auto& a) { a.meter_public_key.assign(meter_key_bytes_max + 1, 0); });
    const auto publish = std::get<PublishTariff>(test::sample_actions()[3]);
    with(publish, [](auto& a) { a.ref.version = 0; });
    with(publish, [](auto& a) { a.tariff.elements.clear(); });
    with(std::get<SetLimit>(test::sample_actions()[4]), [](auto& a) { a.limit = -1; });
    with(test::sample_approval(), [](auto& a) { a.reason = DenyReason::not_allowed; });
    with(test::sample_approval(), [](auto& a) { a.tariffs.clear(); });
    with(test::sample_approval(), [](auto& a) { a.tariffs.assign(17, {"t", 1}); });
    with(test::sample_approval(), [](auto& a) { a.start_by = unix_millis_max + 1; });
    with(test::sample_approval(), [](auto& a) { a.amount = -1; });
    with(test::sample_denial(), [](auto& a) { a.reason = DenyReason{}; });
    with(test::sample_denial(), [](auto& a) { a.amount = 1; });
    with(test::sample_denial(), [](auto& a) { a.start_by = 1; });
    with(test::sample_denial(), [](auto& a) { a.tariffs = {{"t", 1}}; });
    const RecordCharge record{test::sample_metered(), 2, 1};
    with(record, [](auto& a) { a.rated_amount = amount_max + 1; });
    with(record, [](auto& a) { a.amount = -1; });
    with(record, [](auto& a) { a.metered.readings.resize(1); });
    with(record, [](auto& a) { a.metered.readings.resize(readings_max + 1); });
    with(record, [](auto& a) { a.metered.readings[0].utc_offset_minutes = 841; });
    with(record, [](auto& a) { a.metered.readings[0].register_wh = -1; });
    with(record, [](auto& a) { a.metered.readings[0].time = -1; });
    with(SettleCharge{test::sample_authorization(), amount_max + 1}, [](auto&) {});
    with(ClaimCharge{}, [](auto&) {});
    with(RevokeBridge{}, [](auto&) {});
    with(RevokeBridge{std::string(bridge_id_bytes_max + 1, 'b')}, [](auto&) {});
    const OpenDispute dispute{test::sample_authorization(), 1, DisputeReason::other, {}};
    with(dispute, [](auto& a) { a.authorization.signer = PartyId{}; });
    with(dispute, [](auto& a) { a.disputed = 0; });
    with(dispute, [](auto& a) { a.disputed = amount_max + 1; });
    with(dispute, [](auto& a) { a.reason = DisputeReason{}; });
    with(dispute, [](auto& a) { a.reason = DisputeReason{7}; });
    with(AcceptDispute{}, [](auto&) {});
    with(Arbitrate{test::sample_authorization(), -1, {}}, [](auto&) {});
    with(Arbitrate{test::sample_authorization(), amount_max + 1, {}}, [](auto&) {});
    const LateCharge late{test::sample_rated()};
    with(late, [](auto& a) { a.charge.amount = -1; });
    with(late, [](auto& a) { a.charge.rated_amount = amount_max + 1; });
    with(late, [](auto& a) { a.charge.tariff.version = 0; });
    with(late, [](auto& a) { a.charge.currency = Currency{}; });
    with(late, [](auto& a) { a.charge.metered.readings.resize(readings_max + 1); });
    const CreditCharge credit{test::sample_authorization(),
                              test::sample_authorization(),
                              test::currency("CNY"),
                              9,
                              9,
                              {}};
    with(credit, [](auto& a) { a.amount = 0; });
    with(credit, [](auto& a) { a.charged = -1; });
    with(credit, [](auto& a) { a.charged = amount_max + 1; });
    with(credit, [](auto& a) { a.record.signer = PartyId{}; });
    with(credit, [](auto& a) { a.currency = Currency{}; });
    const RebillCharge rebill{test::sample_authorization(), test::sample_rated()};
    with(rebill, [](auto& a) { a.credit.signer = PartyId{}; });
    with(rebill, [](auto& a) { a.charge.metered.readings.resize(1); });
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        INFO(i << ": " << action_name(wrong[i]));
        CHECK_FALSE(is_within_bounds(wrong[i]));
    }
    for (const Action& action : test::sample_actions()) {
        CHECK(is_within_bounds(action));
    }
}

TEST_CASE("decoding refuses numbers outside their bounds", "[transaction]") {
    const RecordCharge record{test::sample_metered(), 2, 1};
    CHECK(outcome_after(record, [](wire::Transaction& message) {
              message.mutable_record_charge()->set_amount(-1);
          }) == "out_of_range");
    CHECK(outcome_after(record, [](wire::Transaction& message) { message.set_not_after_ms(-1); }) ==
          "out_of_range");
    CHECK(outcome_after(record, [](wire::Transaction& message) {
              message.mutable_record_charge()
                  ->mutable_metered()
                  ->mutable_readings(0)
                  ->set_utc_offset_minutes(65'536 + 480);
          }) == "out_of_range");
    CHECK(outcome_after(test::sample_actions()[2], [](wire::Transaction& message) {
              message.mutable_register_charger()->set_connector(65'536 + 1);
          }) == "out_of_range");
    CHECK(outcome_after(test::sample_actions()[3], [](wire::Transaction& message) {
              message.mutable_publish_tariff()
                  ->mutable_tariff()
                  ->mutable_elements(0)
                  ->mutable_restrictions()
                  ->set_start_minute(65'536);
          }) == "out_of_range");
}

TEST_CASE("a tariff or reading of unknown kinds is refused", "[transaction]") {
    const Action publish = test::sample_actions()[3];
    const auto after = [&publish](auto&& change) {
        return outcome_after(publish, [&change](wire::Transaction& message) {
            change(*message.mutable_publish_tariff()->mutable_tariff());
        });
    };
    CHECK(after([](wire::Tariff& tariff) {
              tariff.mutable_elements(0)->mutable_components(0)->set_kind(
                  static_cast<wire::PriceKind>(6));
          }) == "unknown_action");
    CHECK(after([](wire::Tariff& tariff) {
              tariff.mutable_elements(0)->mutable_components(0)->clear_kind();
          }) == "unknown_action");
    CHECK(after([](wire::Tariff& tariff) {
              tariff.mutable_elements(0)->mutable_restrictions()->set_reservation(
                  static_cast<wire::ReservationRule>(3));
          }) == "unknown_action");
    CHECK(after([](wire::Tariff& tariff) {
              tariff.mutable_elements(0)->mutable_restrictions()->set_start_day(1LL << 40);
          }) == "out_of_range");
    CHECK(after([](wire::Tariff& tariff) { tariff.clear_elements(); }) == "out_of_range");
    CHECK(outcome_after(test::sample_actions()[10], [](wire::Transaction& message) {
              message.mutable_record_charge()->mutable_metered()->mutable_readings(0)->set_activity(
                  static_cast<wire::Activity>(4));
          }) == "unknown_action");
}

TEST_CASE("disputes and corrections with damaged parts are refused", "[transaction]") {
    const auto sample = [](const char* name) {
        for (const Action& action : test::sample_actions()) {
            if (std::string{action_name(action)} == name) {
                return action;
            }
        }
        return Action{};
    };
    CHECK(outcome_after(sample("OpenDispute"), [](wire::Transaction& m) {
              m.mutable_open_dispute()->set_reason(wire::DISPUTE_REASON_UNSPECIFIED);
          }) == "unknown_action");
    CHECK(outcome_after(sample("OpenDispute"), [](wire::Transaction& m) {
              m.mutable_open_dispute()->set_evidence(std::string(31, 'e'));
          }) == "malformed");
    CHECK(outcome_after(sample("OpenDispute"), [](wire::Transaction& m) {
              m.mutable_open_dispute()->set_disputed(-1);
          }) == "out_of_range");
    CHECK(outcome_after(sample("Arbitrate"), [](wire::Transaction& m) {
              m.mutable_arbitrate()->clear_reason();
          }) == "malformed");
    CHECK(outcome_after(sample("LateCharge"), [](wire::Transaction& m) {
              m.mutable_late_charge()->clear_charge();
          }) == "malformed");
    CHECK(outcome_after(sample("LateCharge"), [](wire::Transaction& m) {
              m.mutable_late_charge()->mutable_charge()->clear_currency();
          }) == "malformed");
    CHECK(outcome_after(sample("CreditCharge"), [](wire::Transaction& m) {
              m.mutable_credit_charge()->clear_record();
          }) == "malformed");
    CHECK(outcome_after(sample("RebillCharge"), [](wire::Transaction& m) {
              m.mutable_rebill_charge()->clear_credit();
          }) == "malformed");
    CHECK(outcome_after(sample("RevokeBridge"), [](wire::Transaction& m) {
              m.mutable_revoke_bridge()->clear_bridge_id();
          }) == "out_of_range");
}

TEST_CASE("the longest bill fits into a transaction", "[transaction]") {
    RebillCharge action{test::sample_authorization(), test::sample_rated()};
    MeteredCharge& metered = action.charge.metered;
    metered.evse_id.assign(evse_id_bytes_max, 'e');
    metered.bridge_id.assign(bridge_id_bytes_max, 'b');
    metered.meter_serial.assign(meter_serial_bytes_max, 'm');
    MeterReading longest{unix_millis_max, -840, 1LL << 52U, true};
    longest.activity = Activity::reservation_expired;
    longest.power_w = 1'000'000'000;
    metered.readings.assign(readings_max, longest);
    action.charge.tariff = {std::string(tariff_id_bytes_max, 't'), 0xffff'ffff};
    const Transaction transaction = test::sample_transaction(action);
    CHECK(*decode_transaction(encode_transaction(transaction)) == transaction);
}

TEST_CASE("random bytes never decode and never crash", "[transaction][property]") {
    test::SeededRandom random{5};
    for (int round = 0; round < 20'000; ++round) {
        CHECK_FALSE(decode_transaction(random.bytes(random.below(64))));
    }
}

TEST_CASE("what a bridge signs is read back, and depends on the chain", "[transaction]") {
    MeteredCharge charge = test::sample_metered();
    const Bytes bytes = encode_metered(charge);
    Decoder decoder{bytes};
    MeteredCharge decoded = decode_metered(decoder);
    CHECK(decoder.finished());
    decoded.bridge_signature = charge.bridge_signature;
    CHECK(decoded == charge);
    CHECK(metered_signing_digest(Hash{}, charge) !=
          metered_signing_digest(sha256(as_bytes("x")), charge));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        Decoder shorter{ByteView{bytes}.first(length)};
        static_cast<void>(decode_metered(shorter));
        CHECK_FALSE(shorter.ok());
    }
    charge.readings.resize(1);
    const Bytes wrong = encode_metered(charge);
    Decoder refusing{wrong};
    static_cast<void>(decode_metered(refusing));
    CHECK_FALSE(refusing.ok());
}

}  // namespace tally
