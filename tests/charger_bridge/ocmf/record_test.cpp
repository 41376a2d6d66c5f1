// What is read as a signed meter record, and what is not.

#include "charger_bridge/ocmf/record.h"

#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/find_records.h"
#include "charger_bridge/ocmf/json_tree.h"
#include "ledger/model/meter_reading.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"

#include <catch2/catch.hpp>

namespace tally::bridge {
namespace {

constexpr const char* signature{R"("SD":"00")"};

std::string record_of(const PayloadParts& parts) { return record_text(parts.text(), signature); }

std::string error_of(const std::string& text) {
    const auto record = parse_ocmf(text);
    return record ? "accepted" : record.error();
}

PayloadParts with_general(const std::string& fields) {
    PayloadParts parts;
    parts.general = fields;
    return parts;
}

}  // namespace

TEST_CASE("a record has its fields and the payload exactly as it was received", "[ocmf]") {
    PayloadParts parts;
    const std::string payload = " " + parts.text() + "\t";
    const OcmfRecord record = parsed(" \n" + record_text(payload, signature) + "\r\n");
    CHECK(record.payload == payload);
    CHECK(record.version == "1.0");
    CHECK(record.serial() == "M1");
    CHECK(record.gateway_serial == "G1");
    CHECK(record.identification_level == "TRUSTED");
    REQUIRE(record.page);
    CHECK(record.page->context == 'T');
    CHECK(record.page->number == 7);
    CHECK(record.signature.algorithm == "ECDSA-secp256r1-SHA256");
    CHECK(record.signature.encoding == "hex");
    CHECK(record.signature.mime_type == "application/x-der");
    CHECK(record.signature.data == "00");
    REQUIRE(record.readings.size() == 2);
    const OcmfReading& begin = record.readings.front();
    CHECK(begin.reason == ReadingReason::begin);
    CHECK(begin.time == 1'772'352'000'000);
    CHECK(begin.clock == 'S');
    CHECK(begin.energy_mwh == 1'000'500'000);
    CHECK(begin.value == "1000.5");
    CHECK(begin.obis == "1-b:1.8.0");
    CHECK(begin.status == "G");
    CHECK(record.readings.back().reason == ReadingReason::end);
}

TEST_CASE("a bar inside a text does not end the payload", "[ocmf]") {
    const PayloadParts parts = with_general(R"("TT":"day|night \"|{","GS":"G1","PG":"T1")");
    const OcmfRecord record = parsed(record_of(parts));
    CHECK(record.payload == parts.text());
    CHECK(record.serial() == "G1");
}

TEST_CASE("a reading inherits what it leaves out from the one before, but not its value",
          "[ocmf]") {
    PayloadParts parts;
    parts.end = R"("TX":"E")";
    const OcmfRecord record = parsed(record_of(parts));
    const OcmfReading& end = record.readings.back();
    CHECK(end.reason == ReadingReason::end);
    CHECK(end.time == record.readings.front().time);
    CHECK(end.obis == "1-b:1.8.0");
    CHECK(end.unit == "kWh");
    CHECK(end.status == "G");
    CHECK(!end.energy_mwh);
}

TEST_CASE("unknown and vendor fields are allowed, a number may stand for a version", "[ocmf]") {
    const OcmfRecord record = parsed(record_of(
        with_general(R"("FV":1.4,"XV":[1,{"a":null}],"UC":{},"PG":"T1","MS":null,"GS":"G")")));
    CHECK(record.version == "1.4");
    CHECK(record.serial() == "G");
}

TEST_CASE("a name that is there twice is refused, in payload, reading and signature", "[ocmf]") {
    PayloadParts parts;
    parts.general += R"(,"PG":"T8")";
    CHECK(error_of(record_of(parts)) == "the payload: an object has a name twice");
    parts = {};
    parts.begin += R"(,"\u0052V":7)";  // RV once more
    CHECK(error_of(record_of(parts)) == "the payload: an object has a name twice");
    CHECK(error_of(record_text(PayloadParts{}.text(), R"("SD":"00","SD":"01")")) ==
          "the signature section: an object has a name twice");
}

TEST_CASE("what is cut, misplaced or of the wrong type is no record", "[ocmf]") {
    const std::string whole = record_of({});
    REQUIRE(parse_ocmf(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_FALSE(parse_ocmf(whole.substr(0, size)));
    }
    CHECK(error_of("ocmf" + whole.substr(4)) == "does not begin with OCMF|");
    CHECK_FALSE(parse_ocmf(whole + "|"));
    CHECK_FALSE(parse_ocmf(whole + "{}"));
    CHECK(error_of(R"(OCMF|{"RD":[]})") == "no | and signature section follow the payload");
    CHECK(error_of(R"(OCMF|[]|{"SD":"00"})") == "the payload is not a JSON object");
    CHECK(error_of(R"(OCMF|{}|{"SD":"00"})") == "payload/RD: is not a list of readings");
    CHECK(error_of(R"(OCMF|{"RD":{}}|{"SD":"00"})") == "payload/RD: is not a list of readings");
    CHECK(error_of(R"(OCMF|{"RD":[1]}|{"SD":"00"})") == "payload/RD/0: is not an object");
    CHECK(error_of(R"(OCMF|{"RD":[]}|[])") == "the signature section is not a JSON object");
    CHECK(error_of(R"(OCMF|{"RD":[]}|{})") == "signature/SD: is missing");
    CHECK(error_of(R"(OCMF|{"RD":[]}|{"SD":7})") == "signature/SD: is not a text");
    CHECK(error_of(R"(OCMF|{"RD":[{"TX":"Q"}]}|{"SD":"00"})") ==
          "payload/RD/0/TX: is none of B C X E L R A P S T");
    CHECK(error_of(R"(OCMF|{"RD":[{"RV":true}]}|{"SD":"00"})") ==
          "payload/RD/0/RV: is neither a text nor a number");
    CHECK(error_of(record_of(with_general(R"("MS":["M1"])"))) == "payload/MS: is not a text");
}

TEST_CASE("hostile JSON is refused: deep, with wrong UTF-8, with comments, with NaN", "[ocmf]") {
    const auto nested = [](std::size_t depth) {
        return R"("VV":)" + std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(parse_ocmf(record_of(with_general(nested(json_tree_depth_max - 1)))));
    CHECK_FALSE(parse_ocmf(record_of(with_general(nested(json_tree_depth_max)))));
    CHECK_FALSE(parse_ocmf(record_of(with_general(nested(20'000)))));
    CHECK_FALSE(parse_ocmf(record_of(with_general("\"MS\":\"\xC3\x28\""))));
    CHECK_FALSE(parse_ocmf(record_of(with_general("\"MS\":\"\xED\xA0\x80\""))));
    CHECK_FALSE(parse_ocmf(record_of(with_general(R"("MS":"a",/* b */"GS":"c")"))));
    CHECK_FALSE(parse_ocmf(record_of(with_general(R"("FV":NaN)"))));
    CHECK_FALSE(parse_ocmf(record_of(with_general(R"("MS":"a",)"))));
}

TEST_CASE("the bounds of a record are reached and not passed", "[ocmf]") {
    const std::string short_one = record_of(with_general(R"("VV":"")"));
    const std::string filler(ocmf_record_bytes_max - short_one.size(), 'x');
    CHECK(parse_ocmf(record_of(with_general(R"("VV":")" + filler + "\""))));
    CHECK(error_of(record_of(with_general(R"("VV":"x)" + filler + "\""))) ==
          "longer than 65536 bytes");

    const auto readings = [](std::size_t count) {
        std::string list;
        for (std::size_t i = 0; i < count; ++i) {
            list += i == 0 ? "{}" : ",{}";
        }
        return R"(OCMF|{"RD":[)" + list + R"(]}|{"SD":"00"})";
    };
    CHECK(parsed(readings(ocmf_readings_max)).readings.size() == ocmf_readings_max);
    CHECK(error_of(readings(ocmf_readings_max + 1)) == "payload/RD: more than 256 readings");

    const std::string text(ocmf_text_bytes_max, 'x');
    CHECK(parse_ocmf(record_of(with_general(R"("MS":")" + text + "\""))));
    CHECK(error_of(record_of(with_general(R"("MS":"x)" + text + "\""))) ==
          "payload/MS: is too long");
}

TEST_CASE("a register is read exactly, and cut only behind the mWh", "[ocmf]") {
    CHECK(energy_mwh_from_text("0.2596", "kWh") == 259'600);
    CHECK(energy_mwh_from_text("       9.038", "kWh") == 9'038'000);
    CHECK(energy_mwh_from_text("12.64134", "kWh") == 12'641'340);
    CHECK(energy_mwh_from_text("2850685", "Wh") == 2'850'685'000);
    CHECK(energy_mwh_from_text("0.0005", "Wh") == 0);
    CHECK(energy_mwh_from_text("1.0019999", "Wh") == 1'001);
    CHECK(energy_mwh_from_text("0.1234567", "kWh") == 123'456);
    CHECK(energy_mwh_from_text("9007199254740.993", "Wh") == 9'007'199'254'740'993);
    CHECK(energy_mwh_from_text("1.5e3", "Wh") == 1'500'000);
    CHECK(energy_mwh_from_text("15E+2", "Wh") == 1'500'000);
    CHECK(energy_mwh_from_text("1500e-3", "kWh") == 1'500'000);
    CHECK(energy_mwh_from_text("1e-64", "kWh") == 0);
    CHECK(energy_mwh_from_text("0e64", "kWh") == 0);
    CHECK(energy_mwh_from_text("4503599627370496", "Wh") == register_wh_max * 1000);
    CHECK_FALSE(energy_mwh_from_text("4503599627370496.001", "Wh"));
    CHECK_FALSE(energy_mwh_from_text("99999999999999999999999999", "Wh"));
    CHECK_FALSE(energy_mwh_from_text("1e64", "kWh"));
    for (const char* const wrong : {"", " ", "-1", "+1", "1.", ".5", "1,5", "0x10", "1e", "1e65",
                                    "1e+", "1e-65", "1e99999999999", "1 2", "NaN", "1..2", "e5"}) {
        INFO(wrong);
        CHECK_FALSE(energy_mwh_from_text(wrong, "Wh"));
    }
    for (const char* const unit : {"", "wh", "KWH", "MWh", "sec", "mOhm"}) {
        INFO(unit);
        CHECK_FALSE(energy_mwh_from_text("1", unit));
    }
}

TEST_CASE("a time is read with its offset and the state of its clock", "[ocmf]") {
    const auto time = ocmf_time_from_text("2021-10-26T10:20:52,123+0200 I");
    REQUIRE(time);
    CHECK(time->time == 1'635'236'452'123);
    CHECK(time->clock == 'I');
    CHECK(ocmf_time_from_text("2021-10-26T08:20:52,123-0000 R")->time == 1'635'236'452'123);
    CHECK(ocmf_time_from_text("1970-01-01T01:21:45,000+0100 U")->time == 1'305'000);
    for (const char* const wrong :
         {"", "2021-10-26T10:20:52,123+0200", "2021-10-26T10:20:52,123+0200 X",
          "2021-10-26T10:20:52,123+0200 II", "2021-10-26T10:20:52.123+0200 I",
          "2021-10-26 10:20:52,123+0200 I", "2021-10-26T10:20:52,123Z I",
          "2021-10-26T10:20:52,123+02:00 I", "2021-13-26T10:20:52,123+0200 I",
          "2021-02-29T10:20:52,123+0200 I", "2021-10-26T24:20:52,123+0200 I",
          "2021-10-26T10:60:52,123+0200 I", "2021-10-26T10:20:61,123+0200 I",
          "2021-10-26T10:20:52,123+1500 I", "1969-12-31T10:20:52,123+0000 I",
          "9999-12-31T23:59:59,999-0100 I", "202a-10-26T10:20:52,123+0200 I"}) {
        INFO(wrong);
        CHECK_FALSE(ocmf_time_from_text(wrong));
    }
}

TEST_CASE("base64 is read with and without padding, and refused when ambiguous", "[ocmf]") {
    CHECK(bytes_from_base64("AAECAw==") == Bytes{0, 1, 2, 3});
    CHECK(bytes_from_base64("AAECAw") == Bytes{0, 1, 2, 3});
    CHECK(bytes_from_base64("AAE\nCAw==") == Bytes{0, 1, 2, 3});
    CHECK(bytes_from_base64("-_-_") == bytes_from_base64("+/+/"));
    CHECK(bytes_from_base64("") == Bytes{});
    for (const char* const wrong : {"A", "AAECAw=", "AAECAx==", "=AAEC", "AA=E", "AAE*", "AAEC="}) {
        INFO(wrong);
        CHECK_FALSE(bytes_from_base64(wrong));
    }
}

TEST_CASE("records are found in a station's messages, in each of their forms", "[ocmf]") {
    const std::string record = record_of({});
    const std::string quoted = [&record] {
        std::string text;
        for (const char c : record) {
            text += (c == '"' || c == '\\') ? std::string{"\\"} + c : std::string{c};
        }
        return text;
    }();
    const std::string base64 = base64_of(as_bytes(record));
    const auto stop = [](const std::string& value) {
        return R"([2,"1","StopTransaction",{"transactionData":[{"sampledValue":[)"
               R"({"value":"7","unit":"Wh"},{"format":"SignedData","value":")" +
               value + R"("}]}]}])";
    };
    CHECK(find_ocmf(stop(quoted)) == std::vector{record});
    CHECK(find_ocmf(stop(base64)) == std::vector{record});
    CHECK(find_ocmf(stop(R"({\"signedMeterData\":\")" + base64 +
                         R"(\",\"encodingMethod\":\"OCMF\",\"publicKey\":\"AAAA\"})")) ==
          std::vector{record});
    CHECK(find_ocmf(R"([2,"1","TransactionEvent",{"signedMeterValue":{"signedMeterData":")" +
                    base64 + R"("}}])") == std::vector{record});
    CHECK(find_ocmf(stop("7")).empty());
    CHECK(find_ocmf(stop(R"({\"signedMeterData\":7})")).empty());
    CHECK(find_ocmf("not JSON").empty());
    CHECK(find_ocmf(record).empty());

    std::string many{"["};
    for (std::size_t i = 0; i < ocmf_records_of_text_max + 1; ++i) {
        many += (i == 0 ? "\"" : ",\"") + base64 + "\"";
    }
    CHECK(find_ocmf(many + "]").size() == ocmf_records_of_text_max);
}

}  // namespace tally::bridge
