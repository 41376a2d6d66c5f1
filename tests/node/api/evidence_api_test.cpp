// The evidence of charges over a node's HTTP interface.

#include "ledger/base/memory_store.h"
#include "node/link/evidence_page.h"
#include "tests/node/api/api_fixture.h"

namespace tally::node::test {
namespace {

EvidenceFile make_file(std::uint16_t number) {
    EvidenceFile file;
    file.session.data[0] = static_cast<std::uint8_t>(number >> 8U);
    file.session.data[1] = static_cast<std::uint8_t>(number);
    file.texts = {"{\"text\":\"\\u00e9\"}", "second"};
    return file;
}

struct EvidenceApi {
    EvidenceApi() { backend.evidence_store = &store; }
    Hash keep(const EvidenceFile& file) {
        const Hash hash = evidence_hash(file);
        EvidenceStore::Named name{hash, {}};
        name.authorization.signer = fixture::party("BBB");
        store.keep(name, encode_evidence_file(file), std::nullopt);
        return hash;
    }
    HttpResponse get(const std::string& path, const std::string& bearer,
                     const std::string& after = {}) {
        HttpRequest request;
        request.method = "GET";
        request.path = path;
        request.bearer_token = bearer;
        if (!after.empty()) {
            request.query["after"] = after;
        }
        HttpResponse got;
        api.handle(request, [&got](HttpResponse reply) { got = std::move(reply); });
        return got;
    }

    MemoryStore disk;
    EvidenceStore store{disk};
    TestBackend backend;
    NodeApi api{backend, token, "auditors-token"};
};

}  // namespace

SCENARIO("evidence of a charge is given to its two tokens, as a bridge gives it") {
    EvidenceApi api;
    const EvidenceFile file = make_file(1);
    const std::string path = "/api/v1/evidence/" + to_hex(api.keep(file));
    for (const char* bearer : {"auditors-token", token}) {
        const HttpResponse given = api.get(path, bearer);
        CHECK(given.status == 200);
        CHECK(given.content_type == "application/x-ndjson");
        CHECK(given.body == evidence_page(file));
    }
    for (const char* bearer : {"", "auditors-toke", "auditors-tokenx"}) {
        CHECK(api.get(path, bearer).status == 401);
        CHECK(api.get("/api/v1/evidence/charges", bearer).status == 401);
    }
    CHECK(api.get("/api/v1/sessions", "auditors-token").status == 401);
    CHECK(api.get("/api/v1/accounts/AAA", "auditors-token").status == 401);
    CHECK(api.get("/api/v1/evidence/" + to_hex(evidence_hash(make_file(2))), token).status == 404);
    CHECK(api.get("/api/v1/evidence/xyz", token).status == 400);
    // What validators signed twice is public and stays where it was.
    CHECK(api.get("/api/v1/evidence", "").status == 200);
}

SCENARIO("evidence that changed on the disk is not given out") {
    EvidenceApi api;
    const Hash hash = evidence_hash(make_file(1));
    api.store.keep({hash, {}}, encode_evidence_file(make_file(2)), std::nullopt);
    CHECK(api.get("/api/v1/evidence/" + to_hex(hash), token).status == 500);
}

SCENARIO("a node that keeps no evidence says so") {
    EvidenceApi api;
    api.backend.evidence_store = nullptr;
    CHECK(api.get("/api/v1/evidence/charges", token).status == 404);
}

SCENARIO("charges with evidence are listed a bounded number at a time, in order") {
    EvidenceApi api;
    const std::size_t charges = 2 * http_list_items_max + 1;
    for (std::size_t i = 0; i < charges; ++i) {
        api.keep(make_file(static_cast<std::uint16_t>(i)));
    }
    std::string after;
    std::size_t seen = 0;
    for (int page = 0; page < 3; ++page) {
        const HttpResponse given = api.get("/api/v1/evidence/charges", token, after);
        REQUIRE(given.status == 200);
        const json::object body = json::parse(given.body).as_object();
        for (const json::value& item : body.at("items").as_array()) {
            const std::string hash{item.at("hash").as_string()};
            CHECK(hash > after);
            CHECK(item.at("authorization").as_string().starts_with("BBB-"));
            after = hash;
            ++seen;
        }
        CHECK((body.if_contains("next") != nullptr) == (page < 2));
    }
    CHECK(seen == charges);
    CHECK(api.get("/api/v1/evidence/charges", token, "xyz").status == 400);
}

}  // namespace tally::node::test
