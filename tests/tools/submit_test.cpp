#include "consensus/mempool/mempool.h"
#include "ledger/crypto/sha256.h"
#include "ledger/model/day_bands.h"
#include "node/api/ledger_json.h"
#include "node/runtime/http_client.h"
#include "tests/node/runtime/http_fixture.h"
#include "tests/support/ledger_fixture.h"
#include "tools/submit/action_json.h"
#include "tools/submit/submitter.h"

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

using namespace tally;
using namespace tally::tools;

namespace json = boost::json;
namespace fixture = tally::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string error_of(const std::string& text) {
    const auto action = action_from_json(text);
    return action ? "accepted" : action.error();
}

/// As the HTTP API shows an action, without what only a transaction has.
std::string shown(const Action& action) {
    json::object object = node::to_json(Transaction{{}, 0, action});
    object.erase("id");
    object.erase("not_after_ms");
    return json::serialize(object);
}

std::string hex_key() { return to_hex(public_key_of(fixture::secret_of("AAA/bridge-1"))); }

std::vector<Action> clearing_samples() {
    const AuthorizationRef charge{fixture::party("BBB"), {}};
    RatedCharge rated;
    rated.metered.authorization = charge;
    rated.metered.evse_id = "CN*AAA*E1";
    rated.metered.bridge_id = "bridge-1";
    rated.metered.meter_serial = "M-1";
    rated.metered.readings = {{1'000, 480, 5, false}, {2'000, 480, 9, true}};
    rated.metered.readings[1].activity = Activity::parking;
    rated.metered.readings[1].power_w = 7'000;
    rated.metered.evidence = sha256(as_bytes("meter"));
    rated.tariff = {"std", 7};
    rated.currency = fixture::currency("CNY");
    rated.rated_amount = 12'345;
    rated.amount = 12'000;
    const CreditCharge credit{charge, {fixture::party("AAA"), {}}, rated.currency, 12'000,
                              6'000,  sha256(as_bytes("why"))};
    const TransactionRef credit_ref{fixture::party("AAA"), {}};
    return {RevokeBridge{"bridge-1"},
            SettleCharge{charge, 120'000},
            OpenDispute{charge, 5'000, DisputeReason::duplicate, sha256(as_bytes("proof"))},
            AcceptDispute{charge},
            Arbitrate{charge, 2'500, sha256(as_bytes("decision"))},
            LateCharge{rated},
            credit,
            RebillCharge{credit_ref, rated},
            ConfirmPayment{2'961, rated.currency, fixture::party("BBB"), "camt 7/2"}};
}

std::vector<Action> samples() {
    SetAgreement agreement;
    agreement.partner = fixture::party("BBB");
    agreement.active = false;
    agreement.currency = fixture::currency("CNY");
    agreement.tariffs_offered = {"day", "night"};
    agreement.exposure_cap = 12'345;
    RegisterBridge bridge{"bridge-1", public_key_of(fixture::secret_of("AAA/bridge-1")),
                          BridgeKind::ocpi};
    RegisterBridge tcec = bridge;
    tcec.kind = BridgeKind::tcec;
    RegisterCharger charger;
    charger.evse_id = "CN*AAA*E1";
    charger.station = "ST1";
    charger.connector = 65'535;
    charger.bridge_id = "bridge-1";
    charger.rated_power_w = rated_power_w_max;
    charger.meter_serial = "M-1";
    charger.meter_epoch = 3;
    charger.meter_public_key = {1, 2, 3};
    PublishTariff tariff;
    tariff.ref = {"std", 7};
    tariff.tariff =
        DayBands{fixture::currency("CNY"), {{0, 4'000, 4'000}, {480, 9'000, 0}}, 100, 200, 600}
            .tariff();
    const SetLimit limit{fixture::party("AAA"), fixture::currency("CNY"), 1};
    Countersign countersign;
    countersign.transaction = {fixture::party("HUB"), {}};
    countersign.transaction_hash = sha256(as_bytes("x"));
    ProposeChange promote;
    promote.member = fixture::party("DDD");
    ProposeChange keys;
    keys.kind = ChangeKind::replace_keys;
    keys.member = fixture::party("AAA");
    keys.member_key = ProvenKey{public_key_of(fixture::secret_of("AAA/member-1"))};
    keys.link_key = ProvenKey{public_key_of(fixture::secret_of("AAA/link-1"))};
    ProposeChange parameters;
    parameters.kind = ChangeKind::set_parameters;
    parameters.parameters = Parameters{};
    parameters.parameters->minimum_approval = 10'000;
    parameters.parameters->epoch_blocks_max = 77;
    const VoteOnChange vote{{fixture::party("AAA"), {}}, false};
    const RotateKey rotate{KeyRole::consensus,
                           public_key_of(fixture::secret_of("AAA/consensus-1"))};
    ProposeChange feature;
    feature.kind = ChangeKind::activate_feature;
    feature.feature = 4'000'000'000;
    ProposeChange leg;
    leg.kind = ChangeKind::confirm_leg;
    leg.leg = LegKey{2'961, fixture::currency("CNY"), fixture::party("CCC"), fixture::party("AAA")};
    std::vector<Action> actions{
        agreement,   bridge,     tcec,
        charger,     tariff,     limit,
        countersign, promote,    AdmitFollower{fixture::make_follower("DDD")},
        keys,        parameters, vote,
        rotate,      feature,    leg};
    for (Action& action : actions) {
        fixture::add_possessions(Hash{}, fixture::party("AAA"), action);
    }
    return actions;
}

struct WrongAction {
    const char* text;
    const char* error;
};

void check_refused(const std::vector<WrongAction>& cases) {
    for (const WrongAction& wrong : cases) {
        INFO(wrong.text << ": " << error_of(wrong.text));
        CHECK(contains(error_of(wrong.text), wrong.error));
    }
}

}  // namespace

SCENARIO("what the API shows of an action is read back as the same action") {
    std::vector<Action> actions = samples();
    for (const Action& action : clearing_samples()) {
        actions.push_back(action);
    }
    for (const Action& action : actions) {
        const std::string text = shown(action);
        const auto read = action_from_json(text);
        INFO(text);
        REQUIRE(read);
        CHECK(*read == action);
    }
}

SCENARIO("what may be left out of an action has its default") {
    const auto agreement =
        action_from_json(R"({"action":"SetAgreement","partner":"BBB","currency":"CNY"})");
    REQUIRE(agreement);
    CHECK(std::get<SetAgreement>(*agreement).active);
    const auto bridge = action_from_json(
        R"({"action":"RegisterBridge","bridge_id":"b","public_key":")" + hex_key() + "\"}");
    REQUIRE(bridge);
    CHECK(std::get<RegisterBridge>(*bridge).kind == BridgeKind::site);
    const auto charger =
        action_from_json(R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,)"
                         R"("bridge_id":"b","rated_power_w":60000,"meter_serial":"M"})");
    REQUIRE(charger);
    CHECK(std::get<RegisterCharger>(*charger).meter_epoch == RegisterCharger{}.meter_epoch);
    CHECK(std::get<RegisterCharger>(*charger).meter_public_key.empty());
}

SCENARIO("a wrong dispute or correction is refused with the field's name") {
    const std::string ref = "BBB-" + std::string(32, '0');
    const auto with = [&ref](const std::string& fields) {
        return R"({"authorization":")" + ref + "\"," + fields + "}";
    };
    const auto refused = [&with](const std::string& fields, const char* error) {
        INFO(fields << ": " << error_of(with(fields)));
        CHECK(contains(error_of(with(fields)), error));
    };
    refused(R"("action":"OpenDispute","disputed":"1","reason":"x")", "reason: must be one of");
    refused(R"("action":"OpenDispute","disputed":1,"reason":"price")", "disputed: must be a text");
    refused(R"("action":"OpenDispute","disputed":"0","reason":"price")", "OpenDispute");
    refused(R"("action":"OpenDispute","disputed":"1","reason":"price","evidence":"00")",
            "evidence: must be 64 hexadecimal digits");
    refused(R"("action":"AcceptDispute","amount":"1")", "amount: is not a known key");
    refused(R"("action":"Arbitrate","amount":"-1")", "amount: must be");
    refused(R"("action":"CreditCharge","record":"?","currency":"CNY","charged":"1","amount":"1")",
            "record: must look like");
    refused(R"("action":"LateCharge","evse_id":"E","bridge_id":"B","meter_serial":"M",)"
            R"("meter_epoch":0,"readings":[{"time_ms":1,"utc_offset_minutes":900,)"
            R"("register_wh":1}])",
            "readings[0].utc_offset_minutes: must be");
    refused(R"("action":"LateCharge","evse_id":"E","bridge_id":"B","meter_serial":"M",)"
            R"("meter_epoch":0,"readings":[{"time_ms":1,"utc_offset_minutes":0,)"
            R"("register_wh":1,"activity":"x"}])",
            "readings[0].activity: must be one of");
    CHECK(contains(error_of(R"({"action":"AcceptDispute"})"), "authorization: is missing"));
    const auto dispute =
        action_from_json(with(R"("action":"OpenDispute","disputed":"1.5","reason":"time")"));
    REQUIRE(dispute);
    CHECK(std::get<OpenDispute>(*dispute).disputed == 15'000);
    CHECK(std::get<OpenDispute>(*dispute).evidence == Hash{});
}

SCENARIO("every wrong field of an action is refused with its name and rule") {
    check_refused({
        {"", "not JSON"},
        {"[]", "document: must be an object"},
        {"{}", "action: is missing"},
        {R"({"action":"StartCharge"})", "action: must be one of SetAgreement"},
        {R"({"action":"setlimit"})", "action: must be one of"},
        {R"({"action":"SetLimit","member":"AA","currency":"CNY","limit":"1"})", "member: must be"},
        {R"({"action":"SetLimit","member":"AAA","currency":"?","limit":"1"})", "currency: must be"},
        {R"({"action":"SetLimit","member":"AAA","currency":"CNY","limit":1})",
         "limit: must be a t"},
        {R"({"action":"SetLimit","member":"AAA","currency":"CNY","limit":"-1"})", "limit: must be"},
        {R"({"action":"SetLimit","member":"AAA","currency":"CNY"})", "limit: is missing"},
        {R"({"action":"SetLimit","member":"AAA","currency":"CNY","limit":"1","x":1})", "x: is not"},
        {R"({"action":"SetLimit","member":"AAA","member":"BBB","currency":"CNY","limit":"1"})",
         "member: is given twice"},
        {R"({"action":"SetAgreement","partner":"BBB","currency":"CNY","active":1})",
         "active: must"},
        {R"({"action":"SetAgreement","partner":"BBB","currency":"CNY","tariffs_offered":[1]})",
         "tariffs_offered: must be a list of texts"},
        {R"({"action":"SetAgreement","partner":"BBB","currency":"CNY","tariffs_offered":["a b"]})",
         "tariffs_offered: "},
        {R"({"action":"RegisterBridge","bridge_id":"a b","public_key":""})",
         "bridge_id: must be 1"},
        {R"({"action":"RegisterBridge","bridge_id":"","public_key":""})", "bridge_id: must be 1"},
        {R"({"action":"RegisterBridge","bridge_id":"b","public_key":"zz"})", "public_key: must be"},
        {R"({"action":"RegisterBridge","bridge_id":"b","public_key":"","kind":"x"})", "public_key"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":0})",
         "connector: must be a whole number from 1"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":65536})",
         "connector: must be a whole number from 1 to 65535"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,"bridge_id":"b",
          "rated_power_w":0})",
         "rated_power_w: must be a whole number from 1 to 10000000"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,"bridge_id":"b",
          "rated_power_w":10000001,"meter_serial":"M"})",
         "rated_power_w: must be a whole number from 1 to 10000000"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,"bridge_id":"b",
          "rated_power_w":1,"meter_serial":"M","meter_epoch":-1})",
         "meter_epoch: must be a whole"},
        {R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,"bridge_id":"b",
          "rated_power_w":1,"meter_serial":"M","meter_public_key":"0"})",
         "meter_public_key: must be hexadecimal"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1})", "tariff: is missing"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":0,"tariff":{}})", "version: must"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1,"tariff":5})",
         "tariff: must be an object"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1,"tariff":{"currency":"CNY",
          "bands":[{"start_minute":1440,"energy_price":"1"}]}})",
         "tariff.bands[0].start_minute: must be a whole number from 0 to 1439"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1,"tariff":{"currency":"CNY",
          "bands":[{"start_minute":5,"energy_price":"1"}]}})",
         "tariff: bands must start at minute 0"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1,"tariff":{"currency":"CNY"}})",
         "tariff: bands must start at minute 0"},
        {R"({"action":"PublishTariff","tariff_id":"t","version":1,"tariff":{"currency":"CNY",
          "bands":[{"start_minute":0,"energy_price":"1"}],"tax_rate":10001}})",
         "tariff.tax_rate: must be"},
        {R"({"action":"Countersign","transaction":"AAA","transaction_hash":""})",
         "transaction: mus"},
        {R"({"action":"Countersign","transaction":"AAA-00000000000000000000000000000000",
          "transaction_hash":"00"})",
         "transaction_hash: must be 64"},
    });
}

SCENARIO("every wrong field of a change of members is refused with its name and rule") {
    check_refused({
        {R"({"action":"AdmitFollower"})", "member: is missing"},
        {R"({"action":"AdmitFollower","member":7})", "member: must be an object"},
        {R"({"action":"AdmitFollower","member":{"party":"DD"}})", "member.party: must be three"},
        {R"({"action":"ProposeChange","kind":"dismiss","member":"AAA"})",
         "kind: must be one of promote"},
        {R"({"action":"ProposeChange","kind":"demote"})", "member: is missing"},
        {R"({"action":"ProposeChange","kind":"replace_keys","member":"AAA"})",
         "ProposeChange: has a field out of bounds"},
        {R"({"action":"ProposeChange","kind":"promote","member":"AAA","link_key":"7"})",
         "link_key: must be 66"},
        {R"({"action":"ProposeChange","kind":"activate_feature"})", "feature: is missing"},
        {R"({"action":"ProposeChange","kind":"activate_feature","feature":0})", "feature: must be"},
        {R"({"action":"ProposeChange","kind":"confirm_leg"})", "cycle: is missing"},
        {R"({"action":"ProposeChange","kind":"confirm_leg","cycle":1,"currency":"CNY",
             "debtor":"AAA","creditor":"AAA"})",
         "ProposeChange: has a field out of bounds"},
        {R"({"action":"ProposeChange","kind":"set_parameters"})", "parameters: is missing"},
        {R"({"action":"ProposeChange","kind":"set_parameters","parameters":{"delta_ms":50}})",
         "parameters.start_window_ms: is missing"},
        {R"({"action":"VoteOnChange","proposal":"AAA"})", "proposal: must look like"},
        {R"({"action":"VoteOnChange","proposal":"AAA-00000000000000000000000000000000"})",
         "approve: is missing"},
        {R"({"action":"RotateKey","role":"bank","new_key":""})", "role: must be"},
    });
    const std::string unproven =
        R"({"action":"RotateKey","role":"link","new_key":")" + hex_key() + "\"";
    CHECK(contains(error_of(unproven + "}"), "possession: is missing"));
    CHECK(contains(error_of(unproven + R"(,"possession":"00"})"), "possession: must be 128"));
}

SCENARIO("what was read can always be signed") {
    // Bounds of the reader and of the encoder must agree: encoding ENSUREs its bounds.
    const std::string agreement{
        R"({"action":"SetAgreement","partner":"BBB","currency":"CNY","tariffs_offered":)"};
    const std::string charger{
        R"({"action":"RegisterCharger","evse_id":"E","station":"S","connector":1,)"
        R"("bridge_id":"b","meter_serial":"M","rated_power_w":)"};
    const std::string zero_key(66, '0');
    const std::vector<std::string> texts{
        agreement + R"([],"exposure_cap":"1000000000"})",
        agreement + R"(["a","a"]})",
        agreement + R"([")" + std::string(64, 'x') + "\"]}",
        R"({"action":"RegisterBridge","bridge_id":"b","public_key":")" + zero_key + "\"}",
        charger + "10000000}",
        charger + "4294967295}",
        R"({"action":"PublishTariff","tariff_id":"t","version":4294967295,"tariff":)"
        R"({"currency":"CNY","bands":[{"start_minute":0,"energy_price":"1000000000"}]}})",
        R"({"action":"SetLimit","member":"AAA","currency":"CNY","limit":"1000000000"})"};
    std::size_t accepted{0};
    for (const std::string& text : texts) {
        if (const auto action = action_from_json(text)) {
            INFO(text);
            ++accepted;
            CHECK(is_within_bounds(*action));
        }
    }
    CHECK(accepted >= 4);
}

SCENARIO(
    "actions are signed as envelopes of a good size, posted, and waited for until they are final") {
    std::vector<std::string> bodies;
    unsigned post_status{202};
    int polls_before_final{2};
    node::test::RunningServer server{
        [&](const node::HttpRequest& request, const node::HttpReply& reply) {
            node::HttpResponse response;
            if (request.method == "POST") {
                bodies.push_back(request.body);
                response.status = post_status;
                response.body = "answer to the post";
            } else if (polls_before_final-- > 0) {
                response = node::http_error(404, "not_found", "not yet");
            } else {
                response.body = R"({"height":17,"result":"ok"})";
            }
            reply(response);
        }};
    const Genesis genesis = fixture::make_genesis();
    const SubmitAs as{fixture::party("AAA"), fixture::secret_of("AAA/member"), genesis.chain_id(),
                      server.url("")};
    const std::vector<Action> actions{samples().at(0), samples().at(5)};
    const auto finals = submit_and_wait(as, actions, std::chrono::seconds{10});
    REQUIRE(finals);
    REQUIRE(finals->size() == 2);
    CHECK(finals->front().height == 17);
    CHECK(finals->front().result == "ok");
    REQUIRE(bodies.size() == 1);
    const auto envelope = decode_envelope(as_bytes(bodies.front()));
    REQUIRE(envelope);
    CHECK(envelope->signer == as.member);
    REQUIRE(envelope->transactions.size() == 2);
    CHECK(decode_transaction(envelope->transactions[1])->action == actions[1]);
    CHECK(decode_transaction(envelope->transactions[1])->id == finals->at(1).ref.id);
    CHECK(
        verify_signature(public_key_of(as.member_key),
                         envelope_signing_digest(as.chain_id, as.member, envelope_root(*envelope)),
                         envelope->signature));

    bodies.clear();
    const std::vector<Action> many(300, samples().at(0));
    const auto submission = submit_actions(as, many);
    REQUIRE(submission);
    CHECK(submission->refs.size() == many.size());
    REQUIRE(bodies.size() > 1);
    REQUIRE(submission->last.size() == bodies.size());
    std::size_t posted{0};
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        CHECK(bodies[i].size() <= consensus::large_envelope_bytes);
        posted += decode_envelope(as_bytes(bodies[i])).value().transactions.size();
        CHECK(submission->last[i] == submission->refs.at(posted - 1));
    }
    CHECK(posted == many.size());

    polls_before_final = INT32_MAX;
    const auto late = submit_and_wait(as, {samples().at(5)}, std::chrono::milliseconds{30});
    REQUIRE_FALSE(late);
    CHECK(contains(late.error(), "not final in time"));
    post_status = 403;
    const auto refused = submit_actions(as, {samples().at(5)});
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error(), "403: answer to the post"));
    SubmitAs nowhere = as;
    nowhere.api = "http://127.0.0.1:1";
    CHECK_FALSE(submit_actions(nowhere, {samples().at(5)}));
}
