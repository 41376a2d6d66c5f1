#include "tests/simulator/sim_node.h"

#include "consensus/wire/wire.h"
#include "ledger/base/check.h"
#include "ledger/base/overloaded.h"
#include "tests/simulator/ceilings.h"
#include "tests/simulator/corruption.h"
#include "tests/simulator/sim_join.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tally::simulator {

namespace {

/// Where everything is looked at, journals are compacted so many times as often.
constexpr std::uint64_t thorough_rotations{10};

Happening crash_happening(EffectKind kind) {
    switch (kind) {
        case EffectKind::file_append:
            return Happening::crash_before_file_append;
        case EffectKind::file_sync:
            return Happening::crash_before_file_sync;
        case EffectKind::file_write:
        case EffectKind::file_name:
            return Happening::crash_before_file_write;
        case EffectKind::store_write:
        case EffectKind::store_sync:
            return Happening::crash_before_commit;
        case EffectKind::send:
            return Happening::crash_before_send;
    }
    return Happening::crash_between_events;
}

}  // namespace

/// The outside world as one process sees it. It goes with its process.
class SimNode::Ports final : public consensus::Transport,
                             public consensus::Timers,
                             public consensus::EnvelopeIntake {
public:
    explicit Ports(SimNode& node) : m_node{node}, m_incarnation{node.m_incarnation} {}
    ~Ports() override { m_node.m_world.scheduler.cancel(m_timer); }
    Ports(const Ports&) = delete;
    Ports& operator=(const Ports&) = delete;

    void send(consensus::PeerId peer, Bytes frame) override { m_node.send(peer, std::move(frame)); }
    void disconnect(consensus::PeerId peer, const char* reason) override;
    void wake_after(std::chrono::microseconds delay) override;
    void received(consensus::PeerId from, Bytes envelope) override;

private:
    /// Runs a turn of this very process later; nothing if it is gone by then.
    Scheduler::EventId later(SimTime delay, std::function<void(Process&)> body);

    SimNode& m_node;
    std::uint64_t m_incarnation;
    Scheduler::EventId m_timer{0};
};

/// What a crash destroys. Members are in the order of their dependence.
struct SimNode::Process {
    explicit Process(SimNode& node) : ports{node} {
        for (const KeyPair& key : node.m_world.kind.keys_of(node.m_identity)) {
            signers.emplace(key.open, MemoSigner{key.secret, key.open, node.m_world.signatures});
        }
    }

    [[nodiscard]] Signer* signer_for(const PublicKey& key) {
        const auto found = signers.find(key);
        return found == signers.end() ? nullptr : &found->second;
    }

    std::unique_ptr<SimApplication> application;
    consensus::Mempool mempool;
    std::unique_ptr<consensus::Journal> journal;
    std::map<PublicKey, MemoSigner> signers;
    Ports ports;
    std::unique_ptr<consensus::Driver> driver;
    VoteRecord last_record;
    consensus::View last_view{0};
    std::uint64_t last_epoch{0};
    std::uint64_t last_evidence{0};
    NodeWork work;
    consensus::Role last_role{consensus::Role::follower};
};

void SimNode::Ports::disconnect(consensus::PeerId peer, const char* reason) {
    const NodeIndex other = SimNetwork::node_of(peer);
    if (!m_node.m_world.oracle.is_faulty(other) && !m_node.is_corrupt()) {
        m_node.m_world.oracle.report(
            fmt::format("node {} disconnects honest node {}: {}", m_node.m_index, other, reason));
    }
    m_node.m_world.coverage.add(Happening::liar_disconnected);
    m_node.m_world.trace.line(
        fmt::format("n{} disconnects n{}: {}", m_node.m_index, other, reason));
    m_node.m_network->close(m_node.m_index, other,
                            m_node.m_random.between(SimTime{200'000}, SimTime{1'500'000}));
}

Scheduler::EventId SimNode::Ports::later(SimTime delay, std::function<void(Process&)> body) {
    return m_node.m_world.scheduler.after(
        delay, [node = &m_node, incarnation = m_incarnation, body = std::move(body)] {
            if (node->m_incarnation == incarnation) {
                node->turn(body);
            }
        });
}

void SimNode::Ports::wake_after(std::chrono::microseconds delay) {
    m_node.m_world.scheduler.cancel(m_timer);
    m_timer = later(delay, [](Process& process) { process.driver->on_timer(); });
}

void SimNode::Ports::received(consensus::PeerId /*from*/, Bytes envelope) {
    const SimTime verification = m_node.m_random.between(SimTime{50}, SimTime{2'000});
    later(verification, [bytes = std::move(envelope)](Process& process) {
        std::optional<consensus::VerifiedEnvelope> verified = process.application->verify(bytes);
        if (verified) {
            process.mempool.add(std::move(*verified));
            process.driver->on_envelope_available();
        }
    });
}

SimNode::SimNode(NodeIndex index, NodeSurroundings surroundings, SimRandom random)
    : m_index{index},
      m_identity{index},
      m_world{surroundings},
      m_random{random},
      m_disk{[this](EffectKind kind) { return gate(kind); }},
      m_clock{surroundings.scheduler} {}

SimNode::~SimNode() = default;

void SimNode::initialize() {
    SimFileSystem& files = m_disk.files;
    ENSURE(files.create_directories(consensus_folder).has_value());
    ENSURE(files.create_directories(ledger_folder).has_value());
    ENSURE(consensus::Journal::create(files, consensus_folder, 0).has_value());
    m_world.kind.initialize(m_disk);
    m_initialized = true;
}

void SimNode::fail(const std::string& what) {
    if (!m_doomed) {  // After its death a process may find anything.
        m_world.oracle.report(fmt::format("node {}: {}", m_index, what));
    }
}

/// A process that finds its disk broken ends at once; nothing it says after that gets out.
void SimNode::stop_process(const std::string& what) {
    if (!m_disk.files.has_failed()) {
        fail("fatal: " + what);
    } else if (!m_doomed) {
        m_stopped = true;
        die_now(Happening::stopped_by_disk_error);
    }
}

bool SimNode::refuses_damage(const std::string& what) {
    if (!m_damage_expected && !m_world.oracle.is_faulty(m_index)) {
        return false;
    }
    m_world.trace.line(fmt::format("n{} refuses its data: {}", m_index, what));
    m_world.coverage.add(Happening::damage_refused);
    m_world.oracle.record_lost(m_index);
    return true;
}

bool SimNode::open_process(Process& process) {
    std::string problem;
    process.application = m_world.kind.open(
        m_disk, m_clock, [this](const FinalNotice& notice) { take_final(notice); }, problem);
    if (process.application == nullptr) {
        if (!m_disk.files.has_failed()) {
            fail("application does not open: " + problem);
        }
        return false;
    }
    const auto fatal = [this](const std::string& what) { stop_process(what); };
    auto journal = consensus::Journal::open(
        m_disk.files, consensus_folder,
        {.rotate_bytes = m_random.between(20'000, 400'000) /
                         (m_world.oracle.is_thorough() ? thorough_rotations : 1),
         .fatal = fatal});
    if (!journal && refuses_damage(journal.error().message)) {
        journal = consensus::Journal::open_without_record(
            m_disk.files, consensus_folder, {.rotate_bytes = 400'000, .fatal = fatal});
    }
    if (!journal) {
        if (!m_disk.files.has_failed()) {
            fail("journal does not open: " + journal.error().message);
        }
        return false;
    }
    process.journal = std::move(journal).value();

    consensus::DriverOptions options;
    options.chain_id = m_world.kind.chain_id();
    consensus::DriverPorts ports{
        .clock = m_clock,
        .transport = process.ports,
        .timers = process.ports,
        .intake = process.ports,
        .self = simulated_member(m_identity),
        .signer_for = [this, &process](const PublicKey& key) -> Signer* {
            return is_corrupt() ? nullptr : process.signer_for(key);
        },
        .journal = process.journal.get(),
        .check_signature =
            [&process, check = m_world.signatures.checker()](
                const VerifyKey& key, const Hash& digest, const Signature& signature) {
                ++process.work.verifications;
                return check(key, digest, signature);
            },
        .fatal = fatal};
    process.driver = std::make_unique<consensus::Driver>(
        std::move(options), std::move(ports), process.application->application(), process.mempool);
    return true;
}

void SimNode::boot() {
    if (m_process != nullptr || m_joining != nullptr || m_kept_down) {
        return;
    }
    if (!m_initialized) {
        initialize();
    }
    ++m_incarnation;
    m_paused_until = SimTime{0};
    m_world.trace.line(fmt::format("n{} starts", m_index));
    if (!m_join_options || !begin_joining()) {
        start_process();
    }
}

void SimNode::start_process() {
    m_process = std::make_unique<Process>(*this);
    if (!open_process(*m_process)) {
        m_process.reset();
        if (m_doomed) {
            finish_death();
        } else if (m_disk.files.has_failed() && m_on_crash) {
            m_on_crash(m_index);
        }
        return;
    }
    m_world.oracle.restarted(m_index, m_process->application->application().last_final(),
                             vote_record(m_process->journal->safety()));
    if (const std::optional<std::string> problem = find_problem()) {
        fail(*problem);
    }
    check_recovered_blocks();
    if (m_actor_kind) {
        m_corruption = std::make_unique<Corruption>(*this, m_process->application->application(),
                                                    *m_process->driver);
    }
    m_process->last_record = vote_record(m_process->journal->safety());
    for (WorldObserver* observer : m_world.observers) {
        observer->starting(m_index, m_process->last_record);
    }
    m_process->driver->start();
    if (!m_doomed) {
        m_network->machine_up(m_index);
    }
    finish_turn();
}

void SimNode::crash() {
    if (m_process != nullptr || m_joining != nullptr) {
        die_now(Happening::crash_between_events);
        finish_turn();
    }
}

bool SimNode::gate(EffectKind kind) {
    if (kind == EffectKind::file_sync || kind == EffectKind::store_sync) {
        m_turn_delay += m_sync_time;
    }
    if (m_doomed || !m_armed || !m_initialized || (m_armed->kind && *m_armed->kind != kind)) {
        return false;
    }
    if (m_armed->effects_before > 0) {
        --m_armed->effects_before;
        return false;
    }
    die_now(crash_happening(kind));
    return true;
}

void SimNode::die_now(Happening cause) {
    static const std::vector<UnsyncedFate> fates{UnsyncedFate::lost, UnsyncedFate::kept,
                                                 UnsyncedFate::torn, UnsyncedFate::torn_zeroed};
    const UnsyncedFate fate = m_random.pick(fates);
    if (m_disk.files.unsynced_bytes() > 0) {
        m_world.coverage.add(fate == UnsyncedFate::lost   ? Happening::unsynced_lost
                             : fate == UnsyncedFate::kept ? Happening::unsynced_kept
                                                          : Happening::unsynced_torn);
    }
    m_world.coverage.add(cause);
    m_world.trace.line(fmt::format("n{} loses power ({})", m_index, Coverage::name(cause)));
    m_disk.files.freeze(fate, m_random);
    m_disk.store.freeze(fate, m_random);
    m_doomed = true;
}

void SimNode::turn(const std::function<void(Process&)>& body) {
    if (m_process == nullptr) {
        return;
    }
    if (m_world.scheduler.now() < m_paused_until) {
        m_world.scheduler.at(m_paused_until, [this, body, incarnation = m_incarnation] {
            if (m_incarnation == incarnation) {
                turn(body);
            }
        });
        return;
    }
    body(*m_process);
    finish_turn();
}

void SimNode::finish_turn() {
    if (!m_doomed && m_corruption) {
        m_corruption->turn();
    }
    if (m_turn_delay > SimTime{0} && !m_doomed) {
        m_paused_until = std::max(m_paused_until, m_world.scheduler.now() + m_turn_delay);
    }
    m_turn_delay = SimTime{0};
    if (m_doomed) {
        m_corruption.reset();
        m_process.reset();
        m_joining.reset();
        finish_death();
    } else if (m_process != nullptr && !m_corruption) {
        check_status();
    }
}

void SimNode::finish_death() {
    ++m_incarnation;
    m_armed.reset();
    m_stopped = false;
    m_disk.files.restart();
    m_disk.store.restart();
    m_doomed = false;
    m_network->machine_down(m_index);
    for (WorldObserver* observer : m_world.observers) {
        observer->crashed(m_index);
    }
    if (m_on_crash) {
        m_on_crash(m_index);
    }
}

void SimNode::check_ceilings(const consensus::DriverFigures& status) {
    Process& process = *m_process;
    if (status.epoch != process.last_epoch || process.last_view == 0) {
        process.work.validators = m_world.oracle.seats(status.epoch).size();
        process.work.views_passed += views_at_start;
    } else {
        process.work.views_passed += status.view - std::min(status.view, process.last_view);
    }
    if (const auto excess = find_excess(status, process.mempool, process.work)) {
        fail("holds or does too much: " + *excess);
    }
}

/// A vote that was sent is worth something only with the block that it is for.
void SimNode::check_recovered_blocks() {
    const consensus::SafetyRecord& safety = m_process->journal->safety();
    const consensus::BlockMeta final = m_process->application->application().last_final();
    if (m_world.oracle.is_faulty(m_index) || m_damage_expected || is_corrupt() ||
        final.epoch != safety.epoch || safety.notarize.view <= final.view) {
        return;
    }
    SimRandom random{0};
    const auto files = m_disk.files.crashed_copy(UnsyncedFate::kept, random);
    auto journal =
        consensus::Journal::open(*files, consensus_folder,
                                 {.rotate_bytes = 1ULL << 40U, .fatal = [](const std::string&) {}});
    if (!journal) {
        return;
    }
    const consensus::JournalState state = (*journal)->take_recovered();
    const auto is_voted = [&](const consensus::JournalBlock& block) {
        const auto meta = m_world.kind.decode_header(block.header);
        return meta && meta->digest == safety.notarize.digest;
    };
    if (std::none_of(state.blocks.begin(), state.blocks.end(), is_voted)) {
        fail("has voted for a block that its journal does not have");
    }
}

void SimNode::check_status() {
    const consensus::DriverFigures status = m_process->driver->figures();
    const VoteRecord record = vote_record(status.safety);
    const bool unreliable = m_world.oracle.is_faulty(m_index) || m_damage_expected;
    if (unreliable && status.role == consensus::Role::observer) {
        m_world.oracle.record_lost(m_index);  // It has forgotten it, knowingly.
    } else if (!m_world.oracle.is_faulty(m_index)) {
        m_world.oracle.record_changed(m_index, m_process->last_record, record);
    }
    if (status.epoch == m_process->last_epoch && status.view < m_process->last_view) {
        fail("view went back");
    }
    if (status.role == consensus::Role::observer && m_process->last_role != status.role) {
        m_world.coverage.add(Happening::observer_role);
        if (!m_world.oracle.is_faulty(m_index) && !m_damage_expected) {
            fail("takes itself for a restored copy");
        }
    }
    m_process->last_role = status.role;
    if (status.evidence > m_process->last_evidence) {
        m_process->last_evidence = status.evidence;
        check_evidence();
    }
    if (status.messages_rejected > 0 && m_world.oracle.faulty_count() == 0) {
        fail("rejects a message of an honest node");
    }
    check_ceilings(status);
    m_world.oracle.check_record(m_index, record);
    m_process->last_record = record;
    m_process->last_view = status.view;
    m_process->last_epoch = status.epoch;
}

consensus::DriverStatus SimNode::status() const {
    return m_process == nullptr ? consensus::DriverStatus{} : m_process->driver->status();
}

std::size_t SimNode::mempool_size() const {
    return m_process == nullptr ? 0 : m_process->mempool.size();
}

std::optional<std::string> SimNode::find_problem() const {
    return m_process == nullptr ? std::nullopt : m_process->application->find_problem();
}

std::map<Bytes, Bytes> SimNode::final_state() const {
    return m_process == nullptr ? std::map<Bytes, Bytes>{} : m_process->application->final_state();
}

std::optional<VoteRecord> SimNode::record_after_crash(std::string& problem) {
    SimRandom random{0};
    const auto files = m_disk.files.crashed_copy(UnsyncedFate::lost, random);
    auto journal =
        consensus::Journal::open(*files, consensus_folder,
                                 {.rotate_bytes = 1ULL << 40U, .fatal = [](const std::string&) {}});
    if (!journal) {
        problem = journal.error().message;
        return std::nullopt;
    }
    m_world.coverage.add(Happening::record_checked);
    return vote_record((*journal)->safety());
}

bool SimNode::submit(const Bytes& envelope) {
    if (m_process == nullptr || m_world.scheduler.now() < m_paused_until) {
        return false;
    }
    std::optional<consensus::VerifiedEnvelope> verified = m_process->application->verify(envelope);
    const bool added =
        verified && m_process->mempool.add(std::move(*verified)) == consensus::Admission::added;
    if (added) {
        turn([&envelope](Process& process) {
            process.driver->gossip(envelope);
            process.driver->on_envelope_available();
        });
    }
    return added && m_process != nullptr;
}

void SimNode::link_up(const consensus::Peer& peer) {
    join_turn([peer](Joining& joining) { joining.link_up(peer); });
    turn([peer](Process& process) { process.driver->on_connected(peer); });
}

void SimNode::link_down(consensus::PeerId peer) {
    join_turn([peer](Joining& joining) { joining.link_down(peer); });
    turn([peer](Process& process) { process.driver->on_disconnected(peer); });
}

void SimNode::frame_arrived(NodeIndex from, consensus::PeerId peer, const FramePtr& frame) {
    join_turn([peer, frame](Joining& joining) { joining.frame_arrived(peer, *frame); });
    turn([this, from, peer, frame](Process& process) {
        if (m_corruption && !m_corruption->hears(from, frame)) {
            return;
        }
        if (frame->message) {
            m_world.trace.line(fmt::format("n{}>n{} {}", from, m_index, to_text(*frame->message)));
            for (WorldObserver* observer : m_world.observers) {
                observer->delivered(from, m_index, *frame->message);
            }
        }
        process.driver->on_message(peer, frame->bytes);
    });
}

FramePtr SimNode::frame_of(Bytes bytes) {
    if (m_last_frame == nullptr || m_last_frame->bytes != bytes) {
        auto decoded = consensus::decode_message(bytes);
        std::optional<consensus::Message> message;
        if (decoded) {
            message = std::move(decoded).value();
        }
        m_last_frame = std::make_shared<Frame>(Frame{std::move(bytes), std::move(message)});
    }
    return m_last_frame;
}

void SimNode::send(consensus::PeerId peer, Bytes bytes) {
    const FramePtr frame = frame_of(std::move(bytes));
    if (m_stopped) {
        m_world.oracle.report(fmt::format("node {} sends after a disk error", m_index));
    }
    if (m_doomed) {
        return;
    }
    if (m_corruption) {
        send_corrupt(peer, frame);
        return;
    }
    if (!frame->message) {
        fail("sends a frame that does not decode");
        return;
    }
    const bool counts = m_armed && (!m_armed->frame || m_armed->frame(*frame->message));
    if (counts && gate(EffectKind::send)) {
        return;
    }
    watch_sent(SimNetwork::node_of(peer), *frame->message);
    m_network->send(m_index, peer, frame, m_turn_delay);
}

void SimNode::send_corrupt(consensus::PeerId peer, const FramePtr& frame) {
    if (frame->message && m_corruption->lets_out(SimNetwork::node_of(peer), *frame->message)) {
        watch_corrupt(*frame);
        m_network->send(m_index, peer, frame);
    }
}

void SimNode::silence() {
    m_silenced = true;
    if (m_corruption) {
        m_corruption->silence();
    }
}

/// Every contradiction that a node finds must be a liar's.
void SimNode::check_evidence() {
    for (const consensus::Evidence& evidence : m_process->driver->evidence()) {
        const std::uint64_t epoch = evidence.first.statement.epoch;
        const std::vector<std::size_t>& seats = m_world.oracle.seats(epoch);
        const std::size_t signer = evidence.first.signer;
        if (signer >= seats.size() || !m_world.oracle.is_faulty(seats[signer])) {
            fail("accuses honest validator " + std::to_string(signer));
        }
        m_world.coverage.add(Happening::evidence_found);
    }
}

}  // namespace tally::simulator
