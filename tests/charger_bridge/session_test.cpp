// The session model: what a swipe, a transaction and a silent node lead to.

#include "charger_bridge/data_transfer.h"
#include "ledger/model/rating.h"
#include "tests/charger_bridge/begin_charge.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

TEST_CASE("a whole charge leads to one start and one signed record at the node") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    for (int minute = 1; minute <= 10; ++minute) {
        site.pass(60s);
        CHECK(site.values(1, transaction, 1'000 + minute * 900));
    }
    site.pass(10s);
    CHECK(site.stop(transaction, 10'100));

    const auto started = site.durable_of<node::ChargeStarted>();
    REQUIRE(started.size() == 1);
    CHECK(started[0].evse_id == "CN*AAA*E1");
    CHECK(started[0].begin.register_wh == 1'000);
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    const MeteredCharge& metered = ended[0].metered;
    CHECK(metered.authorization == started[0].authorization);
    CHECK(metered.readings.front().register_wh == 1'000);
    CHECK(metered.readings.back().register_wh == 10'100);
    CHECK_FALSE(metered.evidence.is_zero());
    Hash chain_id;
    chain_id.data.fill(9);
    CHECK(verify_signature(site.key.public_key(), metered_signing_digest(chain_id, metered),
                           metered.bridge_signature));
    const auto progress = site.got<node::ChargeProgress>();
    REQUIRE(progress.size() == 10);
    CHECK(progress.back().energy_wh == 9'000);
    CHECK(progress.back().amount_so_far == 9 * 12'000);
    CHECK(progress.back().elapsed_s == 600);
    CHECK(site.core().outbox().size() == 0);
}

TEST_CASE("a swipe is answered only when the approval is final") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.swipe("BBB-1", "a").has_value());
    site.pass(5s);
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].token == "BBB-1");
    CHECK(asked[0].station == "CP1");
}

TEST_CASE("tokens compare case-insensitively and reach the node in upper case") {
    Site site;
    CHECK(site.swipe("bbb-ab") == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>()[0].token == "BBB-AB");
    CHECK(site.start(1, "BbB-aB", 0)->status == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
}

TEST_CASE("a refusal reaches the charger as what OCPP calls it, with the reason kept") {
    Site site;
    site.policy.accepts = false;
    CHECK(site.swipe() == TagStatus::blocked);
    site.policy.reason = "concurrent_charge";
    CHECK(site.swipe("BBB-2") == TagStatus::concurrent_tx);
    site.policy.reason = "charger_faulted";
    CHECK(site.swipe("BBB-3") == TagStatus::invalid);
    CHECK(site.core().refusals().front().reason == "charger_faulted");
    CHECK(refusal_text(site.core(), "CP1", R"({"idTag":"bbb-1"})") ==
          R"({"reason":"insufficient_balance"})");
    CHECK_FALSE(refusal_text(site.core(), "CP2", R"({"idTag":"BBB-1"})"));
    CHECK(site.core().sessions().open_count() == 0);
}

TEST_CASE("a card that names no operator is asked of the node; what no card says is refused here") {
    Site site;
    for (const std::string& token :
         {std::string{}, std::string{"04 A1"}, std::string{"04\xc3\xa4"}, std::string(37, 'A')}) {
        CHECK(site.swipe(token) == TagStatus::invalid);
        CHECK(site.core().refusals().front().reason == "unknown_token");
    }
    CHECK(site.got<node::AuthorizeRequest>().empty());
    CHECK(site.swipe("04a1b2c3") == TagStatus::accepted);
    CHECK(site.swipe(std::string(36, 'A')) == TagStatus::accepted);
    REQUIRE(site.got<node::AuthorizeRequest>().size() == 2);
    CHECK(site.got<node::AuthorizeRequest>()[0].token == "04A1B2C3");
}

TEST_CASE("while the node is away a swipe is refused after its time budget") {
    Site site;
    site.link_down();
    CHECK_FALSE(site.swipe("BBB-1", "a"));
    site.pass(7'900ms);
    CHECK(site.core().refusals().empty());
    site.pass(200ms);
    REQUIRE(site.core().refusals().size() == 1);
    CHECK(site.core().refusals().front().reason == "node_unreachable");
    CHECK(site.core().outbox().size() == 0);
}

TEST_CASE("a node that comes back within the budget is still asked") {
    Site site;
    site.link_down();
    CHECK_FALSE(site.swipe("BBB-1", "a"));
    site.pass(4s);
    site.link_up();
    CHECK(site.start(1, "BBB-1", 5)->status == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>().size() == 1);
}

TEST_CASE("an approval that comes after we gave up is released") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.swipe("BBB-1", "a"));
    site.pass(10s);
    CHECK(site.core().refusals().size() == 1);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    node::AuthorizeResult late;
    late.session = site.got<node::AuthorizeRequest>()[0].session;
    late.accepted = true;
    site.feed(NodeSaid{late});
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 2);
}

TEST_CASE("an approval that another charge has used is not taken: the node is asked again") {
    // As when a node that was away hears of the swipe before it hears of the end of the charge.
    Site site;
    const std::int32_t first = begin_charge(site);
    site.pass(60s);
    CHECK(site.stop(first, 1'500));
    const AuthorizationRef used = site.durable_of<node::ChargeStarted>()[0].authorization;
    site.node_answers = false;
    CHECK_FALSE(site.swipe("BBB-1", "b"));
    const auto asked = site.got<node::AuthorizeRequest>();
    node::AuthorizeResult wrong;
    wrong.session = asked.back().session;
    wrong.accepted = true;
    wrong.authorization = used;
    site.feed(NodeSaid{wrong});
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    site.node_answers = true;
    site.pass(1s);
    REQUIRE(site.got<node::AuthorizeRequest>().size() == asked.size() + 1);
    CHECK(site.got<node::AuthorizeRequest>().back().session == wrong.session);
    CHECK(site.start(1, "BBB-1", 1'500)->status == TagStatus::accepted);
    const auto started = site.durable_of<node::ChargeStarted>();
    REQUIRE(started.size() == 2);
    CHECK(started[1].authorization != used);
}

TEST_CASE("an approval nobody uses is released at its deadline") {
    Site site;
    CHECK(site.swipe() == TagStatus::accepted);
    site.pass(299s);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    site.pass(2s);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    CHECK(site.core().sessions().open_count() == 0);
}

TEST_CASE("an approval is released when its station stays away") {
    Site site;
    CHECK(site.swipe() == TagStatus::accepted);
    site.disconnect();
    site.pass(59s);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    site.pass(2s);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
}

TEST_CASE("a station that comes back in time keeps its approval") {
    Site site;
    CHECK(site.swipe() == TagStatus::accepted);
    site.disconnect();
    site.pass(30s);
    site.connect();
    site.pass(90s);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    CHECK(site.start(2, "BBB-1", 5)->status == TagStatus::accepted);
}

TEST_CASE("a start without a swipe leads to the approval by itself") {
    Site site;
    const auto started = site.start(2, "BBB-1", 100);
    REQUIRE(started);
    CHECK(started->status == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>()[0].connector == 2);
    CHECK(site.durable_of<node::ChargeStarted>()[0].connector == 2);
}

TEST_CASE("a refused start still gets a positive transaction id, and its stop is answered") {
    Site site;
    site.policy.accepts = false;
    const auto started = site.start(1, "BBB-1", 100);
    REQUIRE(started);
    CHECK(started->transaction > 0);
    CHECK(started->status == TagStatus::blocked);
    CHECK(site.stop(started->transaction, 150));
    CHECK(site.durable().empty());
    REQUIRE(site.core().orphans().all().size() == 1);
    CHECK(site.core().orphans().all()[0].kind == "not_authorized");
    CHECK(site.stop(started->transaction, 150, "2026-03-01T08:00:00Z"));
    CHECK(site.core().orphans().all().size() == 1);
}

TEST_CASE("prepaid: stated for the station, it goes with the next swipe only") {
    Site site;
    site.feed(PrepaidStated{"CP1", 0, 500'000});
    CHECK(site.swipe("BBB-1") == TagStatus::accepted);
    CHECK(site.swipe("BBB-2") == TagStatus::accepted);
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].prepaid == 500'000);
    CHECK_FALSE(asked[1].prepaid);
}

TEST_CASE("prepaid: forgotten after its window, and meant for its own station") {
    Site site;
    site.feed(PrepaidStated{"CP2", 0, 500'000});
    site.feed(PrepaidStated{"CP1", 0, 500'000});
    site.pass(61s);
    CHECK(site.swipe("BBB-1") == TagStatus::accepted);
    CHECK_FALSE(site.got<node::AuthorizeRequest>()[0].prepaid);
}

TEST_CASE("prepaid: two drivers at two connectors each get their own") {
    Site site;
    site.feed(PrepaidStated{"CP1", 1, 100'000});
    site.feed(PrepaidStated{"CP1", 2, 200'000});
    CHECK(site.swipe("BBB-1") == TagStatus::accepted);
    CHECK(site.swipe("BBB-1") == TagStatus::accepted);
    const auto second = site.start(2, "BBB-1", 10);
    const auto first = site.start(1, "BBB-1", 10);
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == 2);
    const auto started = site.durable_of<node::ChargeStarted>();
    REQUIRE(started.size() == 2);
    CHECK(started[0].session == asked[1].session);
    CHECK(asked[1].prepaid == 200'000);
    CHECK(started[0].connector == 2);
    CHECK(started[1].connector == 1);
    CHECK(asked[0].connector == 1);
    CHECK(first->transaction != second->transaction);
}

TEST_CASE("prepaid: a driver who changes the amount gets a new approval and the old one back") {
    Site site;
    site.feed(PrepaidStated{"CP1", 0, 100'000});
    CHECK(site.swipe() == TagStatus::accepted);
    site.feed(PrepaidStated{"CP1", 0, 300'000});
    CHECK(site.swipe() == TagStatus::accepted);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    CHECK(site.got<node::AuthorizeRequest>()[1].prepaid == 300'000);
}

TEST_CASE("stop at Mp: asked for in time, repeated until the charger stops") {
    Site site;
    site.policy.prepaid = 60'000;  // 5 kWh at 1.2
    const std::int32_t transaction = begin_charge(site);
    site.pass(240s);
    site.values(1, transaction, 5'000);  // 4.8; margin 5 s at 60 kW: 83 Wh, 0.1
    CHECK(site.remote_stops.empty());
    site.pass(60s);
    site.values(1, transaction, 5'950);  // 5.94 and 0.1 is more than 6
    REQUIRE(site.remote_stops.size() == 1);
    CHECK(site.remote_stops[0].transaction == transaction);
    site.pass(11s);
    CHECK(site.remote_stops.size() == 2);
    site.restart();
    site.pass(1s);
    CHECK(site.remote_stops.size() == 3);
    site.stop(transaction, 6'010);
    site.pass(60s);
    CHECK(site.remote_stops.size() == 3);
}

TEST_CASE("stop at Mp: a charger that was slow is asked earlier the next time") {
    Site site;
    site.policy.prepaid = 60'000;
    const std::int32_t first = begin_charge(site);
    site.pass(300s);
    site.values(1, first, 5'950);
    site.pass(60s);
    site.stop(first, 6'500);
    site.remote_stops.clear();
    const std::int32_t second = begin_charge(site, 7'000);
    site.pass(240s);
    site.values(1, second, 11'000);  // 4.8 and 60 s at 60 kW, 1.2: reaches 6
    CHECK(site.remote_stops.size() == 1);
}

TEST_CASE("a price change during the charge gets an estimated reading") {
    Site site;
    site.policy.tariff = two_price_tariff();
    const std::int32_t transaction = begin_charge(site);
    site.pass(20min);
    site.values(1, transaction, 11'000);
    site.pass(20min);  // 08:30 lies in the middle of these
    site.values(1, transaction, 21'000);
    site.pass(60s);
    site.stop(transaction, 21'500);
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    const auto& readings = ended[0].metered.readings;
    REQUIRE(readings.size() == 3);
    CHECK(readings[1].estimated);
    CHECK(readings[1].register_wh == 16'000);
    const auto rating = rate(two_price_tariff(), readings);
    REQUIRE(rating);
    CHECK(rating->total() == 15 * 10'000 + 5'500 * 20);
}

TEST_CASE("the node can end a charge, and so can the site") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    const SessionId id = site.got<node::AuthorizeRequest>()[0].session;
    site.feed(NodeSaid{node::StopCharge{id, "operator"}});
    CHECK(site.remote_stops.size() == 1);
    site.feed(StopWanted{"CP1", transaction});
    CHECK(site.remote_stops.size() == 2);
    site.feed(StopWanted{"CP1", 999});
    CHECK(site.remote_stops.size() == 2);
}

TEST_CASE("health: the request tells the node what the connectors said last") {
    Site site;
    site.status(0, ConnectorStatus::available);
    site.status(1, ConnectorStatus::faulted);
    site.status(2, ConnectorStatus::preparing);
    site.status(3, ConnectorStatus::available);
    site.restart();
    CHECK(site.swipe() == TagStatus::accepted);
    const auto health = site.got<node::AuthorizeRequest>().back().health;
    REQUIRE(health.size() == 3);
    CHECK(health[0].health == node::ConnectorHealth::available);
    CHECK(health[1].health == node::ConnectorHealth::faulted);
    CHECK(health[2].health == node::ConnectorHealth::available);
}

TEST_CASE("health: a station that is not heard is silent, and the node hears of it") {
    Site site;
    site.status(1, ConnectorStatus::available);
    site.pass(100s);
    CHECK(site.got<node::StationState>().back().connectors[1].health ==
          node::ConnectorHealth::available);
    site.pass(100s);
    CHECK(site.got<node::StationState>().back().connectors[1].health ==
          node::ConnectorHealth::silent);
    site.feed(StationHeard{"CP1"});
    site.pass(1s);
    CHECK(site.got<node::StationState>().back().connectors[1].health ==
          node::ConnectorHealth::available);
    site.disconnect();
    CHECK_FALSE(site.got<node::StationState>().back().connected);
    CHECK(site.got<node::StationState>().back().connectors[1].health ==
          node::ConnectorHealth::silent);
}

TEST_CASE("health: a charging connector is occupied whatever the charger says") {
    Site site;
    site.status(1, ConnectorStatus::available);
    begin_charge(site);
    const auto states = site.core().connector_states("CP1", site.now);
    CHECK(states[1].health == node::ConnectorHealth::occupied);
}

TEST_CASE("the driver's figures of a transaction") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.pass(600s);
    site.values(1, transaction, 11'000);
    const auto text = figures_text(site.core(), "CP1",
                                   R"({"transactionId":)" + std::to_string(transaction) + "}");
    REQUIRE(text);
    CHECK(text->find(R"("t_s":600)") != std::string::npos);
    CHECK(text->find(R"("energy_wh":10000)") != std::string::npos);
    CHECK(text->find(R"("mc":"12.0000")") != std::string::npos);
    CHECK(text->find(R"("n_percent":24)") != std::string::npos);
    CHECK(text->find(R"("ts_s":1900)") != std::string::npos);
    CHECK_FALSE(figures_text(site.core(), "CP2", R"({"transactionId":1})"));
    CHECK_FALSE(figures_text(site.core(), "CP1", R"({"transactionId":"1"})"));
}

TEST_CASE("the driver's figures go by the b of the approval, also after a restart") {
    Site site;
    site.policy.coefficient_permille = 2'500;
    const std::int32_t transaction = begin_charge(site);
    site.policy.coefficient_permille = 0;
    site.pass(1'200s);
    site.values(1, transaction, 11'000);  // 10 kWh in 20 minutes at a connector of 60 kW
    const auto figures = [&] {
        return figures_text(site.core(), "CP1",
                            R"({"transactionId":)" + std::to_string(transaction) + "}");
    };
    const auto before = figures();
    REQUIRE(before);
    CHECK(before->find(R"("t_s":1200)") != std::string::npos);
    // (50 - 12) / 12 * 1200 s, and 2.5 times the 600 s that were lost
    CHECK(before->find(R"("ts_s":5300)") != std::string::npos);
    site.restart();
    CHECK(figures() == before);
}

TEST_CASE("terms that were stored before they had a b are read, with b = 1") {
    node::AuthorizeResult::Evse evse;
    evse.evse_id = "CN*AAA*E1";
    evse.meter_serial = "M1";
    evse.tariff_ref = {"t1", 1};
    evse.tariff = flat_tariff();
    evse.coefficient_permille = 2'500;
    Bytes bytes = encode_terms(evse);
    REQUIRE(decode_terms(bytes));
    CHECK(decode_terms(bytes)->coefficient_permille == 2'500);
    bytes.front() = 6;  // The version that brought b has the same terms.
    REQUIRE(decode_terms(bytes));
    bytes.front() = 5;
    CHECK_FALSE(decode_terms(bytes));
    bytes.resize(bytes.size() - 8);
    REQUIRE(decode_terms(bytes));
    CHECK(decode_terms(bytes)->coefficient_permille == 1'000);
    CHECK(decode_terms(bytes)->tariff == evse.tariff);
}

TEST_CASE("limit: an outbox that is nearly full refuses swipes and still ends charges") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    site.link_down();
    node::AuthorizeResult late;
    late.accepted = true;
    for (std::size_t i = site.core().outbox().size(); i < outbox_high_water; ++i) {
        site.feed(NodeSaid{late});
    }
    CHECK(site.swipe("BBB-9") == TagStatus::invalid);
    CHECK(site.core().refusals().front().reason == "bridge_backlog");
    site.pass(60s);
    CHECK(site.stop(transaction, 1'500));
    site.link_up();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("limit: orphans, waiting amounts and refusals are bounded") {
    Site site;
    for (std::size_t i = 0; i < orphans_max + 5; ++i) {
        site.feed(Quarantined{"CP1", "refused_message", "", std::to_string(i)});
    }
    CHECK(site.core().orphans().all().size() == orphans_max);
    CHECK(site.core().orphans().all().back().text == std::to_string(orphans_max + 4));
    for (std::size_t i = 0; i < prepaid_stated_max + 2; ++i) {
        site.feed(PrepaidStated{"CP1", 0, static_cast<Money>(i + 1)});
    }
    CHECK(site.swipe() == TagStatus::accepted);
    CHECK(site.got<node::AuthorizeRequest>()[0].prepaid == 3);
    for (std::size_t i = 0; i < refusals_max + 5; ++i) {
        site.swipe("no token");
    }
    CHECK(site.core().refusals().size() == refusals_max);
}

TEST_CASE("a stop that overtakes the approval of its start is kept, and the approval released") {
    Site site;
    site.node_answers = false;
    CHECK_FALSE(site.start(1, "BBB-1", 100));
    CHECK(site.stop(1, 150));
    CHECK(site.core().orphans().all().at(0).kind == "stop_before_approval");
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    CHECK(site.core().sessions().open_count() == 0);
}

TEST_CASE("registers and times beyond all bounds leave a store that can be read again") {
    Site site;
    REQUIRE(site.swipe() == TagStatus::accepted);
    REQUIRE(site.start(1, "BBB-1", INT64_MAX, "9999-12-31T23:59:59Z"));
    site.pass(60s);
    CHECK(site.values(1, 1, INT64_MAX, INT64_MAX));
    site.restart();
    CHECK(site.stop(1, INT64_MIN, "9999-12-31T23:59:59+14:00"));
    REQUIRE(site.swipe("BBB-2") == TagStatus::accepted);
    const auto second = site.start(2, "BBB-2", -5);
    REQUIRE(second);
    site.restart();
    CHECK(site.stop(second->transaction, INT64_MAX));
    site.restart();
    CHECK(site.durable_of<node::ChargeEnded>().empty());
    CHECK(site.core().in_review().size() == 2);
}

TEST_CASE("stored sessions that do not decode stop the process at its start") {
    MemoryStore store;
    WriteBatch batch;
    batch.put(Bytes{'s', 1}, Bytes{1, 2, 3});
    REQUIRE(store.write(batch, true));
    CountingRandom random;
    Site site;
    SessionCore core{CoreConfig{}, site.key, random};
    const auto loaded = core.load(store);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().find("session") != std::string::npos);
}

}  // namespace tally::bridge::test
