#pragma once

#include "consensus/driver/application.h"
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
    std::uint64_t epoch{0};
    /// Consensus keys in index order, 1 to `validators_max`, all valid points.
    std::vector<PublicKey> validators;
    /// This node's index; nothing for a follower.
    std::optional<ValidatorIndex> self;

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
    Signer* signer{nullptr};    ///< the consensus key; null for a follower
    Journal* journal{nullptr};  ///< null for a follower
    SignatureCheck check_signature{};  ///< of votes; empty: VerifyKey::verify
    /// The node's own data is wrong or its disk failed. Production aborts; when this returns (in
    /// the simulator), the driver does nothing any more.
    std::function<void(const std::string& what)> fatal;
};

/// Whether this node takes part in voting.
enum class Role : std::uint8_t {
    follower,   ///< not a validator
    waiting,    ///< has not heard Status from enough peers since its start
    validator,  ///< votes
    observer,   ///< its safety record is older than votes that others have of it: never votes
};
[[nodiscard]] const char* to_text(Role role);

/// For metrics, `tally show consensus` and the simulator's checks.
struct DriverStatus {
    Role role{Role::follower};
    View view{0};
    ValidatorIndex leader{0};
    View last_final_view{0};  ///< of the newest finalization held, executed or not
    Height final_height{0};   ///< of the ledger
    Hash final_digest;
    std::chrono::microseconds delta{0};  ///< with back-off
    std::size_t peers{0};
    std::size_t validators_connected{0};
    std::size_t unfinalized_blocks{0};
    SafetyRecord safety;

    std::uint64_t proposals_sent{0};
    std::uint64_t proposals_rejected{0};
    std::uint64_t views_nullified{0};
    std::uint64_t blocks_committed{0};
    std::uint64_t blocks_fetched{0};  ///< by digest or range
    std::uint64_t envelopes_fetched{0};
    std::uint64_t messages_rejected{0};  ///< undecodable or against the protocol
    std::uint64_t evidence{0};           ///< proofs of equivocation found
};

/// Two votes of one validator that it must not both have signed.
struct Evidence {
    Vote first;
    Vote second;
    friend bool operator==(const Evidence&, const Evidence&) = default;
};
/// Evidence kept in memory; the oldest is dropped.
inline constexpr std::size_t evidence_max{256};

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

    [[nodiscard]] DriverStatus status() const;
    [[nodiscard]] std::vector<Evidence> evidence() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::consensus
