#pragma once

#include "consensus/driver/application.h"
#include "consensus/driver/driver_status.h"
#include "consensus/driver/ports.h"
#include "consensus/journal/journal.h"
#include "consensus/mempool/mempool.h"
#include "ledger/base/clock.h"
#include "ledger/crypto/signer.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::consensus {

struct DriverOptions {
    Hash chain_id;

    std::chrono::milliseconds delta{50};        ///< assumed bound on delay and processing
    std::chrono::milliseconds delta_max{8000};  ///< cap of the back-off
    std::chrono::milliseconds idle_interval{1000};
    std::chrono::milliseconds retry_interval{500};  ///< between repeated NULLIFYs of one view
    std::chrono::milliseconds skip_timeout{2000};   ///< > 3 delta and > retry_interval
    /// Until a request goes to another peer; doubles with each round of silence, see Fetcher.
    std::chrono::milliseconds fetch_timeout{250};
    std::chrono::milliseconds status_interval{500};  ///< < skip_timeout
    std::chrono::milliseconds clock_tolerance{500};  ///< how far a block may be ahead of our clock
    PackLimits block_limits;
};

/// Everything the driver needs from outside; all of it must outlive the driver.
struct DriverPorts {
    Clock& clock;
    Transport& transport;
    Timers& timers;
    EnvelopeIntake& intake;
    /// Who this node is; zero: nobody, a follower in every epoch.
    MemberKey self{};
    /// The signer of this public key; null when the key is not ours. A validator's node looks in
    /// each epoch anew whether it holds the key that the set names for it. The same key under
    /// another member's name is that member's doing and nothing that this node signs for.
    std::function<Signer*(const PublicKey& key)> signer_for{};
    Journal* journal{nullptr};         ///< never null
    SignatureCheck check_signature{};  ///< of votes; empty: VerifyKey::verify
    /// The node's own data is wrong or its disk failed. Production aborts; when this returns (in
    /// the simulator), the driver does nothing any more.
    std::function<void(const std::string& what)> fatal;
    /// A view ended without a block. For a log line.
    std::function<void(const NullifiedView&)> on_nullified{};
    /// A proof of equivocation that the journal holds: right after it was found, and at the start
    /// for each one found earlier. Whoever gets it puts it on the ledger unless it is there.
    std::function<void(const Evidence&)> on_evidence{};
};

/// One node's part in consensus: owns the protocol core and carries out what it decides.
///
/// Each call below is one turn of the loop: it feeds the core, executes and builds blocks, then
/// syncs the journal once and only after that sends what the turn produced; blocks that became
/// final are committed to the application before the call returns.
///
/// Threads: one; all calls and all callbacks on it. Not re-entrant: ports must not call back.
/// Errors: hostile or stale input is dropped, counted and, where the protocol is broken, answered
/// with a disconnect. A disk error or damaged own data calls `DriverPorts::fatal`.
class Driver {
public:
    Driver(DriverOptions options, DriverPorts ports, Application& application, Mempool& mempool);
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    /// Recovers from journal and application and enters the protocol. Once, before anything else.
    void start();

    void on_connected(const Peer& peer);
    void on_disconnected(PeerId peer);
    /// One frame from a connected peer.
    void on_message(PeerId peer, ByteView frame);
    /// The wake-up asked for through `Timers`. Early or late calls do no harm.
    void on_timer();
    /// The mempool got something new. Once for any number of envelopes.
    void on_envelope_available();
    /// Sends an envelope of this node's own to all peers.
    void gossip(const Bytes& envelope);

    [[nodiscard]] DriverFigures figures() const;
    [[nodiscard]] DriverStatus status() const;
    /// All proofs that the journal holds, oldest first, at most `evidence_max`.
    [[nodiscard]] std::vector<Evidence> evidence() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::consensus
