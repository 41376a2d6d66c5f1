#pragma once

#include "ledger/base/clock.h"
#include "ledger/base/codec.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally {

/// Longest duration in the parameters: 400 days. The shortest is 1 ms.
inline constexpr UnixMillis parameter_duration_max{400LL * 24 * 3'600'000};
/// Bounds of the consensus timing: a view's timers are stretched up to `delta_max_ms`; an idle
/// leader says something every 500 ms and must not be skipped; a view takes up to three delta.
inline constexpr UnixMillis delta_max_ms{8000};
inline constexpr UnixMillis skip_timeout_min_ms{1000};
/// Bounds of `epoch_blocks_max`, the lower one so that an epoch is not all hand-over. The upper one
/// bounds `epoch_blocks_min` too.
inline constexpr std::uint64_t epoch_blocks_max_floor{10};
inline constexpr std::uint64_t epoch_blocks_limit{1'000'000'000};
inline constexpr std::uint32_t admissions_per_epoch_limit{256};
/// Shortest `cycle_length`: a cycle has to be longer than a block may take.
inline constexpr UnixMillis cycle_length_min_ms{1000};
/// Latest `cycle_start`: about the year 6429, so that cycles can be counted in 64 bits.
inline constexpr UnixMillis cycle_start_max{1LL << 47U};

/// What becomes of the disputed part when the hub does not arbitrate in time.
enum class DisputeDefault : std::uint8_t {
    post = 1,     ///< the home operator pays it
    release = 2,  ///< it does not
};
/// "post" or "release".
[[nodiscard]] const char* to_text(DisputeDefault outcome);

/// Who bears a bank leg that its debtor does not pay in time.
enum class DefaultBearer : std::uint8_t {
    creditor = 1,  ///< its creditor, to whom it stays owed
    shared = 2,    ///< all that were to receive money in that cycle, by what they were to receive
};
/// "creditor" or "shared".
[[nodiscard]] const char* to_text(DefaultBearer bearer);

/// Rules of the scheme: first the genesis', then what members vote for. All durations are in
/// milliseconds, 1 to `parameter_duration_max`.
struct Parameters {
    UnixMillis start_window{300'000};                 ///< longest start_by after the decision
    UnixMillis record_window{72LL * 3'600'000};       ///< record_by = StartCharge + this
    UnixMillis settle_window{24LL * 3'600'000};       ///< settle_by = RecordCharge + this
    UnixMillis claim_window{7LL * 24 * 3'600'000};    ///< claim_until = settle_by + this
    UnixMillis countersign_window{72LL * 3'600'000};  ///< also how long a proposal is open
    UnixMillis home_release_after{120'000};   ///< B may release an unstarted approval after this
    UnixMillis charger_clock_back{300'000};   ///< a charge may begin this long before the decision
    UnixMillis charger_clock_ahead{300'000};  ///< how far a charger's clock may run ahead
    Money minimum_approval{0};                ///< approvals below this are refused
    // Consensus timing: the same on every node, not part of any validity rule.
    UnixMillis delta{50};            ///< assumed bound on delay and processing
    UnixMillis idle_interval{1000};  ///< longest wait for an empty block
    UnixMillis skip_timeout{2000};   ///< a leader silent for this long is skipped at once
    // Epochs and membership.
    std::uint64_t epoch_blocks_max{100'000};  ///< `epoch_blocks_max_floor` to `epoch_blocks_limit`
    /// Blocks before which no epoch ends because the next set is ready, 1 to `epoch_blocks_limit`;
    /// `epoch_blocks_max` ends it all the same. Bounds how many epochs one member's keys can make.
    std::uint64_t epoch_blocks_min{100};
    std::uint32_t admissions_per_epoch{16};  ///< 1 to `admissions_per_epoch_limit`
    // Disputes and corrections.
    UnixMillis arbitrate_window{14LL * 24 * 3'600'000};  ///< arbitrate_by = OpenDispute + this
    DisputeDefault dispute_default{DisputeDefault::post};
    UnixMillis correction_window{400LL * 24 *
                                 3'600'000};  ///< a charge's corrections are known so long
    // Netting. Cycles are counted from `cycle_start`, see `period_of`.
    UnixMillis cycle_start{4LL * 24 * 3'600'000};   ///< Monday 1970-01-05T00:00Z; 0 to the maximum
    UnixMillis cycle_length{7LL * 24 * 3'600'000};  ///< at least `cycle_length_min_ms`
    UnixMillis payment_window{5LL * 24 * 3'600'000};  ///< due_by of a leg = close + this
    DefaultBearer default_bearer{DefaultBearer::creditor};
    friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// The cycle that a time belongs to by the parameters: full cycle_lengths since cycle_start; 0
/// before it.
[[nodiscard]] std::uint64_t period_of(const Parameters& parameters, UnixMillis time) noexcept;

/// The first rule that the parameters break, in words with the field's name; nothing when they are
/// valid.
[[nodiscard]] std::optional<std::string> find_problem(const Parameters& parameters);

/// Fixed-width codec: the durations in the order above with those of consensus behind the clock's,
/// each i64; minimum_approval i64, epoch_blocks_max u64, epoch_blocks_min u64,
/// admissions_per_epoch u32; arbitrate_window i64, dispute_default u8, correction_window i64;
/// cycle_start i64, cycle_length i64, payment_window i64, default_bearer u8.
void encode(Encoder& encoder, const Parameters& parameters);
/// Marks the decoder failed when a value is out of its bounds.
[[nodiscard]] Parameters decode_parameters(Decoder& decoder);

}  // namespace tally
