#pragma once

#include "consensus/driver/application.h"
#include "consensus/mempool/mempool.h"
#include "ledger/crypto/secp256k1.h"
#include "tests/simulator/sim_clock.h"
#include "tests/simulator/sim_disk.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace tally::simulator {

/// The disks of one machine. They outlive every process that runs on it.
struct SimDisk {
    SimFileSystem files;
    SimStore store;
    explicit SimDisk(const EffectGate& gate) : files{gate}, store{gate} {}
};

/// A block that became final on one node.
struct FinalNotice {
    consensus::BlockMeta meta;
    Bytes header;
    std::vector<Hash> envelopes;
    QuorumCertificate finalization;
};
using OnFinal = std::function<void(const FinalNotice& notice)>;

/// What consensus orders in one process of one node, and what goes with it.
class SimApplication {
public:
    virtual ~SimApplication() = default;
    [[nodiscard]] virtual consensus::Application& application() = 0;
    /// What the node's verification pool does with a gossiped envelope: nothing when it is wrong.
    [[nodiscard]] virtual std::optional<consensus::VerifiedEnvelope> verify(
        const Bytes& envelope) = 0;
    /// Something about the current state that must not be, in words: checked after the run and at
    /// restarts.
    [[nodiscard]] virtual std::optional<std::string> find_problem() const = 0;
};

/// Makes the same kind of application for all nodes of a world.
class SimApplicationKind {
public:
    virtual ~SimApplicationKind() = default;
    [[nodiscard]] virtual const Hash& chain_id() const = 0;
    /// Consensus keys in index order.
    [[nodiscard]] virtual const std::vector<SecretKey>& keys() const = 0;
    /// Their public halves.
    [[nodiscard]] virtual const std::vector<PublicKey>& public_keys() const = 0;
    [[nodiscard]] virtual consensus::BlockMeta genesis() const = 0;
    [[nodiscard]] virtual std::optional<consensus::BlockMeta> decode_header(
        ByteView header) const = 0;
    [[nodiscard]] virtual Hash hash_of_envelope(ByteView envelope) const = 0;
    /// Whether `next_envelope` made this one so that no block may carry it.
    [[nodiscard]] virtual bool is_bad(const Bytes& envelope) const = 0;
    /// Writes an empty one to a new disk.
    virtual void initialize(SimDisk& disk) = 0;
    /// Opens it after a start or crash. Nothing, with the reason, when it does not open.
    [[nodiscard]] virtual std::unique_ptr<SimApplication> open(SimDisk& disk, const SimClock& clock,
                                                               OnFinal on_final,
                                                               std::string& problem) = 0;
    /// The next envelope of the workload, for submission at wall time `now`.
    [[nodiscard]] virtual Bytes next_envelope(SimRandom& random, UnixMillis now) = 0;
};

/// Keys of `count` validators, in the order in which the ledger would sort them.
[[nodiscard]] const std::vector<SecretKey>& simulated_keys(std::size_t count);
/// Their public halves.
[[nodiscard]] const std::vector<PublicKey>& simulated_public_keys(std::size_t count);
/// Blocks of a hash chain: fast.
[[nodiscard]] std::unique_ptr<SimApplicationKind> make_fake_kind(std::size_t nodes);
/// The production ledger with signed transactions.
[[nodiscard]] std::unique_ptr<SimApplicationKind> make_ledger_kind(std::size_t nodes);

}  // namespace tally::simulator
