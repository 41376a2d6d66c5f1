#include "ledger/chain/block_run.h"

#include "ledger/crypto/merkle.h"
#include "ledger/model/transaction.h"
#include "ledger/state/apply.h"
#include "ledger/state/cycles.h"
#include "ledger/state/epochs.h"
#include "ledger/state/invariants.h"
#include "ledger/state/queries.h"
#include "ledger/state/sweep.h"
#include "ledger/state/touched.h"

#include <utility>

namespace tally {
namespace {

BlockError envelope_error(std::string what) {
    return BlockError{BlockError::Kind::envelope, std::move(what)};
}

const char* to_words(EnvelopeError error) {
    switch (error) {
        case EnvelopeError::too_large:
            return "envelope is too large";
        case EnvelopeError::malformed:
            return "envelope is malformed";
        case EnvelopeError::bad_transaction:
            return "envelope has a transaction of a bad size";
    }
    return "envelope is malformed";
}

}  // namespace

BlockRun::BlockRun(const Inputs& inputs, const KeyValueStore& base,
                   std::vector<const StateChanges*> layers,
                   std::shared_ptr<const ExecutedBlock> parent, const BlockHeader& header)
    : m_inputs{inputs},
      m_parent{std::move(parent)},
      m_height{header.height},
      m_state{base, std::move(layers)},
      m_check_signature{[&signatures = inputs.signatures](const PublicKey& key, const Hash& digest,
                                                          const Signature& signature) {
          return signatures.verify(metered_check_name(digest, signature), key, digest, signature);
      }},
      m_parameters{find_parameters(m_state)},
      m_scope{m_state,
              m_parameters,
              inputs.chain_id,
              m_check_signature,
              header.time,
              header.height,
              m_parent->block.header.time},
      m_sublogs{m_state} {
    m_result.log = m_parent->log;
    m_result.ids.time = header.time;
    m_result.events = close_cycle(m_scope);
    for (Event& event : sweep_expired(m_scope)) {
        m_result.events.push_back(std::move(event));
    }
    for (const Event& event : m_result.events) {
        append_event(event);
    }
}

void BlockRun::append_event(const Event& event) {
    append_leaf(event.hash(), PartyId{}, ResultCode::ok, touched_by(m_state, event));
}

void BlockRun::append_leaf(const Hash& hash, const PartyId& signer, ResultCode result,
                           const std::set<PartyId>& touched) {
    const Leaf leaf{m_result.log.size(), m_height, hash, signer, result};
    const Hash leaf_hash = leaf.leaf_hash();
    m_result.log.append(leaf_hash);
    for (const PartyId& party : touched) {
        m_sublogs.append(party, leaf.index, leaf_hash);
    }
    m_result.leaves.push_back(leaf);
}

bool BlockRun::is_repeated(const Hash& root_with_signer) const {
    if (m_result.ids.envelope_roots.contains(root_with_signer) ||
        m_inputs.window.has_envelope_root(root_with_signer, m_scope.time)) {
        return true;
    }
    for (const ExecutedBlock* block = m_parent.get(); block != nullptr;
         block = block->parent.get()) {
        if (is_in_id_window(block->ids.time, m_scope.time) &&
            block->ids.envelope_roots.contains(root_with_signer)) {
            return true;
        }
    }
    return false;
}

std::optional<Hash> BlockRun::find_executed(const TransactionRef& ref) const {
    if (const auto here = m_result.ids.transactions.find(ref);
        here != m_result.ids.transactions.end()) {
        return here->second;
    }
    for (const ExecutedBlock* block = m_parent.get(); block != nullptr;
         block = block->parent.get()) {
        const auto there = block->ids.transactions.find(ref);
        if (there != block->ids.transactions.end() &&
            is_in_id_window(block->ids.time, m_scope.time)) {
            return there->second;
        }
    }
    return m_inputs.window.transaction(ref, m_scope.time);
}

std::optional<BlockError> BlockRun::decode_transactions(const Envelope& envelope,
                                                        Admitted& admitted) const {
    admitted.transactions.reserve(envelope.transactions.size());
    for (const Bytes& bytes : envelope.transactions) {
        Expected<Transaction, TransactionError> transaction = decode_transaction(bytes);
        if (!transaction) {
            return envelope_error(std::string{"transaction does not decode: "} +
                                  to_text(transaction.error()));
        }
        const bool in_time = m_scope.time < transaction->not_after &&
                             transaction->not_after <= m_scope.time + not_after_window_ms;
        if (!in_time) {
            return BlockError{BlockError::Kind::not_after,
                              "not_after " + std::to_string(transaction->not_after) +
                                  " is outside (block time, block time + 120 s]"};
        }
        admitted.transactions.push_back(std::move(*transaction));
    }
    return std::nullopt;
}

Expected<BlockRun::Admitted, BlockError> BlockRun::admit(const Bytes& encoded, const Hash& hash) {
    const Expected<Envelope, EnvelopeError> envelope = decode_envelope(encoded);
    if (!envelope) {
        return Unexpected{envelope_error(to_words(envelope.error()))};
    }
    const std::optional<MemberRecord> signer = find_member(m_state, envelope->signer);
    if (!signer) {
        return Unexpected{envelope_error("signer " + to_text(envelope->signer) + " is unknown")};
    }
    Admitted admitted;
    admitted.signer = envelope->signer;
    admitted.transaction_hashes.reserve(envelope->transactions.size());
    for (const Bytes& bytes : envelope->transactions) {
        admitted.transaction_hashes.push_back(transaction_hash(bytes));
    }
    // The hashes are the leaf hashes of the envelope's tree: no need to hash the bytes again.
    admitted.root_with_signer = envelope_signing_digest(m_inputs.chain_id, envelope->signer,
                                                        merkle_root(admitted.transaction_hashes));
    if (is_repeated(admitted.root_with_signer)) {
        return Unexpected{envelope_error("envelope root was there in the last 120 s")};
    }
    if (std::optional<BlockError> error = decode_transactions(*envelope, admitted)) {
        return Unexpected{std::move(*error)};
    }
    const bool is_signed = m_inputs.signatures.verify(
        hash, signer->member.member_key, admitted.root_with_signer, envelope->signature);
    if (!is_signed) {
        return Unexpected{
            envelope_error("signature of " + to_text(envelope->signer) + " is wrong")};
    }
    return admitted;
}

void BlockRun::execute(const TransactionRef& ref, const Hash& hash, const Action& action) {
    Context context{m_scope, ref, hash};
    ResultCode result{ResultCode::exists};
    if (const std::optional<Hash> before = find_executed(ref)) {
        context.touch(ref.signer);  // Nobody else: what it says was said before, or never will be.
        result = *before == hash ? ResultCode::exists : ResultCode::exists_different;
    } else {
        m_result.ids.transactions.emplace(ref, hash);  // Burnt, whatever becomes of it.
        touch_parties(context, action);
        result = apply_action(context, action);
    }
    m_result.results.push_back(result);
    append_leaf(hash, ref.signer, result, context.touched);
}

std::optional<BlockError> BlockRun::add_envelope(const Bytes& encoded, const Hash& hash) {
    Expected<Admitted, BlockError> admitted = admit(encoded, hash);
    if (!admitted) {
        return admitted.error();
    }
    m_result.ids.envelope_roots.insert(admitted->root_with_signer);
    m_result.envelope_hashes.push_back(hash);
    for (std::size_t i = 0; i < admitted->transactions.size(); ++i) {
        const Transaction& transaction = admitted->transactions[i];
        execute({admitted->signer, transaction.id}, admitted->transaction_hashes[i],
                transaction.action);
    }
    return std::nullopt;
}

Expected<ExecutedBlock, BlockError> BlockRun::finish(Block block) && {
    if (m_inputs.sealed) {
        m_result.events.push_back(seal_epoch(m_state, m_height, *m_inputs.sealed));
        append_event(m_result.events.back());
    }
    m_result.sublogs = std::move(m_sublogs).finish();
    if (std::optional<std::string> problem = update_totals(m_state)) {
        return Unexpected{BlockError{BlockError::Kind::invariant, std::move(*problem)}};
    }
    m_result.changes = std::move(m_state).take_changes();
    m_result.tree = m_parent->tree;
    m_result.tree.update(m_result.changes);
    BlockHeader& header = block.header;
    header.body_root = body_root(m_result.envelope_hashes);
    header.log_size = m_result.log.size();
    header.log_root = m_result.log.root();
    header.state_root = m_result.tree.root();
    m_result.digest = header.digest();
    m_result.block = std::move(block);
    m_result.parent = std::move(m_parent);
    return std::move(m_result);
}

}  // namespace tally
