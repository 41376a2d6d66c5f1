#include "charger_bridge/hold_api.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/session/session.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;
using node::http_error;
using node::HttpResponse;

namespace {

constexpr std::string_view verbs[]{"hold", "accept", "forget"};

HttpResponse json_response(const json::object& object) {
    HttpResponse response;
    response.body = json::serialize(object);
    return response;
}

HttpResponse accepted() {
    json::object object;
    object["status"] = "Accepted";
    return json_response(object);
}

HttpResponse put_on_hold(Bridge& bridge, const std::string& station, const json::object& body) {
    if (bridge.upstream_state(station)) {
        return http_error(409, "proxied", "its own central system says what its boots are");
    }
    const std::string status = text_of(body, "status");
    if (status != "Pending" && status != "Rejected") {
        return http_error(400, "bad_request", "status must be Pending or Rejected");
    }
    BootHold hold;
    hold.status = status == "Pending" ? BootStatus::pending : BootStatus::rejected;
    hold.by = printable_reason(text_of(body, "by"));
    hold.why = printable_reason(text_of(body, "reason"));
    if (hold.by.empty() || hold.why.empty()) {
        return http_error(400, "bad_request", "by and reason must be texts");
    }
    bridge.hold(station, std::move(hold));
    return accepted();
}

HttpResponse forget(Bridge& bridge, const std::string& station) {
    switch (bridge.forget(station)) {
        case Forgotten::yes:
            return accepted();
        case Forgotten::listed:
            return http_error(409, "listed", "the charger is in the configuration");
        case Forgotten::charging:
            return http_error(409, "charging", "a charge of it is not settled with the node yet");
    }
    return http_error(500, "storage_failed", "it could not be stored");
}

}  // namespace

bool is_hold_verb(std::string_view verb) {
    return std::find(std::begin(verbs), std::end(verbs), verb) != std::end(verbs);
}

HttpResponse hold_answer(Bridge& bridge, const std::string& station, std::string_view verb,
                         const json::object& body) {
    HttpResponse response = verb == "hold"     ? put_on_hold(bridge, station, body)
                            : verb == "forget" ? forget(bridge, station)
                            : bridge.lift_hold(station)
                                ? accepted()
                                : http_error(404, "not_found", "the charger is not on hold");
    return bridge.is_failed() ? http_error(500, "storage_failed", "it could not be stored")
                              : std::move(response);
}

json::object hold_json(const BootHold& hold) {
    json::object object;
    object["status"] = to_text(hold.status);
    object["by"] = hold.by;
    object["reason"] = hold.why;
    object["since"] = time_to_text(hold.since);
    object["told"] = hold.is_told;
    return object;
}

HttpResponse certificate_requests_answer(const Bridge& bridge) {
    json::array items;
    for (const auto& [station, request] : bridge.certificate_requests().all()) {
        json::object item;
        item["station"] = station;
        item["time"] = time_to_text(request.time);
        item["type"] = request.type;
        item["csr"] = request.csr;
        items.emplace_back(std::move(item));
    }
    json::object object;
    object["items"] = std::move(items);
    return json_response(object);
}

}  // namespace tally::bridge
