// The bridge dies at any of its writes, before or after it; the charger repeats what was not
// answered. Whatever the moment, the node must learn the same.

#include "tests/charger_bridge/site.h"

#include <catch2/catch.hpp>

#include <functional>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

/// Repeats a request of the charger, with a fresh message id as real chargers do, until it is
/// answered; restarts the bridge when it has died.
void until_answered(Site& site, const std::function<bool()>& request) {
    for (int attempt = 0; attempt < 5; ++attempt) {
        const bool answered = request();
        if (site.crashed()) {
            site.restart();
            continue;  // The answer, if there was one, went down with the process.
        }
        if (answered) {
            return;
        }
    }
    FAIL("a request was never answered");
}

struct Outcome {
    std::vector<MeterReading> begins;
    std::vector<std::vector<MeterReading>> readings;
    std::size_t transactions{0};
    std::size_t approvals_open{0};
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Two charges one after the other and one refused; `with_swipe` or by StartTransaction alone.
Outcome play(Site& site, bool with_swipe) {
    std::set<std::int64_t> transactions;
    std::int64_t meter = 1'000;
    for (const char* const tag : {"BBB-1", "BBB-2"}) {
        if (with_swipe) {
            until_answered(site, [&] { return site.swipe(tag) == TagStatus::accepted; });
        }
        std::int64_t transaction = 0;
        const std::string begun = site.text_now();
        until_answered(site, [&] {
            const auto started = site.start(1, tag, meter, begun);
            transaction = started ? started->transaction : 0;
            return started && started->status == TagStatus::accepted;
        });
        transactions.insert(transaction);
        for (int i = 0; i < 3; ++i) {
            site.pass(60s);
            if (site.crashed()) {
                site.restart();
            }
            meter += 500;
            const UnixMillis time = site.now.wall;
            until_answered(site, [&] { return site.values(1, transaction, meter, time); });
        }
        site.pass(5s);
        meter += 40;
        const std::string ended = site.text_now();
        until_answered(site, [&] { return site.stop(transaction, meter, ended); });
    }
    site.pass(400s);  // Unused approvals run out.
    if (site.crashed()) {
        site.restart();
        site.pass(400s);
    }
    site.link_down();
    site.link_up();
    Outcome outcome;
    outcome.transactions = transactions.size();
    std::set<SessionId> approved;
    for (const auto& request : site.got<node::AuthorizeRequest>()) {
        approved.insert(request.session);
    }
    for (const node::BridgeMessage& message : site.durable()) {
        if (const auto* const started = std::get_if<node::ChargeStarted>(&message)) {
            outcome.begins.push_back(started->begin);
        } else if (const auto* const ended = std::get_if<node::ChargeEnded>(&message)) {
            outcome.readings.push_back(ended->metered.readings);
            approved.erase(ended->session);
        } else if (const auto* const unused = std::get_if<node::ApprovalUnused>(&message)) {
            approved.erase(unused->session);
        }
    }
    outcome.approvals_open = approved.size();
    return outcome;
}

}  // namespace

TEST_CASE("killed at any write, before or after it, the node learns the same", "[property]") {
    for (const bool with_swipe : {true, false}) {
        Site undisturbed;
        const Outcome expected = play(undisturbed, with_swipe);
        REQUIRE(expected.begins.size() == 2);
        REQUIRE(expected.readings.size() == 2);
        REQUIRE(expected.transactions == 2);
        REQUIRE(expected.approvals_open == 0);
        int crashes = 0;
        for (int write = 1; write <= 60; ++write) {
            for (const bool after : {false, true}) {
                Site site;
                site.crash_at(write, after);
                const Outcome outcome = play(site, with_swipe);
                INFO("write " << write << (after ? " done" : " lost") << ", swipe " << with_swipe);
                CHECK(outcome == expected);
                CHECK(site.core().outbox().size() == 0);
                crashes += site.core().sessions().open_count() == 0 ? 1 : 0;
            }
        }
        CHECK(crashes == 120);
    }
}

TEST_CASE("a cut line to the node at any moment changes nothing the node learns", "[property]") {
    Site undisturbed;
    const Outcome expected = play(undisturbed, true);
    for (const bool acknowledges : {true, false}) {
        Site site;
        site.node_acknowledges = acknowledges;
        CHECK(play(site, true) == expected);
        site.restart();
        site.node_acknowledges = true;
        site.link_down();
        site.link_up();
        CHECK(site.core().outbox().size() == 0);
    }
}

}  // namespace tally::bridge::test
