#include "charger_bridge/session/statement.h"

#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tally::bridge {

namespace json = boost::json;

std::string metering_statement(const SignedResult& result, const Session& session) {
    const bool is_signed = result.verdict == SignedVerdict::billable;
    json::object object;
    object["tally"] = "metering";
    object["source"] = is_signed ? "signed" : "unsigned";
    object["meter"] = session.evses.front().meter_serial;
    if (is_signed) {
        object["begin_time"] = result.begin_time ? "meter" : "charger";
        object["end_time"] = result.end_time ? "meter" : "charger";
        json::array payloads;
        for (const Hash& payload : result.payloads) {
            payloads.emplace_back(to_hex(payload));
        }
        object["payloads"] = std::move(payloads);
    }
    if (session.cut_off) {
        object["cut_off"] = true;
    }
    if (session.evidence_left_out > 0) {
        object["left_out"] = session.evidence_left_out;
        json::array records;
        for (const std::string& record : session.signed_track.texts) {
            records.emplace_back(record);
        }
        object["records"] = std::move(records);
    }
    return json::serialize(object);
}

std::string evidence_full_statement(const Session& session) {
    json::object object;
    object["tally"] = "evidence_full";
    object["texts"] = session.evidence_count;
    object["bytes"] = session.evidence_bytes;
    return json::serialize(object);
}

std::string review_statement(const ReviewDecision& decision) {
    json::object object;
    object["tally"] = "review";
    object["number"] = decision.number;
    object["outcome"] = to_text(decision.outcome);
    object["by"] = decision.by;
    object["at"] = time_to_text(decision.decided_at);
    object["why"] = decision.why;
    json::array reasons;
    for (const std::string& reason : decision.reasons) {
        reasons.emplace_back(reason);
    }
    object["held_for"] = std::move(reasons);
    return json::serialize(object);
}

}  // namespace tally::bridge
