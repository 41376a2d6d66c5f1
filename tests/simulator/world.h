#pragma once

#include "tests/simulator/coverage.h"
#include "tests/simulator/safety_oracle.h"
#include "tests/simulator/scheduler.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_network.h"
#include "tests/simulator/sim_node.h"
#include "tests/simulator/sim_random.h"
#include "tests/simulator/trace.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally::simulator {

/// A planted fault that the checkers must find. For tests of the simulator itself.
enum class Canary : std::uint8_t {
    none,
    double_vote,      ///< a vote is shown to the oracle that contradicts one that was sent
    lying_disk,       ///< one node's disk never makes anything durable
    rewritten_final,  ///< one node's final header is altered on its way to the oracle
};

struct WorldOptions {
    std::size_t nodes{4};
    /// Machines beyond `nodes`: followers until a set change makes them validators.
    std::size_t spares{0};
    std::uint64_t epoch_blocks_max{0};  ///< 0: epochs end by changes only
    /// Machines beyond these that follow, and begin with a snapshot of the others. Only with the
    /// production ledger.
    std::size_t joiners{0};
    std::uint64_t snapshot_interval{20};  ///< blocks; in worlds with joiners
    std::vector<std::pair<NodeIndex, ActorKind>> actors;
    /// The spare machine runs this validator a second time; both count as liars.
    std::optional<NodeIndex> twin_of;
    std::uint32_t changes{0};  ///< of the validator set, during `chaos_time`
    /// Whether disks may lose what they promised to keep.
    [[nodiscard]] bool damages() const {
        return faults.contains(Happening::bit_flip) || faults.contains(Happening::backup_restored);
    }
    bool real_ledger{false};  ///< the production ledger instead of a hash chain
    /// Votes signed in earnest; always with the production ledger.
    bool real_signatures{true};
    LinkFaults links;
    SimTime chaos_time{8'000'000};
    /// A fault every so often, during `chaos_time`; zero: none.
    SimTime fault_interval_max{600'000};
    /// Kinds of faults that this world has, by name of the first Happening they cause.
    std::set<Happening> faults;
    std::uint32_t envelopes{40};
    Canary canary{Canary::none};
};

/// What chance makes of a seed: size, kinds and rates of faults, workload.
[[nodiscard]] WorldOptions options_of_seed(std::uint64_t seed);
/// The same with the production ledger; in every third seed somebody joins by state sync.
[[nodiscard]] WorldOptions ledger_options_of_seed(std::uint64_t seed);

/// A cluster in one thread: scheduler, network, machines, checkers. A function of seed and options:
/// the same ones give the same trace, byte for byte.
///
/// All checkers run after every event; the first violation stops the world for good.
class World {
public:
    World(std::uint64_t seed, WorldOptions options);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Building blocks, for scenarios.
    [[nodiscard]] const WorldOptions& options() const noexcept { return m_options; }
    [[nodiscard]] SimNode& node(NodeIndex index) { return *m_nodes[index]; }
    [[nodiscard]] std::size_t size() const noexcept { return m_nodes.size(); }
    [[nodiscard]] SimNetwork& network() noexcept { return *m_network; }
    [[nodiscard]] Scheduler& scheduler() noexcept { return m_scheduler; }
    [[nodiscard]] SimRandom& random() noexcept { return m_random; }
    [[nodiscard]] Trace& trace() noexcept { return m_trace; }
    [[nodiscard]] SafetyOracle& oracle() noexcept { return m_oracle; }
    [[nodiscard]] const SimApplicationKind& kind() const noexcept { return *m_kind; }
    [[nodiscard]] Coverage& coverage() noexcept { return m_coverage; }
    void observe(WorldObserver& observer) { m_observers.push_back(&observer); }
    /// Nodes that went down by an armed crash come up again after this; none: they stay down.
    void set_restart_delay(std::optional<SimTime> low, SimTime high);
    void boot_all();
    /// Hands the next envelope of the workload to a node. False when it is not taken.
    bool submit(NodeIndex node);
    /// Asks for a validator set at all nodes. False when nobody takes it, or when it would have
    /// more liars than it tolerates.
    bool change_set(const std::vector<Seat>& seats, bool needs_ready = false);
    /// Takes a node down and gives it an old copy of its disk; from now on it counts as a liar.
    void restore(NodeIndex node, const SimFileSystem::Backup& files,
                 const std::map<Bytes, Bytes>& store) {
        restore_backup(node, files, store);
    }
    /// Says that the set that was asked for is ready.
    void say_ready();
    void schedule_workload(std::uint32_t envelopes, SimTime span);
    [[nodiscard]] bool is_final(const Hash& envelope) const { return m_final.contains(envelope); }
    [[nodiscard]] std::size_t final_envelopes() const noexcept { return m_final.size(); }

    /// Runs until simulated time has passed or a rule is broken.
    void run_for(SimTime time);
    /// Runs until the condition holds; it is a violation (named `what`) when it does not in time.
    bool run_until(const std::function<bool()>& condition, SimTime limit, const std::string& what);
    /// Whether no rule was broken so far.
    [[nodiscard]] bool sound() const { return !m_oracle.violation(); }

    // The phases of a seed.
    void run_chaos();
    /// Heals everything and keeps only a random quorum: it must finalize 10 more heights in time.
    /// Then the others come up and must catch up.
    void run_liveness();
    /// After the last phase: every node's own checks.
    void check_end();
    /// A bound on the time that `heights` more final heights may take `live` healed nodes.
    [[nodiscard]] SimTime liveness_bound(std::uint64_t heights) const;
    /// How long the quorum really took.
    [[nodiscard]] SimTime liveness_time() const noexcept { return m_liveness_time; }

private:
    class Watch;

    bool step();
    void inject_fault();
    void inject_disk_fault(Happening kind, NodeIndex node);
    void slow_disk(NodeIndex node);
    void failing_disk(Happening kind, NodeIndex node);
    [[nodiscard]] bool may_damage(NodeIndex node) const;
    void flip_bit(NodeIndex node);
    void back_up(NodeIndex node);
    void restore_backup(NodeIndex node, const SimFileSystem::Backup& files,
                        const std::map<Bytes, Bytes>& store);
    void schedule_changes();
    void schedule_joiners();
    [[nodiscard]] std::vector<Seat> next_seats();
    [[nodiscard]] bool faults_beyond(const std::vector<Seat>& seats) const;
    [[nodiscard]] std::vector<NodeIndex> choose_live();
    void reunite(const std::vector<NodeIndex>& reliable);
    void heal();
    void plant_canary();
    void crashed(NodeIndex node);
    void boot_later(NodeIndex node, SimTime low, SimTime high);
    void partition(bool symmetric);
    void restart_loop(NodeIndex node);
    void cluster_crash();
    void arm_random_crash(NodeIndex node);
    void count_final(const FinalNotice& notice);
    [[nodiscard]] bool all_reached(const std::vector<NodeIndex>& nodes,
                                   consensus::Height height) const;

    WorldOptions m_options;
    SimRandom m_random;
    Scheduler m_scheduler;
    Trace m_trace;
    Coverage m_coverage;
    SignatureMemo m_signatures;
    std::unique_ptr<SimApplicationKind> m_kind;
    SafetyOracle m_oracle;
    std::vector<WorldObserver*> m_observers;
    std::unique_ptr<Watch> m_watch;
    std::vector<std::unique_ptr<SimNode>> m_nodes;
    std::unique_ptr<SimNetwork> m_network;
    std::map<Hash, consensus::Height> m_final;
    std::vector<Hash> m_expected;  // submitted after healing: must become final
    std::optional<SimTime> m_restart_low{SimTime{10'000}};
    SimTime m_restart_high{3'000'000};
    std::set<NodeIndex> m_looping;
    std::set<NodeIndex> m_unreliable;  ///< liars, and machines whose disks lost something
    bool m_healed{false};
    bool m_expecting{false};
    SimTime m_liveness_time{0};
};

}  // namespace tally::simulator
