#include "tests/simulator/coverage.h"

#include <fmt/format.h>

#include <optional>

namespace tally::simulator {

namespace {

struct Kind {
    const char* name;
    std::uint64_t floor_per_100_seeds;
    std::optional<std::uint64_t> with_ledger{};  ///< the same floor when not given
};

constexpr std::array<Kind, Coverage::kinds> all_kinds{{
    {"message_lost", 10000},
    {"message_duplicated", 4000},
    {"message_overtaken", 20000},
    {"message_late", 3000},
    {"partition_symmetric", 150},
    {"partition_asymmetric", 150},
    {"crash_between_events", 300},
    {"crash_before_file_append", 40},
    {"crash_before_file_sync", 40},
    {"crash_before_file_write", 40},
    {"crash_before_send", 200},
    {"crash_before_commit", 5},
    {"whole_cluster_crash", 100},
    {"restart_loop", 150},
    {"unsynced_lost", 8},
    {"unsynced_kept", 8},
    {"unsynced_torn", 20},
    {"pause", 150},
    {"clock_jump", 150},
    {"clock_set_back", 100},
    {"slow_disk", 50},
    {"full_disk", 20},
    {"sync_error", 20},
    {"stopped_by_disk_error", 30},
    {"bit_flip", 5, 2},
    {"damage_refused", 2, 1},
    {"backup_restored", 5, 2},
    {"observer_role", 1},
    {"set_change", 30, 0},
    {"epoch_begun", 200, 0},
    {"equivocator", 50},
    {"withholder", 10, 3},
    {"split_certificates", 50, 20},
    {"late_leader", 8},
    {"impersonator", 50},
    {"nullify_and_finalize", 50},
    {"flooder", 50},
    {"lying_sync_peer", 50},
    {"invariant_breaker", 3},
    {"hostile_leader", 5},
    {"liar_disconnected", 50},
    {"liar_active_at_end", 10},
    {"evidence_found", 50},
    {"twins", 0},
    {"bare_quorum", 60},
    {"view_nullified", 500},
    {"block_caught_up", 800},
    {"vote_repeated", 5000},
    {"record_checked", 500},
    {"envelope_final", 2000},
    {"state_synced", 0, 4},
    {"started_without_snapshot", 0},
    {"sync_liar_named", 0},  // The scenarios sync_join_* demand it.
}};

}  // namespace

void Coverage::add(const Coverage& other) {
    for (std::size_t i = 0; i < kinds; ++i) {
        m_counts[i] += other.m_counts[i];
    }
}

const char* Coverage::name(Happening what) {
    return all_kinds[static_cast<std::size_t>(what)].name;
}

std::vector<std::string> Coverage::below_floor(std::uint64_t seeds, bool real_ledger) const {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < kinds; ++i) {
        const Kind& kind = all_kinds[i];
        const std::uint64_t floor_of_100 = real_ledger
                                               ? kind.with_ledger.value_or(kind.floor_per_100_seeds)
                                               : kind.floor_per_100_seeds;
        const std::uint64_t floor = floor_of_100 * seeds / 100;
        if (m_counts[i] < floor) {
            result.push_back(fmt::format("{} happened {} times, {} wanted", all_kinds[i].name,
                                         m_counts[i], floor));
        }
    }
    return result;
}

std::string Coverage::to_text() const {
    std::string text;
    for (std::size_t i = 0; i < kinds; ++i) {
        text += fmt::format("  {:<26} {}\n", all_kinds[i].name, m_counts[i]);
    }
    return text;
}

}  // namespace tally::simulator
