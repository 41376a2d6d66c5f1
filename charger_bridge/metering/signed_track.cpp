#include "charger_bridge/metering/signed_track.h"

#include "charger_bridge/ocmf/billed.h"
#include "charger_bridge/ocmf/encoding.h"
#include "charger_bridge/ocmf/verify.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {
namespace {

constexpr std::string_view header{"OCMF|"};
constexpr std::size_t problem_bytes_max{64};

/// The record itself: as it is, or out of base64.
std::string record_of(std::string_view text) {
    if (trimmed(text).starts_with(header)) {
        return std::string{text};
    }
    const auto bytes = bytes_from_base64(text);
    return bytes ? std::string{as_text(*bytes)} : std::string{text};
}

void blame(SignedTrack& track, const std::string& problem) {
    ++track.invalid;
    if (track.problem.empty() || problem < track.problem) {
        track.problem = problem;
    }
}

/// The kept texts read again: they were readable when they came.
std::vector<OcmfRecord> records_of(const std::vector<std::string>& texts) {
    std::vector<OcmfRecord> records;
    for (const std::string& text : texts) {
        if (auto record = parse_ocmf(text)) {
            records.push_back(std::move(record).value());
        }
    }
    return records;
}

void keep_needed(SignedTrack& track, std::string text) {
    track.texts.push_back(std::move(text));
    const std::vector<OcmfRecord> records = records_of(track.texts);
    std::vector<std::size_t> needed = needed_for_choice(records);
    std::sort(needed.begin(), needed.end());
    std::vector<std::string> kept;
    kept.reserve(needed.size());
    for (const std::size_t index : needed) {
        kept.push_back(std::move(track.texts[index]));
    }
    track.texts = std::move(kept);
}

SignedResult for_review(SignedVerdict verdict, std::vector<std::string> details) {
    SignedResult result;
    result.verdict = verdict;
    result.reasons = {std::string{"signature_"} + to_text(verdict)};
    result.reasons.insert(result.reasons.end(), std::make_move_iterator(details.begin()),
                          std::make_move_iterator(details.end()));
    return result;
}

/// Why the records kept cannot be believed; empty when they can.
std::string distrust(const SignedTrack& track, const std::vector<OcmfRecord>& records,
                     const MeterTrust& trust) {
    if (!track.problem.empty()) {
        return track.problem;
    }
    for (const OcmfRecord& record : records) {
        const SignatureVerdict verdict = verify_ocmf(record, *trust.key, trust.rule);
        if (verdict != SignatureVerdict::valid) {
            return to_text(verdict);
        }
    }
    return {};
}

std::vector<std::string> reasons_of(const BilledRecords& billed, const MeterTrust& trust) {
    std::vector<std::string> reasons;
    for (const BillingReason reason : billed.billing.reasons) {
        reasons.emplace_back(to_text(reason));
    }
    for (const OcmfRecord* record : {billed.first, billed.second}) {
        if (record != nullptr && record->meter_serial != trust.serial &&
            record->gateway_serial != trust.serial) {
            reasons.emplace_back("other_meter");
            break;
        }
    }
    return reasons;
}

std::optional<UnixMillis> time_of(const OcmfReading& reading) {
    const bool is_clock_set = reading.clock == 'S' || reading.clock == 'I';
    return is_clock_set ? reading.time : std::nullopt;
}

void take_readings(SignedResult& result, const Billing& billing, std::int64_t charger_begin_wh) {
    const std::int64_t from = *billing.begin->energy_mwh;
    const std::int64_t to = *billing.end->energy_mwh;
    if (is_total_register(billing.begin->obis)) {
        result.begin_wh = from / mwh_of_wh;
        result.end_wh = to / mwh_of_wh;
    } else {
        result.begin_wh = charger_begin_wh;
        result.end_wh = charger_begin_wh + (to - from) / mwh_of_wh;
    }
    result.begin_time = time_of(*billing.begin);
    result.end_time = time_of(*billing.end);
}

}  // namespace

void SignedTrack::encode(Encoder& encoder) const {
    encoder.u32(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) {
        encoder.text(text);
    }
    encoder.u32(count).u32(invalid).text(problem);
}

SignedTrack SignedTrack::decode(Decoder& decoder) {
    SignedTrack track;
    const std::uint32_t size = decoder.count(signed_texts_max, 4);
    for (std::uint32_t i = 0; i < size && decoder.ok(); ++i) {
        track.texts.push_back(decoder.text(signed_text_bytes_max));
    }
    track.count = decoder.u32();
    track.invalid = decoder.u32();
    track.problem = decoder.text(problem_bytes_max);
    return track;
}

const char* to_text(SignedVerdict verdict) {
    switch (verdict) {
        case SignedVerdict::billable:
            return "billable";
        case SignedVerdict::not_signed:
            return "not_signed";
        case SignedVerdict::missing:
            return "missing";
        case SignedVerdict::not_billable:
            return "not_billable";
        case SignedVerdict::invalid:
            return "invalid";
    }
    return "";
}

bool add_signed(SignedTrack& track, std::string_view text, const MeterTrust* trust) {
    if (track.count >= signed_records_of_charge_max) {
        blame(track, "too_many");
        return false;
    }
    ++track.count;
    std::string record_text = record_of(text);
    if (record_text.size() > signed_text_bytes_max) {
        blame(track, "too_large");
        return false;
    }
    const auto record = parse_ocmf(record_text);
    if (!record) {
        blame(track, "unreadable");
        return false;
    }
    if (trust != nullptr && trust->key) {
        const SignatureVerdict verdict = verify_ocmf(*record, *trust->key, trust->rule);
        if (verdict != SignatureVerdict::valid) {
            blame(track, to_text(verdict));
            return false;
        }
    }
    keep_needed(track, std::move(record_text));
    return true;
}

void take_signed_readings(const SignedResult& result, MeterTrack& track, MeterReading& end) {
    const std::int64_t shift = result.begin_wh - track.begin.register_wh;
    const auto move = [shift](MeterReading& reading) {
        reading.register_wh =
            std::clamp<std::int64_t>(reading.register_wh + shift, 0, register_wh_max);
    };
    std::for_each(track.changes.begin(), track.changes.end(), move);
    move(track.last);
    track.begin.register_wh = result.begin_wh;
    track.begin.time = result.begin_time.value_or(track.begin.time);
    end.register_wh = result.end_wh;
    end.time = result.end_time.value_or(end.time);
}

SignedResult judge_signed(const SignedTrack& track, const MeterTrust& trust,
                          std::int64_t charger_begin_wh) {
    if (!trust.problem.empty()) {
        SignedResult result = for_review(SignedVerdict::invalid, {});
        result.reasons = {trust.problem};
        return result;
    }
    if (!trust.key) {
        return {};
    }
    const std::vector<OcmfRecord> records = records_of(track.texts);
    if (const std::string problem = distrust(track, records, trust); !problem.empty()) {
        return for_review(SignedVerdict::invalid, {problem});
    }
    const BilledRecords billed = choose_billed(records);
    if (!billed.is_whole()) {
        return trust.is_required ? for_review(SignedVerdict::missing, {}) : SignedResult{};
    }
    if (std::vector<std::string> reasons = reasons_of(billed, trust); !reasons.empty()) {
        return for_review(SignedVerdict::not_billable, std::move(reasons));
    }
    SignedResult result;
    result.verdict = SignedVerdict::billable;
    take_readings(result, billed.billing, charger_begin_wh);
    for (const OcmfRecord* record : {billed.first, billed.second}) {
        if (record != nullptr) {
            result.payloads.push_back(record->payload_hash());
        }
    }
    return result;
}

}  // namespace tally::bridge
