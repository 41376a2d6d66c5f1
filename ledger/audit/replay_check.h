#pragma once

#include "ledger/audit/audit_block.h"
#include "ledger/audit/checkpoint.h"
#include "ledger/base/memory_store.h"
#include "ledger/chain/executor.h"

#include <deque>
#include <memory>
#include <set>

namespace tally {

/// Executes every block again, from the genesis, and compares results, events, log and state. Stops
/// at the first block that cannot be executed, because what follows rests on it.
/// `genesis` must outlive it. Memory: the flat state without finished charges, and its tree.
class ReplayCheck {
public:
    ReplayCheck(const Genesis& genesis, FindingLog& log);

    /// Goes on behind a checkpoint instead of the genesis. False when the checkpoint's state or log
    /// is not that of its header; the object is of no use then.
    [[nodiscard]] bool restore(const AuditCheckpoint& checkpoint);
    /// Writes what is needed to go on behind the last block into the checkpoint.
    void save(AuditCheckpoint& checkpoint) const;

    void check(const AuditBlock& block);
    /// Every accounting rule over the whole of the last state that was reached. Whether they hold;
    /// what is found once is not repeated.
    bool check_accounts();
    [[nodiscard]] std::uint64_t replayed_to() const noexcept { return m_height; }
    /// Header of the last block that was executed.
    [[nodiscard]] const BlockHeader& header() const noexcept { return m_tip->block.header; }
    /// The state after that block, without what is finished.
    [[nodiscard]] const MemoryStore& state() const noexcept { return m_store; }

private:
    /// Knows the signatures that the inspector verified; verifies others itself.
    class KnownSignatures final : public SignatureChecker {
    public:
        void start_block(const AuditBlock& block);
        [[nodiscard]] bool verify(const Hash& envelope_hash, const PublicKey& key,
                                  const Hash& signing_digest, const Signature& signature) override;

    private:
        std::set<std::pair<Hash, PublicKey>> m_known;
        DirectSignatureChecker m_direct;
    };

    void compare(const AuditBlock& block, const ExecutedBlock& executed);
    void take(ExecutedBlock executed);
    void remember(IdWindow::BlockIds ids);
    void add_finding(FindingKind kind, std::string message);

    FindingLog& m_log;
    MemoryStore m_store;
    KnownSignatures m_signatures;
    Executor m_executor;
    IdWindow m_window;
    std::deque<IdWindow::BlockIds> m_recent;  ///< what is in the window
    std::shared_ptr<const ExecutedBlock> m_tip;
    std::uint64_t m_height{0};
    bool m_stopped{false};
    bool m_accounts_wrong{false};
};

}  // namespace tally
