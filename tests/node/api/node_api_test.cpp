// What a node says of itself over HTTP, what needs the token, and what it answers to envelopes.

#include "node/runtime/http_client.h"
#include "tests/node/api/api_fixture.h"
#include "tests/node/runtime/http_fixture.h"

#include <fstream>
#include <iterator>

using namespace tally;
using namespace tally::node;
using namespace tally::node::test;

SCENARIO("health, readiness with reasons, and metrics") {
    Api api;
    CHECK(api.read("/livez").at("live").as_bool());
    CHECK(api.read("/readyz").at("ready").as_bool());
    api.backend.reasons = {"linked to 1 validators, a quorum needs 2"};
    const HttpResponse not_ready = api.get("/readyz");
    CHECK(not_ready.status == 503);
    CHECK(json::parse(not_ready.body).at("reasons").as_array().at(0).as_string() ==
          api.backend.reasons.front());
    CHECK(api.get("/livez").status == 200);
    CHECK(api.get("/metrics").body == "tally_height 8\n");
    CHECK(api.get("/metrics").content_type.starts_with("text/plain; version=0.0.4"));
}

SCENARIO("the status names the node, its chain and whom it is linked to") {
    Api api;
    const json::object status = api.read("/api/v1/status");
    CHECK(text(status, "member") == "AAA");
    CHECK(text(status, "role") == "operator");
    CHECK(text(status, "chain_id") == to_hex(api.backend.genesis().chain_id()));
    CHECK(status.at("height").to_number<std::uint64_t>() == api.backend.blocks.size());
    CHECK(text(status, "digest") == to_hex(api.backend.ledger().final_digest()));
    CHECK(text(status, "state_root") == to_hex(api.backend.ledger().final_header().state_root));
    CHECK(status.at("peers").as_array() == json::array{"BBB", "HUB"});
    CHECK(status.at("validators").as_array().size() == 4);
    CHECK(status.at("bridges").as_array() == json::array{"bridge-1"});
}

SCENARIO("epoch, proposals and evidence are shown") {
    Api api;
    const json::value epoch = api.read("/api/v1/epoch");
    CHECK(epoch.at("epoch").to_number<std::uint64_t>() == 0);
    CHECK(epoch.at("first_height").to_number<std::uint64_t>() == 1);
    CHECK(epoch.at("validators").as_array().size() == 4);
    CHECK(epoch.at("wanted") == epoch.at("validators"));
    CHECK_FALSE(epoch.at("changes").as_bool());
    CHECK(epoch.at("parameters").at("delta_ms").to_number<std::uint64_t>() == 50);
    const auto height = epoch.at("height").to_number<std::uint64_t>();
    CHECK(epoch.at("blocks_left").to_number<std::uint64_t>() ==
          epoch.at("blocks_max").to_number<std::uint64_t>() - height);
    CHECK(items_of(api.read("/api/v1/proposals")).empty());
    CHECK(items_of(api.read("/api/v1/evidence")).empty());
}

SCENARIO("consensus says who voted, who is missing, and why views had no block") {
    Api api;
    consensus::DriverStatus& driver = api.backend.driver;
    const auto member = [](const char* name) {
        return consensus::MemberKey{fixture::party(name).data};
    };
    driver.view = 12;
    driver.leader_member = member("BBB");
    driver.validators = {member("AAA"), member("BBB")};
    driver.time_in_view = std::chrono::microseconds{1500};
    driver.entry.emplace();
    driver.entry->kind = VoteKind::nullify;
    driver.entry->view = 11;
    driver.votes = {{.member = member("AAA"), .connected = true, .notarized = true},
                    {.member = member("BBB"), .connected = false}};
    consensus::NullifiedView nullified;
    nullified.view = 11;
    nullified.leader = member("BBB");
    nullified.own_reason = consensus::NullifyReason::no_proposal;
    nullified.signers = {member("AAA")};
    driver.nullified = {nullified};
    const json::value shown = api.read("/api/v1/consensus");
    CHECK(shown.at("leader").as_string() == "BBB");
    CHECK(shown.at("time_in_view_ms").as_double() == Approx(1.5));
    CHECK(shown.at("entry").at("kind").as_string() == "nullification");
    CHECK(shown.at("missing").as_array() == json::array{"BBB"});
    CHECK(shown.at("votes").at(0).at("notarized").as_bool());
    CHECK(shown.at("nullified").at(0).at("own_reason").as_string() == "no_proposal");
    driver.entry.reset();
    CHECK(api.read("/api/v1/consensus").at("entry").is_null());
}

SCENARIO("members and chargers are listed") {
    Api api;
    const json::array members = items_of(api.read("/api/v1/members"));
    REQUIRE(members.size() == 4);
    CHECK(members.at(3).at("party").as_string() == "HUB");
    CHECK_FALSE(members.at(0).at("suspended").as_bool());
    CHECK(members.at(0).at("validator_now").as_bool());
    CHECK(members.at(0).at("consensus_key_now") == members.at(0).at("consensus_key"));
    const json::array own = items_of(api.read("/api/v1/chargers"));
    REQUIRE(own.size() == 1);
    CHECK(own.at(0).at("evse_id").as_string() == "AAA*1");
    CHECK(own.at(0).at("last_register_wh").to_number<std::int64_t>() == 12'000);
    CHECK_FALSE(own.at(0).as_object().contains("busy"));
    CHECK(items_of(api.read("/api/v1/chargers", {{"owner", "BBB"}})).empty());
    CHECK(is_error(api.get("/api/v1/chargers", {{"owner", "BB"}}), 400, "bad_parameter"));
}

SCENARIO("an authorization shows its whole life") {
    Api api;
    const std::string id = text(find_action(api, "StartCharge"), "authorization");
    const json::object shown = api.read("/api/v1/authorizations/" + id);
    CHECK(text(shown, "id") == id);
    CHECK(text(shown, "status") == "settled");
    CHECK(text(shown, "home") == "BBB");
    CHECK(text(shown, "visited") == "AAA");
    CHECK(text(shown, "amount") == "50.0000");
    CHECK(shown.at("height").to_number<int>() == 3);
    CHECK(shown.at("record").at("energy_wh").to_number<int>() == 12'000);
    CHECK(shown.at("record").at("amount").as_string() == "18.0000");
    CHECK(shown.at("end").at("posted").as_string() == "18.0000");
    CHECK(api.read("/api/v1/authorizations/" + id.substr(4)) == shown);
    const std::string charge = text(find_action(api, "StartCharge"), "id");
    CHECK(is_error(api.get("/api/v1/authorizations/" + charge), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/authorizations/"), 404, "not_found"));
}

SCENARIO("sessions and accounts need the token, whole and exact") {
    Api api;
    for (const char* path :
         {"/api/v1/sessions", "/api/v1/sessions/00", "/api/v1/accounts/AAA", "/api/v1/accounts/ZZZ",
          "/api/v1/cycles", "/api/v1/cycles/0", "/api/v1/legs"}) {
        for (const std::string& wrong : {std::string{}, std::string{"s3cret-toke"},
                                         std::string{token} + "x", std::string{"S3CRET-TOKEN"}}) {
            INFO(path << " with " << wrong);
            const HttpResponse refused = api.get(path, {}, wrong);
            CHECK(is_error(refused, 401, "unauthorized"));
            CHECK(refused.headers.at("WWW-Authenticate") == "Bearer");
        }
    }
    NodeApi without{api.backend, ""};
    HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/sessions";
    without.handle(request, [](const HttpResponse& reply) { CHECK(reply.status == 401); });
}

SCENARIO("accounts show both sides of a settled charge") {
    Api api;
    const auto account = [&api](const std::string& member) {
        const json::object shown = api.read("/api/v1/accounts/" + member, {}, token);
        CHECK(text(shown, "member") == member);
        REQUIRE(shown.at("accounts").as_array().size() == 1);
        return shown.at("accounts").as_array().at(0).as_object();
    };
    CHECK(text(account("BBB"), "debits_posted") == "18.0000");
    CHECK(text(account("BBB"), "net_posted") == "-18.0000");
    CHECK(text(account("BBB"), "limit_used") == "18.0000");
    CHECK(text(account("AAA"), "credits_posted") == "18.0000");
    CHECK(text(account("AAA"), "debits_pending") == "0.0000");
    for (const char* unknown : {"ZZZ", "AA", "", "AAA/x"}) {
        const std::string path = std::string{"/api/v1/accounts/"} + unknown;
        CHECK(is_error(api.get(path, {}, token), 404, "not_found"));
    }
}

SCENARIO("a session has numbers for what is known and null for what is not") {
    Api api;
    SessionView session = make_session(1);
    session.authorization = AuthorizationRef{fixture::party("BBB"), {}};
    api.backend.known_sessions = {session};
    const std::string path = "/api/v1/sessions/" + session.id_text();
    json::object shown = api.read(path, {}, token);
    CHECK(text(shown, "id") == session.id_text());
    CHECK(text(shown, "state") == "charging");
    CHECK(shown.at("t_s").as_int64() == 1800);
    CHECK(shown.at("energy_wh").as_int64() == 30'000);
    CHECK(text(shown, "mc") == "20.0000");
    CHECK(text(shown, "mp") == "50.0000");
    CHECK(shown.at("n_percent").as_int64() == 40);
    CHECK(shown.at("ts_s").as_int64() == 2'700);
    CHECK(text(shown, "amount") == "0.0000");
    CHECK(text(shown, "currency") == "CNY");
    CHECK(text(shown, "authorization") == to_text(*session.authorization));

    session.figures = {};
    session.authorization.reset();
    session.currency = {};
    session.state = SessionState::denied;
    session.reason = "no \"agreement\"\n";
    api.backend.known_sessions = {session};
    shown = api.read(path, {}, token);
    CHECK(shown.at("n_percent").is_null());
    CHECK(shown.at("ts_s").is_null());
    CHECK(shown.at("authorization").is_null());
    CHECK_FALSE(shown.contains("currency"));
    CHECK(text(shown, "reason") == session.reason);
    CHECK(
        is_error(api.get("/api/v1/sessions/" + std::string(32, '0'), {}, token), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/sessions/", {}, token), 404, "not_found"));
    CHECK(is_error(api.get("/api/v1/sessions/zz", {}, token), 404, "not_found"));
}

SCENARIO("sessions are listed newest first, a bounded number at a time") {
    Api api;
    for (std::uint8_t number = 1; number <= 120; ++number) {
        api.backend.known_sessions.push_back(make_session(number));
    }
    const auto count = [&api](std::map<std::string, std::string> query) {
        return items_of(api.read("/api/v1/sessions", std::move(query), token)).size();
    };
    CHECK(count({}) == http_list_items_max);
    CHECK(count({{"limit", "7"}}) == 7);
    CHECK(count({{"limit", "100"}}) == 100);
    const json::object page = api.read("/api/v1/sessions", {{"limit", "1"}}, token);
    CHECK(page.at("items").as_array().at(0).at("id").as_string() == make_session(1).id_text());
    for (const char* limit : {"0", "101", "x", "-1"}) {
        CHECK(
            is_error(api.get("/api/v1/sessions", {{"limit", limit}}, token), 400, "bad_parameter"));
    }
}

SCENARIO("every result of an envelope has its HTTP status") {
    struct Case {
        GateResult result;
        unsigned status;
    };
    Api api;
    fixture::TestChain chain;
    const Transaction transaction = chain.transaction(fixture::party("AAA"), some_bridge());
    const Bytes envelope =
        fixture::make_envelope(chain.chain_id(), fixture::party("AAA"), {transaction, transaction});
    for (const Case& wanted :
         {Case{GateResult::added, 202}, Case{GateResult::already_known, 200},
          Case{GateResult::malformed, 400}, Case{GateResult::expired, 400},
          Case{GateResult::unknown_signer, 403}, Case{GateResult::bad_signature, 403},
          Case{GateResult::pool_full, 503}, Case{GateResult::busy, 503}}) {
        api.backend.gate_result = wanted.result;
        const HttpResponse response = api.post(std::string{as_text(envelope)});
        CHECK(response.status == wanted.status);
        const json::object shown = json::parse(response.body).as_object();
        CHECK(text(shown, "result") == to_text(wanted.result));
        CHECK(text(shown, "envelope") == to_hex(envelope_hash(envelope)));
        REQUIRE(shown.at("transactions").as_array().size() == 2);
        CHECK(shown.at("transactions").as_array().at(0).as_string() == to_text(chain.last_ref()));
        CHECK(api.backend.submitted.back() == envelope);
    }
}

SCENARIO("a body that is no envelope never reaches the node") {
    Api api;
    fixture::TestChain chain;
    const Bytes envelope =
        fixture::make_envelope(chain.chain_id(), fixture::party("AAA"),
                               {chain.transaction(fixture::party("AAA"), some_bridge())});
    const std::string whole{as_text(envelope)};
    for (std::size_t length = 0; length < whole.size(); ++length) {
        REQUIRE(is_error(api.post(whole.substr(0, length)), 400, "malformed"));
    }
    CHECK(is_error(api.post(whole + "x"), 400, "malformed"));
    CHECK(is_error(api.post("{}"), 400, "malformed"));
    CHECK(api.backend.submitted.empty());
}

SCENARIO("what is not there is 404 and what is not allowed is 405") {
    Api api;
    for (const char* path :
         {"/", "/api", "/api/v1", "/api/v1/", "/api/v2/status", "/livez/", "/api/v1/status/",
          "/api/v1/statuses", "/api/v1/envelopes", "/api/v1/accounts", "/api/v1/sessionsX",
          "//api/v1/status", "/api/v1//status"}) {
        INFO(path);
        CHECK(is_error(api.get(path, {}, token), 404, "not_found"));
    }
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
        HttpRequest request;
        request.method = method;
        request.path = "/api/v1/status";
        const HttpResponse refused = api.call(request);
        CHECK(is_error(refused, 405, "method_not_allowed"));
        CHECK(refused.headers.at("Allow") == "GET, HEAD");
    }
    HttpRequest request;
    request.method = "DELETE";
    request.path = "/api/v1/envelopes";
    CHECK(api.call(request).headers.at("Allow") == "POST");
}

SCENARIO("the API answers over a real socket, segments byte for byte") {
    Api api;
    node::test::RunningServer server{[&api](const HttpRequest& request, const HttpReply& reply) {
        api.api.handle(request, reply);
    }};
    const auto get = [&server](const std::string& target, const std::string& bearer = "") {
        HttpClientRequest request;
        request.url = server.url(target);
        request.bearer_token = bearer;
        const auto response = http_request(request);
        REQUIRE(response);
        return *response;
    };
    CHECK(get("/readyz").status == 200);
    CHECK(get("/api/v1/accounts/AAA").status == 401);
    CHECK(get("/api/v1/accounts/AAA", token).status == 200);
    CHECK(get("/api/v1/blocks?from=2&limit=2").status == 200);
    CHECK(get("/api/v1/segments/%2e%2e%2fsegments").status >= 400);
    CHECK(get("/api/v1/segments/..%2f..%2fetc%2fpasswd").status >= 400);
    const std::string name = api.backend.ledger().segments().front().name;
    const HttpClientResponse segment = get("/api/v1/segments/" + name);
    REQUIRE(segment.status == 200);
    std::ifstream file{api.backend.segments_folder() + "/" + name, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    CHECK(segment.body == content.substr(0, api.backend.ledger().segments().front().bytes));
    // Bytes that are no UTF-8 come back as valid JSON.
    const HttpClientResponse strange = get("/api/v1/sessions/%ff%22", token);
    CHECK(strange.status == 404);
    boost::json::error_code error;
    static_cast<void>(json::parse(strange.body, error));
    CHECK_FALSE(error);
}
