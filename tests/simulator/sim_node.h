#pragma once

#include "consensus/driver/driver.h"
#include "tests/simulator/byzantine/actor.h"
#include "tests/simulator/coverage.h"
#include "tests/simulator/safety_oracle.h"
#include "tests/simulator/signature_memo.h"
#include "tests/simulator/sim_application.h"
#include "tests/simulator/sim_network.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tally::simulator {

/// Sees everything that leaves or reaches a node. All members have an empty default.
class WorldObserver {
public:
    virtual ~WorldObserver() = default;
    virtual void starting(NodeIndex /*node*/, const VoteRecord& /*recovered*/) {}
    virtual void crashed(NodeIndex /*node*/) {}
    virtual void sent(NodeIndex /*from*/, NodeIndex /*to*/, const consensus::Message& /*message*/) {
    }
    virtual void delivered(NodeIndex /*from*/, NodeIndex /*to*/,
                           const consensus::Message& /*message*/) {}
    virtual void committed(NodeIndex /*node*/, const FinalNotice& /*notice*/) {}
};

/// When an armed node loses power.
struct CrashPoint {
    std::optional<EffectKind> kind{};  ///< any effect when absent
    std::uint64_t effects_before{0};   ///< matching effects that still succeed
    /// For `send`: only frames that this accepts are counted; all when empty.
    std::function<bool(const consensus::Message&)> frame{};
};

/// What a node is given by its world.
struct NodeSurroundings {
    Scheduler& scheduler;
    Trace& trace;
    Coverage& coverage;
    SafetyOracle& oracle;
    SignatureMemo& signatures;
    SimApplicationKind& kind;
    std::vector<WorldObserver*>& observers;
};

/// One simulated machine: disks and clock that last, and on them, one after the other, processes
/// made of the production driver, journal, mempool and application.
///
/// A crash takes effect at one instant, which may lie between two effects of one turn: the disk
/// picture of that instant is kept, whatever the doomed turn still does is not seen by anybody, and
/// the process is gone when the turn returns.
class SimNode final : public Endpoint {
public:
    SimNode(NodeIndex index, NodeSurroundings surroundings, SimRandom random);
    ~SimNode() override;
    SimNode(const SimNode&) = delete;
    SimNode& operator=(const SimNode&) = delete;

    /// Once, before the first `boot`.
    void attach(SimNetwork& network) { m_network = &network; }
    /// Called when the node has gone down by an armed crash.
    void set_on_crash(std::function<void(NodeIndex)> on_crash) { m_on_crash = std::move(on_crash); }

    void boot();
    /// Power fails now, between two events. Nothing when it is down already.
    void crash();
    void arm(CrashPoint point) { m_armed = std::move(point); }
    void disarm() { m_armed.reset(); }
    /// While set, `boot` does nothing: the machine is broken.
    void keep_down(bool down) noexcept { m_kept_down = down; }
    /// Handles nothing until then (SIGSTOP); what arrives waits.
    void pause_until(SimTime when) { m_paused_until = when; }
    void set_clock_offset(UnixMillis offset) { m_clock.set_offset(offset); }

    /// From its next start on, this machine's validator is corrupted.
    void corrupt(ActorKind kind) { m_actor_kind = kind; }
    [[nodiscard]] bool is_corrupt() const noexcept { return m_actor_kind.has_value(); }
    /// Has the keys of another machine: its twin.
    void act_as(NodeIndex machine) { m_identity = machine; }
    /// What the actor of a lying peer does with those who ask for a snapshot; else chance decides.
    void choose_snapshot_lie(SnapshotLie lie) { m_snapshot_lie = lie; }
    /// From its next start on, it fills its ledger from a snapshot while that is empty.
    void join_by_sync(const consensus::SyncOptions& options);
    /// Machines that it cut off for lies while it joined.
    [[nodiscard]] const std::set<NodeIndex>& liars_named() const noexcept { return m_liars_named; }
    [[nodiscard]] bool is_joining() const noexcept { return m_joining != nullptr; }
    /// Everything in the state after its last final block; nothing when it is down.
    [[nodiscard]] std::map<Bytes, Bytes> final_state() const;
    /// Its actor says nothing more, now and after restarts.
    void silence();
    /// Each sync takes this long; what the turn sends goes out that much later.
    void set_sync_time(SimTime time) { m_sync_time = time; }
    /// Its journal may be damaged: if it does not open, the node starts without a record.
    void expect_damage() { m_damage_expected = true; }

    /// A client hands in an envelope. False when the node is down or does not take it.
    bool submit(const Bytes& envelope);

    [[nodiscard]] bool is_up() const noexcept { return m_process != nullptr; }
    [[nodiscard]] NodeIndex index() const noexcept { return m_index; }
    [[nodiscard]] consensus::DriverStatus status() const;
    [[nodiscard]] std::size_t mempool_size() const;
    [[nodiscard]] SimDisk& disk() noexcept { return m_disk; }
    /// What the application finds wrong with itself; nothing when the node is down.
    [[nodiscard]] std::optional<std::string> find_problem() const;
    /// The votes that the disk would remember if power failed now and everything unsynced were
    /// lost, or the reason why they cannot be read.
    [[nodiscard]] std::optional<VoteRecord> record_after_crash(std::string& problem);

    void link_up(const consensus::Peer& peer) override;
    void link_down(consensus::PeerId peer) override;
    void frame_arrived(NodeIndex from, consensus::PeerId peer, const FramePtr& frame) override;

    static constexpr const char* consensus_folder{"data/consensus"};
    static constexpr const char* ledger_folder{"data/ledger"};

private:
    class Ports;
    struct Process;

    class Corruption;
    class Joining;

    void initialize();
    void start_process();
    [[nodiscard]] bool begin_joining();
    void end_joining();
    void join_turn(const std::function<void(Joining&)>& body);
    void stop_process(const std::string& what);
    [[nodiscard]] bool refuses_damage(const std::string& what);
    void send_corrupt(consensus::PeerId peer, const FramePtr& frame);
    void watch_corrupt(const Frame& frame);
    void check_evidence();
    [[nodiscard]] bool open_process(Process& process);
    /// The rules are broken, or the node says so.
    void fail(const std::string& what);
    [[nodiscard]] bool gate(EffectKind kind);
    void die_now(Happening cause);
    void finish_death();
    /// Runs one turn of the current process now, or when a pause is over.
    void turn(const std::function<void(Process&)>& body);
    void finish_turn();
    void send(consensus::PeerId peer, Bytes bytes);
    [[nodiscard]] FramePtr frame_of(Bytes bytes);
    void watch_sent(NodeIndex to, const consensus::Message& message);
    void watch_proposal(const consensus::Proposal& proposal);
    void watch_certificate(const QuorumCertificate& certificate);
    void watch_block(ByteView header);
    void watch_vote(const VoteStatement& statement);
    void take_final(const FinalNotice& notice);
    void check_status();
    void check_ceilings(const consensus::DriverFigures& status);
    void check_recovered_blocks();

    NodeIndex m_index;
    NodeIndex m_identity;  ///< whose keys it has
    NodeSurroundings m_world;
    SimRandom m_random;
    SimNetwork* m_network{nullptr};
    SimDisk m_disk;
    SimClock m_clock;
    std::function<void(NodeIndex)> m_on_crash;
    std::optional<CrashPoint> m_armed;
    std::unique_ptr<Process> m_process;
    FramePtr m_last_frame;
    std::set<std::pair<VoteStatement, NodeIndex>> m_told;  ///< votes and who they were sent to
    std::optional<ActorKind> m_actor_kind;
    std::unique_ptr<Corruption> m_corruption;  ///< of the process
    std::optional<SnapshotLie> m_snapshot_lie;
    std::optional<consensus::SyncOptions> m_join_options;
    std::unique_ptr<Joining> m_joining;  ///< instead of the process, while there is no ledger
    std::set<NodeIndex> m_liars_named;
    SimTime m_paused_until{0};
    SimTime m_sync_time{0};
    SimTime m_turn_delay{0};  ///< what the syncs of this turn took
    std::uint64_t m_incarnation{0};
    bool m_doomed{false};
    bool m_initialized{false};
    bool m_kept_down{false};
    bool m_silenced{false};
    bool m_stopped{false};  ///< by a disk error, in this turn
    bool m_damage_expected{false};
};

/// One line about a message, for traces.
[[nodiscard]] std::string to_text(const consensus::Message& message);
[[nodiscard]] VoteRecord vote_record(const consensus::SafetyRecord& record);

}  // namespace tally::simulator
