#include "charger_bridge/evidence_api.h"

#include "charger_bridge/session/evidence.h"
#include "node/link/evidence_page.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string_view>

namespace tally::bridge {
namespace {

namespace json = boost::json;
using node::http_error;
using node::HttpRequest;
using node::HttpResponse;

constexpr std::string_view list_path{"/api/v1/evidence"};

HttpResponse storage_failed() {
    return http_error(500, "storage_failed", "the store of the bridge cannot be read");
}

HttpResponse list_answer(const KeyValueStore& store, const HttpRequest& request) {
    std::optional<Hash> after;
    if (const auto given = request.query.find("after"); given != request.query.end()) {
        after = fixed_from_hex<Hash>(given->second);
        if (!after) {
            return http_error(400, "bad_request", "after must be 64 hexadecimal digits");
        }
    }
    const auto named = list_evidence(store, after, node::http_list_items_max);
    if (!named) {
        return storage_failed();
    }
    json::array items;
    for (const NamedEvidence& one : *named) {
        json::object item;
        item["authorization"] = to_text(one.authorization);
        item["hash"] = to_hex(one.hash);
        items.emplace_back(std::move(item));
    }
    json::object object;
    object["items"] = std::move(items);
    if (named->size() == node::http_list_items_max) {
        object["next"] = to_hex(named->back().hash);
    }
    HttpResponse response;
    response.body = json::serialize(object);
    return response;
}

HttpResponse texts_answer(const KeyValueStore& store, std::string_view name) {
    const auto hash = fixed_from_hex<Hash>(name);
    if (!hash) {
        return http_error(400, "bad_request", "the hash must be 64 hexadecimal digits");
    }
    const auto kept = find_evidence(store, *hash);
    if (!kept) {
        return storage_failed();
    }
    if (!*kept) {
        return http_error(404, "not_found", "no charge ended with this hash");
    }
    if (!(*kept)->is_whole) {
        return http_error(410, "not_whole", "the charge had more texts than are kept");
    }
    HttpResponse response;
    response.content_type = "application/x-ndjson";
    response.body = node::evidence_page({(*kept)->session, (*kept)->texts});
    return response;
}

}  // namespace

HttpResponse evidence_answer(const KeyValueStore& store, const HttpRequest& request) {
    const std::string_view path{request.path};
    if (path == list_path) {
        return list_answer(store, request);
    }
    return path.size() > list_path.size() && path[list_path.size()] == '/'
               ? texts_answer(store, path.substr(list_path.size() + 1))
               : http_error(404, "not_found", "no such page");
}

}  // namespace tally::bridge
