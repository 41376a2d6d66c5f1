// Plants bugs into the production core and says whether the naive one notices.
//
//     consensus-model-planted all                       each bug of the list; 1 when one escapes
//     consensus-model-planted NAME FIRST LAST [story]   one bug ("none": no bug); 1 when it is
//     caught

#include "consensus/planted_bug.h"
#include "tests/consensus/model/duel.h"

#include <array>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

using tally::consensus::PlantedBug;
using tally::consensus::model::Duel;

struct Bug {
    std::string_view name;
    PlantedBug bug;
};

/// Those of the rules; the others are in journal, driver and epochs, where this core is not.
constexpr std::array<Bug, 26> bugs{{
    {"notarize-twice-after-restart", PlantedBug::notarize_twice_after_restart},
    {"notarize-both-proposals", PlantedBug::notarize_both_proposals},
    {"notarize-after-nullify", PlantedBug::notarize_after_nullify},
    {"nullify-after-finalize", PlantedBug::nullify_after_finalize},
    {"finalize-after-nullify", PlantedBug::finalize_after_nullify},
    {"finalize-without-notarization", PlantedBug::finalize_without_notarization},
    {"enter-stale-view", PlantedBug::enter_stale_view},
    {"propose-over-missing-nullification", PlantedBug::propose_over_missing_nullification},
    {"propose-on-final-block", PlantedBug::propose_on_final_block},
    {"proposal-from-anybody", PlantedBug::proposal_from_anybody},
    {"justification-gap-unchecked", PlantedBug::justification_gap_unchecked},
    {"justification-unverified", PlantedBug::justification_unverified},
    {"parent-unchecked", PlantedBug::parent_unchecked},
    {"notarize-before-execution", PlantedBug::notarize_before_execution},
    {"repeated-vote-counts-twice", PlantedBug::repeated_vote_counts_twice},
    {"vote-of-claimed-signer", PlantedBug::vote_of_claimed_signer},
    {"vote-signature-unverified", PlantedBug::vote_signature_unverified},
    {"own-vote-not-counted", PlantedBug::own_vote_not_counted},
    {"notarize-and-nullify-as-evidence", PlantedBug::notarize_and_nullify_as_evidence},
    {"quorum-2f-plus-1", PlantedBug::quorum_2f_plus_1},
    {"enter-without-certificate", PlantedBug::enter_without_certificate},
    {"finalization-unverified", PlantedBug::finalization_unverified},
    {"view-never-given-up", PlantedBug::view_never_given_up},
    {"no-retry", PlantedBug::no_retry},
    {"laggards-not-helped", PlantedBug::laggards_not_helped},
    {"restored-record-votes", PlantedBug::restored_record_votes},
}};

constexpr std::array<std::size_t, 5> sizes{4, 5, 6, 7, 10};
constexpr std::size_t events_each{300};
constexpr std::uint64_t seeds_each{400};

/// The first seed in which production and naive core differ.
std::optional<std::uint64_t> first_difference(PlantedBug bug, std::uint64_t first,
                                              std::uint64_t last) {
    tally::consensus::plant(bug);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Duel duel{seed, sizes[seed % sizes.size()]};
        if (duel.run(events_each)) {
            return seed;
        }
    }
    return std::nullopt;
}

/// Without a bug both agree, with each of the bugs they do not.
int try_all() {
    int escaped{0};
    if (const auto seed = first_difference(PlantedBug::none, 1, seeds_each)) {
        std::cout << "they differ without a bug, seed " << *seed << '\n';
        return EXIT_FAILURE;
    }
    for (const Bug& one : bugs) {
        const auto seed = first_difference(one.bug, 1, seeds_each);
        std::cout << one.name << ": "
                  << (seed ? "caught by seed " + std::to_string(*seed) : "escaped") << '\n';
        escaped += seed ? 0 : 1;
    }
    return escaped == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int try_one(PlantedBug bug, std::uint64_t first, std::uint64_t last, bool story) {
    tally::consensus::plant(bug);
    int differing{0};
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Duel duel{seed, sizes[seed % sizes.size()]};
        const auto difference = duel.run(events_each);
        for (const std::string& line : duel.story()) {
            if (story) {
                std::cout << line << '\n';
            }
        }
        if (difference) {
            std::cout << "seed " << seed << ": " << *difference << '\n';
            ++differing;
        }
    }
    return differing == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() == 1 && arguments[0] == "all") {
        return try_all();
    }
    if (arguments.size() < 3) {
        std::cerr << "usage: consensus-model-planted all | NAME FIRST LAST [story]\n";
        return 2;
    }
    PlantedBug bug{PlantedBug::none};
    for (const Bug& one : bugs) {
        bug = one.name == arguments[0] ? one.bug : bug;
    }
    return try_one(bug, std::stoull(arguments[1]), std::stoull(arguments[2]), arguments.size() > 3);
}
