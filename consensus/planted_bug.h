#pragma once

// Bugs planted on purpose, one at a time, to show that the simulator finds them. What each of them
// is and which worlds it needs is in tests/simulator/mutants.cpp.

#include <cstdint>

namespace tally::consensus {

/// One broken guard of rules R0 to R7, of the order of persistence or of the repair paths.
enum class PlantedBug : std::uint8_t {
    none,
    // R0: what may be signed
    notarize_twice_after_restart,
    notarize_both_proposals,
    notarize_after_nullify,
    nullify_after_finalize,
    finalize_after_nullify,
    finalize_without_notarization,
    // R1, R2: entering and proposing
    enter_stale_view,
    propose_over_missing_nullification,
    propose_on_final_block,
    // R3: what may be notarized
    proposal_from_anybody,
    justification_gap_unchecked,
    justification_unverified,
    parent_unchecked,
    notarize_before_execution,
    body_unchecked,
    // R4: votes
    repeated_vote_counts_twice,
    vote_of_claimed_signer,
    vote_signature_unverified,
    own_vote_not_counted,
    notarize_and_nullify_as_evidence,
    vote_window_unbounded,
    certificates_checked_again,
    // R5: certificates
    quorum_2f_plus_1,
    enter_without_certificate,
    finalization_unverified,
    // R6, R7: timers and help
    view_never_given_up,
    no_retry,
    laggards_not_helped,
    // What must be durable before what
    proposal_before_sync,
    notarize_before_sync,
    nullify_before_sync,
    finalize_before_sync,
    certificate_before_sync,
    final_before_sync,
    epoch_before_record,
    older_slot_wins,
    damaged_journal_accepted,
    compaction_drops_blocks,
    // Catch-up and epochs
    commit_without_ancestors,
    fetched_block_unchecked,
    range_certificates_believed,
    restored_record_votes,
    vote_before_status,
    old_epoch_replay,
    seal_not_proposed_again,
    old_set_after_epoch,
};

#ifdef TALLYSTICK_PLANTED_BUGS
/// Whether this bug was planted in this process.
[[nodiscard]] bool planted(PlantedBug bug) noexcept;
/// Before the first simulated world: not meant to change while one runs.
void plant(PlantedBug bug) noexcept;
#else
/// The product has none: every condition that asks is folded away.
[[nodiscard]] constexpr bool planted(PlantedBug /*bug*/) noexcept { return false; }
#endif

}  // namespace tally::consensus
