#include "charger_bridge/session/review_log.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::uint8_t format_version{1};

/// By the time of the decision, so that they load in the order in which they were made.
Bytes decision_key(const ReviewDecision& decision) {
    return std::move(
               Encoder{}.u8(ReviewLog::key_prefix).i64(decision.decided_at).u64(decision.number))
        .take();
}

}  // namespace

const char* to_text(ReviewOutcome outcome) {
    switch (outcome) {
        case ReviewOutcome::released:
            return "released";
        case ReviewOutcome::released_late:
            return "released_late";
        case ReviewOutcome::rejected:
            return "rejected";
        case ReviewOutcome::completed:
            return "completed";
    }
    return "";
}

Bytes encode_decision(const ReviewDecision& decision) {
    Encoder encoder;
    encoder.u8(format_version)
        .u64(decision.number)
        .fixed(decision.session)
        .text(decision.station)
        .u16(decision.connector)
        .i32(decision.transaction)
        .u32(static_cast<std::uint32_t>(decision.reasons.size()));
    for (const std::string& reason : decision.reasons) {
        encoder.text(reason);
    }
    encoder.u8(static_cast<std::uint8_t>(decision.outcome))
        .text(decision.by)
        .text(decision.why)
        .i64(decision.held_at)
        .i64(decision.decided_at);
    return std::move(encoder).take();
}

std::optional<ReviewDecision> decode_decision(ByteView bytes) {
    Decoder decoder{bytes};
    if (decoder.u8() != format_version) {
        return std::nullopt;
    }
    ReviewDecision decision;
    decision.number = decoder.u64();
    decision.session = decoder.fixed<SessionId>();
    decision.station = decoder.text(station_id_bytes_max);
    decision.connector = decoder.u16();
    decision.transaction = decoder.i32();
    const std::uint32_t count = decoder.count(review_reasons_max, 4);
    for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
        decision.reasons.push_back(decoder.text(reason_bytes_max));
    }
    const std::uint8_t outcome = decoder.u8();
    if (outcome < 1 || outcome > 4) {
        return std::nullopt;
    }
    decision.outcome = static_cast<ReviewOutcome>(outcome);
    decision.by = decoder.text(review_by_bytes_max);
    decision.why = decoder.text(review_why_bytes_max);
    decision.held_at = decoder.i64();
    decision.decided_at = decoder.i64();
    return decoder.finished() ? std::optional{std::move(decision)} : std::nullopt;
}

void ReviewLog::note(const ReviewDecision& decision) {
    m_numbers.insert(decision.number);
    counts_of(decision).add(decision.station);
}

bool ReviewLog::load(ByteView value) {
    std::optional<ReviewDecision> decision = decode_decision(value);
    if (!decision) {
        return false;
    }
    note(*decision);
    m_decisions.push_back(std::move(*decision));
    return true;
}

std::optional<ReviewDecision> ReviewLog::add(ReviewDecision decision, WriteBatch& batch) {
    batch.put(decision_key(decision), encode_decision(decision));
    note(decision);
    m_decisions.push_back(std::move(decision));
    return m_decisions.size() > review_decided_max ? std::optional{forget_one(batch)}
                                                   : std::nullopt;
}

ReviewDecision ReviewLog::forget_one(WriteBatch& batch) {
    StationCounts& counts = m_settled.total() > 0 ? m_settled : m_late;
    const std::string station = counts.fullest();
    const auto oldest =
        std::find_if(m_decisions.begin(), m_decisions.end(), [&](const ReviewDecision& decision) {
            return decision.station == station && &counts_of(decision) == &counts;
        });
    counts.remove(station);
    ReviewDecision gone = std::move(*oldest);
    batch.erase(decision_key(gone));
    m_numbers.erase(gone.number);
    m_decisions.erase(oldest);
    return gone;
}

}  // namespace tally::bridge
