#include "ledger/chain/executor.h"

#include "ledger/base/check.h"
#include "ledger/base/memory_store.h"
#include "ledger/chain/block_run.h"
#include "ledger/state/epochs.h"
#include "ledger/state/genesis_state.h"
#include "ledger/state/keys.h"

#include <utility>

namespace tally {
namespace {

/// Entries that are hashed into the tree at once when it is rebuilt.
constexpr std::size_t rebuild_entries_max{16'384};

std::vector<const StateChanges*> layers_from(const ExecutedBlock* newest) {
    std::vector<const StateChanges*> layers;
    for (const ExecutedBlock* block = newest; block != nullptr; block = block->parent.get()) {
        if (!block->changes.empty()) {
            layers.push_back(&block->changes);
        }
    }
    return layers;
}

void rebuild_table(const KeyValueStore& base, Table table, StateTree& tree) {
    const Bytes prefix = keys::table(table);
    Bytes from = prefix;
    for (;;) {
        Expected<std::vector<KeyValueStore::Entry>, StoreError> entries =
            base.scan(prefix, from, rebuild_entries_max);
        ENSURE(entries.has_value());
        if (entries->empty()) {
            return;
        }
        from = entries->back().key;
        from.push_back(0);
        StateChanges changes;
        for (KeyValueStore::Entry& entry : *entries) {
            changes.emplace_hint(changes.end(), std::move(entry.key), std::move(entry.value));
        }
        tree.update(changes);
    }
}

BlockError header_error(std::string what) {
    return BlockError{BlockError::Kind::header, std::move(what)};
}

/// What the state before a block says about its header: epoch, validators and whether it seals.
struct EpochRules {
    EpochRules(const StateView& parent, std::uint64_t height) {
        const EpochRecord record = find_epoch(parent);
        epoch = record.epoch;
        validator_count = record.validators.size();
        if (seals_epoch(parent, height)) {
            sealed = sealed_epoch(parent);
        }
        next_validators_hash = validators_hash(sealed ? sealed->validators : record.validators);
    }

    std::uint64_t epoch{0};
    std::size_t validator_count{0};
    Hash next_validators_hash;
    std::optional<NextEpoch> sealed;  ///< what the block hands over to
};

std::optional<BlockError> check_views(const BlockHeader& header, const BlockHeader& before) {
    // An epoch's first block stands on the sealing block as on a genesis, whatever view that was
    // finalized in.
    const bool fits = before.seals_epoch
                          ? header.parent_view == 0 && header.view >= 1
                          : header.parent_view == before.view && header.view > before.view;
    return fits ? std::nullopt
                : std::optional{
                      header_error("view or parent_view does not follow the parent's view")};
}

/// What must hold before anything of the block is executed.
std::optional<BlockError> check_header(const BlockHeader& header, const ExecutedBlock& parent,
                                       const Hash& chain_id, const EpochRules& rules) {
    const BlockHeader& before = parent.block.header;
    if (header.version != protocol_version) {
        return header_error("version is not " + std::to_string(protocol_version));
    }
    if (header.chain_id != chain_id) {
        return header_error("chain_id is that of another chain");
    }
    if (header.height != before.height + 1 || header.parent != parent.digest) {
        return header_error("height or parent does not follow the parent block");
    }
    if (header.epoch != rules.epoch) {
        return header_error("epoch is not " + std::to_string(rules.epoch));
    }
    if (std::optional<BlockError> error = check_views(header, before)) {
        return error;
    }
    if (header.time <= before.time || header.time > unix_millis_max) {
        return header_error("time does not lie behind the parent's, or is out of range");
    }
    if (header.proposer >= rules.validator_count) {
        return header_error("proposer is not a validator");
    }
    if (header.seals_epoch != rules.sealed.has_value()) {
        return BlockError{BlockError::Kind::seal, rules.sealed
                                                      ? "the block does not seal its epoch"
                                                      : "the block seals its epoch uncalled for"};
    }
    if (header.next_validators_hash != rules.next_validators_hash) {
        return header_error("next_validators_hash is not that of the next block's validators");
    }
    return std::nullopt;
}

std::optional<BlockError> compare_results(const BlockHeader& proposed, const BlockHeader& found) {
    const auto mismatch = [](const char* field) {
        return BlockError{BlockError::Kind::result_mismatch,
                          std::string{field} + " differs from what execution gives"};
    };
    if (proposed.log_size != found.log_size) {
        return mismatch("log_size");
    }
    if (proposed.log_root != found.log_root) {
        return mismatch("log_root");
    }
    if (proposed.state_root != found.state_root) {
        return mismatch("state_root");
    }
    return std::nullopt;
}

std::optional<BlockError> check_body_size(const std::vector<Bytes>& envelopes) {
    std::size_t bytes{0};
    for (const Bytes& envelope : envelopes) {
        bytes += envelope.size();
    }
    if (envelopes.size() > block_envelopes_max || bytes > block_bytes_max) {
        return BlockError{BlockError::Kind::body, "more envelopes or bytes than a block may have"};
    }
    return std::nullopt;
}

}  // namespace

const char* to_text(BlockError::Kind kind) {
    switch (kind) {
        case BlockError::Kind::header:
            return "header";
        case BlockError::Kind::seal:
            return "seal";
        case BlockError::Kind::body:
            return "body";
        case BlockError::Kind::envelope:
            return "envelope";
        case BlockError::Kind::not_after:
            return "not_after";
        case BlockError::Kind::result_mismatch:
            return "result_mismatch";
        case BlockError::Kind::invariant:
            return "invariant";
    }
    return "unknown";
}

StateOverlay view_after(const KeyValueStore& base, const ExecutedBlock& block) {
    return StateOverlay{base, layers_from(&block)};
}

std::shared_ptr<ExecutedBlock> restore_executed(const BlockHeader& header,
                                                const KeyValueStore& base, MerkleFrontier log) {
    auto restored = std::make_shared<ExecutedBlock>();
    restored->block.header = header;
    restored->digest = header.digest();
    restored->log = std::move(log);
    restored->ids.time = header.time;
    for (const Table table : tree_tables) {
        rebuild_table(base, table, restored->tree);
    }
    return restored;
}

Executor::Executor(const Genesis& genesis, const KeyValueStore& base, SignatureChecker& signatures)
    : m_genesis{genesis}, m_base{base}, m_signatures{signatures}, m_chain_id{genesis.chain_id()} {}

ExecutedBlock Executor::genesis_block() const {
    const MemoryStore nothing;
    StateOverlay state{nothing, {}};
    write_genesis_state(m_genesis, state);
    ExecutedBlock block;
    block.changes = std::move(state).take_changes();
    block.tree.update(block.changes);
    block.ids.time = m_genesis.time;
    BlockHeader& header = block.block.header;
    header.chain_id = m_chain_id;
    header.time = m_genesis.time;
    header.body_root = body_root({});
    header.log_root = block.log.root();
    header.state_root = block.tree.root();
    header.next_validators_hash = validators_hash(validators_of(m_genesis.members));
    block.digest = header.digest();
    return block;
}

Expected<ExecutedBlock, BlockError> Executor::build(
    const std::shared_ptr<const ExecutedBlock>& parent, const IdWindow& window,
    const BlockContext& context, const std::vector<Bytes>& envelopes, std::vector<Hash>& left_out) {
    ENSURE(parent != nullptr);
    Block block;
    BlockHeader& header = block.header;
    header.chain_id = m_chain_id;
    header.epoch = context.epoch;
    header.height = parent->block.header.height + 1;
    header.view = context.view;
    header.parent = parent->digest;
    header.parent_view = context.parent_view;
    header.time = context.time;
    header.proposer = context.proposer;
    const EpochRules rules{view_after(m_base, *parent), header.height};
    header.next_validators_hash = rules.next_validators_hash;
    header.seals_epoch = rules.sealed.has_value();
    if (std::optional<BlockError> error = check_header(header, *parent, m_chain_id, rules)) {
        return Unexpected{std::move(*error)};
    }
    const BlockRun::Inputs inputs{m_chain_id, m_signatures, window, rules.sealed};
    BlockRun run{inputs, m_base, layers_from(parent.get()), parent, header};
    std::size_t bytes{0};
    for (const Bytes& envelope : envelopes) {
        if (block.envelopes.size() == block_envelopes_max) {
            break;
        }
        if (bytes + envelope.size() > block_bytes_max && envelope.size() <= envelope_bytes_max) {
            continue;
        }
        const Hash hash = envelope_hash(envelope);
        if (run.add_envelope(envelope, hash)) {
            left_out.push_back(hash);
            continue;
        }
        bytes += envelope.size();
        block.envelopes.push_back(envelope);
    }
    return std::move(run).finish(std::move(block));
}

Expected<ExecutedBlock, BlockError> Executor::execute(
    const std::shared_ptr<const ExecutedBlock>& parent, const IdWindow& window, Block block) {
    ENSURE(parent != nullptr);
    const EpochRules rules{view_after(m_base, *parent), parent->block.header.height + 1};
    if (std::optional<BlockError> error = check_header(block.header, *parent, m_chain_id, rules)) {
        return Unexpected{std::move(*error)};
    }
    if (std::optional<BlockError> error = check_body_size(block.envelopes)) {
        return Unexpected{std::move(*error)};
    }
    std::vector<Hash> hashes;
    hashes.reserve(block.envelopes.size());
    for (const Bytes& envelope : block.envelopes) {
        hashes.push_back(envelope_hash(envelope));
    }
    const BlockHeader proposed = block.header;
    if (body_root(hashes) != proposed.body_root) {
        return Unexpected{BlockError{BlockError::Kind::body, "body_root is not the envelopes'"}};
    }
    const BlockRun::Inputs inputs{m_chain_id, m_signatures, window, rules.sealed};
    BlockRun run{inputs, m_base, layers_from(parent.get()), parent, proposed};
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        if (std::optional<BlockError> error = run.add_envelope(block.envelopes[i], hashes[i])) {
            return Unexpected{std::move(*error)};
        }
    }
    Expected<ExecutedBlock, BlockError> executed = std::move(run).finish(std::move(block));
    if (!executed) {
        return executed;
    }
    if (std::optional<BlockError> error = compare_results(proposed, executed->block.header)) {
        return Unexpected{std::move(*error)};
    }
    return executed;
}

}  // namespace tally
