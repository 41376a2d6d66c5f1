// Sub-logs and proofs of the state over HTTP: what is given can be checked with the genesis alone.

#include "node/api/proof_api.h"

#include "ledger/audit/sublog_check.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"
#include "ledger/state/table_names.h"
#include "tests/ledger/store/test_ledger.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <map>

namespace tally::node {
namespace {

namespace json = boost::json;
namespace fixture = tally::test;

using Query = std::map<std::string, std::string>;

const PartyId aaa = fixture::party("AAA");

struct Api {
    fixture::FilledLedger filled{fixture::make_history()};

    [[nodiscard]] const Ledger& ledger() { return filled.ledger.get(); }
    [[nodiscard]] HttpResponse sublog(const std::string& member, Query query = {}) {
        HttpRequest request;
        request.path = "/api/v1/sublog/" + member;
        request.query = std::move(query);
        return sublog_page(ledger(), request, member);
    }
    [[nodiscard]] json::object page(const std::string& member, Query query = {}) {
        const HttpResponse response = sublog(member, std::move(query));
        REQUIRE(response.status == 200);
        return json::parse(response.body).as_object();
    }
    [[nodiscard]] HttpResponse state(const std::string& what, Query query) {
        HttpRequest request;
        request.path = "/api/v1/state/" + what;
        request.query = std::move(query);
        return state_proof(ledger(), request, what);
    }
    [[nodiscard]] StateReceipt proof(const std::string& what, Query query) {
        const HttpResponse response = state(what, std::move(query));
        INFO(response.body);
        REQUIRE(response.status == 200);
        CHECK(response.content_type == "application/octet-stream");
        const auto receipt = StateReceipt::decode(as_bytes(response.body));
        REQUIRE(receipt);
        CHECK_FALSE(verify_state_receipt(*receipt, filled.ledger.genesis()));
        return *receipt;
    }
};

bool is_error(const HttpResponse& response, unsigned status, const std::string& code) {
    return response.status == status &&
           json::parse(response.body).at("error").at("code").as_string() == code;
}

Hash hash_of(const json::value& text) {
    return fixed_from_hex<Hash>(std::string{text.as_string()}).value();
}

std::uint64_t number(const json::value& value) { return value.to_number<std::uint64_t>(); }

}  // namespace

SCENARIO("a sub-log is given page by page, and its leaves lead to count and root in the state") {
    Api api;
    const SublogRecord record = find_sublog(api.ledger().final_state(), aaa);
    SublogCheck check{record};
    std::uint64_t from{0};
    while (from < record.log.size()) {
        const json::object page = api.page("AAA", {{"from", std::to_string(from)}, {"count", "3"}});
        CHECK(number(page.at("count")) == record.log.size());
        CHECK(hash_of(page.at("root")) == record.log.root());
        CHECK(page.at("subtrees").as_array().size() == record.log.subtrees().size());
        CHECK(number(page.at("available_from")) == 0);
        CHECK(number(page.at("height")) == api.ledger().final_header().height);
        const json::array items = page.at("items").as_array();
        REQUIRE_FALSE(items.empty());
        for (const json::value& item : items) {
            CHECK(number(item.at("number")) == from);
            Leaf leaf{number(item.at("leaf_index")), number(item.at("height")),
                      hash_of(item.at("hash")), PartyId{}, ResultCode::ok};
            if (item.at("signer").is_string()) {
                leaf.signer = *party_from_text(std::string{item.at("signer").as_string()});
            }
            for (const ResultCode code :
                 {ResultCode::ok, ResultCode::unknown_authorization, ResultCode::no_agreement}) {
                if (item.at("result").as_string() == to_text(code)) {
                    leaf.result = code;
                }
            }
            CHECK(leaf.leaf_hash() == hash_of(item.at("leaf_hash")));
            check.add(leaf.leaf_hash());
            ++from;
        }
    }
    CHECK_FALSE(check.problem());
    CHECK(api.page("AAA", {{"from", std::to_string(from)}}).at("items").as_array().empty());
    CHECK(api.page("AAA").at("items").as_array().size() == record.log.size());
    CHECK(api.page("AAA", {{"count", "100"}}).at("items").as_array().size() == record.log.size());
}

SCENARIO("a sub-log is refused with the reason") {
    Api api;
    CHECK(is_error(api.sublog("ZZZ"), 404, "not_found"));
    CHECK(is_error(api.sublog("AAAA"), 404, "not_found"));
    CHECK(is_error(api.sublog(""), 404, "not_found"));
    for (const char* count : {"0", "101", "-1", "x", ""}) {
        CHECK(is_error(api.sublog("AAA", {{"count", count}}), 400, "bad_parameter"));
    }
    CHECK(is_error(api.sublog("AAA", {{"from", "x"}}), 400, "bad_parameter"));
    CHECK(api.page("AAA", {{"from", "18446744073709551615"}}).at("items").as_array().empty());
}

SCENARIO("a key of every table is proven present or absent") {
    Api api;
    for (const Table table : tree_tables) {
        const std::string name{to_text(table)};
        INFO(name);
        CHECK(table_from_text(name) == table);
        const StateReceipt absent = api.proof("proof", {{"table", name}, {"key", "00ff"}});
        CHECK_FALSE(std::get<StateReceipt::Entry>(absent.content).value);
        const auto first = api.ledger().final_state().next(keys::table(table), keys::table(table));
        if (first) {
            const std::string key = to_hex(ByteView{first->key}.subspan(1));
            const StateReceipt there = api.proof("proof", {{"table", name}, {"key", key}});
            CHECK(std::get<StateReceipt::Entry>(there.content).value == first->value);
        }
    }
    // The table alone is the key of what there is one of.
    const StateReceipt scheme = api.proof("proof", {{"table", "scheme"}});
    CHECK(std::get<StateReceipt::Entry>(scheme.content).value);
}

SCENARIO("ranges are proven") {
    Api api;
    const StateReceipt whole = api.proof("range", {});
    const auto& range = std::get<StateReceipt::Range>(whole.content);
    CHECK(range.chunk.entries.size() == api.ledger().state_entries());
    const StateReceipt half = api.proof("range", {{"prefix", "80"}, {"depth", "1"}});
    CHECK(std::get<StateReceipt::Range>(half.content).chunk.entries.size() <
          range.chunk.entries.size());
}

SCENARIO("a proof is refused with the reason") {
    Api api;
    CHECK(is_error(api.state("proof", {}), 400, "bad_parameter"));
    for (const char* table : {"finished", "deadline", "members", "", "1"}) {
        CHECK(is_error(api.state("proof", {{"table", table}}), 400, "bad_parameter"));
    }
    for (const std::string& key : {std::string{"0"}, std::string{"zz"}, std::string(2048, '0')}) {
        CHECK(is_error(api.state("proof", {{"table", "member"}, {"key", key}}), 400,
                       "bad_parameter"));
    }
    CHECK(api.state("proof", {{"table", "member"}, {"key", std::string(2046, '0')}}).status == 200);
    for (const Query& query : {Query{{"depth", "65"}}, Query{{"depth", "x"}},
                               Query{{"prefix", "80"}}, Query{{"prefix", "c0"}, {"depth", "1"}},
                               Query{{"prefix", std::string(66, '0')}}, Query{{"prefix", "0"}}}) {
        CHECK(is_error(api.state("range", query), 400, "bad_parameter"));
    }
    CHECK(is_error(api.state("other", {}), 404, "not_found"));
}

SCENARIO("a proof has to wait for the first certificate") {
    tally::test::FaultPlan plan;
    tally::test::FaultyFileSystem files{plan};
    MemoryStore store;
    fixture::TestLedger ledger{files, store};
    ledger.initialize();
    REQUIRE(ledger.open().empty());
    HttpRequest request;
    request.query = {{"table", "scheme"}};
    CHECK(is_error(state_proof(ledger.get(), request, "proof"), 503, "not_final_yet"));
}

}  // namespace tally::node
