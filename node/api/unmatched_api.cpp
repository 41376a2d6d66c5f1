#include "node/api/unmatched_api.h"

#include "node/api/answers.h"

#include <boost/json/array.hpp>

#include <optional>
#include <utility>

namespace tally::node {

namespace {

namespace json = boost::json;

json::object reading_json(const MeterReading& reading) {
    return {{"time_ms", reading.time}, {"register_wh", reading.register_wh}};
}

json::object charge_json(const Hash& name, const UnmatchedCharges::Charge& charge) {
    const MeteredCharge& metered = charge.ended.metered;
    json::object item{{"name", to_hex(name)},
                      {"reason", to_text(charge.reason)},
                      {"bridge", charge.bridge_id},
                      {"heard_ms", charge.heard},
                      {"session", to_hex(charge.ended.session)},
                      {"authorization", to_text(metered.authorization)},
                      {"evse_id", printable(metered.evse_id)},
                      {"meter", printable(metered.meter_serial)},
                      {"stop_reason", printable(charge.ended.stop_reason)},
                      {"record", to_hex(encode_bridge_message(charge.ended))}};
    if (!metered.readings.empty()) {
        item["begin"] = reading_json(metered.readings.front());
        item["end"] = reading_json(metered.readings.back());
    }
    return item;
}

HttpResponse bad_name(const std::string& parameter) {
    return bad_parameter(parameter, "must be 64 hexadecimal digits");
}

}  // namespace

HttpResponse unmatched_answer(const UnmatchedCharges& charges, const HttpRequest& request) {
    auto next = charges.all().begin();
    if (const auto given = request.query.find("after"); given != request.query.end()) {
        const auto after = fixed_from_hex<Hash>(given->second);
        if (!after) {
            return bad_name("after");
        }
        next = charges.all().upper_bound(*after);
    }
    json::array items;
    Hash last;
    for (; next != charges.all().end() && items.size() < http_list_items_max; ++next) {
        items.emplace_back(charge_json(next->first, next->second));
        last = next->first;
    }
    json::object body{{"items", std::move(items)}};
    if (next != charges.all().end()) {
        body["next"] = to_hex(last);
    }
    return json_response(body);
}

bool is_unmatched_path(const std::string& path) { return path == "/api/v1/unmatched/forget"; }

HttpResponse forget_unmatched(UnmatchedCharges& charges, const HttpRequest& request) {
    const auto given = request.query.find("name");
    const auto name =
        given == request.query.end() ? std::nullopt : fixed_from_hex<Hash>(given->second);
    if (!name) {
        return bad_name("name");
    }
    return charges.forget(*name) ? json_response({{"forgotten", to_hex(*name)}})
                                 : not_found("there is no unmatched charge of this name");
}

}  // namespace tally::node
