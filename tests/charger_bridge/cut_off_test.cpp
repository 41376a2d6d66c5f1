// Charges that begin while the node is away: up to a limit, by the operator's list, decided
// afterwards.

#include "charger_bridge/session/evidence.h"
#include "ledger/crypto/sha256.h"
#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// A site that has charged once before (so that it knows its terms) and is now cut off.
class CutOffSite : public Site {
public:
    CutOffSite() {
        cut_off = {true, 20 * money_scale, 30 * money_scale};
        restart();
        REQUIRE(swipe() == TagStatus::accepted);
        const auto started = start(1, "BBB-1", 0);
        pass(60s);
        REQUIRE(stop(started->transaction, 500));
        REQUIRE(durable_of<node::ChargeEnded>().size() == 1);
        read_list();
        link_down();
    }
    void read_list() {
        LocalList list;
        list.party = *party_from_text("AAA");
        list.currency = *currency_from_text("CNY");
        list.valid_until = start_time + 86'400'000;
        for (const char* const token : {"BBB-1", "BBB-2", "BBB-3"}) {
            list.limits[hmac_sha256(list.salt.view(), as_bytes(std::string_view{token}))] =
                25 * money_scale;
        }
        feed(LocalListRead{list});
    }
    /// Swipe and start while cut off; nothing when it was refused.
    std::optional<std::int32_t> begin(std::uint16_t connector, const std::string& tag,
                                      std::int64_t meter) {
        swipe(tag, "swipe-" + tag);
        pass(10s);
        const auto started = start(connector, tag, meter);
        if (!started) {
            pass(10s);
        }
        if (!started || started->status != TagStatus::accepted) {
            return std::nullopt;
        }
        return started->transaction;
    }
};

/// Two charges while cut off, one of which may go on, and the node that is back and answers as the
/// test says.
class TwoAfterwards : public CutOffSite {
public:
    explicit TwoAfterwards(bool first_ends) {
        const auto first = begin(1, "BBB-1", 500);
        REQUIRE(first);
        pass(60s);
        if (first_ends) {
            REQUIRE(stop(*first, 600));
        }
        const auto second = first_ends ? begin(1, "BBB-1", 600) : begin(2, "BBB-2", 600);
        REQUIRE(second);
        pass(30s);
        REQUIRE(stop(*second, 700));
        node_answers = false;
        link_up();
        const auto asked = got<node::AuthorizeRequest>();
        REQUIRE(asked.size() >= 2);
        ids = {asked[asked.size() - 2].session, asked.back().session};
    }
    /// Gives one of the two the approval of that number.
    void approve(std::size_t which, std::uint8_t number) {
        node::AuthorizeResult result = decision_of(ids.at(which));
        result.authorization.id.data[0] = number;
        feed(NodeSaid{result});
    }
    std::vector<SessionId> ids;
};

}  // namespace

TEST_CASE("cut off: a charge of which nothing is heard for a day still ends by its Stop") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    REQUIRE(transaction);
    site.disconnect();
    site.pass(24h);
    const Session& record = site.core().find_transaction("CP1", *transaction)->record;
    CHECK(record.state == SessionState::undecided);
    CHECK(record.stop_missing);
    site.connect();
    CHECK(site.stop(*transaction, 1'000));
    CHECK_FALSE(record.stop_missing);
    CHECK(record.end.register_wh == 1'000);
    CHECK(record.state == SessionState::undecided);
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("cut off: two charges that get one approval: the second is asked about again") {
    TwoAfterwards site{true};
    site.approve(0, 200);
    REQUIRE(site.durable_of<node::ChargeEnded>().size() == 2);
    site.approve(1, 200);
    site.approve(1, 200);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 2);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 2);
    CHECK(site.durable_of<node::ApprovalUnused>().empty());  // It would be the other's.
    const std::size_t asked = site.got<node::AuthorizeRequest>().size();
    site.pass(1s);
    REQUIRE(site.got<node::AuthorizeRequest>().size() == asked + 1);
    CHECK(site.got<node::AuthorizeRequest>().back().session == site.ids[1]);
    site.pass(1s);
    CHECK(site.got<node::AuthorizeRequest>().size() == asked + 1);
    site.approve(1, 201);
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 3);
    CHECK_FALSE(ended[1].metered.authorization == ended[2].metered.authorization);
    CHECK(ended[2].metered.readings.back().register_wh == 700);
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("cut off: while the charge that has the approval goes on, the other is asked at times") {
    TwoAfterwards site{false};
    site.approve(0, 200);
    site.approve(1, 200);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 2);
    const std::size_t asked = site.got<node::AuthorizeRequest>().size();
    site.pass(59s);
    CHECK(site.got<node::AuthorizeRequest>().size() == asked);
    site.pass(1s);
    CHECK(site.got<node::AuthorizeRequest>().size() == asked + 1);
    site.restart();  // Then all is asked again at once.
    CHECK(site.got<node::AuthorizeRequest>().size() == asked + 2);
    CHECK(site.got<node::AuthorizeRequest>().back().session == site.ids[1]);
}

TEST_CASE("limit: cut off, how long a charge waits for an approval of its own") {
    TwoAfterwards site{true};
    site.approve(0, 200);
    site.pass(own_approval_wait_max - 60s);
    site.approve(1, 200);
    CHECK(site.core().orphans().all().empty());
    site.pass(60s);
    site.approve(1, 200);
    REQUIRE(site.core().orphans().all().size() == 1);
    CHECK(site.core().orphans().all()[0].kind == "offline_denied");
    CHECK(site.core().orphans().all()[0].detail == "approval_used");
    CHECK(site.durable_of<node::ApprovalUnused>().empty());
    const std::size_t asked = site.got<node::AuthorizeRequest>().size();
    site.pass(60s);
    CHECK(site.got<node::AuthorizeRequest>().size() == asked);
}

TEST_CASE("cut off: without a limit configured swipes are refused, as ever") {
    Site site;
    site.link_down();
    CHECK_FALSE(site.swipe());
    site.pass(10s);
    CHECK(site.core().refusals().front().reason == "node_unreachable");
}

TEST_CASE("cut off: a listed token charges, is decided afterwards and recorded as cut off") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    REQUIRE(transaction);
    CHECK(site.durable_of<node::ChargeStarted>().size() == 1);
    site.pass(60s);
    CHECK(site.stop(*transaction, 1'000));
    site.restart();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    site.link_up();
    CHECK(site.got<node::AuthorizeRequest>().back().charged_already);
    const auto started = site.durable_of<node::ChargeStarted>();
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(started.size() == 2);
    REQUIRE(ended.size() == 2);
    CHECK(started[1].session == ended[1].session);
    CHECK(ended[1].metered.readings.front().register_wh == 500);
    CHECK(ended[1].metered.readings.back().register_wh == 1'000);
    const auto kept = find_evidence(site.store(), ended[1].metered.evidence);
    REQUIRE(kept);
    REQUIRE(*kept);
    CHECK((*kept)->texts.back().find(R"("cut_off":true)") != std::string::npos);
    CHECK(site.core().orphans().all().empty());
}

TEST_CASE("cut off: tokens that are not listed, an old list and unknown terms are refused") {
    CutOffSite site;
    CHECK_FALSE(site.begin(1, "BBB-9", 500));
    site.pass(86'400s);
    CHECK_FALSE(site.begin(1, "BBB-1", 500));
    CutOffSite other;
    other.station = "CP2";  // never charged at
    other.connect();
    CHECK_FALSE(other.begin(1, "BBB-1", 500));
}

TEST_CASE("cut off: the limits of a token and of all hold until the charges are decided") {
    CutOffSite site;
    const auto first = site.begin(1, "BBB-1", 500);
    REQUIRE(first);
    CHECK_FALSE(site.begin(2, "BBB-1", 0));  // 20.00 of it are in use
    const auto second = site.begin(2, "BBB-2", 0);
    REQUIRE(second);  // with the 10.00 that are left of 30.00
    site.pass(60s);
    CHECK(site.values(2, second, 900));
    CHECK(site.remote_stops.empty());
    site.pass(500s);
    CHECK(site.values(2, second, 8'300));  // 9.96
    REQUIRE_FALSE(site.remote_stops.empty());
    CHECK(site.remote_stops.back().transaction == *second);
    CHECK(site.stop(*second, 8'310));
    CHECK(site.stop(*first, 600));
    site.link_up();
    site.link_down();
    CHECK(site.begin(1, "BBB-1", 9'000));
}

TEST_CASE("cut off: the home operator's denial afterwards is our loss, kept as an orphan") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    REQUIRE(transaction);
    site.pass(60s);
    CHECK(site.stop(*transaction, 1'000));
    site.policy.accepts = false;
    site.link_up();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    REQUIRE(site.core().orphans().all().size() == 1);
    const Orphan& orphan = site.core().orphans().all()[0];
    CHECK(orphan.kind == "offline_denied");
    CHECK(orphan.detail == "insufficient_balance");
    CHECK(orphan.text.find("500 to 1000 Wh, 0.6000 CNY") != std::string::npos);
    site.restart();
    site.link_down();
    site.link_up();
    CHECK(site.core().orphans().all().size() == 1);
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("cut off: a charge that is denied while it runs is stopped, and our loss") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    REQUIRE(transaction);
    site.policy.accepts = false;
    site.link_up();
    REQUIRE_FALSE(site.remote_stops.empty());
    CHECK(site.core().orphans().all().empty());
    site.pass(60s);
    CHECK(site.stop(*transaction, 700));
    REQUIRE(site.core().orphans().all().size() == 1);
    CHECK(site.core().orphans().all()[0].kind == "offline_denied");
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
}

TEST_CASE("cut off: a home operator that cannot be reached is asked again") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    site.pass(30s);
    CHECK(site.stop(*transaction, 600));
    site.policy.accepts = false;
    site.policy.reason = "home_unreachable";
    site.link_up();
    CHECK(site.core().orphans().all().empty());
    site.policy.accepts = true;
    site.pass(59s);
    site.settle();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    site.pass(1s);
    site.settle();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 2);
}

TEST_CASE("cut off for longer than the ledger looks back: a late charge, by review") {
    CutOffSite site;
    const auto transaction = site.begin(1, "BBB-1", 500);
    REQUIRE(transaction);
    site.pass(60s);
    CHECK(site.stop(*transaction, 1'000));
    site.pass(3600s);
    site.restart();
    site.link_up();
    CHECK(site.durable_of<node::ChargeEnded>().size() == 1);
    CHECK(site.durable_of<node::ApprovalUnused>().size() == 1);
    REQUIRE(site.core().in_review().size() == 1);
    const std::uint64_t number = site.core().in_review().begin()->first;
    CHECK(site.core().find_review(number)->record.review.reasons.front() ==
          "began_too_long_before_decision");
    site.feed(ReviewDecided{number, true, "eve", "agreed with BBB"});
    const auto late = site.core().late_charge(number);
    REQUIRE(late);
    CHECK(late->readings.back().register_wh == 1'000);
    CHECK_FALSE(late->authorization.id.is_zero());
}

TEST_CASE("cut off: charges are asked about in the order in which they began, after restarts too") {
    CutOffSite site;
    const auto first = site.begin(2, "BBB-2", 0);
    REQUIRE(first);
    const auto second = site.begin(1, "BBB-1", 500);
    REQUIRE(second);
    site.pass(30s);
    CHECK(site.stop(*second, 600));
    CHECK(site.stop(*first, 100));
    site.restart();
    const std::size_t before = site.got<node::AuthorizeRequest>().size();
    site.link_up();
    const auto asked = site.got<node::AuthorizeRequest>();
    REQUIRE(asked.size() == before + 2);
    CHECK(asked[before].token == "BBB-2");
    CHECK(asked[before + 1].token == "BBB-1");
}

}  // namespace tally::bridge::test
