// Who gets which message of a charger that has another central system behind the bridge.

#include "tests/charger_bridge/route_way.h"

namespace tally::bridge::test {

TEST_CASE("what is not roaming passes both ways unchanged") {
    Way way;
    for (const std::string& text :
         {std::string{boot}, std::string{heartbeat},
          std::string{R"([2 , "x", "DataTransfer", {"vendorId":"acme","n":1.50}])"},
          std::string{R"([2,"y","SomethingNew",{"a":[1,2]}])"}, values("v", 3), stop("e", 3)}) {
        const RouteOutput there = way.charger(text);
        CHECK(there.to_upstream == Texts{text});
        CHECK(there.to_bridge.empty());
        CHECK(there.to_charger.empty());
        const std::string answer = R"([3, ")" + id_of(text) + R"(", {"any":"thing"}])";
        const RouteOutput back = way.upstream(answer);
        CHECK(back.to_charger == Texts{answer});
        CHECK(way.upstream(answer).to_charger.empty());  // Once.
    }
}

TEST_CASE("states and boots of a charger are seen on their way") {
    Way way;
    const RouteOutput seen = way.charger(status_call);
    REQUIRE(seen.observed.size() == 1);
    CHECK(std::get<StatusFacts>(seen.observed[0]).status == ConnectorStatus::charging);
    CHECK(std::holds_alternative<BootFacts>(way.charger(boot).observed.at(0)));
}

TEST_CASE("a card that upstream knows stays upstream's") {
    Way way;
    REQUIRE(way.charger(authorize("a", "AAA-1")).to_upstream.size() == 1);
    CHECK(way.upstream(tag_answer("a", "Accepted")).to_charger ==
          Texts{tag_answer("a", "Accepted")});
    CHECK(way.charger(start("s", "aaa-1")).to_upstream == Texts{start("s", "aaa-1")});
    const RouteOutput begun = way.upstream(start_answer("s", 7));
    CHECK(begun.to_charger == Texts{start_answer("s", 7)});
    CHECK(begun.taken_connector == 1);
    CHECK(way.charger(stop("e", 7)).to_upstream == Texts{stop("e", 7)});
}

TEST_CASE("a card that upstream knows and refuses is not asked for elsewhere") {
    for (const char* const status : {"Blocked", "Expired", "ConcurrentTx"}) {
        Way way;
        REQUIRE(way.charger(authorize("a", "AAA-1")).to_upstream.size() == 1);
        const RouteOutput refused = way.upstream(tag_answer("a", status));
        CHECK(refused.to_charger == Texts{tag_answer("a", status)});
        CHECK(refused.to_bridge.empty());
    }
}

TEST_CASE("a card that nobody knows gets upstream's answer") {
    Way way;
    REQUIRE(way.charger(authorize("a", "ZZZ-1")).to_upstream.size() == 1);
    REQUIRE(way.upstream(tag_answer("a", "Invalid")).to_bridge.size() == 1);
    REQUIRE(way.route.takes_back("a"));
    CHECK(way.route.refused("a", way.now).to_charger == Texts{tag_answer("a", "Invalid")});
    CHECK_FALSE(way.route.takes_back("a"));
    CHECK(way.route.refused("a", way.now).to_charger.empty());
}

TEST_CASE("upstream sees nothing of a charge of a roaming card") {
    Way way;
    roam(way, "BBB-1");
    RouteOutput begun = way.charger(start("s", "bbb-1"));
    CHECK(begun.to_bridge == Texts{start("s", "bbb-1")});
    CHECK(begun.to_upstream.empty());
    CHECK(way.bridge(start_answer("s", 2'000'000'000)).to_charger ==
          Texts{start_answer("s", 2'000'000'000)});
    way.book.transactions.insert(TransactionName{std::int64_t{2'000'000'000}});
    way.book.connectors.insert(1);
    const std::string unnamed{
        R"([2,"u","MeterValues",{"connectorId":1,"meterValue":[)"
        R"({"timestamp":"2026-03-01T08:01:00Z","sampledValue":[{"value":"9"}]}]}])"};
    for (const std::string& text :
         {values("v", 2'000'000'000), unnamed, stop("e", 2'000'000'000)}) {
        const RouteOutput taken = way.charger(text);
        CHECK(taken.to_bridge == Texts{text});
        CHECK(taken.to_upstream.empty());
        CHECK(way.bridge(R"([3,")" + id_of(text) + R"(",{}])").to_charger.size() == 1);
    }
    const std::string display{
        R"([2,"d","DataTransfer",{"vendorId":"tally","messageId":"Figures"}])"};
    CHECK(way.charger(display).to_bridge == Texts{display});
}

TEST_CASE("a start without a swipe asks upstream about its card first") {
    Way way;
    const RouteOutput asked = way.charger(start("s", "BBB-1"));
    REQUIRE(asked.to_upstream.size() == 1);
    const std::string id = id_of(asked.to_upstream[0]);
    CHECK(asked.to_upstream[0] == authorize(id, "BBB-1"));
    CHECK(id.starts_with(prefix));
    SECTION("it is known: the start goes upstream unchanged") {
        const RouteOutput known = way.upstream(tag_answer(id, "Accepted"));
        CHECK(known.to_upstream == Texts{start("s", "BBB-1")});
        CHECK(known.to_charger.empty());
        CHECK(way.upstream(start_answer("s", 7)).to_charger == Texts{start_answer("s", 7)});
        CHECK(way.charger(start("t", "BBB-1")).to_upstream == Texts{start("t", "BBB-1")});
    }
    SECTION("upstream cannot say: the start is upstream's to judge") {
        const RouteOutput error = way.upstream(R"([4,")" + id + R"(","InternalError","",{}])");
        CHECK(error.to_upstream == Texts{start("s", "BBB-1")});
        CHECK(error.to_charger.empty());
    }
    SECTION("it is unknown and roams") {
        CHECK(way.upstream(tag_answer(id, "Invalid")).to_bridge == Texts{start("s", "BBB-1")});
        CHECK(way.bridge(start_answer("s", 2'000'000'001)).to_charger.size() == 1);
    }
    SECTION("nobody knows it: upstream has the transaction") {
        REQUIRE(way.upstream(tag_answer(id, "Invalid")).to_bridge.size() == 1);
        REQUIRE(way.route.takes_back("s"));
        CHECK(way.route.refused("s", way.now).to_upstream == Texts{start("s", "BBB-1")});
        CHECK(way.upstream(start_answer("s", 8, "Invalid")).to_charger ==
              Texts{start_answer("s", 8, "Invalid")});
    }
    SECTION("a start that is repeated is known by what it says") {
        way.book.starts.insert("2026-03-01T08:00:00Z");
        const RouteOutput again = way.charger(start("other-id", "BBB-1"));
        CHECK(again.to_bridge == Texts{start("other-id", "BBB-1")});
        CHECK_FALSE(way.route.takes_back("other-id"));
    }
}

TEST_CASE("what upstream says last about a card counts") {
    Way way;
    roam(way, "BBB-1");
    REQUIRE(way.charger(authorize("a", "BBB-1")).to_upstream.size() == 1);
    REQUIRE(way.upstream(tag_answer("a", "Accepted")).to_charger.size() == 1);
    CHECK(way.charger(start("s", "BBB-1")).to_upstream == Texts{start("s", "BBB-1")});
}

TEST_CASE("a card that upstream starts from afar is upstream's") {
    Way way;
    REQUIRE(
        way.upstream(R"([2,"r","RemoteStartTransaction",{"idTag":"AAA-1"}])").to_charger.size() ==
        1);
    CHECK(way.charger(start("s", "AAA-1")).to_upstream == Texts{start("s", "AAA-1")});
}

TEST_CASE("the same message id in both directions is no confusion") {
    Way way;
    const std::string call{R"([2,"1","GetConfiguration",{}])"};
    CHECK(way.upstream(call).to_charger == Texts{call});
    CHECK(way.charger(authorize("1", "AAA-1")).to_upstream == Texts{authorize("1", "AAA-1")});
    const std::string configuration{R"([3,"1",{"configurationKey":[]}])"};
    CHECK(way.charger(configuration).to_upstream == Texts{configuration});
    CHECK(way.upstream(tag_answer("1", "Accepted")).to_charger ==
          Texts{tag_answer("1", "Accepted")});
}

TEST_CASE("one CALL at a time goes to the charger, the bridge's before upstream's") {
    Way way;
    const std::string first{R"([2,"u1","GetConfiguration",{}])"};
    const std::string second{R"([2,"u2","ClearCache",{}])"};
    const std::string ours =
        std::string{R"([2,")"} + prefix + R"(1","RemoteStopTransaction",{"transactionId":5}])";
    REQUIRE(way.upstream(first).to_charger == Texts{first});
    CHECK(way.upstream(second).to_charger.empty());
    CHECK(way.bridge(ours).to_charger.empty());
    const RouteOutput next = way.charger(R"([3,"u1",{}])");
    CHECK(next.to_upstream == Texts{R"([3,"u1",{}])"});
    CHECK(next.to_charger == Texts{ours});
    const std::string stopped = std::string{R"([3,")"} + prefix + R"(1",{"status":"Accepted"}])";
    const RouteOutput last = way.charger(stopped);
    CHECK(last.to_bridge == Texts{stopped});
    CHECK(last.to_upstream.empty());
    CHECK(last.to_charger == Texts{second});
    SECTION("an answer that comes after its time goes to who asked") {
        way.now += peer_call_timeout;
        static_cast<void>(way.route.tick(way.now));
        CHECK(way.charger(R"([3,"u2",{}])").to_upstream == Texts{R"([3,"u2",{}])"});
        const RouteOutput late = way.charger(stopped);
        CHECK(late.to_upstream.empty());
        CHECK(late.to_bridge.empty());
    }
}

TEST_CASE("a CALL of the bridge's that waited until it was given up is not sent any more") {
    Way way;
    const std::string second =
        std::string{R"([2,")"} + prefix + R"(2","RemoteStopTransaction",{"transactionId":5}])";
    REQUIRE(way.upstream(R"([2,"u1","GetConfiguration",{}])").to_charger.size() == 1);
    REQUIRE(
        way.bridge(std::string{R"([2,")"} + prefix + R"(1","ClearCache",{}])").to_charger.empty());
    REQUIRE(way.bridge(second).to_charger.empty());
    CHECK(way.charger(R"([3,"u1",{}])").to_charger == Texts{second});
    CHECK(way.charger(std::string{R"([3,")"} + prefix + R"(2",{}])").to_charger.empty());
}

TEST_CASE("a silent charger does not hold up the next CALL for ever") {
    Way way;
    REQUIRE(way.upstream(R"([2,"u1","GetConfiguration",{}])").to_charger.size() == 1);
    REQUIRE(way.upstream(R"([2,"u2","ClearCache",{}])").to_charger.empty());
    way.now += peer_call_timeout;
    CHECK(way.route.tick(way.now).to_charger == Texts{R"([2,"u2","ClearCache",{}])"});
}

TEST_CASE("an id of upstream's that looks like one of ours is exchanged on the way") {
    Way way;
    const std::string id = std::string{prefix} + "1";
    const RouteOutput there = way.upstream(R"([2,")" + id + R"(","ClearCache",{}])");
    REQUIRE(there.to_charger.size() == 1);
    const std::string wire = id_of(there.to_charger[0]);
    CHECK(wire != id);
    CHECK(way.charger(R"([3,")" + wire + R"(",{"status":"Accepted"}])").to_upstream ==
          Texts{R"([3,")" + id + R"(",{"status":"Accepted"}])"});
}

TEST_CASE("an id of the charger's that looks like one of ours is refused") {
    Way way;
    const RouteOutput refused =
        way.charger(std::string{R"([2,")"} + prefix + R"(a1","Heartbeat",{}])");
    CHECK(refused.to_upstream.empty());
    REQUIRE(refused.to_charger.size() == 1);
    CHECK(refused.to_charger[0].starts_with("[4,"));
}

TEST_CASE("a transaction number that upstream and bridge both gave is another one to the charger") {
    Way way;
    const std::int64_t number = GENERATE(std::int64_t{7}, std::int64_t{2'000'000'000});
    if (number == 7) {
        way.book.transactions.insert(TransactionName{number});
    }
    way.book.tokens = {};
    REQUIRE(way.charger(authorize("a", "AAA-1")).to_upstream.size() == 1);
    REQUIRE(way.upstream(tag_answer("a", "Accepted")).to_charger.size() == 1);
    REQUIRE(way.charger(start("s", "AAA-1")).to_upstream.size() == 1);
    const RouteOutput begun = way.upstream(start_answer("s", number));
    REQUIRE(begun.aliases);
    REQUIRE(begun.to_charger.size() == 1);
    CHECK(begun.to_charger[0].find("1999999999") != std::string::npos);
    CHECK(way.charger(values("v", 1'999'999'999)).to_upstream == Texts{values("v", number)});
    const RouteOutput remote = way.upstream(R"([2,"r","RemoteStopTransaction",{"transactionId":)" +
                                            std::to_string(number) + "}]");
    REQUIRE(remote.to_charger.size() == 1);
    CHECK(remote.to_charger[0].find("1999999999") != std::string::npos);
    // After a restart of the bridge.
    Way later;
    REQUIRE(later.aliases.decode(*begun.aliases));
    CHECK(later.charger(stop("e", 1'999'999'999)).to_upstream == Texts{stop("e", number)});
}

TEST_CASE("upstream cannot stop a charge that is not its own") {
    Way way;
    way.book.transactions.insert(TransactionName{std::int64_t{7}});
    const RouteOutput refused =
        way.upstream(R"([2,"r","RemoteStopTransaction",{"transactionId":7}])");
    CHECK(refused.to_charger.empty());
    CHECK(refused.to_upstream == Texts{R"([3,"r",{"status":"Rejected"}])"});
}

TEST_CASE("upstream cannot set the password that the charger shows to the bridge") {
    Way way;
    const RouteOutput refused =
        way.upstream(R"([2,"c","ChangeConfiguration",{"key":"authorizationkey","value":"00"}])");
    CHECK(refused.to_charger.empty());
    CHECK(refused.to_upstream == Texts{R"([3,"c",{"status":"Rejected"}])"});
    Way newer{v201::translation()};
    const RouteOutput too = newer.upstream(
        R"([2,"c","SetVariables",{"setVariableData":[{"attributeValue":"x",)"
        R"("component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}])");
    CHECK(too.to_charger.empty());
    REQUIRE(too.to_upstream.size() == 1);
    CHECK(too.to_upstream[0].starts_with(R"([4,"c","SecurityError")"));
}

// ---- bounds and wrong frames

TEST_CASE("CALLs beyond what may wait are refused, on both sides") {
    Way way;
    for (std::size_t i = 0; i <= route_calls_max; ++i) {  // One of them is with the charger.
        CHECK(way.upstream(R"([2,"u)" + std::to_string(i) + R"(","ClearCache",{}])")
                  .to_upstream.empty());
    }
    const RouteOutput over = way.upstream(R"([2,"over","ClearCache",{}])");
    REQUIRE(over.to_upstream.size() == 1);
    CHECK(over.to_upstream[0].starts_with(R"([4,"over","InternalError")"));
    for (std::size_t i = 0; i < route_pending_max; ++i) {
        CHECK(way.charger(R"([2,"h)" + std::to_string(i) + R"(","Heartbeat",{}])").close.empty());
    }
    CHECK(way.charger(heartbeat).close == "too_many_requests");
}

TEST_CASE("a CALL that nobody answers is forgotten") {
    Way way;
    for (std::size_t i = 0; i < route_pending_max; ++i) {
        static_cast<void>(way.charger(R"([2,"h)" + std::to_string(i) + R"(","Heartbeat",{}])"));
    }
    way.now += route_pending_timeout;
    static_cast<void>(way.route.tick(way.now));
    CHECK(way.charger(heartbeat).to_upstream == Texts{heartbeat});
}

TEST_CASE("what is no frame is dropped, and upstream left after ten of them") {
    Way way;
    for (std::uint32_t i = 1; i < route_malformed_max; ++i) {
        const RouteOutput dropped = way.upstream(R"([3,"x")");
        CHECK(dropped.hang_up.empty());
        CHECK(dropped.to_charger.empty());
    }
    CHECK(way.upstream("{}").hang_up == "malformed_frames");
    CHECK(way.charger("nonsense").to_bridge == Texts{"nonsense"});
    const std::string refusal{R"([4,"-1","FormationViolation","",{}])"};
    CHECK(way.bridge(refusal).to_charger == Texts{refusal});
}

TEST_CASE("verdicts on cards are bounded") {
    Way way;
    for (std::size_t i = 0; i <= route_verdicts_max; ++i) {
        const std::string token = "AAA-" + std::to_string(i);
        REQUIRE(way.charger(authorize("a", token)).to_upstream.size() == 1);
        REQUIRE(way.upstream(tag_answer("a", "Accepted")).to_charger.size() == 1);
    }
    CHECK(way.charger(start("s", "AAA-1")).to_upstream == Texts{start("s", "AAA-1")});
    CHECK(id_of(way.charger(start("t", "AAA-0")).to_upstream.at(0)) != "t");  // Asked again.
}

TEST_CASE("aliases are bounded and damaged ones refused") {
    AliasMap map;
    for (std::size_t i = 0; i <= aliases_max; ++i) {
        CHECK(map.alias_of(static_cast<std::int64_t>(i)).second);
    }
    CHECK(map.size() == aliases_max);
    CHECK_FALSE(map.find_alias(0));
    CHECK(map.find_upstream(*map.find_alias(1)) == 1);
    Bytes bytes = map.encoded();
    AliasMap read;
    REQUIRE(read.decode(bytes));
    CHECK(read.encoded() == bytes);
    bytes.pop_back();
    CHECK_FALSE(read.decode(bytes));
    CHECK_FALSE(read.decode({}));
    CHECK(read.size() == aliases_max);
}

}  // namespace tally::bridge::test
