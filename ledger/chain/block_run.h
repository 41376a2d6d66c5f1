#pragma once

#include "ledger/chain/executor.h"
#include "ledger/model/envelope.h"
#include "ledger/state/context.h"
#include "ledger/state/sublog.h"

#include <set>

namespace tally {

/// One block on its way through the state machine: the cycle's close, expiry sweep, then envelope
/// by envelope, then the seal of the epoch, then the roots. Shared by building and executing, so
/// that both do the same. Used once.
class BlockRun {
public:
    /// What the run needs besides the parent. All must outlive it.
    struct Inputs {
        const Hash& chain_id;
        SignatureChecker& signatures;
        const IdWindow& window;
        /// The set that the block hands over to; nothing when it does not seal its epoch.
        const std::optional<NextEpoch>& sealed;
    };

    /// `header` gives height and time; they follow the parent. Closes the cycle and sweeps at once.
    BlockRun(const Inputs& inputs, const KeyValueStore& base,
             std::vector<const StateChanges*> layers, std::shared_ptr<const ExecutedBlock> parent,
             const BlockHeader& header);
    BlockRun(const BlockRun&) = delete;
    BlockRun& operator=(const BlockRun&) = delete;

    /// Checks the envelope as a whole and executes its transactions. An error means that a block
    /// with this envelope is invalid; nothing was changed and others may follow. `hash` is the
    /// envelope's.
    [[nodiscard]] std::optional<BlockError> add_envelope(const Bytes& encoded, const Hash& hash);
    /// Completes the block: seal, totals, state root, log root. `block` holds the envelopes added;
    /// the result fields of its header are set here.
    [[nodiscard]] Expected<ExecutedBlock, BlockError> finish(Block block) &&;

private:
    /// An envelope that passed every rule of validity.
    struct Admitted {
        Hash root_with_signer;
        PartyId signer;
        std::vector<Transaction> transactions;
        std::vector<Hash> transaction_hashes;
    };
    [[nodiscard]] Expected<Admitted, BlockError> admit(const Bytes& encoded, const Hash& hash);
    [[nodiscard]] std::optional<BlockError> decode_transactions(const Envelope& envelope,
                                                                Admitted& admitted) const;
    /// Executes one transaction of an envelope and appends its leaf.
    void execute(const TransactionRef& ref, const Hash& hash, const Action& action);
    [[nodiscard]] std::optional<Hash> find_executed(const TransactionRef& ref) const;
    [[nodiscard]] bool is_repeated(const Hash& root_with_signer) const;
    void append_event(const Event& event);
    void append_leaf(const Hash& hash, const PartyId& signer, ResultCode result,
                     const std::set<PartyId>& touched);

    const Inputs m_inputs;
    std::shared_ptr<const ExecutedBlock> m_parent;
    const std::uint64_t m_height;
    StateOverlay m_state;
    SignatureCheck m_check_signature;
    const Parameters m_parameters;  ///< as they were before the block
    BlockScope m_scope;
    SublogAppender m_sublogs;
    ExecutedBlock m_result;
};

}  // namespace tally
