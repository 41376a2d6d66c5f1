// The parts of the simulated charger: clock, meter, seal, scripts, messages, names.

#include "tools/charger/charger.h"

#include "charger_bridge/ocmf/billing.h"
#include "charger_bridge/ocmf/verify.h"
#include "tests/ledger/base/temporary_folder.h"
#include "tools/charger/dialect.h"
#include "tools/charger/fleet_plan.h"
#include "tools/charger/meter_seal.h"
#include "tools/charger/report.h"
#include "tools/charger/script.h"
#include "tools/support/text_file.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace tally;
using namespace tally::tools;
using namespace std::chrono_literals;
using tally::test::TemporaryFolder;

namespace json = boost::json;

namespace {

constexpr UnixMillis begin{1'772'352'000'000};  // 2026-03-01T08:00:00Z

SharedCharge a_charge() {
    auto charge = std::make_shared<ChargeFacts>();
    charge->connector = 2;
    charge->token = "BBB-1";
    charge->id = "T1";
    charge->first.time = begin;
    charge->first.register_wh = 100;
    charge->first.context = ReadingContext::begin;
    return charge;
}

MeterReading reading_at(std::int64_t register_wh) {
    MeterReading reading;
    reading.time = begin + 60'000;
    reading.register_wh = register_wh;
    return reading;
}

json::object completed(OutgoingCall call) {
    if (call.complete) {
        call.complete(call.payload);
    }
    return call.payload;
}

std::string problem_of(const std::string& toml) {
    const auto script = parse_script(toml, "mine.toml");
    return script ? "" : script.error();
}

std::string with_step(const std::string& step) {
    return "name = \"x\"\nstep = [{ " + step + " }]\n";
}

}  // namespace

SCENARIO("a charger's clock runs at its speed, and wrong as a script wants it") {
    ChargerClock clock{begin, 60};
    CHECK(clock.shown(0ms) == begin);
    CHECK(clock.shown(2s) == begin + 120'000);
    CHECK(clock.real(120s) == 2s);
    clock.set_ahead(-90s);
    CHECK(clock.shown(2s) == begin + 30'000);
    CHECK(clock.true_time(2s) == begin + 120'000);
    clock.set_right();
    clock.set_drift(20'000, 1s);
    CHECK(clock.shown(1s) == begin + 60'000);
    CHECK(clock.shown(11s) == begin + 660'000 + 12'000);
    clock.set_1970(11s);
    CHECK(clock.shown(12s) == 60'000);
    clock.set_right();
    CHECK(clock.shown(12s) == begin + 720'000);
}

SCENARIO("a meter counts what is drawn, up to what the car takes") {
    EnergyMeter meter{100};
    PowerCurve curve;
    curve.full_w = 60'000;
    meter.draw(60s, curve, 100, 5'000);
    CHECK(meter.register_wh() == 1'100);
    for (int step = 0; step < 60'000; ++step) {  // Small steps lose nothing.
        meter.draw(1ms, curve, 100, 5'000);
    }
    CHECK(meter.register_wh() == 2'100);
    meter.draw(1h, curve, 100, 5'000);
    CHECK(meter.register_wh() == 5'100);
    meter.set(0);
    CHECK(meter.register_wh() == 0);
}

SCENARIO("a battery that fills up draws less and less, down to a floor") {
    PowerCurve curve;
    curve.full_w = 60'000;
    curve.floor_w = 6'000;
    curve.taper_after_wh = 2'000;
    curve.taper_span_wh = 2'000;
    CHECK(curve.power_at(0) == 60'000);
    CHECK(curve.power_at(2'000) == 60'000);
    CHECK(curve.power_at(3'000) == 33'000);
    CHECK(curve.power_at(4'000) == 6'000);
    CHECK(curve.power_at(9'000) == 6'000);
    EnergyMeter meter{0};
    meter.draw(180s, curve, 0, 1'000'000);  // Full power would be 3,000 Wh.
    CHECK(meter.register_wh() > 2'000);
    CHECK(meter.register_wh() < 3'000);
}

SCENARIO("what a simulated meter signs is valid and billable, on every curve") {
    const std::string name = GENERATE("secp192k1", "secp256k1", "secp192r1", "secp256r1",
                                      "brainpool256r1", "secp384r1", "brainpool384r1");
    INFO(name);
    const auto curve = meter_curve_from_text(name);
    REQUIRE(curve);
    const MeterSeal seal = MeterSeal::from_words(*curve, "1/CP1");
    CHECK(seal.algorithm() == "ECDSA-" + name + "-SHA256");
    CHECK(seal.public_key() == MeterSeal::from_words(*curve, "1/CP1").public_key());
    CHECK(seal.public_key() != MeterSeal::from_words(*curve, "2/CP1").public_key());
    SealedReading reading;
    reading.time = begin;
    reading.register_wh = 42;
    reading.meter_serial = "CP1-M1";
    reading.token = "BBB-1";
    const auto first = bridge::parse_ocmf(seal.record(reading));
    reading.reason = 'E';
    reading.time = begin + 600'500;
    reading.register_wh = 3'042;
    reading.page = 2;
    const auto last = bridge::parse_ocmf(seal.record(reading));
    REQUIRE(first);
    REQUIRE(last);
    const auto key = bridge::meter_key_from_bytes(seal.public_key());
    REQUIRE(key);
    CHECK(bridge::verify_ocmf(*first, *key, bridge::DerRule::strict) ==
          bridge::SignatureVerdict::valid);
    CHECK(bridge::verify_ocmf(*last, *key, bridge::DerRule::strict) ==
          bridge::SignatureVerdict::valid);
    const bridge::Billing billing = bridge::check_billing(*first, &*last);
    CHECK(billing.is_billable());
    REQUIRE(billing.end);
    CHECK(billing.begin->energy_mwh == 42'000);
    CHECK(billing.end->energy_mwh == 3'042'000);
    CHECK(billing.end->time == begin + 600'500);
}

SCENARIO("a meter's key can be a file, on one of the curves of OCMF only") {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/meter.pem";
    CHECK_FALSE(MeterSeal::from_file(path));
    REQUIRE(write_text(path, "no key"));
    const auto refused = MeterSeal::from_file(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find(path) != std::string::npos);
    CHECK_FALSE(meter_curve_from_text("secp521r1"));
}

SCENARIO("every script that comes with the program has a name of its own and a story") {
    std::set<std::string> names;
    for (const Script& script : presets()) {
        INFO(script.name);
        CHECK(names.insert(script.name).second);
        CHECK_FALSE(script.story.empty());
        CHECK(parse_script(preset_text(script.name), "x")->steps.size() == script.steps.size());
    }
    CHECK(names.size() >= 25);
    CHECK(preset_text("nothing").empty());
}

SCENARIO("what is wrong in a script is named with its place") {
    CHECK(problem_of("name = \"x\"\n").find("step") != std::string::npos);
    CHECK(problem_of(with_step("do = \"dance\"")).find("mine.toml:2:") != std::string::npos);
    CHECK(problem_of(with_step("do = \"swipe\", cart = 1")).find("cart") != std::string::npos);
    CHECK(problem_of(with_step("do = \"swipe\", card = 9")).find("card") != std::string::npos);
    CHECK(problem_of(with_step("do = \"swipe\", prepaid = \"much\"")).find("prepaid") !=
          std::string::npos);
    CHECK(problem_of(with_step("do = \"charge\"")).find("wh") != std::string::npos);
    CHECK(problem_of(with_step("do = \"clock\", fault = \"drift\"")).find("ppm") !=
          std::string::npos);
    CHECK(problem_of(with_step("do = \"say\"")).find("text") != std::string::npos);
    CHECK(problem_of("versions = [\"1.5\"]\n" + with_step("do = \"stop\"")).find("1.5") !=
          std::string::npos);
    CHECK_FALSE(problem_of("not toml").empty());
    CHECK(problem_of(with_step("do = \"swipe\", tries = 0")).find("tries") != std::string::npos);
    CHECK(problem_of(with_step("do = \"silence\", random = true")).find("random") !=
          std::string::npos);
    CHECK(problem_of(with_step("do = \"offline\"")).empty());
    std::string many = "name = \"x\"\n";
    for (std::size_t step = 0; step <= script_steps_max; ++step) {
        many += "[[step]]\ndo = \"stop\"\n";
    }
    CHECK(problem_of(many).find("step") != std::string::npos);
}

SCENARIO("a driver tries again, and waits are drawn") {
    const auto script = parse_script(
        "name = \"x\"\nstep = [{ do = \"swipe\", tries = 30 }, "
        "{ do = \"wait\", seconds = 10, random = true }]\n",
        "mine.toml");
    REQUIRE(script);
    CHECK(script->steps[0].times == 30);
    CHECK(script->steps[1].seconds == 10);
    CHECK(script->steps[1].random);
}

SCENARIO("a script knows its cards, versions and curve") {
    const auto script =
        parse_script("versions = [\"2.0.1\"]\nfull_w = 7000\ntaper_after_wh = 10\n" +
                         with_step("do = \"swipe\", card = 3"),
                     "mine.toml");
    REQUIRE(script);
    CHECK(script->cards == 3);
    CHECK(script->speaks(OcppVersion::v201));
    CHECK_FALSE(script->speaks(OcppVersion::v16));
    CHECK(script->curve.full_w == 7'000);
    CHECK(script->curve.taper_after_wh == 10);
}

SCENARIO("in 1.6 a number is -1 until the answer gave one, and as long as it is forgotten") {
    const auto dialect = make_dialect(OcppVersion::v16, {});
    const SharedCharge charge = a_charge();
    const OutgoingCall start = dialect->start(charge, false);
    CHECK(start.action == "StartTransaction");
    CHECK(start.of_transaction);
    CHECK(json::serialize(start.payload) == R"({"connectorId":2,"idTag":"BBB-1","meterStart":100,)"
                                            R"("timestamp":"2026-03-01T08:00:00.000Z"})");
    const OutgoingCall sample = dialect->sample(charge, reading_at(200), false);
    const OutgoingCall stop = dialect->stop(charge, reading_at(300), StopReason::remote, false);
    CHECK(completed(sample).at("transactionId") == -1);
    charge->number = 7;
    CHECK(completed(sample).at("transactionId") == 7);
    CHECK(completed(stop).at("transactionId") == 7);
    CHECK(stop.payload.at("meterStop") == 300);
    CHECK(stop.payload.at("reason") == "Remote");
    CHECK_FALSE(stop.payload.contains("transactionData"));
    charge->number_forgotten = true;
    CHECK(completed(stop).at("transactionId") == -1);
}

SCENARIO("in 2.0.1 events are numbered when they happen, and sent again as they were") {
    const auto dialect = make_dialect(OcppVersion::v201, {});
    const SharedCharge charge = a_charge();
    const json::object start = completed(dialect->start(charge, false));
    const json::object sample = completed(dialect->sample(charge, reading_at(200), true));
    const OutgoingCall stop = dialect->stop(charge, reading_at(300), StopReason::local, false);
    CHECK(start.at("eventType") == "Started");
    CHECK(start.at("seqNo") == 0);
    CHECK(start.at("evse").at("id") == 2);
    CHECK(sample.at("eventType") == "Updated");
    CHECK(sample.at("seqNo") == 1);
    CHECK(sample.at("offline") == true);
    CHECK(stop.payload.at("eventType") == "Ended");
    CHECK(stop.payload.at("seqNo") == 2);
    CHECK(stop.payload.at("transactionInfo").at("transactionId") == "T1");
    CHECK(stop.payload.at("transactionInfo").at("stoppedReason") == "Local");
    CHECK(completed(stop).at("seqNo") == 2);
    CHECK(stop.payload.at("meterValue").at(0).at("sampledValue").at(0).at("value") == 300);
}

SCENARIO("signed readings ride as each version has them") {
    const SealFacts seal{"ECDSA-secp256r1-SHA256", "3059"};
    const SharedCharge charge = a_charge();
    charge->first.sealed = "OCMF|{}|{}";
    MeterReading last = reading_at(300);
    last.context = ReadingContext::end;
    last.sealed = "OCMF|{}|{}";
    const json::object old =
        make_dialect16(seal)->stop(charge, last, StopReason::local, false).payload;
    const json::array& data = old.at("transactionData").as_array();
    REQUIRE(data.size() == 2);
    const json::value& sampled = data[1].at("sampledValue").at(1);
    CHECK(sampled.at("format") == "SignedData");
    CHECK(sampled.at("context") == "Transaction.End");
    const json::value inside = json::parse(sampled.at("value").as_string());
    CHECK(inside.at("encodingMethod") == "OCMF");
    CHECK(inside.at("signedMeterData") == "T0NNRnx7fXx7fQ==");
    const json::object recent =
        make_dialect201(seal)->stop(charge, last, StopReason::local, false).payload;
    const json::value& value =
        recent.at("meterValue").at(0).at("sampledValue").at(0).at("signedMeterValue");
    CHECK(value.at("signedMeterData") == "T0NNRnx7fXx7fQ==");
    CHECK(value.at("publicKey") == "b2NhOmJhc2UxNjphc24xOjMwNTk=");
}

SCENARIO("answers and commands mean the same in both versions") {
    for (const OcppVersion version : {OcppVersion::v16, OcppVersion::v201}) {
        INFO(to_text(version));
        const bool old = version == OcppVersion::v16;
        const auto dialect = make_dialect(version, {});
        const OutgoingCall asked = dialect->authorize("BBB-1");
        CallAnswer answer;
        answer.payload = {{old ? "idTagInfo" : "idTokenInfo", json::object{{"status", "Blocked"}}}};
        CHECK(dialect->understand(asked, answer).word == "Blocked");
        CHECK_FALSE(dialect->understand(asked, answer).accepted);
        answer.payload = {};
        CHECK(dialect->understand(asked, answer).word == "ok");
        CHECK(dialect->understand(asked, answer).accepted);
        answer.error_code = "InternalError";
        CHECK(dialect->understand(asked, answer).word == "InternalError");
        CHECK_FALSE(dialect->understand(asked, answer).accepted);

        const json::object stop =
            old ? json::object{{"transactionId", 7}} : json::object{{"transactionId", "7"}};
        const IncomingCall call{"1", old ? "RemoteStopTransaction" : "RequestStopTransaction",
                                stop};
        CHECK(dialect->understand(call).kind == CommandKind::remote_stop);
        CHECK(dialect->understand(call).transaction == "7");
        CHECK(dialect->reply(call, true)->at("status") == "Accepted");
        CHECK(dialect->reply(call, false)->at("status") == "Rejected");
        CHECK_FALSE(dialect->reply({"2", "NoSuchAction", {}}, true));
    }
}

SCENARIO("chargers are numbered by a pattern") {
    CHECK(numbered("CP{n:4}", 7) == "CP0007");
    CHECK(numbered("{n}-x", 12345) == "12345-x");
    CHECK(numbered("same", 3) == "same");
    CHECK(numbered("{n:99}", 1).size() == 20);
    CHECK(numbered("{n", 1) == "{n");
}

SCENARIO("a fleet is planned from a pattern, with passwords from a file") {
    const TemporaryFolder folder;
    FleetRequest request;
    request.url = "ws://127.0.0.1:9/ocpp";
    request.id = "CP {n:2}";
    request.count = 3;
    request.first = 9;
    request.cards = {"BBB-{n}", "CCC-{n}"};
    request.version = "both";
    request.password = "common";
    request.passwords_file = folder.path() + "/passwords";
    REQUIRE(write_text(request.passwords_file, "CP_1 x\nCP\n"));
    CHECK_FALSE(plan_fleet(request));
    request.id = "CP{n:2}";
    REQUIRE(write_text(request.passwords_file, "CP10 own\n"));
    const auto plan = plan_fleet(request);
    REQUIRE(plan);
    REQUIRE(plan->stations.size() == 3);
    CHECK(plan->stations[0].id == "CP09");
    CHECK(plan->stations[0].target.password == "common");
    CHECK(plan->stations[1].target.password == "own");
    CHECK(plan->stations[2].target.path == "/ocpp/CP11");
    CHECK(plan->stations[2].cards == std::vector<std::string>{"BBB-11", "CCC-11"});
    CHECK(plan->stations[0].version != plan->stations[1].version);
    CHECK(plan->stations[0].seed != plan->stations[1].seed);
    CHECK(node::percent_encoded("CP 1/x") == "CP%201%2Fx");
    for (const char* url : {"", "http://a:1/x", "ws://:1/x"}) {
        request.url = url;
        CHECK_FALSE(plan_fleet(request));
    }
    request.url = "wss://127.0.0.1:9/ocpp";
    request.tls.pinned_sha256 = "12";
    CHECK_FALSE(plan_fleet(request));
}

SCENARIO("messages of a phase are counted from its meeting") {
    FleetReport report;
    std::vector<PhaseMark> said;
    report.at_messages_of({{0, 2}, {1, 1}, {1, 3}, {2, 1}},
                          [&](const PhaseMark& mark) { said.push_back(mark); });
    for (int message = 0; message < 3; ++message) {
        report.call_sent("Heartbeat");
    }
    CHECK(said == std::vector<PhaseMark>{{0, 2}});
    report.next_phase();
    report.call_sent("Heartbeat");
    report.call_sent("Heartbeat");
    CHECK(said == std::vector<PhaseMark>{{0, 2}, {1, 1}});
    report.call_sent("Heartbeat");
    CHECK(said.back() == PhaseMark{1, 3});
}

SCENARIO("the report counts what was answered, per script") {
    FleetReport report;
    report.call_sent("Authorize");
    report.answered("normal", "Authorize", "Accepted", 2ms);
    report.answered("normal", "Authorize", "Blocked", 4ms);
    report.disconnected("reset");
    auto story = std::make_shared<ChargeStory>();
    story->begin_wh = 10;
    report.add(story);
    story->end_wh = 30;  // Answers that come late still count.
    report.failed("CP1", "no answer");
    const json::object summary = report.summary();
    CHECK(summary.at("scripts").at("normal").at("Authorize").at("Blocked") == 1U);
    CHECK(summary.at("latencies").at("all").at("count") == 2U);
    CHECK(summary.at("latencies").at("Authorize").at("max_ms") == 4.0);
    CHECK(summary.at("charges").at(0).at("energy_wh") == 20);
    CHECK(summary.at("failures").at(0) == "CP1: no answer");
    CHECK(report.failures() == 1);
}
