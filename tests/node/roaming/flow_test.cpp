// The pure flows, event by event, where the order matters.

#include "ledger/model/day_bands.h"
#include "node/roaming/flow/health.h"
#include "node/roaming/flow/home_flow.h"
#include "node/roaming/flow/hub_flow.h"
#include "node/roaming/flow/visited_flow.h"
#include "tests/support/ledger_fixture.h"

#include <catch2/catch.hpp>

namespace tally::node {
namespace {

using tally::test::currency;
using tally::test::party;
using tally::test::units;

AuthorizationRef reference(std::uint8_t number) {
    AuthorizationRef ref{.signer = party("BBB"), .id = {}};
    ref.id.data[0] = number;
    return ref;
}

VisitedSession requested() {
    VisitedSession session;
    session.id.data[0] = 1;
    session.bridge_id = "bridge-1";
    session.opened = 1;
    AuthorizationRequest& request = session.request;
    request.session = session.id;
    request.visited = party("AAA");
    request.home = party("BBB");
    request.station = "ST1";
    request.evses = {{"AAA*1", 1, {"std", 1}}};
    request.currency = currency("CNY");
    request.sealed_identity = {1};
    request.time = 1;
    session.request_body = encode_roaming_body(request);
    return session;
}

visited::Approved approval() {
    visited::Approved event;
    event.authorization = reference(1);
    event.decision.visited = party("AAA");
    event.decision.station = "ST1";
    event.decision.currency = currency("CNY");
    event.decision.approved = true;
    event.decision.amount = units(50);
    event.decision.tariffs = {{"std", 1}};
    event.decision.start_by = 1'000'000;
    return event;
}

visited::Ended ended() {
    visited::Ended event;
    event.metered.authorization = reference(1);
    event.metered.evse_id = "AAA*1";
    event.metered.bridge_id = "bridge-1";
    event.metered.meter_serial = "M1";
    event.metered.readings = {{0, 480, 0, false}, {3'600'000, 480, 10'000, false}};
    event.tariff = day_tariff(currency("CNY"), {{0, units(1), units(1) / 2}});
    return event;
}

template <typename Wanted, typename Effects>
std::size_t count_of(const Effects& effects) {
    std::size_t count = 0;
    for (const auto& effect : effects) {
        count += std::holds_alternative<Wanted>(effect) ? 1U : 0U;
    }
    return count;
}

visited::OwnResult result(VisitedAction action, ResultCode code = ResultCode::ok,
                          std::optional<AuthorizationStatus> status = std::nullopt) {
    return {action, code, status, 100, 200};
}

/// A session whose charge is final on the ledger.
VisitedSession charging() {
    VisitedSession session = requested();
    CHECK(count_of<visited::Answer>(step(session, approval())) == 1);
    CHECK(count_of<visited::Submit>(step(session, visited::Started{1, "AAA*1"})) == 1);
    CHECK(count_of<visited::Announce>(step(session, result(VisitedAction::start))) == 0);
    CHECK(session.stage == VisitedStage::charging);
    return session;
}

/// The one effect that a disputed charge has on the ledger.
void check_given_back(const visited::Effects& effects) {
    REQUIRE(count_of<visited::Submit>(effects) == 1);
    for (const visited::Effect& effect : effects) {
        if (const auto* submit = std::get_if<visited::Submit>(&effect)) {
            CHECK(submit->action == VisitedAction::release);
        }
    }
}

/// As the program before this one stored it: one number at the end less, or a list of them too.
Bytes without_coefficients(Bytes bytes, std::size_t at_end) {
    --bytes.front();
    bytes.resize(bytes.size() - at_end);
    return bytes;
}

}  // namespace

TEST_CASE("visited: a session is stored and read back at every stage", "[roaming][flow]") {
    VisitedSession session = requested();
    const auto same = [&session] { return decode_visited_session(encode(session)) == session; };
    CHECK(same());
    for (const visited::Event& event : std::vector<visited::Event>{
             approval(), visited::Started{1, "AAA*1"}, visited::Progressed{60, 500, 700, 9},
             result(VisitedAction::start), ended(), result(VisitedAction::record),
             visited::Settled{units(15)}}) {
        const auto effects = step(session, event);
        CHECK(same());
    }
    CHECK(session.stage == VisitedStage::settled);
    const Bytes bytes = encode(session);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(decode_visited_session(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_visited_session(longer));
}

TEST_CASE("sessions of before there was a b of the operator are read, with b = 1",
          "[roaming][flow]") {
    VisitedSession visited = requested();
    visited.offered_coefficients = {500};
    visited.coefficient_permille = 500;
    CHECK(visited.coefficient_of("AAA*1") == 500);
    CHECK(visited.coefficient_of("AAA*2") == 1'000);
    CHECK(decode_visited_session(encode(visited)) == visited);
    const auto plain = decode_visited_session(without_coefficients(encode(visited), 8 + 4 + 8));
    visited.offered_coefficients.clear();
    visited.coefficient_permille = 1'000;
    CHECK(plain == visited);

    HomeSession home;
    home.authorization = reference(1);
    home.coefficient_permille = 500;
    CHECK(decode_home_session(encode(home)) == home);
    const auto home_plain = decode_home_session(without_coefficients(encode(home), 8));
    home.coefficient_permille = 1'000;
    CHECK(home_plain == home);

    HubSession hub;
    hub.coefficient_permille = 500;
    CHECK(decode_hub_session(encode(hub)) == hub);
    const auto hub_plain = decode_hub_session(without_coefficients(encode(hub), 8));
    hub.coefficient_permille = 1'000;
    CHECK(hub_plain == hub);
}

TEST_CASE("visited: repeated events change nothing", "[roaming][flow]") {
    VisitedSession session = charging();
    for (const visited::Event& event : std::vector<visited::Event>{
             approval(), visited::Denied{"unknown_token"}, visited::BudgetElapsed{},
             visited::Started{1, "AAA*1"}, result(VisitedAction::start)}) {
        const VisitedSession before = session;
        CHECK(step(session, event).empty());
        CHECK(session == before);
    }
    CHECK(count_of<visited::Submit>(step(session, ended())) == 1);
    CHECK(step(session, ended()).empty());
    CHECK(session.amount == units(15));
}

TEST_CASE("visited: an end that overtakes the start starts and records", "[roaming][flow]") {
    VisitedSession session = requested();
    step(session, approval()).clear();
    CHECK(count_of<visited::Submit>(step(session, ended())) == 1);
    CHECK(session.stage == VisitedStage::starting);
    CHECK(step(session, visited::Started{1, "AAA*1"}).empty());
    const auto effects = step(session, result(VisitedAction::start));
    REQUIRE(count_of<visited::Submit>(effects) == 1);
    CHECK(session.stage == VisitedStage::recording);
}

TEST_CASE("visited: approvals that nobody waits for are given back", "[roaming][flow]") {
    VisitedSession late = requested();
    CHECK(count_of<visited::Answer>(step(late, visited::BudgetElapsed{})) == 1);
    CHECK(late.state() == SessionState::denied);
    const auto effects = step(late, approval());
    CHECK(count_of<visited::Submit>(effects) == 1);
    CHECK(count_of<visited::Answer>(effects) == 0);
    CHECK(late.stage == VisitedStage::releasing);
    step(late, result(VisitedAction::release)).clear();
    CHECK(late.state() == SessionState::released);
    CHECK(late.reason == "home_unreachable");

    VisitedSession other = requested();
    step(other, approval()).clear();
    visited::Approved second = approval();
    second.authorization = reference(2);
    CHECK(count_of<visited::ReleaseOther>(step(other, second)) == 1);
    CHECK(other.stage == VisitedStage::approved);

    VisitedSession wrong = requested();
    visited::Approved foreign = approval();
    foreign.decision.station = "ST2";
    const auto refused = step(wrong, foreign);
    CHECK(count_of<visited::Answer>(refused) == 1);
    CHECK(count_of<visited::Submit>(refused) == 1);
}

TEST_CASE("visited: a busy EVSE is tried again, other refusals end the charge", "[roaming][flow]") {
    VisitedSession session = requested();
    step(session, approval()).clear();
    step(session, visited::Started{1, "AAA*1"}).clear();
    CHECK(step(session, result(VisitedAction::start, ResultCode::evse_busy)).empty());
    CHECK(count_of<visited::Submit>(step(session, visited::TimePassed{5})) == 1);
    CHECK(step(session, visited::TimePassed{6}).empty());  // one at a time
    const auto effects = step(
        session, result(VisitedAction::start, ResultCode::too_late, AuthorizationStatus::expired));
    CHECK(count_of<visited::StopCharging>(effects) == 1);
    CHECK(session.state() == SessionState::expired);
}

TEST_CASE("visited: claims only behind settle_by and up to claim_until", "[roaming][flow]") {
    VisitedSession session = charging();
    step(session, ended()).clear();
    step(session, result(VisitedAction::record)).clear();
    REQUIRE(session.state() == SessionState::recorded);
    CHECK(step(session, visited::TimePassed{100}).empty());
    CHECK(step(session, visited::TimePassed{201}).empty());
    CHECK(count_of<visited::Submit>(step(session, visited::TimePassed{101})) == 1);
    // B's settlement was faster.
    step(session, visited::Settled{units(15)}).clear();
    CHECK(session.state() == SessionState::settled);
    step(session, result(VisitedAction::claim, ResultCode::unknown_authorization)).clear();
    CHECK(session.reason.empty());
}

TEST_CASE("visited: a charge that cannot be recorded is disputed and given back",
          "[roaming][flow]") {
    VisitedSession session = charging();
    visited::Ended bad = ended();
    std::swap(bad.metered.readings[0], bad.metered.readings[1]);
    SECTION("it cannot be rated") { check_given_back(step(session, bad)); }
    SECTION("the ledger refuses the record") {
        step(session, ended()).clear();
        const auto refused = result(VisitedAction::record, ResultCode::energy_implausible,
                                    AuthorizationStatus::started);
        check_given_back(step(session, refused));
    }
    SECTION("the bridge has no record") { check_given_back(step(session, visited::Unused{})); }
    CHECK(session.state() == SessionState::disputed);
    CHECK_FALSE(session.is_finished());
    CHECK(step(session, visited::Unused{}).empty());
    step(session, result(VisitedAction::release)).clear();
    CHECK(session.state() == SessionState::disputed);
    CHECK_FALSE(session.reason.empty());
    CHECK(session.is_finished());
}

TEST_CASE("visited: a charge without a record waits for its start to be final", "[roaming][flow]") {
    VisitedSession session = requested();
    step(session, approval()).clear();
    step(session, visited::Started{1, "AAA*1"}).clear();
    CHECK(step(session, visited::Unused{}).empty());
    check_given_back(step(session, result(VisitedAction::start)));
    CHECK(session.state() == SessionState::disputed);
    CHECK(session.reason == "no_record");
}

TEST_CASE("visited: figures of a charge that nobody pays stop it again", "[roaming][flow]") {
    VisitedSession session = charging();
    const visited::Progressed figures{60, 500, 700, 9};
    CHECK(count_of<visited::StopCharging>(step(session, figures)) == 0);
    const visited::Expired expired{ExpiryCause::not_recorded};
    CHECK(count_of<visited::StopCharging>(step(session, expired)) == 1);
    CHECK(count_of<visited::StopCharging>(step(session, figures)) == 1);
    CHECK(count_of<visited::StopCharging>(step(session, figures)) == 1);
    step(session, ended()).clear();
    CHECK(count_of<visited::StopCharging>(step(session, figures)) == 0);
}

TEST_CASE("home: money moves once and holds end once", "[roaming][flow]") {
    HomeSession session;
    session.authorization = reference(1);
    session.prepaid = units(50);
    CHECK(step(session, home::Decided{true, ResultCode::ok}).empty());
    CHECK(session.state() == SessionState::authorized);
    CHECK(step(session, home::Started{1}).empty());
    const home::Recorded record{units(15), 10'000, 3'600};
    CHECK(count_of<home::SubmitSettle>(step(session, record)) == 1);
    CHECK(step(session, record).empty());
    CHECK(decode_home_session(encode(session)) == session);
    CHECK(count_of<home::CaptureHold>(step(session, home::Posted{units(15), false})) == 1);
    CHECK(step(session, home::Posted{units(15), true}).empty());
    CHECK(step(session, home::Expired{}).empty());
    CHECK(step(session, home::Released{}).empty());
    CHECK(step(session, home::SettleRefused{ResultCode::wrong_status, {}}).empty());
    CHECK(session.state() == SessionState::settled);
}

TEST_CASE("home: a charge under review is settled when its time is over", "[roaming][flow]") {
    HomeSession session;
    session.authorization = reference(1);
    session.prepaid = units(50);
    CHECK(step(session, home::Decided{true, ResultCode::ok}).empty());
    CHECK(step(session, home::Recorded{units(15), 10'000, 3'600, true}).empty());
    CHECK(session.state() == SessionState::recorded);
    CHECK(decode_home_session(encode(session)) == session);
    SECTION("nobody came") {
        const auto effects = step(session, home::Reviewed{});
        REQUIRE(count_of<home::SubmitSettle>(effects) == 1);
        CHECK(std::get<home::SubmitSettle>(effects.front()).amount == units(15));
        CHECK(step(session, home::Reviewed{}).empty());
    }
    SECTION("it was settled by hand") {
        CHECK(count_of<home::CaptureHold>(step(session, home::Posted{units(15), false})) == 1);
        CHECK(step(session, home::Reviewed{}).empty());
    }
}

TEST_CASE("home: what the ledger refuses is told and freed", "[roaming][flow]") {
    HomeSession session;
    session.authorization = reference(1);
    const auto effects = step(session, home::Decided{true, ResultCode::exposure_exceeded});
    CHECK(count_of<home::ReleaseHold>(effects) == 1);
    REQUIRE(count_of<home::SendDenial>(effects) == 1);
    CHECK(session.reason == "limit_exceeded");
    CHECK(step(session, home::Decided{true, ResultCode::ok}).empty());
}

TEST_CASE("home: a record above the approval is not settled", "[roaming][flow]") {
    HomeSession session;
    session.authorization = reference(1);
    session.prepaid = units(10);
    step(session, home::Decided{true, ResultCode::ok}).clear();
    CHECK(step(session, home::Recorded{units(10) + 1, 1, 1}).empty());
    CHECK(session.state() == SessionState::disputed);
}

TEST_CASE("hub: states only go forward", "[roaming][flow]") {
    HubSession session;
    session.session.data[0] = 1;
    session.visited = party("AAA");
    session.home = party("BBB");
    CHECK(hub::step(session, hub::Moved{SessionState::recorded, units(15), ""}));
    CHECK_FALSE(hub::step(session, hub::Moved{SessionState::charging, 0, ""}));
    CHECK(session.amount == units(15));
    CHECK(hub::step(session, hub::Moved{SessionState::settled, units(15), ""}));
    CHECK_FALSE(hub::step(session, hub::Moved{SessionState::expired, 0, ""}));
    CHECK(decode_hub_session(encode(session)) == session);
}

TEST_CASE("health: the whole station and any free connector decide", "[roaming][flow]") {
    using Health = ConnectorHealth;
    CHECK(std::string{charger_refusal({}, 0)} == "unknown_charger");
    CHECK(std::string{charger_refusal({}, 1)} == "unknown_charger");
    const std::vector<ConnectorState> mixed{{0, Health::available, ""},
                                            {1, Health::faulted, "GroundFailure"},
                                            {2, Health::available, ""}};
    CHECK(std::string{charger_refusal(mixed, 0)}.empty());
    CHECK(std::string{charger_refusal(mixed, 2)}.empty());
    CHECK(std::string{charger_refusal(mixed, 1)} == "charger_faulted");
    CHECK(std::string{charger_refusal(mixed, 3)} == "unknown_charger");
    const std::vector<ConnectorState> silent{{0, Health::silent, ""}, {1, Health::available, ""}};
    CHECK(std::string{charger_refusal(silent, 1)} == "charger_silent");
    const std::vector<ConnectorState> busy{{1, Health::occupied, ""}, {2, Health::faulted, ""}};
    CHECK(std::string{charger_refusal(busy, 0)} == "charger_busy");
}

}  // namespace tally::node
