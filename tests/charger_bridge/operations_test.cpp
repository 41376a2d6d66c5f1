// What an operator looks at: figures of calls and of the outbox, and the page of the site.

#include "charger_bridge/call_meter.h"
#include "charger_bridge/site_page.h"
#include "ledger/crypto/sha256.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <openssl/evp.h>

namespace tally::bridge {

using namespace std::chrono_literals;

namespace {

void answer(CallMeter& meter, const char* station, const char* id, const char* payload,
            CallMeter::Time now) {
    meter.answered(station, id, boost::json::parse(payload).as_object(), now);
}

bool holds(node::Metrics& metrics, const std::string& line) {
    const std::string text = metrics.metrics_text();
    INFO(text);
    return text.find(line) != std::string::npos;
}

}  // namespace

TEST_CASE("calls are counted by action and result, with their durations") {
    node::Metrics metrics;
    CallMeter meter{metrics};
    meter.began("CP1", "1", "Authorize", 1s);
    meter.began("CP1", "2", "Heartbeat", 1s);
    meter.began("CP2", "1", "Authorize", 1s);
    meter.began("CP3", "1", "BootNotification", 1s);
    meter.began("CP3", "2", "TransactionEvent", 1s);
    answer(meter, "CP1", "1", R"({"idTagInfo":{"status":"Blocked"}})", 3s);
    answer(meter, "CP1", "2", R"({"currentTime":"x"})", 1s);
    answer(meter, "CP3", "1", R"({"status":"Accepted"})", 1s);
    answer(meter, "CP3", "2", R"({"idTokenInfo":{"status":"Accepted"}})", 1s);
    answer(meter, "CP9", "1", "{}", 1s);
    meter.lost("CP2");
    CHECK(meter.size() == 0);
    const std::string calls{"tally_bridge_ocpp_calls_total"};
    CHECK(holds(metrics, calls + R"({action="Authorize",result="Blocked"} 1)"));
    CHECK(holds(metrics, calls + R"({action="Authorize",result="lost"} 1)"));
    CHECK(holds(metrics, calls + R"({action="Heartbeat",result="answered"} 1)"));
    CHECK(holds(metrics, calls + R"({action="BootNotification",result="Accepted"} 1)"));
    CHECK(holds(metrics, calls + R"({action="TransactionEvent",result="Accepted"} 1)"));
    CHECK(holds(metrics, R"(tally_bridge_ocpp_call_seconds_sum{action="Authorize"} 2)"));
}

TEST_CASE("only the calls of the station that went away are lost") {
    node::Metrics metrics;
    CallMeter meter{metrics};
    for (const char* const station : {"CP", "CP1", "CP10", "CP2"}) {
        meter.began(station, "1", "Heartbeat", 1s);
    }
    meter.lost("CP1");
    CHECK(meter.size() == 3);
    CHECK(holds(metrics, R"({action="Heartbeat",result="lost"} 1)"));
}

TEST_CASE("the oldest message that waits for the node has an age") {
    OutboxAge age;
    age.observe(8, 3, 10s);  // three from before the start
    CHECK(age.age(15s) == 5s);
    age.observe(9, 4, 20s);
    CHECK(age.age(21s) == 11s);
    age.observe(9, 1, 25s);
    CHECK(age.age(26s) == 6s);
    age.observe(9, 0, 27s);
    CHECK(age.age(28s) == 0s);
    age.observe(10, 1, 30s);
    CHECK(age.age(31s) == 1s);
}

TEST_CASE("the page lets run its own script and nothing else, and writes texts as texts") {
    const node::HttpResponse response = site_page();
    CHECK(response.content_type.starts_with("text/html"));
    const std::string& policy = response.headers.at("Content-Security-Policy");
    CHECK(policy.find("default-src 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    const std::string& page = response.body;
    const std::size_t begin = page.find("<script>") + 8;
    const std::string script = page.substr(begin, page.find("</script>") - begin);
    const Hash hash = sha256(as_bytes(script));
    unsigned char text[64]{};
    EVP_EncodeBlock(text, hash.data.data(), static_cast<int>(hash.data.size()));
    CHECK(policy.find("script-src 'sha256-" + std::string{reinterpret_cast<char*>(text)} + "'") !=
          std::string::npos);
    for (const char* const unsafe : {"innerHTML", "outerHTML", "insertAdjacent", "document.write",
                                     "eval(", "src=", "http://", "https://", "onclick", "onload"}) {
        INFO(unsafe);
        CHECK(page.find(unsafe) == std::string::npos);
    }
    CHECK(page.find("textContent") != std::string::npos);
}

}  // namespace tally::bridge
