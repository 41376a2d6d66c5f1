#pragma once

// What a driver tells people and metrics about itself.

#include "consensus/driver/application.h"
#include "consensus/driver/ports.h"
#include "consensus/simplex/events.h"
#include "consensus/simplex/safety_record.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally::consensus {

/// Whether this node takes part in voting.
enum class Role : std::uint8_t {
    follower,   ///< not a validator of this epoch
    waiting,    ///< has not heard Status of this epoch from enough validators since its start
    validator,  ///< votes
    observer,   ///< its safety record is lost, or older than votes that others have of it: silent
                ///< until an epoch begins after q - 1 validators were heard in an earlier one
};
[[nodiscard]] const char* to_text(Role role);

/// A view that ended without a block, as this node saw it.
struct NullifiedView {
    std::uint64_t epoch{0};
    View view{0};
    MemberKey leader;
    NullifyReason own_reason{NullifyReason::none};  ///< none: this node did not vote NULLIFY
    std::vector<MemberKey> signers;                 ///< of the nullification
    /// In the view, until its nullification came; zero when this node was in another one.
    std::chrono::microseconds spent{0};
};
/// Nullified views remembered; the oldest is dropped.
inline constexpr std::size_t nullified_views_max{64};

/// What a validator has said in the current view.
struct ViewVotes {
    MemberKey member;
    bool connected{false};
    bool notarized{false};
    bool nullified{false};
    bool finalized{false};
    std::chrono::microseconds last_heard_ago{0};  ///< since the epoch began when never
};

/// Upper bounds of the histogram of journal syncs; one more bucket is for what takes longer.
inline constexpr std::array<std::chrono::microseconds, 10> journal_sync_bounds{
    std::chrono::microseconds{100},    std::chrono::microseconds{200},
    std::chrono::microseconds{500},    std::chrono::microseconds{1'000},
    std::chrono::microseconds{2'000},  std::chrono::microseconds{5'000},
    std::chrono::microseconds{10'000}, std::chrono::microseconds{20'000},
    std::chrono::microseconds{50'000}, std::chrono::microseconds{100'000}};

/// More views than this since the last final one raise `DriverStatus::alarm`.
inline constexpr View unfinalized_views_alarm{1000};

/// What costs nothing to ask for: the simulator checks it after every turn.
struct DriverFigures {
    std::uint64_t epoch{0};
    Role role{Role::follower};
    View view{0};
    ValidatorIndex leader{0};
    View last_final_view{0};  ///< of the newest finalization held, executed or not
    Height final_height{0};   ///< of the ledger
    Hash final_digest;
    std::chrono::microseconds delta{0};  ///< with back-off
    std::size_t peers{0};
    std::size_t validators_connected{0};
    std::size_t unfinalized_blocks{0};
    std::size_t vote_views{0};      ///< views whose votes are held
    std::size_t certificates{0};    ///< of views above the last final one
    std::size_t arrivals_bytes{0};  ///< gossiped envelopes that are being verified
    std::size_t range_blocks{0};    ///< fetched, waiting for a FINALIZE
    SafetyRecord safety;

    std::uint64_t proposals_sent{0};
    std::uint64_t proposals_rejected{0};
    std::uint64_t views_nullified{0};
    std::uint64_t blocks_committed{0};
    std::uint64_t blocks_fetched{0};  ///< by digest or range
    std::uint64_t epochs_begun{0};    ///< since the start
    /// More than `unfinalized_views_alarm` views since the last final one.
    bool alarm{false};
    std::uint64_t envelopes_fetched{0};
    std::uint64_t messages_rejected{0};  ///< undecodable or against the protocol
    std::uint64_t messages_dropped{0};   ///< more than a peer may send in a second
    std::uint64_t evidence{0};           ///< proofs of equivocation found since the start

    std::uint64_t journal_syncs{0};
    std::chrono::microseconds journal_sync_last{0};
    std::chrono::microseconds journal_sync_max{0};
    std::chrono::microseconds journal_sync_total{0};
    /// By `journal_sync_bounds`, not cumulative.
    std::array<std::uint64_t, journal_sync_bounds.size() + 1> journal_sync_counts{};
};

/// For metrics and `tally show consensus`.
struct DriverStatus : DriverFigures {
    MemberKey leader_member;
    std::vector<MemberKey> validators;  ///< of this epoch, in index order
    std::chrono::microseconds time_in_view{0};
    std::optional<VoteStatement> entry;    ///< of the certificate that leads into this view
    View unfinalized_views{0};             ///< left since the last final one
    std::vector<ViewVotes> votes;          ///< in index order
    std::vector<NullifiedView> nullified;  ///< newest last, at most `nullified_views_max`
    bool is_sealing{false};                ///< a block that ends the epoch is certified, not final
};

}  // namespace tally::consensus
