#include "node/link/bridge_messages.h"

#include "ledger/model/day_bands.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace tally;
using namespace tally::node;

namespace {

template <typename Fixed>
Fixed filled(std::uint8_t octet) {
    Fixed value;
    value.data.fill(octet);
    return value;
}

AuthorizationRef reference() { return {*party_from_text("BBB"), filled<TransactionId>(3)}; }

MeterReading reading(std::int64_t register_wh) {
    return {1'700'000'000'000, 480, register_wh, false};
}

MeteredCharge metered() {
    MeteredCharge charge;
    charge.authorization = reference();
    charge.evse_id = "CN*AAA*E0001*1";
    charge.bridge_id = "bridge-1";
    charge.meter_serial = "M-1";
    charge.meter_epoch = 2;
    charge.readings = {reading(100), reading(12'100)};
    charge.evidence = filled<Hash>(4);
    charge.bridge_signature = filled<Signature>(5);
    return charge;
}

Tariff tariff() {
    return day_tariff(*currency_from_text("CNY"), {{0, 5000, 6000}, {480, 9000, 6000}}, 600);
}

AuthorizeResult accepted_result() {
    AuthorizeResult result;
    result.session = filled<SessionId>(1);
    result.accepted = true;
    result.authorization = reference();
    result.prepaid = 500'000;
    result.start_by = 1'700'000'300'000;
    result.evses = {
        {1, "CN*AAA*E0001*1", 60'000, "M-1", 2, {"day", 1}, tariff(), Bytes{0x04, 0x01}}};
    return result;
}

AuthorizeRequest request() {
    AuthorizeRequest message;
    message.session = filled<SessionId>(1);
    message.station = "CP-1";
    message.token = "BBB-0001";
    message.prepaid = 500'000;
    message.health = {{0, ConnectorHealth::available, ""},
                      {1, ConnectorHealth::faulted, "GroundFailure"}};
    return message;
}

std::vector<BridgeMessage> one_of_each() {
    const auto session = filled<SessionId>(1);
    AuthorizeResult refused;
    refused.session = session;
    refused.reason = "insufficient_balance";
    return {BridgeHello{"bridge-1", {"CP-1", "CP-2"}},
            request(),
            ChargeStarted{7, session, reference(), 1, "CN*AAA*E0001*1", reading(100)},
            ChargeProgress{session, 60, 500, 12'345, 1'700'000'060'000},
            ChargeEnded{8, session, metered(), "Local"},
            ApprovalUnused{9, session},
            StationState{"CP-1", true, {{1, ConnectorHealth::silent, ""}}},
            accepted_result(),
            refused,
            StopCharge{session, "operator"},
            SessionNotice{session, "settled"},
            Acknowledge{UINT64_MAX}};
}

std::optional<MessageError> error_of(ByteView bytes) {
    const auto decoded = decode_bridge_message(bytes);
    return decoded ? std::nullopt : std::optional{decoded.error()};
}

/// What the decoder says to a well-formed message with a value out of bounds.
std::optional<MessageError> error_of(const BridgeMessage& message) {
    return error_of(encode_bridge_message(message));
}

AuthorizeRequest changed(const std::function<void(AuthorizeRequest&)>& change) {
    AuthorizeRequest message = request();
    change(message);
    return message;
}

}  // namespace

SCENARIO("every bridge message survives the wire", "[link][bridge]") {
    for (const BridgeMessage& message : one_of_each()) {
        CAPTURE(message.index());
        const Bytes bytes = encode_bridge_message(message);
        const auto decoded = decode_bridge_message(bytes);
        REQUIRE(decoded);
        CHECK(decoded->index() == message.index());
        CHECK(encode_bridge_message(*decoded) == bytes);
    }
    const auto result = decode_bridge_message(encode_bridge_message(accepted_result()));
    REQUIRE(result);
    const auto& decoded = std::get<AuthorizeResult>(*result);
    CHECK(decoded.evses.at(0).tariff == tariff());
    CHECK(decoded.evses.at(0).tariff_ref == TariffRef{"day", 1});
    CHECK(decoded.evses.at(0).meter_public_key == Bytes{0x04, 0x01});
    CHECK(decoded.evses.at(0).coefficient_permille == 1'000);
    CHECK(decoded.prepaid == 500'000);
    AuthorizeResult with_b = accepted_result();
    for (const std::int64_t permille : {std::int64_t{0}, coefficient_permille_max}) {
        with_b.evses[0].coefficient_permille = permille;
        const auto told = decode_bridge_message(encode_bridge_message(with_b));
        REQUIRE(told);
        CHECK(std::get<AuthorizeResult>(*told).evses.at(0).coefficient_permille == permille);
    }
    const auto afterwards = decode_bridge_message(
        encode_bridge_message(changed([](auto& m) { m.charged_already = true; })));
    REQUIRE(afterwards);
    CHECK(std::get<AuthorizeRequest>(*afterwards).charged_already);
    const auto ended = decode_bridge_message(
        encode_bridge_message(ChargeEnded{8, filled<SessionId>(1), metered(), "Local"}));
    REQUIRE(ended);
    CHECK(std::get<ChargeEnded>(*ended).metered == metered());
}

SCENARIO("a truncated bridge message is never taken for a whole one of another content",
         "[link][bridge]") {
    for (const BridgeMessage& message : one_of_each()) {
        const Bytes bytes = encode_bridge_message(message);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            REQUIRE(error_of(ByteView{bytes}.first(length)).has_value());
        }
    }
}

SCENARIO("bridge messages with unknown or repeated fields are refused", "[link][bridge]") {
    Bytes bytes = encode_bridge_message(Acknowledge{5});
    SECTION("an unknown field in the frame") {
        append(bytes, Bytes{0x62, 0x00});  // field 12, empty
        CHECK(error_of(bytes) == MessageError::unknown_field);
    }
    SECTION("an unknown field inside") {
        CHECK(error_of(Bytes{0x5a, 0x04, 0x08, 0x05, 0x10, 0x01}) == MessageError::unknown_field);
    }
    SECTION("the same message twice") {
        append(bytes, encode_bridge_message(Acknowledge{6}));
        CHECK(error_of(bytes) == MessageError::malformed);
    }
    SECTION("two different messages") {
        append(bytes, encode_bridge_message(StopCharge{filled<SessionId>(1), ""}));
        CHECK(error_of(bytes) == MessageError::malformed);
    }
    SECTION("nothing at all") { CHECK(error_of(Bytes{}) == MessageError::out_of_range); }
    SECTION("too long") {
        CHECK(error_of(Bytes(bridge_frame_bytes_max + 1)) == MessageError::too_large);
    }
}

SCENARIO("bridge messages with values out of bounds are refused", "[link][bridge]") {
    const auto refused = MessageError::out_of_range;
    CHECK(error_of(changed([](auto& m) { m.token = ""; })) == refused);
    CHECK(error_of(changed([](auto& m) { m.token = std::string(37, 'X'); })) == refused);
    CHECK(error_of(changed([](auto& m) { m.token = "BBB-\n"; })) == refused);
    CHECK(error_of(changed([](auto& m) { m.station = ""; })) == refused);
    CHECK(error_of(changed([](auto& m) { m.prepaid = -1; })) == refused);
    CHECK(error_of(changed([](auto& m) { m.prepaid = amount_max + 1; })) == refused);
    CHECK_FALSE(error_of(changed([](auto& m) { m.prepaid = amount_max; })));
    CHECK_FALSE(error_of(changed([](auto& m) { m.prepaid.reset(); })));
    CHECK(error_of(changed([](auto& m) { m.health.resize(station_connectors_max + 1); })) ==
          refused);
    CHECK(error_of(changed([](auto& m) { m.health[0].health = ConnectorHealth{7}; })) == refused);
    CHECK(error_of(changed([](auto& m) { m.health[0].health = ConnectorHealth{0}; })) == refused);

    BridgeHello hello{"b", std::vector<std::string>(bridge_stations_max, "S")};
    CHECK_FALSE(error_of(hello));
    hello.stations.push_back("S");
    CHECK(error_of(hello) == refused);

    ChargeEnded ended{1, filled<SessionId>(1), metered(), "Local"};
    ended.metered.readings.assign(readings_max + 1, reading(1));
    CHECK(error_of(ended) == refused);
    ended.metered = metered();
    ended.metered.readings[0].utc_offset_minutes = 841;
    CHECK(error_of(ended) == refused);
    ended.metered = metered();
    ended.metered.readings[0].register_wh = -1;
    CHECK(error_of(ended) == refused);
    ended.metered = metered();
    ended.metered.authorization.signer = PartyId{};
    CHECK(error_of(ended) == refused);

    AuthorizeResult result = accepted_result();
    result.evses[0].meter_public_key.resize(meter_key_bytes_max);
    CHECK_FALSE(error_of(result));
    result.evses[0].meter_public_key.resize(meter_key_bytes_max + 1);
    CHECK(error_of(result) == refused);
    for (const std::int64_t permille : {std::int64_t{-1}, coefficient_permille_max + 1}) {
        result = accepted_result();
        result.evses[0].coefficient_permille = permille;
        CHECK(error_of(result) == refused);
    }
    result = accepted_result();
    result.evses[0].tariff.elements.clear();
    CHECK(error_of(result) == refused);
    CHECK(error_of(ChargeProgress{filled<SessionId>(1), -1, 0, 0, 0}) == refused);
    CHECK(error_of(SessionNotice{filled<SessionId>(1), std::string(65, 'x')}) == refused);
}
