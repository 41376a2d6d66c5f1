#pragma once

// What was decided about charges that were held for review. Those that wait for a decision are
// sessions (SessionState::in_review). Pure: writes go into the caller's batch.

#include "charger_bridge/session/session.h"
#include "charger_bridge/session/station_counts.h"
#include "ledger/base/key_value_store.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::bridge {

/// Charges that wait for review, of all stations and of one. With as many, new swipes and starts
/// are refused there (`review_full`) until some are decided; the charges that run can still end,
/// and be held.
inline constexpr std::size_t review_waiting_max{1'000};
inline constexpr std::size_t review_of_station_max{100};
/// Decisions listed; when there is one more, the oldest goes of the station that has the most. Late
/// charges, which may not be on the ledger yet, go when there is nothing else. Each decision is in
/// its charge's evidence too.
inline constexpr std::size_t review_decided_max{1'000};
inline constexpr std::size_t review_reasons_max{16};
/// Of who decided, and of why.
inline constexpr std::size_t review_by_bytes_max{64};
inline constexpr std::size_t review_why_bytes_max{256};

enum class ReviewOutcome : std::uint8_t {
    released = 1,       ///< signed, and handed to the node as a charge record
    released_late = 2,  ///< signed, for a late charge on which both operators must agree
    rejected = 3,       ///< not billed
    completed = 4,      ///< the meter's signed readings came after all: billed by them
};
[[nodiscard]] const char* to_text(ReviewOutcome outcome);

struct ReviewDecision {
    std::uint64_t number{0};
    SessionId session;
    std::string station;
    std::uint16_t connector{0};
    std::int32_t transaction{0};
    std::vector<std::string> reasons;  ///< for which it was held
    ReviewOutcome outcome{ReviewOutcome::rejected};
    std::string by;
    std::string why;
    UnixMillis held_at{0};
    UnixMillis decided_at{0};
};

[[nodiscard]] Bytes encode_decision(const ReviewDecision& decision);
[[nodiscard]] std::optional<ReviewDecision> decode_decision(ByteView bytes);

class ReviewLog {
public:
    static constexpr std::uint8_t key_prefix{'r'};
    /// False when the value is not a decision: data of our own is wrong. In order of their keys.
    [[nodiscard]] bool load(ByteView value);
    /// Gives the one that had to be forgotten for it, if any.
    std::optional<ReviewDecision> add(ReviewDecision decision, WriteBatch& batch);
    /// Whether a decision that is listed has this number.
    [[nodiscard]] bool has(std::uint64_t number) const { return m_numbers.contains(number); }
    [[nodiscard]] const std::deque<ReviewDecision>& all() const { return m_decisions; }

private:
    [[nodiscard]] StationCounts& counts_of(const ReviewDecision& decision) {
        return decision.outcome == ReviewOutcome::released_late ? m_late : m_settled;
    }
    void note(const ReviewDecision& decision);
    ReviewDecision forget_one(WriteBatch& batch);

    std::deque<ReviewDecision> m_decisions;  ///< oldest first
    StationCounts m_late;
    StationCounts m_settled;  ///< all others
    std::set<std::uint64_t> m_numbers;
};

}  // namespace tally::bridge
