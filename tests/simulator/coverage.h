#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tally::simulator {

/// What a run must have done to the cluster, or seen it do, to prove anything. Order is that of
/// `names` and `floors` in coverage.cpp.
enum class Happening : std::uint8_t {
    message_lost,
    message_duplicated,
    message_overtaken,  ///< delivered before one that was sent earlier on the same link
    message_late,       ///< held up for much longer than delta
    partition_symmetric,
    partition_asymmetric,
    crash_between_events,
    crash_before_file_append,
    crash_before_file_sync,
    crash_before_file_write,
    crash_before_send,
    crash_before_commit,
    whole_cluster_crash,
    restart_loop,
    unsynced_lost,
    unsynced_kept,
    unsynced_torn,
    pause,
    clock_jump,
    clock_set_back,
    slow_disk,
    full_disk,
    sync_error,
    stopped_by_disk_error,
    bit_flip,
    damage_refused,  ///< a node did not start on damaged data
    backup_restored,
    observer_role,  ///< a restored node stopped voting
    set_change,
    epoch_begun,
    equivocator,
    withholder,
    split_certificates,
    late_leader,
    impersonator,
    nullify_and_finalize,
    flooder,
    lying_sync_peer,
    invariant_breaker,
    hostile_leader,
    liar_disconnected,
    liar_active_at_end,  ///< everybody caught up while liars went on
    evidence_found,
    twins,            ///< a case of twins was played
    bare_quorum,      ///< liveness was asked of exactly q nodes
    view_nullified,   ///< a nullification was seen
    block_caught_up,  ///< a node got final blocks from others
    vote_repeated,    ///< a vote was sent again
    record_checked,   ///< a crashed copy was opened to see that a sent vote is in it
    envelope_final,   ///< a submitted envelope became final
    state_synced,     ///< a joiner's ledger was filled from a snapshot
    started_without_snapshot,
    sync_liar_named,  ///< by a joiner
    count_,
};

/// How often each of them happened.
class Coverage {
public:
    static constexpr std::size_t kinds{static_cast<std::size_t>(Happening::count_)};

    void add(Happening what, std::uint64_t times = 1) { at(what) += times; }
    void add(const Coverage& other);
    [[nodiscard]] std::uint64_t of(Happening what) const {
        return m_counts[static_cast<std::size_t>(what)];
    }
    [[nodiscard]] static const char* name(Happening what);
    /// Those that happened less often than a run over `seeds` seeds has to show, in words. With the
    /// production ledger others are rare, and nobody changes the set.
    [[nodiscard]] std::vector<std::string> below_floor(std::uint64_t seeds,
                                                       bool real_ledger = false) const;
    /// One line a kind.
    [[nodiscard]] std::string to_text() const;

private:
    [[nodiscard]] std::uint64_t& at(Happening what) {
        return m_counts[static_cast<std::size_t>(what)];
    }
    std::array<std::uint64_t, kinds> m_counts{};
};

}  // namespace tally::simulator
