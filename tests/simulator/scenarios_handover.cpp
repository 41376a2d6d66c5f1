// Power fails at each step of the hand-over from one epoch to the next: on one node, and on all.

#include "tests/simulator/scenario_parts.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>
#include <variant>

namespace tally::simulator {

namespace {

using namespace std::chrono_literals;
using consensus::Message;

/// What a node does last before power fails, in order.
enum class Step : std::uint8_t {
    seal_proposed,         ///< the sealing block is durable; its proposal has not left
    seal_voted_unsynced,   ///< its proposal was heard; the NOTARIZE is not durable
    seal_voted,            ///< the NOTARIZE is durable and has not left
    seal_notarized,        ///< notarizations are heard; nothing of them is durable
    seal_finalized_alone,  ///< the own FINALIZE is durable and has not left
    seal_final,            ///< final by what was heard; not committed
    seal_committed,        ///< the ledger has it; the new epoch has no journal
    journal_named,         ///< its file exists and is empty
    journal_begun,         ///< with a header that is not durable
    journal_synced,        ///< durable, its name is not
    journal_durable,       ///< there is no record of the new epoch
    record_written,        ///< the old journal is still there
    new_status,            ///< everything is done; nobody was told
};

/// Which block ends an epoch is seen in its header; then machines are armed.
class Fuse final : public WorldObserver {
public:
    Fuse(World& world, Step step, bool is_everybody)
        : m_world{world}, m_step{step}, m_is_everybody{is_everybody} {}

    /// Each validator that stays loses power at the next seal, once; or only the first of them
    /// that comes so far.
    void set() {
        m_victims = {0, 1, 2, 3};
        for (const NodeIndex victim : m_victims) {
            if (m_step == Step::seal_proposed) {
                light(victim, EffectKind::send, 0, [this](const Message& message) {
                    return std::holds_alternative<consensus::Proposal>(message) && is_seal(message);
                });
            } else if (m_step == Step::seal_voted) {
                light(victim, EffectKind::send, 0, [this](const Message& message) {
                    return is_vote(message, VoteKind::notarize);
                });
            } else if (m_step == Step::seal_finalized_alone) {
                light(victim, EffectKind::send, 0, [this](const Message& message) {
                    return is_vote(message, VoteKind::finalize);
                });
            }
        }
    }
    [[nodiscard]] std::uint64_t crashes() const { return m_crashes; }

    void sent(NodeIndex /*from*/, NodeIndex /*to*/, const Message& message) override {
        static_cast<void>(is_seal(message));
    }
    void delivered(NodeIndex /*from*/, NodeIndex to, const Message& message) override {
        if (!m_victims.contains(to)) {
            return;
        }
        if (m_step == Step::seal_voted_unsynced && is_seal(message)) {
            light(to, EffectKind::file_sync);
        } else if (m_step == Step::seal_notarized && is_vote(message, VoteKind::notarize)) {
            light(to, EffectKind::file_sync);
        } else if (m_step == Step::seal_final && is_vote(message, VoteKind::finalize)) {
            light(to, EffectKind::store_sync);
        }
    }
    void committed(NodeIndex node, const FinalNotice& notice) override {
        if (!notice.next || !m_victims.contains(node) || m_step < Step::seal_committed) {
            return;
        }
        const auto effects =
            static_cast<std::uint64_t>(m_step) - static_cast<std::uint64_t>(Step::seal_committed);
        light(node, m_step == Step::new_status ? std::optional{EffectKind::send} : std::nullopt,
              m_step == Step::new_status ? 0 : effects);
    }
    void crashed(NodeIndex node) override {
        m_crashes += m_victims.erase(node);
        while (!m_is_everybody && !m_victims.empty()) {
            m_world.node(*m_victims.begin()).disarm();
            m_victims.erase(m_victims.begin());
        }
    }

private:
    void light(NodeIndex node, std::optional<EffectKind> kind, std::uint64_t effects = 0,
               std::function<bool(const Message&)> frame = {}) {
        m_world.node(node).arm(
            {.kind = kind, .effects_before = effects, .frame = std::move(frame)});
    }
    bool is_seal(const Message& message) {
        const auto* proposal = std::get_if<consensus::Proposal>(&message);
        const auto meta =
            proposal == nullptr ? std::nullopt : m_world.kind().decode_header(proposal->header);
        if (!meta || !meta->seals_epoch) {
            return false;
        }
        m_seals.insert(meta->digest);
        return true;
    }
    [[nodiscard]] bool is_vote(const Message& message, VoteKind kind) const {
        const auto* vote = std::get_if<consensus::Vote>(&message);
        return vote != nullptr && vote->statement.kind == kind &&
               m_seals.contains(vote->statement.digest);
    }

    World& m_world;
    Step m_step;
    bool m_is_everybody;
    std::set<NodeIndex> m_victims;
    std::set<Hash> m_seals;
    std::uint64_t m_crashes{0};
};

/// Seats of the epoch after the next seal: machine 4 comes and goes, the others stay.
std::vector<Seat> seats_of(std::uint64_t epoch) {
    std::vector<Seat> seats;
    for (NodeIndex machine = 0; machine < 4 + epoch % 2; ++machine) {
        seats.push_back({machine, 0});
    }
    return seats;
}

void hand_over(World& world, Step step, bool is_everybody) {
    constexpr std::uint64_t epochs{4};
    Fuse fuse{world, step, is_everybody};
    world.observe(fuse);
    world.set_restart_delay(10ms, 400ms);
    world.boot_all();
    submit_for_ever(world, 4, 50ms);
    honest_advance(world, 3, 20s);
    for (std::uint64_t epoch = 1; epoch <= epochs && world.sound(); ++epoch) {
        fuse.set();
        world.change_set(seats_of(epoch));
        reach_epoch(world, epoch, 60s);
        honest_advance(world, 3, 60s);
        for (NodeIndex i = 0; i < world.size(); ++i) {
            world.node(i).disarm();
        }
    }
    const std::uint64_t crashes = fuse.crashes();
    demand_that(world, is_everybody ? crashes > epochs : crashes == epochs,
                "power did not fail at every seal");
}

struct Entry {
    Step step;
    const char* name;
    const char* name_of_all;
    const char* story;
};
constexpr std::array<Entry, 13> entries{{
    {Step::seal_proposed, "handover_seal_proposed", "handover_seal_proposed_all",
     "power fails before the proposal of a sealing block leaves"},
    {Step::seal_voted_unsynced, "handover_seal_voted_unsynced", "handover_seal_voted_unsynced_all",
     "power fails before NOTARIZE of a sealing block is durable"},
    {Step::seal_voted, "handover_seal_voted", "handover_seal_voted_all",
     "power fails before NOTARIZE of a sealing block leaves"},
    {Step::seal_notarized, "handover_seal_notarized", "handover_seal_notarized_all",
     "power fails before the notarization of a sealing block is durable"},
    {Step::seal_finalized_alone, "handover_seal_finalized_alone",
     "handover_seal_finalized_alone_all", "power fails before FINALIZE of a sealing block leaves"},
    {Step::seal_final, "handover_seal_final", "handover_seal_final_all",
     "power fails before a sealing block is in the ledger"},
    {Step::seal_committed, "handover_seal_committed", "handover_seal_committed_all",
     "power fails when a sealing block is in the ledger"},
    {Step::journal_named, "handover_journal_named", "handover_journal_named_all",
     "power fails when the journal of the epoch is a name"},
    {Step::journal_begun, "handover_journal_begun", "handover_journal_begun_all",
     "power fails before the journal of the epoch is synced"},
    {Step::journal_synced, "handover_journal_synced", "handover_journal_synced_all",
     "power fails before the name of that journal is synced"},
    {Step::journal_durable, "handover_journal_durable", "handover_journal_durable_all",
     "power fails before the record of the epoch is written"},
    {Step::record_written, "handover_record_written", "handover_record_written_all",
     "power fails before the journal of the old epoch is removed"},
    {Step::new_status, "handover_new_status", "handover_new_status_all",
     "power fails before Status of the epoch is sent"},
}};

template <std::size_t index, bool is_everybody>
void play(World& world) {
    hand_over(world, entries[index].step, is_everybody);
}

template <std::size_t... indices>
std::vector<Scenario> make_scenarios(std::index_sequence<indices...> /*all*/) {
    WorldOptions options;
    options.spares = 1;
    std::vector<Scenario> scenarios;
    (scenarios.push_back({entries[indices].name, entries[indices].story, options, 120 + 2 * indices,
                          play<indices, false>}),
     ...);
    (scenarios.push_back({entries[indices].name_of_all, entries[indices].story, options,
                          121 + 2 * indices, play<indices, true>}),
     ...);
    return scenarios;
}

}  // namespace

std::vector<Scenario> handover_scenarios() {
    return make_scenarios(std::make_index_sequence<entries.size()>{});
}

}  // namespace tally::simulator
