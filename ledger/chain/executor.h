#pragma once

#include "ledger/base/key_value_store.h"
#include "ledger/chain/block.h"
#include "ledger/chain/id_window.h"
#include "ledger/crypto/merkle.h"
#include "ledger/model/genesis.h"
#include "ledger/state/state_overlay.h"
#include "ledger/state/state_tree.h"
#include "ledger/state/state_view.h"
#include "ledger/state/sublog.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tally {

/// Answers whether an envelope's signature was already found right, so that execution does not pay
/// for it again. Implementations may verify on the spot; the answer must not depend on anything but
/// the arguments.
class SignatureChecker {
public:
    virtual ~SignatureChecker() = default;
    [[nodiscard]] virtual bool verify(const Hash& envelope_hash, const PublicKey& key,
                                      const Hash& signing_digest, const Signature& signature) = 0;
};

/// The name under which a SignatureChecker is asked about the bridge's signature inside a
/// RecordCharge (in place of the envelope hash): tagged_hash("tally/metered-check/v1",
/// metered_signing_digest | signature).
[[nodiscard]] Hash metered_check_name(const Hash& digest, const Signature& signature);

/// Verifies every time, with parsed keys kept. For the auditor and tests.
class DirectSignatureChecker final : public SignatureChecker {
public:
    [[nodiscard]] bool verify(const Hash& envelope_hash, const PublicKey& key,
                              const Hash& signing_digest, const Signature& signature) override;

private:
    std::map<PublicKey, VerifyKey> m_keys;
};

/// A block with everything that executing it gave. Immutable, shared between the blocks built on
/// it. `parent` keeps unfinalized ancestors alive and is cut when the parent's changes are in the
/// base store.
struct ExecutedBlock {
    Block block;
    Hash digest;
    std::shared_ptr<const ExecutedBlock> parent;
    std::vector<Hash> envelope_hashes;
    std::vector<ResultCode> results;
    std::vector<Event> events;
    std::vector<Leaf> leaves;
    SublogAdditions sublogs;  ///< which of the leaves went into whose sub-log
    StateChanges changes;     ///< flat keys, derived index tables included, sorted
    StateTree tree;           ///< after the block; shares unchanged nodes with the parent's
    MerkleFrontier log;       ///< after the block
    IdWindow::BlockIds ids;
};

/// Where a block is to be built: what the leader fixes and voters check.
struct BlockContext {
    std::uint64_t epoch{0};
    std::uint64_t view{0};
    std::uint64_t parent_view{0};
    UnixMillis time{0};
    std::uint32_t proposer{0};
};

/// Why a block is invalid, for good. In words for logs and audit findings.
struct BlockError {
    enum class Kind : std::uint8_t {
        header,           ///< version, chain, height, parent, time not rising, epoch
        seal,             ///< seals its epoch though it must not, or does not though it must
        body,             ///< body_root, counts or sizes
        envelope,         ///< undecodable, unknown signer, wrong signature, repeated root
        not_after,        ///< outside (block.time, block.time + 120 s]
        result_mismatch,  ///< log or state after execution differ from the header
        invariant,        ///< an accounting invariant fails: raise an alarm
    };
    Kind kind{Kind::header};
    std::string what;
};

/// Turns a parent's state and envelopes into the next state. Pure: the same inputs give the same
/// result on every machine. One thread at a time.
class Executor {
public:
    /// `base` holds the flat state of the last finalized block; both must outlive this object.
    Executor(const Genesis& genesis, const KeyValueStore& base, SignatureChecker& signatures);

    /// The state that the genesis alone gives, at height 0. Its changes are to be written to an
    /// empty base.
    [[nodiscard]] ExecutedBlock genesis_block() const;

    /// Builds a block for a leader: envelopes that would make it invalid are left out (and named
    /// in `left_out` by hash), the rest is executed. Envelopes that do not fit into the block any
    /// more are neither included nor named: they can wait. Never fails for envelopes, only on
    /// `invariant`, and on `header` for a context that does not follow the parent.
    [[nodiscard]] Expected<ExecutedBlock, BlockError> build(
        const std::shared_ptr<const ExecutedBlock>& parent, const IdWindow& window,
        const BlockContext& context, const std::vector<Bytes>& envelopes,
        std::vector<Hash>& left_out);

    /// Executes a block as proposed and compares everything with its header. The wall clock is not
    /// looked at; that a block is not too far ahead is the voter's business.
    [[nodiscard]] Expected<ExecutedBlock, BlockError> execute(
        const std::shared_ptr<const ExecutedBlock>& parent, const IdWindow& window, Block block);

private:
    const Genesis& m_genesis;
    const KeyValueStore& m_base;
    SignatureChecker& m_signatures;
    Hash m_chain_id;
};

/// The last final block as a parent to build on, from what is on disk: its header, the flat state
/// after it, and the right edge of the log. The tree is rebuilt from the flat values; the caller
/// compares `tree.root()` and `log.root()` with the header. `changes` is empty.
[[nodiscard]] std::shared_ptr<ExecutedBlock> restore_executed(const BlockHeader& header,
                                                              const KeyValueStore& base,
                                                              MerkleFrontier log);
/// The state after `block`, seen through its unfinalized ancestors. Both must outlive the result.
[[nodiscard]] StateOverlay view_after(const KeyValueStore& base, const ExecutedBlock& block);

/// "header", "body" and so on.
[[nodiscard]] const char* to_text(BlockError::Kind kind);

}  // namespace tally
