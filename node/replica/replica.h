#pragma once

#include "consensus/driver/driver.h"
#include "ledger/base/file_system.h"
#include "ledger/store/ledger.h"
#include "node/link/link.h"
#include "node/replica/envelope_gate.h"
#include "node/replica/ledger_application.h"
#include "node/replica/signature_cache.h"
#include "node/runtime/asio_timers.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

struct ReplicaOptions {
    Genesis genesis;
    PartyId member;
    std::string data_dir;
    std::uint64_t snapshot_interval{LedgerOptions{}.snapshot_interval};
    FeatureList known_features{LedgerOptions{}.known_features};
    UnixMillis keep_finished{LedgerOptions{}.keep_finished};
    std::uint64_t segment_bytes{LedgerOptions{}.segment_bytes};
};

/// The process around the replica.
struct ReplicaPorts {
    boost::asio::io_context& io;
    FileSystem& files;
    KeyValueStore& state_store;  ///< <data>/ledger/state
    const Clock& clock;
    consensus::Journal& journal;
    /// Null when the key is not this member's.
    std::function<Signer*(const PublicKey& key)> signer_for;
    VerifyPool& pool;
    Clock& driver_clock;
    /// See consensus::DriverPorts.
    std::function<void(const consensus::NullifiedView&)> on_nullified;
    std::function<void(const consensus::Evidence&)> on_evidence;
    /// Sends a frame of kind `consensus`; false when it was dropped.
    std::function<bool(const PublicKey& peer, Bytes frame)> send;
    /// Closes the link to a peer that broke the protocol.
    std::function<void(const PublicKey& peer, const char* reason)> disconnect;
};

/// Gossiped envelopes with a wrong signature that one connection may bring: while a member rotates
/// its key, honest nodes may differ for a moment in what is right. One more closes it.
inline constexpr std::uint32_t bad_gossip_max{16};

/// One member's copy of the ledger and its part in agreeing on it: consensus driver, mempool,
/// verification and the ledger, wired to links and timers.
///
/// Threads: the loop's one thread, for all calls and callbacks. Final blocks are delivered to the
/// subscriber from the loop, after the turn that made them final, in order and exactly once per
/// process (what was final before the start is read with `ledger().read_block`).
class Replica final : private LedgerObserver,
                      private consensus::Transport,
                      private consensus::Timers,
                      private consensus::EnvelopeIntake {
public:
    using BlockHandler = std::function<void(const FinalizedBlock&)>;

    /// Opens the ledger in `data_dir` (replaying what the state lacks).
    [[nodiscard]] static Expected<std::unique_ptr<Replica>, LedgerOpenError> open(
        ReplicaOptions options, ReplicaPorts ports);
    ~Replica() override;
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    /// Enters the protocol. `on_final` may call everything here but must not destroy the replica.
    void start(BlockHandler on_final);

    // From the links, members only.
    void peer_connected(const PeerIdentity& peer);
    void peer_disconnected(const PeerIdentity& peer);
    void frame_received(const PeerIdentity& peer, ByteView frame);

    /// An envelope from outside (API): verified on the pool, then admitted and gossiped.
    void submit(Bytes envelope, std::function<void(GateResult)> done);
    /// An envelope that this member's key has signed. Admitted at once. Given again while it waits,
    /// it is gossiped again.
    GateResult submit_own(const Bytes& envelope);

    [[nodiscard]] const Ledger& ledger() const { return *m_ledger; }
    [[nodiscard]] Bytes lease_backup_snapshot() { return m_ledger->lease_backup_snapshot(); }
    [[nodiscard]] consensus::DriverStatus status() const { return m_driver->status(); }
    [[nodiscard]] const consensus::Mempool& mempool() const { return m_mempool; }
    [[nodiscard]] std::uint64_t refused_blocks() const noexcept { return m_refused_blocks; }

private:
    Replica(ReplicaOptions options, ReplicaPorts ports);
    [[nodiscard]] consensus::DriverOptions driver_options() const;
    void make_driver();
    void envelope_added(const Bytes& envelope);
    void announce_envelopes();
    void deliver_final_blocks();

    // LedgerObserver
    void block_final(const Hash& digest,
                     const std::shared_ptr<const FinalizedBlock>& block) override;
    void block_refused(const Hash& digest, const BlockError& error) override;
    [[noreturn]] void feature_unknown(std::uint32_t feature) override;
    // consensus ports
    void send(consensus::PeerId peer, Bytes frame) override;
    void disconnect(consensus::PeerId peer, const char* reason) override;
    void wake_after(std::chrono::microseconds delay) override;
    void received(consensus::PeerId from, Bytes envelope) override;

    ReplicaOptions m_options;
    ReplicaPorts m_ports;
    AsioTimers m_timers;
    std::optional<AsioTimers::Id> m_wake;
    SignatureCache m_signatures;
    std::unique_ptr<Ledger> m_ledger;
    std::unique_ptr<LedgerApplication> m_application;
    consensus::Mempool m_mempool;
    std::unique_ptr<EnvelopeGate> m_gate;
    std::unique_ptr<consensus::Driver> m_driver;
    BlockHandler m_on_final;
    std::deque<std::shared_ptr<const FinalizedBlock>> m_final_blocks;
    bool m_delivery_posted{false};
    bool m_announcement_posted{false};
    std::map<consensus::PeerId, PublicKey> m_peer_keys;
    std::map<PublicKey, consensus::PeerId> m_peer_ids;
    std::map<consensus::PeerId, std::uint32_t> m_bad_gossip;  ///< wrong signatures it brought
    consensus::PeerId m_next_peer{1};
    std::uint64_t m_refused_blocks{0};
};

}  // namespace tally::node
