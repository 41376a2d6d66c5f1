#pragma once

#include "tests/consensus/model/naive_core.h"
#include "tests/consensus/model/others.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::consensus::model {

/// What a duel saw, so that a test can demand that enough happened.
struct DuelCounts {
    std::uint64_t events{0};
    std::uint64_t votes{0};         ///< asked for
    std::uint64_t certificates{0};  ///< taken in or assembled
    std::uint64_t views{0};
    std::uint64_t finalizations{0};
    std::uint64_t restarts{0};
    std::uint64_t evidence{0};
};

/// One random schedule given to the production core and to the naive one. After each event both
/// must have asked for the same: votes (kind, view, parent, digest), certificates to keep, views
/// entered, blocks to examine and to build, evidence; and view, last final block, delta and whether
/// they may vote must agree.
///
/// Where the specification leaves freedom, this is compared instead:
/// - effects of one event count as a set: which of them comes first is the core's affair;
/// - a certificate is compared by its statement; its signatures must hold by the naive core;
/// - what is repeated or sent to a laggard may be any certificate that settles the peer's view or
///   leads into ours, and that the naive core holds too; when it is sent must agree;
/// - the production core may ask to be woken earlier than needed, never later;
/// - what it refuses may be dropped silently or with RejectSender, but nothing that an honest
///   validator says may be rejected.
class Duel {
public:
    Duel(std::uint64_t seed, std::size_t validators);

    /// Nothing when both agreed all along, else the first difference in words.
    [[nodiscard]] std::optional<std::string> run(std::size_t events);
    [[nodiscard]] const DuelCounts& counts() const { return m_counts; }
    /// Every event and what came of it.
    [[nodiscard]] const std::vector<std::string>& story() const { return m_story; }

private:
    void act();
    void deliver();
    void deliver_hostile();
    void hostile_vote();
    void hostile_certificate();
    void show_own_vote();
    void hostile_proposal();
    void answer_something();
    void answer_cast();
    void pass_time();
    void restart();
    [[nodiscard]] CoreStart durable_start();

    void feed(const Event& event, bool honest, const std::string& what);
    void compare_effects(const Effects& produced, const Effects& expected);
    void compare_repeats(const Effects& produced);
    void compare_state();
    void carry_out(const Effects& effects);
    void differ(const std::string& what);
    void begin(const CoreStart& start);
    [[nodiscard]] CoreOptions options() const;

    std::size_t m_count;
    ValidatorIndex m_self;
    simulator::SimRandom m_random;
    std::uint32_t m_slow_answers;  ///< permille of the answers that wait
    std::uint32_t m_hostility;     ///< permille of the events
    std::uint32_t m_restarts;      ///< permille of the events
    std::unique_ptr<Core> m_core;
    std::unique_ptr<NaiveCore> m_naive;
    std::unique_ptr<Others> m_others;
    Time m_now{5'000'000};
    bool m_allowed{false};

    // What the core waits for.
    std::deque<VoteStatement> m_casts;
    std::vector<Event> m_answers;
    // What a crash leaves.
    SafetyRecord m_record;
    std::vector<QuorumCertificate> m_kept;

    DuelCounts m_counts;
    std::vector<std::string> m_story;
    std::optional<std::string> m_difference;
};

}  // namespace tally::consensus::model
