#pragma once

#include "consensus/driver/application.h"
#include "ledger/store/ledger.h"

#include <memory>
#include <optional>
#include <vector>

namespace tally::node {

/// Who wants to know what became final or was refused. Called on the ledger's thread, inside the
/// call that caused it; must not call back into the ledger's changing members.
class LedgerObserver {
public:
    virtual ~LedgerObserver() = default;
    /// The block is in a synced segment: from here on clients may be told.
    virtual void block_final(const Hash& digest,
                             const std::shared_ptr<const FinalizedBlock>& block) = 0;
    /// A proposed block was invalid. Kind `invariant` calls for an alarm.
    virtual void block_refused(const Hash& digest, const BlockError& error) = 0;
    /// With the block that is final now a feature became active that the ledger does not know. Must
    /// not return: nothing may be executed or voted on any more.
    [[noreturn]] virtual void feature_unknown(std::uint32_t feature);
};

/// The ledger in the terms of consensus: headers become BlockMeta, envelopes stay bytes.
///
/// Ownership: keeps references to `ledger` and `observer`, which must outlive this object.
/// Durability: `commit` returns when the block is in a synced segment, see Ledger::commit.
/// Threads: the ledger's one owner thread.
class LedgerApplication final : public consensus::Application {
public:
    LedgerApplication(Ledger& ledger, LedgerObserver& observer);

    [[nodiscard]] std::optional<consensus::BlockMeta> decode_header(ByteView header) const override;
    [[nodiscard]] Hash hash_of_envelope(ByteView envelope) const override;
    [[nodiscard]] consensus::MemberKey signer_of_envelope(ByteView envelope) const override;
    [[nodiscard]] bool body_matches(ByteView header,
                                    const std::vector<Hash>& envelopes) const override;
    [[nodiscard]] bool has_executed(const Hash& digest) const override;
    [[nodiscard]] std::optional<consensus::BuiltBlock> build(
        const consensus::BuildRequest& request, const std::vector<Bytes>& envelopes) override;
    [[nodiscard]] bool execute(ByteView header, const std::vector<Bytes>& envelopes) override;
    void commit(const Hash& digest, const QuorumCertificate& finalization) override;
    [[nodiscard]] consensus::BlockMeta last_final() const override;
    [[nodiscard]] std::optional<QuorumCertificate> last_finalization() const override;
    [[nodiscard]] std::optional<consensus::FinalizedBytes> read_final(
        consensus::Height height) const override;
    [[nodiscard]] consensus::EpochInfo epoch() const override;
    [[nodiscard]] std::optional<Bytes> read_epoch_proof(std::uint64_t epoch) const override;
    [[nodiscard]] std::optional<consensus::EpochSeal> check_epoch_proof(
        ByteView proof) const override;
    [[nodiscard]] std::optional<Bytes> answer_snapshot_query(ByteView query) const override;

private:
    Ledger& m_ledger;
    LedgerObserver& m_observer;
};

}  // namespace tally::node
