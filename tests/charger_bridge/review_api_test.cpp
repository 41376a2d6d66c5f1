// Charges held for review, over the site's API.

#include "charger_bridge/review_api.h"

#include "charger_bridge/session/evidence.h"
#include "charger_bridge/signed_texts.h"
#include "ledger/base/memory_store.h"
#include "tests/charger_bridge/ocmf/meter_signer.h"
#include "tests/charger_bridge/site.h"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

namespace tally::bridge::test {

namespace json = boost::json;

namespace {

class SilentNode final : public NodeLine {
public:
    bool send(const node::BridgeMessage& /*message*/) override { return true; }
};

class StillClock final : public Clock {
public:
    [[nodiscard]] UnixMillis now() const override { return start_time; }
    [[nodiscard]] std::chrono::microseconds monotonic() const override {
        return std::chrono::seconds{1'000};
    }
};

/// A charge of 900 Wh as an earlier process left it, held for its signatures.
Session held(std::uint64_t number, bool is_late) {
    Session session;
    session.id.data.fill(static_cast<std::uint8_t>(number));
    session.station = "CP1";
    session.token = "BBB-12345678";
    session.connector = 1;
    session.state = SessionState::in_review;
    session.authorization.signer = *party_from_text("BBB");
    session.prepaid = 50 * money_scale;
    session.transaction = static_cast<std::int32_t>(number);
    session.start_facts = session.evidence = Hash{};
    session.start_facts.data.fill(static_cast<std::uint8_t>(number));
    node::AuthorizeResult::Evse evse;
    evse.connector = 1;
    evse.evse_id = "CN*AAA*E1";
    evse.rated_power_w = 60'000;
    evse.meter_serial = "M1";
    evse.tariff_ref = {"t1", 1};
    evse.tariff = flat_tariff();
    session.evses = {evse};
    session.meter.begin = {start_time - 120'000, 0, 1'000, false};
    session.meter.last = session.meter.begin;
    session.end = {start_time - 60'000, 0, 1'900, false};
    session.review = Review{number, {"signature_missing"}, is_late, start_time - 60'000};
    return session;
}

/// The meter of every charge here, and somebody else's.
const MeterSigner& meter() {
    static const MeterSigner signer{MeterCurve::secp256r1};
    return signer;
}
const MeterSigner& stranger() {
    static const MeterSigner signer{MeterCurve::secp256r1};
    return signer;
}

/// A message of a 2.0.1 charger that carries these texts.
std::string message_with(const std::vector<std::string>& signed_texts) {
    json::array values;
    for (const std::string& text : signed_texts) {
        values.emplace_back(json::object{{"value", 1}, {"signedMeterData", text}});
    }
    return json::serialize(json::array{2, "m", "TransactionEvent", json::object{{"v", values}}});
}

class ReviewSite {
public:
    /// Charge 7 has these messages as its evidence.
    explicit ReviewSite(const std::vector<std::string>& messages = {}) {
        WriteBatch batch;
        for (Session& session : std::vector{held(7, false), held(8, true)}) {
            if (!messages.empty()) {
                session.evses.front().meter_public_key = meter().key_info();
            }
            for (const std::string& message : messages) {
                if (session.review.number == 7) {
                    const ByteView text = as_bytes(message);
                    batch.put(evidence_text_key(session), Bytes{text.begin(), text.end()});
                    ++session.evidence_count;
                }
            }
            Encoder key;
            key.u8(SessionTable::key_prefix).fixed(session.id);
            batch.put(std::move(key).take(), encode_session(session));
        }
        REQUIRE(m_store.write(batch, true));
        BridgeConfig config;
        config.chargers.push_back({{"CP1", 2}, Bytes{1}});
        m_bridge = std::make_unique<Bridge>(
            BridgeParts{m_io, m_store, m_clock, m_random, m_key, m_metrics, m_node, [] {}}, config);
        REQUIRE(m_bridge->load());
    }
    node::HttpResponse ask(const std::string& method, const std::string& path,
                           const std::string& body = "") {
        node::HttpRequest request;
        request.method = method;
        request.path = path;
        request.body = body;
        return review_answer(*m_bridge, request);
    }
    json::object object(const std::string& path) {
        return json::parse(ask("GET", path).body).as_object();
    }

private:
    boost::asio::io_context m_io{1};
    MemoryStore m_store;
    StillClock m_clock;
    CountingRandom m_random;
    KeySigner m_key{[] {
        SecretKey key;
        key.data.fill(7);
        return key;
    }()};
    node::Metrics m_metrics;
    SilentNode m_node;
    std::unique_ptr<Bridge> m_bridge;
};

const std::string account{R"({"by":"eve","reason":"read on site"})"};

}  // namespace

TEST_CASE("the review lists what waits with reasons and figures, and no card number") {
    ReviewSite site;
    const json::object list = site.object("/api/v1/review");
    CHECK(list.at("waiting_count").as_int64() == 2);
    const json::object& first = list.at("waiting").as_array().at(0).as_object();
    CHECK(first.at("number").as_int64() == 7);
    CHECK(first.at("reasons").as_array().at(0).as_string() == "signature_missing");
    CHECK(first.at("end_wh").as_int64() == 1'900);
    CHECK(first.at("not_releasable").as_string().empty());
    CHECK(site.ask("GET", "/api/v1/review").body.find("12345678") == std::string::npos);
    CHECK(site.object("/api/v1/review/8").at("late").as_bool());
    CHECK(site.ask("GET", "/api/v1/review/9").status == 404);
    CHECK(site.ask("GET", "/api/v1/review/x").status == 404);
    CHECK(site.ask("DELETE", "/api/v1/review/7").status == 404);
    CHECK_FALSE(is_review("/api/v1/reviews"));
}

TEST_CASE("the review shows every signed text of a charge, and what is wrong with each") {
    const std::string payload = PayloadParts{}.text();
    const std::string good = meter().record(payload);
    const std::string forged = stranger().record(payload);
    ReviewSite site{{message_with({good}), R"([2,"m","Heartbeat",{}])",
                     message_with({base64_of(as_bytes(forged)), "OCMF|no payload"})}};
    const json::object shown = site.object("/api/v1/review/7");
    const json::array& texts = shown.at("signed_texts").as_array();
    REQUIRE(texts.size() == 3);
    CHECK(texts[0].at("result").as_string() == "valid");
    CHECK(texts[0].at("text").as_string() == good);
    CHECK(texts[1].at("result").as_string() == "signature_wrong");
    CHECK(texts[1].at("text").as_string() == forged);
    CHECK(texts[1].at("why").as_string().find("was not made with this key") != json::string::npos);
    CHECK(texts[2].at("result").as_string() == "unreadable");
    CHECK_FALSE(texts[2].at("why").as_string().empty());
    CHECK(shown.at("signed_texts_left_out").as_int64() == 0);
    CHECK(site.object("/api/v1/review/8").at("signed_texts").as_array().empty());
}

TEST_CASE("limit: signed texts of a held charge that are judged; those at both ends are") {
    const std::string payload = PayloadParts{}.text();
    const std::string large = "OCMF|" + std::string(signed_text_bytes_max, 'x');
    std::vector<std::string> messages{message_with({meter().record(payload)})};
    for (std::size_t i = 0; i < signed_texts_judged_max; ++i) {
        messages.push_back(message_with({"OCMF|" + std::to_string(i)}));
    }
    messages.push_back(message_with({large}));
    MeterTrust trust;
    const SignedTexts without_key = signed_texts_of(messages, trust);
    CHECK(without_key.judged.size() == signed_texts_judged_max);
    CHECK(without_key.left_out == 2);
    CHECK(without_key.judged.front().result == "no_key");
    CHECK(without_key.judged.back().result == "too_large");
    CHECK(without_key.judged.back().text.size() == signed_text_bytes_max);
    trust.key = meter().key();
    CHECK(signed_texts_of(messages, trust).judged.front().result == "valid");
    messages.resize(signed_texts_judged_max);
    CHECK(signed_texts_of(messages, trust).left_out == 0);
}

TEST_CASE("a decision needs somebody who makes it and a reason, and is made once") {
    ReviewSite site;
    const std::string path{"/api/v1/review/7/release"};
    for (const char* const body : {"", "[]", "{}", R"({"by":"eve"})", R"({"by":"","reason":"x"})",
                                   R"({"by":"eve","reason":"\n"})"}) {
        CHECK(site.ask("POST", path, body).status == 400);
    }
    const std::string long_reason(review_why_bytes_max + 1, 'x');
    CHECK(site.ask("POST", path, R"({"by":"eve","reason":")" + long_reason + "\"}").status == 400);
    CHECK(site.ask("GET", path).status == 404);
    const auto released = site.ask("POST", path, account);
    CHECK(released.status == 200);
    CHECK(json::parse(released.body).as_object().at("outcome").as_string() == "released");
    CHECK(site.ask("POST", path, account).status == 409);
    const json::object shown = site.object("/api/v1/review/7");
    CHECK(shown.at("by").as_string() == "eve");
    CHECK(shown.at("why").as_string() == "read on site");
    const json::object list = site.object("/api/v1/review");
    CHECK(list.at("waiting_count").as_int64() == 1);
    CHECK(list.at("decided").as_array().size() == 1);
}

TEST_CASE("a charge that is released late comes as the late charge that both operators submit") {
    ReviewSite site;
    const auto released = site.ask("POST", "/api/v1/review/8/release", account);
    REQUIRE(released.status == 200);
    const json::object answer = json::parse(released.body).as_object();
    CHECK(answer.at("outcome").as_string() == "released_late");
    const json::object& late = answer.at("late_charge").as_object();
    CHECK(late.at("action").as_string() == "LateCharge");
    CHECK(late.at("rated_amount").as_string() == "1.0800");
    CHECK(late.at("amount").as_string() == "1.0800");
    CHECK(late.at("readings").as_array().size() == 2);
    CHECK(site.object("/api/v1/review/8").at("late_charge").as_object() == late);
    CHECK(site.ask("POST", "/api/v1/review/8/reject", account).status == 409);
}

TEST_CASE("a rejected charge is listed with its reason") {
    ReviewSite site;
    CHECK(site.ask("POST", "/api/v1/review/7/reject", account).status == 200);
    CHECK(site.object("/api/v1/review/7").at("outcome").as_string() == "rejected");
    CHECK(site.ask("POST", "/api/v1/review/99/reject", account).status == 404);
}

}  // namespace tally::bridge::test
