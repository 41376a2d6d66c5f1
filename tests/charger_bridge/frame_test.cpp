// OCPP-J frames: what is one, what is not, and what comes back.

#include "charger_bridge/ocpp/frame.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge {

namespace {

ErrorCode error_of(std::string_view text) {
    const auto frame = parse_frame(text);
    REQUIRE_FALSE(frame);
    return frame.error().code;
}

std::string id_of_error(std::string_view text) {
    const auto frame = parse_frame(text);
    REQUIRE_FALSE(frame);
    return frame.error().id;
}

}  // namespace

TEST_CASE("calls, results and errors are read") {
    const auto call = parse_frame(R"([2,"19223201","Heartbeat",{}])");
    REQUIRE(call);
    CHECK(std::get<Call>(*call).id == "19223201");
    CHECK(std::get<Call>(*call).action == "Heartbeat");
    const auto result = parse_frame(R"([3,"a",{"status":"Accepted"}])");
    REQUIRE(result);
    CHECK(std::get<CallResult>(*result).payload.at("status") == "Accepted");
    const auto error = parse_frame(R"([4,"a","NotSupported","no",{}])");
    REQUIRE(error);
    CHECK(std::get<CallError>(*error).code == ErrorCode::not_supported);
    CHECK(parse_frame(R"([4,"a","NotSupported","no"])"));
    CHECK(std::get<CallError>(*parse_frame(R"([4,"a","Odd","",{}])")).code ==
          ErrorCode::generic_error);
}

TEST_CASE("what is not a frame gets FormationViolation, with the id when there is one") {
    for (const char* const text :
         {"", "[", "{}", "[]", "null", "[2]", R"([2,5,"Heartbeat",{}])", R"([2,"","Heartbeat",{}])",
          R"([2,"a",{}])", R"([2,"a","Heartbeat"])", R"([2,"a","Heartbeat",[]])",
          R"([2,"a","Heartbeat",{},1])", R"([2,"a",7,{}])", R"([3,"a"])", R"([3,"a",[]])",
          R"([4,"a","x"])", R"(["2","a","Heartbeat",{}])", R"([2,"a","Heartbeat",{}] x)",
          R"([2.5,"a","Heartbeat",{}])"}) {
        INFO(text);
        CHECK(error_of(text) == ErrorCode::formation_violation);
    }
    CHECK(id_of_error(R"([2,"a","Heartbeat"])") == "a");
    CHECK(id_of_error("nonsense") == "-1");
    CHECK(error_of(R"([7,"a",{}])") == ErrorCode::protocol_error);
}

TEST_CASE("ids are at most 36 bytes") {
    const std::string id(36, 'x');
    CHECK(parse_frame(R"([2,")" + id + R"(","Heartbeat",{}])"));
    CHECK_FALSE(parse_frame(R"([2,")" + id + R"(x","Heartbeat",{}])"));
}

TEST_CASE("hostile JSON is refused: depth, size, numbers, text that is not UTF-8") {
    const std::string deep = R"([2,"a","DataTransfer",)" + std::string(40'000, '[') + "]";
    CHECK(error_of(deep) == ErrorCode::formation_violation);
    const std::string nested =
        R"([2,"a","x",{"a":)" + std::string(9, '[') + std::string(9, ']') + "}]";
    CHECK(parse_frame(nested));
    const std::string too_nested =
        R"([2,"a","x",{"a":)" + std::string(11, '[') + std::string(11, ']') + "}]";
    CHECK_FALSE(parse_frame(too_nested));
    const std::string large =
        R"([2,"a","x",{"a":")" + std::string(ocpp_text_bytes_max, 'y') + R"("}])";
    CHECK(error_of(large) == ErrorCode::formation_violation);
    CHECK(parse_frame(R"([2,"a","x",{"a":1e400}])").has_value() ==
          parse_frame(R"([2,"a","x",{"a":1e401}])").has_value());
    CHECK_FALSE(parse_frame("[2,\"a\",\"x\",{\"a\":\"\xff\xfe\"}]"));
    CHECK_FALSE(parse_frame("[2,\"a\",\"x\",{\"a\":\"\xc0\x80\"}]"));
    CHECK_FALSE(parse_frame("[2,\"a\",\"x\",{\"a\":\"\\ud800\"}]"));
}

TEST_CASE("what is written can be read again, whatever the texts hold") {
    const std::string odd{"quote \" backslash \\ newline \n null \0 end", 39};
    boost::json::object payload;
    payload["data"] = odd;
    const auto call = parse_frame(call_text({"id\"1", "DataTransfer", payload}));
    REQUIRE(call);
    CHECK(std::get<Call>(*call).id == "id\"1");
    CHECK(std::get<Call>(*call).payload == payload);
    const auto result = parse_frame(result_text("r", payload));
    REQUIRE(result);
    CHECK(std::get<CallResult>(*result).payload == payload);
    const auto error = parse_frame(
        error_text("e", ErrorCode::occurence_constraint_violation, std::string(999, 'd')));
    REQUIRE(error);
    CHECK(std::get<CallError>(*error).code == ErrorCode::occurence_constraint_violation);
    CHECK(std::get<CallError>(*error).description.size() == ocpp_description_bytes_max);
}

TEST_CASE("error codes are spelt as the specification spells them") {
    CHECK(std::string{to_text(ErrorCode::occurence_constraint_violation)} ==
          "OccurenceConstraintViolation");
    for (int i = 0; i < 10; ++i) {
        const auto code = static_cast<ErrorCode>(i);
        CHECK(error_code_from_text(to_text(code)) == code);
    }
}

}  // namespace tally::bridge
