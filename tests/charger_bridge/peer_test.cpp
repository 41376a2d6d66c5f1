// One charger's conversation: the boot rule, ids, schemas, our CALLs one at a time.

#include "charger_bridge/ocpp/peer.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/v16/translation.h"

#include <catch2/catch.hpp>

namespace tally::bridge {

using namespace std::chrono_literals;

namespace {

constexpr const char* boot{
    R"([2,"b","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}])"};

boost::json::object accepted() { return status_answer("Accepted"); }

Command remote_stop(std::uint64_t tag) {
    Command command{"RemoteStopTransaction", {}, tag};
    command.payload["transactionId"] = 5;
    return command;
}

std::string id_in(const std::string& call) { return std::get<Call>(*parse_frame(call)).id; }

}  // namespace

TEST_CASE("before its first boot a station gets SecurityError") {
    Peer peer{false, 1, v16::translation()};
    const PeerOutput early = peer.receive(R"([2,"h","Heartbeat",{}])");
    REQUIRE(early.send.size() == 1);
    CHECK(early.send[0].find("SecurityError") != std::string::npos);
    CHECK_FALSE(early.request);
    const PeerOutput booting = peer.receive(boot);
    REQUIRE(booting.request);
    peer.set_booted(true);
    CHECK(peer.receive(R"([2,"h2","Heartbeat",{}])").request);
}

TEST_CASE("a station that booted on an earlier connection need not repeat it") {
    Peer peer{true, 1, v16::translation()};
    CHECK(peer.receive(R"([2,"h","Heartbeat",{}])").request);
}

TEST_CASE("refusals carry the code, the id and the field") {
    Peer peer{true, 1, v16::translation()};
    const PeerOutput unknown = peer.receive(R"([2,"u","FlyToTheMoon",{}])");
    CHECK(unknown.send.at(0).find(R"([4,"u","NotImplemented")") == 0);
    const PeerOutput wrong = peer.receive(R"([2,"w","Authorize",{"idTag":1}])");
    CHECK(wrong.send.at(0).find(R"([4,"w","TypeConstraintViolation")") == 0);
    CHECK(wrong.refused_code == ErrorCode::type_constraint_violation);
    const PeerOutput ours = peer.receive(R"([2,"o","RemoteStopTransaction",{"transactionId":1}])");
    CHECK(ours.send.at(0).find("NotSupported") != std::string::npos);
}

TEST_CASE("of a transaction message that breaks its schema, what can be read is read") {
    const auto take = [](const std::string& action, const std::string& payload) {
        Peer peer{true, 1, v16::translation()};
        return peer.receive(R"([2,"x",")" + action + R"(",)" + payload + "]");
    };
    const PeerOutput stop = take("StopTransaction", R"({"transactionId":7,"meterStop":900,
        "timestamp":"2026-03-01T08:00:00Z","reason":"EVUnplugged","vendor":1,
        "transactionData":[{"timestamp":3,"sampledValue":[7,{"value":5,"unit":"BTU"}]},1]})");
    CHECK(stop.send.empty());
    CHECK_FALSE(stop.refused.empty());
    REQUIRE(stop.request);
    CHECK(std::get<StopFacts>(stop.request->body).meter_stop_wh == 900);
    CHECK(std::get<StopFacts>(stop.request->body).reason == "EVUnplugged");

    const PeerOutput start = take("StartTransaction", R"({"connectorId":0,"meterStart":5,
        "timestamp":"2026-03-01T08:00:00Z","idTag":"BBB-45678901234567890"})");
    CHECK_FALSE(start.refused.empty());
    REQUIRE(start.request);
    CHECK(std::get<StartFacts>(start.request->body).connector == 0);

    const PeerOutput values = take("MeterValues", R"({"connectorId":1,"transactionId":7,
        "meterValue":[{"timestamp":"2026-03-01T08:00:00Z",
        "sampledValue":[{"value":"17","unit":"Wh","measurand":"Energy.Active.Import.Register",
        "accuracy":"high"}]}]})");
    CHECK_FALSE(values.refused.empty());
    REQUIRE(values.request);
    CHECK(std::get<ValuesFacts>(values.request->body).samples.at(0).register_wh == 17);
}

TEST_CASE(
    "a transaction message is passed on whatever is wrong with it; what else is, is refused") {
    const auto take = [](const std::string& action, const std::string& payload) {
        Peer peer{true, 1, v16::translation()};
        return peer.receive(R"([2,"x",")" + action + R"(",)" + payload + "]");
    };
    const std::vector<std::pair<std::string, std::string>> transactions{
        {"StopTransaction", R"({"transactionId":7,"meterStop":"900","timestamp":"x"})"},
        {"StopTransaction", R"({"meterStop":900,"timestamp":"x"})"},
        {"StopTransaction", R"({"transactionId":7,"meterStop":900,"timestamp":5})"},
        {"StopTransaction", "{}"},
        {"StartTransaction", R"({"connectorId":1,"meterStart":5,"timestamp":"x"})"},
        {"StartTransaction", R"({"connectorId":70000,"meterStart":5,"timestamp":5,"idTag":"a"})"},
        {"StartTransaction", "{}"},
        {"MeterValues", R"({"meterValue":[]})"},
        {"MeterValues", R"({"meterValue":7})"},
    };
    for (const auto& [action, payload] : transactions) {
        CAPTURE(action, payload);
        const PeerOutput output = take(action, payload);
        CHECK(output.request);
        CHECK(output.send.empty());
        CHECK_FALSE(output.refused.empty());
    }
    const PeerOutput other = take("Authorize", R"({"idTag":"BBB-1","vendor":1})");
    CHECK_FALSE(other.request);
    REQUIRE(other.send.size() == 1);
    CHECK(other.send[0].find(R"([4,"x",)") == 0);
}

TEST_CASE("a request is answered once, under its id") {
    Peer peer{true, 1, v16::translation()};
    REQUIRE(peer.receive(R"([2,"d","DataTransfer",{"vendorId":"x"}])").request);
    CHECK(peer.answer("d", accepted()) == R"([3,"d",{"status":"Accepted"}])");
    CHECK(peer.answer("d", accepted()).empty());
    CHECK(peer.answer("never", accepted()).empty());
    CHECK(peer.refuse("never", ErrorCode::internal_error, "").empty());
}

TEST_CASE("an answer of ours that breaks the schema never leaves") {
    Peer peer{true, 1, v16::translation()};
    REQUIRE(peer.receive(R"([2,"d","DataTransfer",{"vendorId":"x"}])").request);
    CHECK(peer.answer("d", status_answer("Perhaps")).find("InternalError") != std::string::npos);
}

TEST_CASE("our CALLs go one at a time, and crossing calls are fine") {
    Peer peer{true, 0xab, v16::translation()};
    const PeerOutput first = peer.command(remote_stop(1), 0ms);
    REQUIRE(first.send.size() == 1);
    CHECK(peer.command(remote_stop(2), 0ms).send.empty());
    CHECK(peer.receive(R"([2,"h","Heartbeat",{}])").request);
    const std::string id = id_in(first.send[0]);
    CHECK(id.size() <= ocpp_id_bytes_max);
    CHECK(peer.receive(R"([3,"another",{"status":"Accepted"}])").replies.empty());
    const PeerOutput answered = peer.receive(R"([3,")" + id + R"(",{"status":"Accepted"}])");
    REQUIRE(answered.replies.size() == 1);
    CHECK(answered.replies[0].tag == 1);
    CHECK(answered.replies[0].result);
    REQUIRE(answered.send.size() == 1);
    CHECK(id_in(answered.send[0]) != id);
    CHECK(peer.receive(R"([3,")" + id + R"(",{"status":"Accepted"}])").replies.empty());
}

TEST_CASE("a CALL fails on an error, a wrong result, silence and a lost connection") {
    Peer peer{true, 1, v16::translation()};
    std::string id = id_in(peer.command(remote_stop(1), 0ms).send.at(0));
    PeerOutput output = peer.receive(R"([4,")" + id + R"(","NotSupported","no",{}])");
    REQUIRE(output.replies.size() == 1);
    CHECK(output.replies[0].failure == "NotSupported");

    id = id_in(peer.command(remote_stop(2), 0ms).send.at(0));
    output = peer.receive(R"([3,")" + id + R"(",{"status":7}])");
    REQUIRE(output.replies.size() == 1);
    CHECK(output.replies[0].failure == "invalid_response");

    static_cast<void>(peer.command(remote_stop(3), 1'000ms));
    CHECK(peer.tick(30'999ms).replies.empty());
    output = peer.tick(31'000ms);
    REQUIRE(output.replies.size() == 1);
    CHECK(output.replies[0].failure == "timeout");

    CHECK(output.replies[0].was_sent);

    static_cast<void>(peer.command(remote_stop(4), 0ms));
    static_cast<void>(peer.command(remote_stop(5), 0ms));
    const std::vector<CommandReply> abandoned = peer.abandon();
    REQUIRE(abandoned.size() == 2);
    CHECK(abandoned[0].was_sent);
    CHECK_FALSE(abandoned[1].was_sent);
    CHECK(peer.tick(100'000ms).replies.empty());
}

TEST_CASE("limit: CALLs waiting towards one charger") {
    Peer peer{true, 1, v16::translation()};
    for (std::size_t i = 0; i < peer_commands_max; ++i) {
        CHECK(peer.command(remote_stop(i), 0ms).replies.empty());
    }
    const PeerOutput output = peer.command(remote_stop(99), 0ms);
    REQUIRE(output.replies.size() == 1);
    CHECK(output.replies[0].failure == "queue_full");
    CHECK_FALSE(output.replies[0].was_sent);
}

TEST_CASE("limit: requests in work at once, then the charger is cut off") {
    Peer peer{true, 1, v16::translation()};
    for (std::size_t i = 0; i < peer_unanswered_max; ++i) {
        CHECK(peer.receive(R"([2,")" + std::to_string(i) + R"(","Heartbeat",{}])").request);
    }
    CHECK(peer.receive(R"([2,"one more","Heartbeat",{}])").close == "too_many_requests");
}

TEST_CASE("limit: unreadable frames, then the charger is cut off") {
    Peer peer{true, 1, v16::translation()};
    for (std::uint32_t i = 1; i < peer_malformed_max; ++i) {
        const PeerOutput output = peer.receive("}{");
        CHECK(output.close.empty());
        CHECK(output.send.at(0).find(R"([4,"-1","FormationViolation")") == 0);
    }
    CHECK(peer.receive("}{").close == "malformed_frames");
}

}  // namespace tally::bridge
