#include "tests/ledger/base/temporary_folder.h"
#include "tests/node/runtime/http_fixture.h"
#include "tools/bench/devnet_usage.h"
#include "tools/show/render.h"
#include "tools/support/json_api.h"
#include "tools/support/percentiles.h"
#include "tools/support/wait.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace tally;
using namespace tally::tools;

namespace json = boost::json;

SCENARIO("fields are shown one a line, nested ones by their path") {
    const json::value answer = json::parse(
        R"({"member":"AAA","height":7,"none":null,"flag":true,"peers":["BBB","HUB"],"empty":[],
        "record":{"amount":"18.0000","tariff":{"version":1}},
        "items":[{"a":1},{"a":[1,[2]]}],"object":{}})");
    CHECK(render_fields(answer) ==
          "member                 AAA\n"
          "height                 7\n"
          "none                   -\n"
          "flag                   true\n"
          "peers                  BBB HUB\n"
          "empty                  -\n"
          "record.amount          18.0000\n"
          "record.tariff.version  1\n"
          "items[0].a             1\n"
          "items[1].a[0]          1\n"
          "items[1].a[1]          2\n");
    CHECK(render_fields(json::parse("{}")).empty());
    CHECK(render_fields(json::parse("5")) == "  5\n");
}

SCENARIO("a table has aligned columns, and a dash where a row has nothing") {
    const json::value items = json::parse(
        R"([{"id":"x","height":12},{"height":3,"id":"long-name","other":1},{"id":null},5])");
    CHECK(render_table(items.as_array(), {"id", "height"}) ==
          "id         height\n"
          "x          12\n"
          "long-name  3\n"
          "-          -\n"
          "-          -\n");
    CHECK(render_table({}, {"id", "height"}) == "id  height\n");
}

SCENARIO("consensus is shown with who is missing and why views had no block") {
    const auto shows = [](const std::string& text, const char* part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    const std::string text = render_consensus(json::parse(R"({
        "epoch": 2, "role": "validator", "view": 12, "leader": "BBB", "time_in_view_ms": 40.25,
        "entry": {"kind": "nullification", "view": 11}, "missing": ["BBB", "CCC"],
        "votes": [{"member": "AAA", "connected": true, "notarized": true, "nullified": false,
                   "finalized": false, "last_heard_ms": 3.0}],
        "last_final_view": 10, "final_height": 800, "unfinalized_views": 1,
        "unfinalized_blocks": 2, "alarm": true, "is_sealing": true, "delta_ms": 50.0,
        "views_nullified": 7, "evidence": 1,
        "nullified": [{"epoch": 2, "view": 11, "leader": "AAA", "own_reason": "no_proposal",
                       "signers": ["BBB", "CCC", "HUB"], "spent_ms": 100.5}],
        "journal": {"syncs": 9, "sync_last_ms": 0.4, "sync_max_ms": 12.0}})"));
    shows(text,
          "epoch 2  view 12  leader BBB  for 40.2 ms, entered by the nullification of view 11");
    shows(text, "this node: validator");
    shows(text, "not final: 1 views, 2 blocks; the epoch is being sealed; ALARM");
    shows(text, "delta 50.0 ms; journal syncs 9, last 0.4 ms, longest 12.0 ms; evidence found 1");
    shows(text, "missing: BBB CCC");
    shows(text, "7 since the start");
    shows(text, "no_proposal");
    shows(text, "BBB CCC HUB");
    // An answer of another program does no harm.
    shows(render_consensus(json::parse(R"({"votes": 5, "missing": [1], "journal": []})")),
          "as the first of its epoch");
}

SCENARIO("percentiles are values that were measured, by the nearest rank") {
    Latencies latencies;
    json::object summary = latencies.summary();
    CHECK(summary.at("count").to_number<int>() == 0);
    CHECK(summary.at("p50_ms").to_number<double>() == 0);
    CHECK(summary.at("max_ms").to_number<double>() == 0);
    for (int number = 200; number >= 1; --number) {
        latencies.add(std::chrono::milliseconds{number});
    }
    summary = latencies.summary();
    CHECK(latencies.count() == 200);
    CHECK(summary.at("p50_ms").to_number<double>() == 100);
    CHECK(summary.at("p99_ms").to_number<double>() == 198);
    CHECK(summary.at("max_ms").to_number<double>() == 200);
    Latencies one;
    one.add(std::chrono::microseconds{1'500});
    CHECK(one.summary().at("p50_ms").to_number<double>() == 1.5);
    CHECK(one.summary().at("p99_ms").to_number<double>() == 1.5);
}

SCENARIO("durations may come from several threads") {
    Latencies latencies;
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&latencies] {
            for (int count = 0; count < 1'000; ++count) {
                latencies.add(std::chrono::microseconds{count});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(latencies.count() == 4'000);
}

SCENARIO("what a devnet used is measured for programs that run") {
    const test::TemporaryFolder folder;
    std::filesystem::create_directories(folder.file("data/ledger/segments"));
    std::ofstream{folder.file("data/ledger/segments/1.seg")} << std::string(1'000, 'x');
    std::ofstream{folder.file("data/other")} << std::string(234, 'x');
    DevnetManifest manifest;
    DevnetNode node;
    node.member = "AAA";
    node.data_dir = folder.file("data");
    node.pid = ::getpid();
    manifest.nodes.push_back(node);
    CHECK(segment_bytes(node) == 1'000);
    node.member = "BBB";
    node.pid = 0;
    manifest.nodes.push_back(node);
    const DevnetUsage before = measure_usage(manifest);
    REQUIRE(before.programs.size() == 1);
    CHECK(before.programs.at("AAA").disk_bytes == 1'234);
    CHECK(before.programs.at("AAA").resident_bytes > 100'000);
    std::ofstream{folder.file("data/more")} << std::string(66, 'x');
    const json::array used = usage_between(before, measure_usage(manifest));
    REQUIRE(used.size() == 1);
    CHECK(used.at(0).at("name").as_string() == "AAA");
    CHECK(used.at(0).at("disk_bytes").to_number<std::int64_t>() == 66);
    CHECK(used.at(0).at("cpu_s").to_number<double>() >= 0);
}

SCENARIO("fields of an answer are read, or empty when they are something else") {
    const json::value answer =
        json::parse(R"({"text":"x","number":7,"negative":-1,"real":1.5,"items":[1],"list":{}})");
    CHECK(json_text(answer, "text") == "x");
    CHECK(json_text(answer, "number").empty());
    CHECK(json_text(answer, "none").empty());
    CHECK(json_number(answer, "number") == 7);
    CHECK(json_number(answer, "negative") == 0);
    CHECK(json_number(answer, "real") == 0);
    CHECK(json_number(answer, "text") == 0);
    CHECK(json_number(json::parse("[]"), "number") == 0);
    CHECK(json_text(json::parse("5"), "text").empty());
    CHECK(json_items(answer).size() == 1);
    CHECK(json_items(json::parse(R"({"items":{}})")).empty());
    CHECK(json_items(json::parse("[1]")).empty());
}

SCENARIO("an API's answers, refusals and silence are told apart") {
    std::string seen_token;
    node::test::RunningServer server{
        [&seen_token](const node::HttpRequest& request, const node::HttpReply& reply) {
            seen_token = request.bearer_token;
            node::HttpResponse response;
            if (request.path == "/good") {
                response.body = R"({"height":3})";
            } else if (request.path == "/html") {
                response.body = "<html>";
            } else if (request.path == "/plain") {
                response.status = 500;
                response.body = "broken";
            } else {
                response = node::http_error(404, "not_found", "no session 7");
            }
            reply(response);
        }};
    const JsonApi api{server.url("") + "//", "tok"};
    CHECK(api.url() == server.url(""));
    const auto good = api.get("/good");
    REQUIRE(good);
    CHECK(json_number(*good, "height") == 3);
    CHECK(seen_token == "tok");
    const auto missing = api.get("/missing");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().status == 404);
    CHECK(missing.error().text.ends_with("/missing: 404: no session 7"));
    CHECK(api.get("/plain").error().text.ends_with("500: broken"));
    CHECK(api.get("/html").error().text.ends_with("the answer is not JSON"));
    const auto silent = JsonApi{"http://127.0.0.1:1", ""}.get("/good");
    REQUIRE_FALSE(silent);
    CHECK(silent.error().status == 0);
    CHECK_FALSE(silent.error().text.empty());
}

SCENARIO("waiting ends when the condition holds, or at the deadline") {
    int asked{0};
    CHECK(wait_until(Deadline{std::chrono::seconds{10}}, [&asked] { return ++asked == 3; }));
    CHECK(asked == 3);
    asked = 0;
    CHECK_FALSE(wait_until(Deadline{std::chrono::milliseconds{0}}, [&asked] {
        ++asked;
        return false;
    }));
    CHECK(asked == 1);
}
