#include "node/replica/ledger_application.h"

#include "consensus/driver/block_tree.h"
#include "ledger/base/check.h"
#include "ledger/model/envelope.h"
#include "ledger/state/epochs.h"
#include "ledger/store/snapshot.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace tally::node {

namespace {

// What consensus holds as executed must be there when it becomes final.
static_assert(speculative_blocks_max > consensus::BlockTree::blocks_max);

consensus::BlockMeta meta_of(const BlockHeader& header, const Hash& digest) {
    return consensus::BlockMeta{.digest = digest,
                                .parent = header.parent,
                                .epoch = header.epoch,
                                .height = header.height,
                                .view = header.view,
                                .parent_view = header.parent_view,
                                .time = header.time,
                                .proposer = header.proposer,
                                .seals_epoch = header.seals_epoch};
}

static_assert(epoch_proof_bytes_max <= consensus::epoch_proof_bytes_max);
static_assert(snapshot_answer_bytes_max <= consensus::snapshot_answer_bytes_max);
static_assert(snapshot_query_bytes_max <= consensus::snapshot_query_bytes_max);

}  // namespace

void LedgerObserver::feature_unknown(std::uint32_t /*feature*/) { std::abort(); }

LedgerApplication::LedgerApplication(Ledger& ledger, LedgerObserver& observer)
    : m_ledger{ledger}, m_observer{observer} {}

std::optional<consensus::BlockMeta> LedgerApplication::decode_header(ByteView header) const {
    const std::optional<BlockHeader> decoded = BlockHeader::decode(header);
    if (!decoded || decoded->chain_id != m_ledger.chain_id()) {
        return std::nullopt;
    }
    return meta_of(*decoded, decoded->digest());
}

Hash LedgerApplication::hash_of_envelope(ByteView envelope) const {
    return envelope_hash(envelope);
}

consensus::MemberKey LedgerApplication::signer_of_envelope(ByteView envelope) const {
    const std::optional<PartyId> signer = peek_envelope_signer(envelope);
    ENSURE(signer.has_value());  // it was executed
    return consensus::MemberKey{signer->data};
}

bool LedgerApplication::body_matches(ByteView header, const std::vector<Hash>& envelopes) const {
    const std::optional<BlockHeader> decoded = BlockHeader::decode(header);
    return decoded && envelopes.size() <= block_envelopes_max &&
           decoded->body_root == body_root(envelopes);
}

bool LedgerApplication::has_executed(const Hash& digest) const {
    return digest == m_ledger.final_digest() || m_ledger.find_executed(digest) != nullptr;
}

std::optional<consensus::BuiltBlock> LedgerApplication::build(
    const consensus::BuildRequest& request, const std::vector<Bytes>& envelopes) {
    const BlockContext context{.epoch = request.epoch,
                               .view = request.view,
                               .parent_view = request.parent_view,
                               .time = request.time,
                               .proposer = request.proposer};
    consensus::BuiltBlock built;
    const std::shared_ptr<const ExecutedBlock> block =
        m_ledger.build(request.parent, context, envelopes, built.left_out);
    if (block == nullptr) {
        if (has_executed(request.parent)) {
            m_observer.block_refused(
                request.parent,
                {BlockError::Kind::invariant, "no block can be built on it from these envelopes"});
        }
        return std::nullopt;
    }
    built.header = block->block.header.encode();
    built.meta = meta_of(block->block.header, block->digest);
    built.envelopes = block->envelope_hashes;
    return built;
}

bool LedgerApplication::execute(ByteView header, const std::vector<Bytes>& envelopes) {
    const std::optional<BlockHeader> decoded = BlockHeader::decode(header);
    if (!decoded) {
        return false;
    }
    const auto executed = m_ledger.execute(Block{*decoded, envelopes});
    if (!executed) {
        m_observer.block_refused(decoded->digest(), executed.error());
    }
    return executed.has_value();
}

void LedgerApplication::commit(const Hash& digest, const QuorumCertificate& finalization) {
    if (digest == m_ledger.final_digest() || m_ledger.find_executed(digest) == nullptr) {
        // What is final is no longer kept as executed. A certificate newer than the last one would
        // mean a block that was never executed here: it must not be called final.
        const std::optional<QuorumCertificate>& last = m_ledger.last_finalization();
        ENSURE(last && finalization.statement.view <= last->statement.view);
        return;
    }
    const std::shared_ptr<const FinalizedBlock> block = m_ledger.commit(digest, finalization);
    ENSURE(block != nullptr);
    m_observer.block_final(digest, block);
    if (const std::optional<std::uint32_t> feature = m_ledger.unknown_feature()) {
        m_observer.feature_unknown(*feature);
    }
}

consensus::BlockMeta LedgerApplication::last_final() const {
    return meta_of(m_ledger.final_header(), m_ledger.final_digest());
}

std::optional<QuorumCertificate> LedgerApplication::last_finalization() const {
    return m_ledger.last_finalization();
}

std::optional<consensus::FinalizedBytes> LedgerApplication::read_final(
    consensus::Height height) const {
    std::optional<FinalizedBlock> block = m_ledger.read_block(height);
    if (!block) {
        return std::nullopt;
    }
    return consensus::FinalizedBytes{.header = block->block.header.encode(),
                                     .envelopes = std::move(block->block.envelopes),
                                     .finalization = std::move(block->finalization)};
}

consensus::EpochInfo LedgerApplication::epoch() const {
    consensus::EpochInfo info;
    info.epoch = m_ledger.epoch();
    info.previous_seal = m_ledger.previous_seal();
    for (const Validator& validator : m_ledger.validators()) {
        info.validators.push_back(
            {consensus::MemberKey{validator.party.data}, validator.consensus_key});
    }
    const Parameters parameters = find_parameters(m_ledger.final_state());
    consensus::EpochTiming timing;
    timing.delta = std::chrono::milliseconds{parameters.delta};
    timing.idle_interval = std::chrono::milliseconds{parameters.idle_interval};
    timing.skip_timeout = std::chrono::milliseconds{parameters.skip_timeout};
    info.timing = timing;
    return info;
}

std::optional<Bytes> LedgerApplication::read_epoch_proof(std::uint64_t epoch) const {
    const std::optional<EpochProof> proof = m_ledger.epoch_proof(epoch);
    return proof ? std::optional{proof->encode()} : std::nullopt;
}

std::optional<consensus::EpochSeal> LedgerApplication::check_epoch_proof(ByteView proof) const {
    std::optional<EpochProof> decoded = EpochProof::decode(proof);
    if (!decoded || !tally::check_epoch_proof(*decoded, m_ledger.chain_id(), m_ledger.epoch(),
                                              m_ledger.validators())) {
        return std::nullopt;
    }
    return consensus::EpochSeal{.header = decoded->header.encode(),
                                .meta = meta_of(decoded->header, decoded->header.digest()),
                                .finalization = std::move(decoded->finalization)};
}

std::optional<Bytes> LedgerApplication::answer_snapshot_query(ByteView query) const {
    return m_ledger.answer_snapshot_query(query);
}

}  // namespace tally::node
