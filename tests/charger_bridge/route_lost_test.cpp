// Routes while upstream is away, and chargers that name their transactions themselves (OCPP 2.0.1).

#include "tests/charger_bridge/route_way.h"

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t ours{2'000'000'000};

/// A roaming charge runs, and then upstream goes away.
void lose_in_charge(Way& way) {
    way.book.any_open = true;
    way.book.tokens.insert("BBB-1");
    way.book.transactions.insert(TransactionName{ours});
    way.book.connectors.insert(1);
    REQUIRE(way.route.upstream_closed(way.now).close.empty());
}

/// Of a transaction "T1" on EVSE 1.
std::string event(const std::string& id, const std::string& kind, int sequence,
                  const std::string& token = {}) {
    const std::string said =
        token.empty() ? "" : R"("idToken":{"idToken":")" + token + R"(","type":"ISO14443"},)";
    return R"([2,")" + id + R"(","TransactionEvent",{"eventType":")" + kind +
           R"(","timestamp":"2026-03-01T08:00:00Z","triggerReason":"Authorized",)" + said +
           R"("seqNo":)" + std::to_string(sequence) +
           R"(,"evse":{"id":1,"connectorId":1},"transactionInfo":{"transactionId":"T1"}}])";
}

std::string token_answer(const std::string& id, const std::string& status) {
    return R"([3,")" + id + R"(",{"idTokenInfo":{"status":")" + status + R"("}}])";
}

}  // namespace

// ---- upstream away

TEST_CASE("a charger waits for upstream's connection, and its messages go in order") {
    Way way{v16::translation(), false};
    CHECK(way.charger(boot).to_upstream.empty());
    CHECK(way.charger(status_call).to_upstream.empty());
    const RouteOutput opened = way.route.upstream_opened(way.now);
    CHECK(opened.to_upstream == Texts{boot, status_call});
    CHECK(opened.observed.size() == 2);
    CHECK_FALSE(opened.ask_status);
    CHECK(way.upstream(R"([3,"b",{}])").to_charger.size() == 1);
}

TEST_CASE("a charger whose upstream cannot be reached is sent away") {
    Way way{v16::translation(), false};
    CHECK(way.charger(boot).close.empty());
    CHECK(way.route.upstream_closed(way.now).close.empty());  // The first try; more follow.
    way.now += route_patience - 1ms;
    CHECK(way.route.tick(way.now).close.empty());
    way.now += 1ms;
    CHECK(way.route.tick(way.now).close == "upstream_lost");
}

TEST_CASE("a charger without a roaming charge is sent away at once when upstream is lost") {
    Way way;
    REQUIRE(way.charger(stop("e", 7)).to_upstream.size() == 1);
    const RouteOutput lost = way.route.upstream_closed(way.now);
    CHECK(lost.close == "upstream_lost");
    CHECK(lost.to_charger.empty());  // Not answered: it will be said again.
}

TEST_CASE("a roaming charge goes on and is ended without upstream, then the charger is sent away") {
    Way way;
    lose_in_charge(way);
    const std::string remote =
        std::string{R"([2,")"} + prefix + R"(1","RemoteStopTransaction",{"transactionId":5}])";
    CHECK(way.bridge(remote).to_charger == Texts{remote});
    for (const std::string& text :
         {values("v", ours), authorize("a", "BBB-1"), std::string{heartbeat}, stop("e", ours)}) {
        const RouteOutput taken = way.charger(text);
        CHECK(taken.to_bridge == Texts{text});
        CHECK(taken.close.empty());
        const std::string answer = R"([3,")" + id_of(text) + R"(",{}])";
        CHECK(way.bridge(answer).to_charger == Texts{answer});
    }
    CHECK(way.route.tick(way.now).close.empty());
    way.book.any_open = false;
    CHECK(way.route.tick(way.now).close == "upstream_lost");
}

TEST_CASE("what upstream must not miss ends the connection that a roaming charge has kept") {
    const std::string text = GENERATE(std::string{boot}, values("v", 7), stop("e", 7),
                                      start("s", "AAA-1"), std::string{"[2,\"x\",\"New\",{}]"});
    Way way;
    lose_in_charge(way);
    const RouteOutput output = way.charger(text);
    CHECK(output.close == "upstream_lost");
    CHECK(output.to_charger.empty());
    CHECK(output.to_bridge.empty());
}

TEST_CASE("a card that upstream cannot be asked about is refused meanwhile") {
    Way way;
    lose_in_charge(way);
    const RouteOutput refused = way.charger(authorize("a", "AAA-9"));
    CHECK(refused.to_charger == Texts{tag_answer("a", "Invalid")});
    CHECK(refused.to_bridge.empty());
}

TEST_CASE("states that upstream missed are asked for when it is back") {
    Way way;
    lose_in_charge(way);
    CHECK(way.charger(status_call).to_bridge == Texts{status_call});
    CHECK(way.bridge(R"([3,"s",{}])").to_charger.size() == 1);
    const RouteOutput back = way.route.upstream_opened(way.now);
    CHECK(back.ask_status);
    CHECK(back.close.empty());
    CHECK(way.charger(values("v", 7)).to_upstream == Texts{values("v", 7)});
    CHECK(way.charger(values("w", ours)).to_bridge == Texts{values("w", ours)});
}

TEST_CASE("what was on its way when upstream was lost in a roaming charge") {
    Way way;
    SECTION("an own card's message: the charger is sent away with it") {
        REQUIRE(way.charger(values("v", 7)).to_upstream.size() == 1);
        way.book.any_open = true;
        CHECK(way.route.upstream_closed(way.now).close == "upstream_lost");
    }
    SECTION("a heartbeat: the bridge answers it") {
        REQUIRE(way.charger(heartbeat).to_upstream.size() == 1);
        way.book.any_open = true;
        const RouteOutput lost = way.route.upstream_closed(way.now);
        CHECK(lost.close.empty());
        CHECK(lost.to_bridge == Texts{heartbeat});
    }
    SECTION("a swipe that upstream was asked about: refused") {
        REQUIRE(way.charger(authorize("a", "AAA-9")).to_upstream.size() == 1);
        way.book.any_open = true;
        CHECK(way.route.upstream_closed(way.now).to_charger == Texts{tag_answer("a", "Invalid")});
    }
    SECTION("a start that upstream was asked about: it will be said again") {
        REQUIRE(way.charger(start("s", "BBB-2")).to_upstream.size() == 1);
        way.book.any_open = true;
        CHECK(way.route.upstream_closed(way.now).close == "upstream_lost");
    }
    SECTION("a swipe that the home operator is asked about: its answer counts") {
        REQUIRE(way.charger(authorize("a", "BBB-2")).to_upstream.size() == 1);
        REQUIRE(way.upstream(tag_answer("a", "Invalid")).to_bridge.size() == 1);
        way.book.any_open = true;
        CHECK(way.route.upstream_closed(way.now).close.empty());
        CHECK(way.bridge(tag_answer("a", "Accepted")).to_charger.size() == 1);
    }
    SECTION("a start that the bridge refuses: it cannot be upstream's now") {
        const std::string id = id_of(way.charger(start("s", "BBB-2")).to_upstream.at(0));
        REQUIRE(way.upstream(tag_answer(id, "Invalid")).to_bridge.size() == 1);
        way.book.any_open = true;
        REQUIRE(way.route.upstream_closed(way.now).close.empty());
        CHECK(way.route.refused("s", way.now).close == "upstream_lost");
    }
    SECTION("CALLs of upstream: their answers go nowhere, the waiting ones are dropped") {
        REQUIRE(way.upstream(R"([2,"u1","ClearCache",{}])").to_charger.size() == 1);
        REQUIRE(way.upstream(R"([2,"u2","ClearCache",{}])").to_charger.empty());
        way.book.any_open = true;
        static_cast<void>(way.route.upstream_closed(way.now));
        static_cast<void>(way.route.upstream_opened(way.now));
        const RouteOutput answered = way.charger(R"([3,"u1",{"status":"Accepted"}])");
        CHECK(answered.to_upstream.empty());
        CHECK(answered.to_charger.empty());
    }
}

TEST_CASE("messages of a roaming charge do not wait for upstream's connection") {
    Way way{v16::translation(), false};
    way.book.any_open = true;
    way.book.transactions.insert(TransactionName{ours});
    CHECK(way.charger(stop("e", ours)).to_bridge == Texts{stop("e", ours)});
    CHECK(way.bridge(R"([3,"e",{}])").to_charger.size() == 1);
    way.now += route_patience;
    CHECK(way.route.tick(way.now).close.empty());
    way.book.any_open = false;
    CHECK(way.route.tick(way.now).close == "upstream_lost");
}

// ---- OCPP 2.0.1

TEST_CASE("2.0.1: a roaming card's transaction is the bridge's, an own card's upstream's") {
    Way way{v201::translation()};
    const RouteOutput asked = way.charger(event("1", "Started", 0, "BBB-1"));
    REQUIRE(asked.to_upstream.size() == 1);
    const std::string id = id_of(asked.to_upstream[0]);
    CHECK(asked.to_upstream[0] ==
          R"([2,")" + id + R"(","Authorize",{"idToken":{"idToken":"BBB-1","type":"ISO14443"}}])");
    SECTION("unknown upstream: the bridge's") {
        CHECK(way.upstream(token_answer(id, "Unknown")).to_bridge ==
              Texts{event("1", "Started", 0, "BBB-1")});
        CHECK(way.bridge(token_answer("1", "Accepted")).to_charger.size() == 1);
        way.book.transactions.insert(TransactionName{std::string{"T1"}});
        CHECK(way.charger(event("2", "Updated", 1)).to_bridge == Texts{event("2", "Updated", 1)});
        CHECK(way.charger(event("3", "Ended", 2, "BBB-1")).to_bridge.size() == 1);
        const RouteOutput stopped =
            way.upstream(R"([2,"r","RequestStopTransaction",{"transactionId":"T1"}])");
        CHECK(stopped.to_upstream == Texts{R"([3,"r",{"status":"Rejected"}])"});
    }
    SECTION("known: upstream's") {
        CHECK(way.upstream(token_answer(id, "Accepted")).to_upstream ==
              Texts{event("1", "Started", 0, "BBB-1")});
        CHECK(way.upstream(token_answer("1", "Accepted")).taken_connector == 1);
        CHECK(way.charger(event("2", "Updated", 1)).to_upstream.size() == 1);
    }
}

TEST_CASE("2.0.1: what was said before the card comes with it to the bridge") {
    Way way{v201::translation()};
    REQUIRE(way.charger(event("1", "Started", 0)).to_upstream.size() == 1);
    REQUIRE(way.upstream(R"([3,"1",{}])").to_charger.size() == 1);
    const std::string id = id_of(way.charger(event("2", "Updated", 1, "BBB-1")).to_upstream.at(0));
    CHECK(way.upstream(token_answer(id, "Unknown")).to_bridge ==
          Texts{event("1", "Started", 0), event("2", "Updated", 1, "BBB-1")});
    CHECK(way.bridge(R"([3,"1",{}])").to_charger.empty());  // Upstream has answered it.
    const RouteOutput accepted = way.bridge(token_answer("2", "Accepted"));
    CHECK(accepted.to_charger == Texts{token_answer("2", "Accepted")});
    // For upstream the transaction that it has seen begin is over.
    REQUIRE(accepted.to_upstream.size() == 1);
    const Call ended = std::get<Call>(*parse_frame(accepted.to_upstream[0]));
    CHECK(ended.id.starts_with(prefix));
    CHECK(ended.payload.at("eventType") == "Ended");
    CHECK(ended.payload.at("transactionInfo").at("transactionId") == "T1");
    CHECK_FALSE(
        v201::translation().find_violation(ended.action, Direction::request, ended.payload));
    CHECK(way.upstream(R"([3,")" + ended.id + R"(",{}])").to_charger.empty());
}

TEST_CASE("2.0.1: reports remembered before a card are bounded") {
    Way way{v201::translation()};
    for (int i = 0; i < 10; ++i) {
        const std::string id = std::to_string(i);
        REQUIRE(way.charger(event(id, i == 0 ? "Started" : "Updated", i)).to_upstream.size() == 1);
        REQUIRE(way.upstream(R"([3,")" + id + R"(",{}])").to_charger.size() == 1);
    }
    const std::string id = id_of(way.charger(event("x", "Updated", 10, "BBB-1")).to_upstream.at(0));
    CHECK(way.upstream(token_answer(id, "Unknown")).to_bridge.size() == route_early_texts_max + 1);
}

}  // namespace tally::bridge::test
