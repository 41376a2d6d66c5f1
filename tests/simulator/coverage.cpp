#include "tests/simulator/coverage.h"

#include <fmt/format.h>

namespace tally::simulator {

namespace {

struct Kind {
    const char* name;
    std::uint64_t floor_per_100_seeds;
};

constexpr std::array<Kind, Coverage::kinds> all_kinds{{
    {"message_lost", 1000},
    {"message_duplicated", 500},
    {"message_overtaken", 500},
    {"message_late", 100},
    {"partition_symmetric", 20},
    {"partition_asymmetric", 20},
    {"crash_between_events", 20},
    {"crash_before_file_append", 5},
    {"crash_before_file_sync", 5},
    {"crash_before_file_write", 2},
    {"crash_before_send", 10},
    {"crash_before_commit", 1},
    {"whole_cluster_crash", 10},
    {"restart_loop", 10},
    {"unsynced_lost", 10},
    {"unsynced_kept", 10},
    {"unsynced_torn", 10},
    {"pause", 20},
    {"clock_jump", 10},
    {"bare_quorum", 100},
    {"view_nullified", 100},
    {"block_caught_up", 50},
    {"vote_repeated", 100},
    {"record_checked", 500},
    {"envelope_final", 500},
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

std::vector<std::string> Coverage::below_floor(std::uint64_t seeds) const {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < kinds; ++i) {
        const std::uint64_t floor = all_kinds[i].floor_per_100_seeds * seeds / 100;
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
