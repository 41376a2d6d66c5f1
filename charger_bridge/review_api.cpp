#include "charger_bridge/review_api.h"

#include "charger_bridge/ocpp/time_text.h"
#include "charger_bridge/session/evidence.h"
#include "charger_bridge/signed_texts.h"
#include "ledger/model/rating.h"
#include "node/runtime/logging.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace tally::bridge {
namespace {

namespace json = boost::json;
using node::http_error;
using node::HttpRequest;
using node::HttpResponse;

constexpr std::string_view review_path{"/api/v1/review"};

HttpResponse json_response(const json::object& object) {
    HttpResponse response;
    response.body = json::serialize(object);
    return response;
}

json::array texts_json(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) {
        array.emplace_back(text);
    }
    return array;
}

json::object reading_json(const MeterReading& reading) {
    json::object object;
    object["time_ms"] = reading.time;
    object["utc_offset_minutes"] = reading.utc_offset_minutes;
    object["register_wh"] = reading.register_wh;
    object["estimated"] = reading.estimated;
    return object;
}

json::object waiting_json(const SessionCore& core, const Session& record) {
    json::object object;
    object["number"] = record.review.number;
    object["session"] = to_hex(record.id);
    object["station"] = record.station;
    object["connector"] = record.connector;
    object["transaction"] = record.transaction;
    object["token"] = node::redacted(record.token);
    object["authorization"] = to_text(record.authorization);
    object["held_at"] = time_to_text(record.review.held_at);
    object["reasons"] = texts_json(record.review.reasons);
    object["late"] = record.review.is_late;
    object["begin_wh"] = record.meter.begin.register_wh;
    object["begin_time"] = time_to_text(record.meter.begin.time);
    object["end_wh"] = record.end.register_wh;
    object["end_time"] = time_to_text(record.end.time);
    object["signed_records"] = record.signed_track.count;
    object["signed_records_invalid"] = record.signed_track.invalid;
    object["not_releasable"] = core.why_not_releasable(record);
    return object;
}

json::object decided_json(const ReviewDecision& decision) {
    json::object object;
    object["number"] = decision.number;
    object["session"] = to_hex(decision.session);
    object["station"] = decision.station;
    object["connector"] = decision.connector;
    object["transaction"] = decision.transaction;
    object["reasons"] = texts_json(decision.reasons);
    object["held_at"] = time_to_text(decision.held_at);
    object["outcome"] = to_text(decision.outcome);
    object["by"] = decision.by;
    object["why"] = decision.why;
    object["decided_at"] = time_to_text(decision.decided_at);
    return object;
}

/// The ledger's LateCharge as `tally submit` reads it: for both operators to agree on.
json::object late_charge_json(const Session& record, const MeteredCharge& metered) {
    const node::AuthorizeResult::Evse& evse = record.evses.front();
    const auto rating = rate(evse.tariff, metered.readings);
    const Money rated = rating ? rating->total() : 0;
    json::object object;
    object["action"] = "LateCharge";
    object["authorization"] = to_text(metered.authorization);
    object["evse_id"] = metered.evse_id;
    object["bridge_id"] = metered.bridge_id;
    object["meter_serial"] = metered.meter_serial;
    object["meter_epoch"] = metered.meter_epoch;
    json::array readings;
    for (const MeterReading& reading : metered.readings) {
        readings.emplace_back(reading_json(reading));
    }
    object["readings"] = std::move(readings);
    object["evidence"] = to_hex(metered.evidence);
    object["bridge_signature"] = to_hex(metered.bridge_signature);
    json::object tariff;
    tariff["tariff_id"] = evse.tariff_ref.tariff_id;
    tariff["version"] = evse.tariff_ref.version;
    object["tariff"] = std::move(tariff);
    object["currency"] = to_text(evse.tariff.currency);
    object["rated_amount"] = money_to_text(rated);
    object["amount"] = money_to_text(std::min(rated, record.prepaid));
    return object;
}

const ReviewDecision* find_decision(const SessionCore& core, std::uint64_t number) {
    const auto& all = core.decisions().all();
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const ReviewDecision& decision) {
        return decision.number == number;
    });
    return found != all.rend() ? &*found : nullptr;
}

json::object one_decided(SessionCore& core, const ReviewDecision& decision) {
    json::object object = decided_json(decision);
    const auto late = core.late_charge(decision.number);
    const LiveSession* const session =
        late ? core.find_transaction(decision.station, decision.transaction) : nullptr;
    if (session != nullptr) {
        object["late_charge"] = late_charge_json(session->record, *late);
    }
    return object;
}

HttpResponse list_answer(SessionCore& core, std::uint64_t from) {
    json::array waiting;
    for (const auto& [number, id] : core.in_review()) {
        const LiveSession* const session = core.find_review(number);
        if (number >= from && session != nullptr && waiting.size() < node::http_list_items_max) {
            waiting.emplace_back(waiting_json(core, session->record));
        }
    }
    json::array decided;
    const auto& all = core.decisions().all();
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (decided.size() < node::http_list_items_max) {
            decided.emplace_back(decided_json(*one));
        }
    }
    json::object object;
    object["waiting_count"] = core.in_review().size();
    object["waiting"] = std::move(waiting);
    object["decided"] = std::move(decided);
    return json_response(object);
}

/// The signed records that the charger passed on, those that cannot be believed among them.
void add_signed_texts(json::object& object, const SignedTexts& found) {
    json::array texts;
    for (const SignedText& one : found.judged) {
        json::object text;
        text["result"] = one.result;
        text["why"] = one.why;
        text["text"] = one.text;
        texts.emplace_back(std::move(text));
    }
    object["signed_texts"] = std::move(texts);
    object["signed_texts_left_out"] = found.left_out;
}

HttpResponse show_answer(Bridge& bridge, std::uint64_t number) {
    SessionCore& core = bridge.core();
    if (const LiveSession* const session = core.find_review(number)) {
        const auto texts = texts_of(bridge.store(), session->record.id);
        if (!texts) {
            return http_error(500, "storage_failed", "the store of the bridge cannot be read");
        }
        json::object object = waiting_json(core, session->record);
        add_signed_texts(object, signed_texts_of(*texts, core.trust_for(session->record)));
        return json_response(object);
    }
    if (const ReviewDecision* const decision = find_decision(core, number)) {
        return json_response(one_decided(core, *decision));
    }
    return http_error(404, "not_found", "no such charge in the review");
}

/// Who decides, and why.
struct Account {
    std::string by;
    std::string why;
};

/// `number` bytes at most, printable and not empty.
std::optional<std::string> printable(const json::object& body, json::string_view name,
                                     std::size_t bytes_max) {
    const json::value* const value = body.if_contains(name);
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    const bool fits = text != nullptr && !text->empty() && text->size() <= bytes_max &&
                      std::none_of(text->begin(), text->end(),
                                   [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    return fits ? std::optional{std::string{*text}} : std::nullopt;
}

Expected<Account, std::string> account_of(const HttpRequest& request) {
    json::error_code error;
    const json::value value =
        json::parse(json::string_view{request.body.data(), request.body.size()}, error);
    const json::object* const body = error ? nullptr : value.if_object();
    if (body == nullptr) {
        return Unexpected{std::string{"the body must be {\"by\":\"...\",\"reason\":\"...\"}"}};
    }
    auto by = printable(*body, "by", review_by_bytes_max);
    if (!by) {
        return Unexpected{std::string{"by must be a text of 1 to 64 bytes"}};
    }
    auto why = printable(*body, "reason", review_why_bytes_max);
    if (!why) {
        return Unexpected{std::string{"reason must be a text of 1 to 256 bytes"}};
    }
    return Account{*std::move(by), *std::move(why)};
}

HttpResponse decide_answer(Bridge& bridge, std::uint64_t number, bool release,
                           const HttpRequest& request) {
    auto account = account_of(request);
    if (!account) {
        return http_error(400, "bad_request", account.error());
    }
    SessionCore& core = bridge.core();
    const LiveSession* const session = core.find_review(number);
    if (session == nullptr) {
        return find_decision(core, number) != nullptr
                   ? http_error(409, "decided", "this charge is decided already")
                   : http_error(404, "not_found", "no such charge in the review");
    }
    if (release) {
        if (const std::string why = core.why_not_releasable(session->record); !why.empty()) {
            return http_error(409, "not_releasable", why);
        }
    }
    bridge.decide_review({number, release, account->by, account->why});
    const ReviewDecision* const decision = find_decision(core, number);
    if (bridge.is_failed() || decision == nullptr) {
        return http_error(500, "storage_failed", "the decision could not be stored");
    }
    return json_response(one_decided(core, *decision));
}

std::optional<std::uint64_t> number_from(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    return is_number ? std::optional{number} : std::nullopt;
}

}  // namespace

bool is_review(std::string_view path) {
    return path == review_path ||
           (path.starts_with(review_path) && path[review_path.size()] == '/');
}

HttpResponse review_answer(Bridge& bridge, const HttpRequest& request) {
    std::string_view rest{request.path};
    rest.remove_prefix(review_path.size());
    const bool is_get = request.method == "GET";
    if (rest.empty() && is_get) {
        const auto given = request.query.find("from");
        const auto from = given != request.query.end() ? number_from(given->second)
                                                       : std::optional<std::uint64_t>{0};
        return from ? list_answer(bridge.core(), *from)
                    : http_error(400, "bad_request", "from must be a number");
    }
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
    const std::size_t slash = rest.find('/');
    const auto number = number_from(rest.substr(0, slash));
    const std::string_view verb =
        slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (number && verb.empty() && slash == std::string_view::npos && is_get) {
        return show_answer(bridge, *number);
    }
    if (number && request.method == "POST" && (verb == "release" || verb == "reject")) {
        return decide_answer(bridge, *number, verb == "release", request);
    }
    return http_error(404, "not_found", "no such page");
}

}  // namespace tally::bridge
