#pragma once

#include "consensus/driver/application.h"
#include "consensus/mempool/mempool.h"
#include "consensus/sync/sync_client.h"
#include "ledger/crypto/secp256k1.h"
#include "tests/simulator/sim_clock.h"
#include "tests/simulator/sim_disk.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
    std::optional<consensus::EpochInfo> next{};  ///< the epoch that begins after it
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
    /// Everything that the state after the last final block consists of, by key.
    [[nodiscard]] virtual std::map<Bytes, Bytes> final_state() const { return {}; }
};

/// A machine's empty ledger that is filled from a snapshot of others.
class SimImport {
public:
    virtual ~SimImport() = default;
    [[nodiscard]] virtual consensus::SnapshotSink& sink() = 0;
    /// Everything is there: after this, the ledger opens.
    virtual void finish() = 0;
};

using NodeIndex = std::size_t;

struct KeyPair {
    SecretKey secret;
    PublicKey open;
};

/// A validator of a set that is asked for: the machine, and which of its keys.
struct Seat {
    NodeIndex machine{0};
    std::size_t key{0};
    friend auto operator<=>(const Seat&, const Seat&) = default;
};

/// Ways in which a header can be made another one. Only `later` gives a valid block.
enum class HeaderChange : std::uint8_t {
    later,         ///< 1 ms more: an equally good block
    state,         ///< another state root
    height,        ///< two more
    parent,        ///< another digest
    view,          ///< one more
    proposer,      ///< one more
    epoch,         ///< one more
    body,          ///< another body root
    seals,         ///< the flag, flipped
    chain,         ///< of another chain
    early,         ///< before its parent
    future,        ///< an hour ahead
    short_by_one,  ///< the last byte is missing
};

/// Makes the same kind of application for all nodes of a world.
class SimApplicationKind {
public:
    virtual ~SimApplicationKind() = default;
    [[nodiscard]] virtual const Hash& chain_id() const = 0;
    /// The first consensus key of each machine.
    [[nodiscard]] virtual const std::vector<SecretKey>& keys() const = 0;
    /// Their public halves.
    [[nodiscard]] virtual const std::vector<PublicKey>& public_keys() const = 0;
    /// All keys that a machine has or will have.
    [[nodiscard]] virtual std::vector<KeyPair> keys_of(NodeIndex machine) const {
        return {{keys()[machine], public_keys()[machine]}};
    }
    /// The first epoch.
    [[nodiscard]] virtual consensus::EpochInfo first_epoch() const = 0;
    /// An envelope that asks for a validator set, effective when the epoch ends next (with
    /// `needs_ready`: not before `ready_envelope` is final). Empty where sets do not change so.
    [[nodiscard]] virtual Bytes change_envelope(SimRandom& /*random*/,
                                                const std::vector<Seat>& /*seats*/,
                                                bool /*needs_ready*/) {
        return {};
    }
    [[nodiscard]] virtual Bytes ready_envelope(SimRandom& /*random*/) { return {}; }
    [[nodiscard]] virtual consensus::BlockMeta genesis() const = 0;
    [[nodiscard]] virtual std::optional<consensus::BlockMeta> decode_header(
        ByteView header) const = 0;
    [[nodiscard]] virtual Hash hash_of_envelope(ByteView envelope) const = 0;
    /// A header changed in one place. Nothing when the bytes are no header.
    [[nodiscard]] virtual std::optional<Bytes> alter_header(ByteView header,
                                                            HeaderChange change) const = 0;
    /// Whether `next_envelope` made this one so that no block may carry it.
    [[nodiscard]] virtual bool is_bad(const Bytes& envelope) const = 0;
    /// Writes an empty one to a new disk.
    virtual void initialize(SimDisk& disk) = 0;
    /// Opens it after a start or crash. Nothing, with the reason, when it does not open.
    [[nodiscard]] virtual std::unique_ptr<SimApplication> open(SimDisk& disk, const SimClock& clock,
                                                               OnFinal on_final,
                                                               std::string& problem) = 0;
    /// For a machine that joins: nothing when its ledger can be opened as it is.
    [[nodiscard]] virtual std::unique_ptr<SimImport> open_import(SimDisk& /*disk*/) {
        return nullptr;
    }
    /// The next envelope of the workload, for submission at wall time `now`.
    [[nodiscard]] virtual Bytes next_envelope(SimRandom& random, UnixMillis now) = 0;
};

/// What a world of hash chains is made of.
struct FakeKindOptions {
    std::size_t machines{4};
    std::size_t validators{4};          ///< in the first epoch; the other machines follow
    std::uint64_t epoch_blocks_max{0};  ///< an epoch ends after so many; 0: never of itself
    consensus::SignatureCheck check{};
};
/// Keys that each machine has in such a world.
inline constexpr std::size_t keys_per_machine{4};

/// Keys of `count` validators, in the order in which the ledger would sort them.
[[nodiscard]] const std::vector<SecretKey>& simulated_keys(std::size_t count);
/// Their public halves.
[[nodiscard]] const std::vector<PublicKey>& simulated_public_keys(std::size_t count);
/// The member that node `index` stands for.
[[nodiscard]] consensus::MemberKey simulated_member(std::size_t index);
[[nodiscard]] std::optional<NodeIndex> machine_of(const consensus::MemberKey& member);
/// Blocks of a hash chain: fast.
[[nodiscard]] std::unique_ptr<SimApplicationKind> make_fake_kind(const FakeKindOptions& options);
/// The production ledger with signed transactions: `nodes` validators, then `joiners` followers,
/// for whom there is a snapshot every `snapshots` blocks.
[[nodiscard]] std::unique_ptr<SimApplicationKind> make_ledger_kind(std::size_t nodes,
                                                                   std::size_t joiners = 0,
                                                                   std::uint64_t snapshots = 20);

}  // namespace tally::simulator
