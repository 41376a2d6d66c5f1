#include "node/api/evidence_api.h"

#include "node/api/answers.h"
#include "node/link/evidence_page.h"

#include <boost/json/array.hpp>

#include <optional>
#include <utility>

namespace tally::node {

namespace {

namespace json = boost::json;

HttpResponse list_answer(const EvidenceStore& store, const HttpRequest& request) {
    std::optional<Hash> after;
    if (const auto given = request.query.find("after"); given != request.query.end()) {
        after = fixed_from_hex<Hash>(given->second);
        if (!after) {
            return bad_parameter("after", "must be 64 hexadecimal digits");
        }
    }
    json::array items;
    const auto named = store.list(after, http_list_items_max);
    for (const EvidenceStore::Named& one : named) {
        items.emplace_back(json::object{{"authorization", to_text(one.authorization)},
                                        {"hash", to_hex(one.hash)}});
    }
    json::object body{{"items", std::move(items)}};
    if (named.size() == http_list_items_max) {
        body["next"] = to_hex(named.back().hash);
    }
    return json_response(body);
}

}  // namespace

HttpResponse evidence_answer(const EvidenceStore* store, const HttpRequest& request,
                             const std::string& rest) {
    if (store == nullptr) {
        return not_found("this node keeps no evidence of charges");
    }
    if (rest == "charges") {
        return list_answer(*store, request);
    }
    const auto hash = fixed_from_hex<Hash>(rest);
    if (!hash) {
        return bad_parameter("hash", "must be 64 hexadecimal digits");
    }
    const auto bytes = store->find(*hash);
    const auto file = bytes ? decode_evidence_file(*bytes) : std::nullopt;
    if (bytes && (!file || evidence_hash(*file) != *hash)) {
        return http_error(500, "storage_failed", "what is kept does not have its hash any more");
    }
    if (!file) {
        return not_found("no evidence with this hash is kept here");
    }
    HttpResponse response;
    response.content_type = "application/x-ndjson";
    response.body = evidence_page(*file);
    return response;
}

}  // namespace tally::node
