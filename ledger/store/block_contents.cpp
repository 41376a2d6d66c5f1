#include "ledger/store/block_contents.h"

#include "ledger/model/envelope.h"
#include "ledger/model/transaction.h"
#include "ledger/store/ledger_index.h"

#include <map>
#include <utility>

namespace tally {
namespace {

/// Adds leaves in order; indexes run up to the header's log size.
class LeafList {
public:
    LeafList(const FinalizedBlock& block, std::vector<Leaf>& leaves)
        : m_height{block.block.header.height}, m_leaves{leaves} {
        m_next = block.block.header.log_size - block.results.size() - block.events.size();
    }
    void add(const Hash& hash, const PartyId& signer, ResultCode result) {
        m_leaves.push_back({m_next++, m_height, hash, signer, result});
    }
    /// The seal of an epoch is the last thing in its block; all other events are the first.
    void add_events(const std::vector<Event>& events, bool seals) {
        for (const Event& event : events) {
            if ((event.kind == EventKind::epoch_sealed) == seals) {
                add(event.hash(), PartyId{}, ResultCode::ok);
            }
        }
    }

private:
    std::uint64_t m_height;
    std::uint64_t m_next{0};
    std::vector<Leaf>& m_leaves;
};

bool add_envelope(const FinalizedBlock& block, const Bytes& encoded, std::size_t& result_at,
                  LeafList& list, IdWindow::BlockIds& ids) {
    const Expected<Envelope, EnvelopeError> envelope = decode_envelope(encoded);
    if (!envelope || block.results.size() - result_at < envelope->transactions.size()) {
        return false;
    }
    ids.envelope_roots.insert(envelope_signing_digest(block.block.header.chain_id, envelope->signer,
                                                      envelope_root(*envelope)));
    for (const Bytes& bytes : envelope->transactions) {
        const Expected<Transaction, TransactionError> transaction = decode_transaction(bytes);
        if (!transaction) {
            return false;
        }
        const Hash hash = transaction_hash(bytes);
        const ResultCode result = block.results[result_at];
        ++result_at;
        list.add(hash, envelope->signer, result);
        if (result != ResultCode::exists && result != ResultCode::exists_different) {
            ids.transactions.emplace(TransactionRef{envelope->signer, transaction->id}, hash);
        }
    }
    return true;
}

}  // namespace

std::optional<BlockContents> contents_of(const FinalizedBlock& block) {
    const BlockHeader& header = block.block.header;
    if (header.log_size < block.results.size() + block.events.size()) {
        return std::nullopt;
    }
    BlockContents contents;
    contents.ids.time = header.time;
    LeafList list{block, contents.leaves};
    list.add_events(block.events, false);
    std::size_t result_at{0};
    for (const Bytes& encoded : block.block.envelopes) {
        if (!add_envelope(block, encoded, result_at, list, contents.ids)) {
            return std::nullopt;
        }
    }
    if (result_at != block.results.size()) {
        return std::nullopt;
    }
    list.add_events(block.events, true);
    return contents;
}

void index_transactions(const std::vector<Leaf>& leaves, const IdWindow::BlockIds& ids,
                        WriteBatch& batch) {
    std::map<std::pair<PartyId, Hash>, const Leaf*> first_leaf;
    for (const Leaf& leaf : leaves) {
        const bool repeats =
            leaf.result == ResultCode::exists || leaf.result == ResultCode::exists_different;
        if (!repeats && !leaf.signer.is_zero()) {
            first_leaf.emplace(std::pair{leaf.signer, leaf.hash}, &leaf);
        }
    }
    for (const auto& [ref, hash] : ids.transactions) {
        const auto found = first_leaf.find({ref.signer, hash});
        if (found != first_leaf.end()) {
            const Leaf& leaf = *found->second;
            batch.put(ledger_index::transaction_key(ref),
                      ledger_index::encode(
                          TransactionLocation{leaf.height, leaf.index, leaf.result, leaf.hash}));
        }
    }
}

}  // namespace tally
