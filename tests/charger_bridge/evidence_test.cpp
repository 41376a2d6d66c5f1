// The raw texts of charges: kept, listed and given out by the hash that the record names.

#include "charger_bridge/session/evidence.h"

#include "charger_bridge/evidence_api.h"
#include "charger_bridge/ocpp/frame.h"
#include "ledger/base/memory_store.h"
#include "ledger/crypto/sha256.h"
#include "node/link/evidence_file.h"
#include "node/runtime/http_server.h"
#include "tests/charger_bridge/begin_charge.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <sstream>

namespace tally::bridge::test {

using namespace std::chrono_literals;

namespace {

namespace json = boost::json;

/// A charge of `samples` minutes; gives the record that went to the node.
MeteredCharge charge(Site& site, int samples) {
    const std::int32_t transaction = begin_charge(site);
    for (int minute = 1; minute <= samples; ++minute) {
        site.pass(60s);
        REQUIRE(site.values(1, transaction, 1'000 + minute * 100));
    }
    site.pass(60s);
    REQUIRE(site.stop(transaction, 1'100 + samples * 100));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    return ended.front().metered;
}

/// A sample in a text of 1,000 bytes.
void say_at_length(Site& site, std::int32_t transaction, std::int64_t register_wh) {
    ValuesFacts facts;
    facts.connector = 1;
    facts.transaction = TransactionName{std::int64_t{transaction}};
    MeterSample sample;
    sample.time = site.now.wall;
    sample.register_wh = register_wh;
    facts.samples = {sample};
    const CallKey call{site.station, "v" + std::to_string(register_wh)};
    site.feed(MeterValuesCalled{call, facts, std::string(1'000, 'v')});
    site.settle();
}

node::HttpResponse get(Site& site, const std::string& path, const std::string& after = "") {
    node::HttpRequest request;
    request.method = "GET";
    request.path = "/api/v1/evidence" + path;
    if (!after.empty()) {
        request.query["after"] = after;
    }
    return evidence_answer(site.store(), request);
}

json::object listed(Site& site, const std::string& after = "") {
    const node::HttpResponse response = get(site, "", after);
    REQUIRE(response.status == 200);
    return json::parse(response.body).as_object();
}

/// As an auditor computes it from what was given out.
Hash hash_of(const std::string& file) {
    std::istringstream lines{file};
    std::string line;
    REQUIRE(std::getline(lines, line));
    Hash hash = evidence_begin(fixed_from_hex<SessionId>(line).value());
    while (std::getline(lines, line)) {
        hash = evidence_add(hash, std::string_view{json::parse(line).as_string()});
    }
    return hash;
}

}  // namespace

TEST_CASE("evidence: the texts of a charge have the hash that its record names") {
    Site site;
    const MeteredCharge metered = charge(site, 3);
    const json::object page = listed(site);
    const json::array& items = page.at("items").as_array();
    REQUIRE(items.size() == 1);
    CHECK(items[0].at("authorization").as_string() == to_text(metered.authorization).c_str());
    CHECK(items[0].at("hash").as_string() == to_hex(metered.evidence).c_str());
    CHECK(page.if_contains("next") == nullptr);

    const node::HttpResponse texts = get(site, "/" + to_hex(metered.evidence));
    REQUIRE(texts.status == 200);
    CHECK(hash_of(texts.body) == metered.evidence);
    CHECK(listed(site, to_hex(metered.evidence)).at("items").as_array().empty());
}

TEST_CASE("evidence: more texts than a scan gives at once are whole") {
    Site site;
    const MeteredCharge metered = charge(site, 600);
    const node::HttpResponse texts = get(site, "/" + to_hex(metered.evidence));
    REQUIRE(texts.status == 200);
    CHECK(hash_of(texts.body) == metered.evidence);
}

TEST_CASE("evidence: a charge with more than 1 MiB keeps begin and end, and can be computed") {
    Site site;
    const std::int32_t transaction = begin_charge(site);
    constexpr std::int64_t samples{2'000};
    for (std::int64_t i = 1; i <= samples; ++i) {
        site.pass(10s);
        say_at_length(site, transaction, 1'000 + i * 10);
    }
    REQUIRE(site.stop(transaction, 30'000));
    const auto ended = site.durable_of<node::ChargeEnded>();
    REQUIRE(ended.size() == 1);
    const MeteredCharge metered = ended.front().metered;
    const auto found = find_evidence(site.store(), metered.evidence);
    REQUIRE(found);
    REQUIRE(*found);
    const KeptEvidence& kept = **found;
    CHECK(kept.is_whole);
    CHECK(is_within_bounds(node::EvidenceFile{kept.session, kept.texts}));
    const node::HttpResponse texts = get(site, "/" + to_hex(metered.evidence));
    REQUIRE(texts.status == 200);
    CHECK(hash_of(texts.body) == metered.evidence);

    const std::size_t count = kept.texts.size();
    REQUIRE(count > 4);
    CHECK(kept.texts.front().starts_with("start"));
    // What was left out is said where it begins, and at the end how much it was.
    CHECK(kept.texts[count - 3].starts_with(R"({"tally":"evidence_full","texts":)"));
    CHECK(kept.texts[count - 2].starts_with("stop"));
    const json::object last = json::parse(kept.texts[count - 1]).as_object();
    CHECK(last.at("tally").as_string() == "metering");
    CHECK(last.at("left_out").as_int64() + static_cast<std::int64_t>(count) == samples + 4);
    CHECK(site.count_notes("evidence_full") == 1);
}

TEST_CASE("evidence: each kind of text leaves room for those that matter more, in bytes") {
    Session session;
    session.evidence = evidence_begin(session.id);
    WriteBatch batch;
    const std::string text(1'000, 'x');
    for (const EvidenceKind kind : {EvidenceKind::sample, EvidenceKind::signed_sample,
                                    EvidenceKind::edge, EvidenceKind::own}) {
        const std::uint32_t left_out = session.evidence_left_out;
        for (int i = 0; i < 2'000; ++i) {
            add_evidence_text(batch, session, text, kind);
        }
        CHECK(session.evidence_left_out > left_out);
        CHECK(session.evidence_bytes <= evidence_room(kind).bytes + 100);  // and the statement
        CHECK(session.evidence_bytes + text.size() > evidence_room(kind).bytes);
    }
    CHECK(session.evidence_bytes <= evidence_bytes_max);
    MemoryStore store;
    session.authorization.signer = party_from_text("BBB").value();
    put_evidence_name(batch, session);
    REQUIRE(store.write(batch, true));
    const auto kept = find_evidence(store, session.evidence);
    REQUIRE(kept);
    REQUIRE(*kept);
    CHECK((*kept)->is_whole);
    CHECK((*kept)->texts.size() == session.evidence_count);
    // The end of the charge fits behind the fullest it can be without it.
    CHECK(evidence_room(EvidenceKind::edge).bytes -
              evidence_room(EvidenceKind::signed_sample).bytes >=
          2 * ocpp_text_bytes_max);
}

TEST_CASE("evidence: the number of texts is bounded likewise") {
    Session session;
    WriteBatch batch;
    for (std::uint32_t i = 0; i <= evidence_count_max; ++i) {
        add_evidence_text(batch, session, "x", EvidenceKind::sample);
    }
    const std::uint32_t samples = session.evidence_count;
    CHECK(samples == evidence_room(EvidenceKind::sample).count + 1);  // the statement
    add_evidence_text(batch, session, "x", EvidenceKind::edge);
    CHECK(session.evidence_count == samples + 1);
    erase_evidence(batch, session);
    CHECK(session.evidence_left_out == 0);
    CHECK(session.evidence_count == 0);
}

TEST_CASE("evidence: what is not whole any more is not given out") {
    Site site;
    const MeteredCharge metered = charge(site, 3);
    const auto kept = find_evidence(site.store(), metered.evidence);
    REQUIRE(kept);
    REQUIRE(*kept);
    CHECK((*kept)->is_whole);
    WriteBatch batch;
    Session session;
    session.id = (*kept)->session;
    session.evidence_count = 2;
    batch.erase(evidence_text_key(session));
    REQUIRE(site.store().write(batch, true));
    CHECK(get(site, "/" + to_hex(metered.evidence)).status == 410);
}

TEST_CASE("evidence: charges are listed a bounded number at a time, in order") {
    Site site;
    WriteBatch batch;
    constexpr std::size_t charges{node::http_list_items_max * 2 + 1};
    for (std::size_t i = 0; i < charges; ++i) {
        Session session;
        session.evidence = sha256(as_bytes(std::to_string(i)));
        put_evidence_name(batch, session);
    }
    REQUIRE(site.store().write(batch, true));
    std::string after;
    std::size_t seen{0};
    for (int page = 0; page < 3; ++page) {
        const json::object answer = listed(site, after);
        for (const json::value& item : answer.at("items").as_array()) {
            const std::string hash{item.at("hash").as_string()};
            CHECK(hash > after);
            after = hash;
            ++seen;
        }
        CHECK((answer.if_contains("next") != nullptr) == (page < 2));
    }
    CHECK(seen == charges);
}

TEST_CASE("evidence: a name that does not decode is an error of the store") {
    Site site;
    WriteBatch batch;
    Bytes key{'h'};
    const Hash hash = sha256(as_bytes("x"));
    key.insert(key.end(), hash.data.begin(), hash.data.end());
    batch.put(key, Bytes{1, 2, 3});
    REQUIRE(site.store().write(batch, true));
    CHECK(get(site, "").status == 500);
    CHECK(get(site, "/" + to_hex(hash)).status == 500);
}

}  // namespace tally::bridge::test
