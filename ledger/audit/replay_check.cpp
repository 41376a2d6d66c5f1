#include "ledger/audit/replay_check.h"

#include "ledger/audit/checkpoint_state.h"
#include "ledger/base/check.h"
#include "ledger/model/features.h"
#include "ledger/state/epochs.h"
#include "ledger/state/invariants.h"
#include "ledger/state/keys.h"
#include "ledger/store/store_view.h"

#include <algorithm>

namespace tally {
namespace {

FindingKind kind_of(BlockError::Kind kind) {
    switch (kind) {
        case BlockError::Kind::seal:
            return FindingKind::seal;
        case BlockError::Kind::header:
        case BlockError::Kind::body:
        case BlockError::Kind::envelope:
        case BlockError::Kind::not_after:
            return FindingKind::execution;
        case BlockError::Kind::result_mismatch:
            return FindingKind::state_mismatch;
        case BlockError::Kind::invariant:
            return FindingKind::accounting;
    }
    return FindingKind::execution;
}

}  // namespace

void ReplayCheck::KnownSignatures::start_block(const AuditBlock& block) {
    m_known.clear();
    for (const AuditEnvelope& envelope : block.envelopes) {
        if (envelope.signature_checked) {
            m_known.emplace(envelope.hash, envelope.signer_key->public_key());
        }
        for (const BridgeSignature& metered : envelope.bridge_signatures) {
            if (metered.verified) {
                m_known.emplace(metered_check_name(metered.digest, metered.signature),
                                metered.key.public_key());
            }
        }
    }
}

bool ReplayCheck::KnownSignatures::verify(const Hash& envelope_hash, const PublicKey& key,
                                          const Hash& signing_digest, const Signature& signature) {
    return m_known.contains({envelope_hash, key}) ||
           m_direct.verify(envelope_hash, key, signing_digest, signature);
}

ReplayCheck::ReplayCheck(const Genesis& genesis, FindingLog& log)
    : m_log{log}, m_executor{genesis, m_store, m_signatures} {
    take(m_executor.genesis_block());
}

void ReplayCheck::take(ExecutedBlock executed) {
    WriteBatch batch;
    for (auto& [key, value] : executed.changes) {
        // Nothing is decided by these, and they would grow with the history.
        const auto table = static_cast<Table>(key.front());
        if (table != Table::finished && table != Table::cycle_history) {
            batch.operations.push_back({key, std::move(value)});
        }
    }
    ENSURE(m_store.write(batch, false).has_value());
    executed.changes.clear();
    executed.parent = nullptr;
    m_height = executed.block.header.height;
    if (m_height > 0) {
        remember(executed.ids);
    }
    m_tip = std::make_shared<const ExecutedBlock>(std::move(executed));
}

void ReplayCheck::remember(IdWindow::BlockIds ids) {
    m_window.add(ids);
    m_recent.push_back(std::move(ids));
    while (m_recent.size() > m_window.block_count()) {
        m_recent.pop_front();
    }
}

bool ReplayCheck::restore(const AuditCheckpoint& checkpoint) {
    std::optional<MerkleFrontier> log =
        MerkleFrontier::restore(checkpoint.header.log_size, checkpoint.log_subtrees);
    if (!log) {
        return false;
    }
    std::optional<MemoryStore> state = restore_state(checkpoint.state);
    if (!state) {
        return false;
    }
    m_store = std::move(*state);
    m_window = IdWindow{};
    m_recent.clear();
    for (const IdWindow::BlockIds& ids : checkpoint.ids) {
        remember(ids);
    }
    const std::shared_ptr<ExecutedBlock> restored =
        restore_executed(checkpoint.header, m_store, std::move(*log));
    const bool holds = restored->tree.root() == checkpoint.header.state_root &&
                       restored->log.root() == checkpoint.header.log_root;
    m_height = checkpoint.header.height;
    m_tip = restored;
    return holds;
}

void ReplayCheck::save(AuditCheckpoint& checkpoint) const {
    checkpoint.header = m_tip->block.header;
    checkpoint.log_subtrees = m_tip->log.subtrees();
    checkpoint.state.clear();
    for (const auto& [key, value] : m_store.entries()) {
        if (!is_derived(key.front())) {
            checkpoint.state.push_back({key, value});
        }
    }
    checkpoint.ids.assign(m_recent.begin(), m_recent.end());
}

void ReplayCheck::check(const AuditBlock& block) {
    if (m_stopped || !block.follows) {
        m_stopped = true;
        return;
    }
    const FeatureList known{known_features.begin(), known_features.end()};
    if (const auto feature = find_unknown_feature(find_epoch(StoreView{m_store}).features, known)) {
        m_log.add(block.finding(FindingKind::feature,
                                "feature " + std::to_string(*feature) +
                                    " of the protocol is active and this program does not know "
                                    "it; audit with a newer release"));
        m_stopped = true;
        return;
    }
    m_signatures.start_block(block);
    Expected<ExecutedBlock, BlockError> executed =
        m_executor.execute(m_tip, m_window, block.content.block);
    if (!executed) {
        m_log.add(block.finding(kind_of(executed.error().kind), executed.error().what));
        m_stopped = true;
        return;
    }
    compare(block, *executed);
    take(std::move(executed).value());
}

void ReplayCheck::compare(const AuditBlock& block, const ExecutedBlock& executed) {
    const std::vector<ResultCode>& stored = block.content.results;
    const std::size_t results = std::min(stored.size(), executed.results.size());
    for (std::size_t i = 0; i < results; ++i) {
        if (stored[i] != executed.results[i]) {
            Finding finding = block.finding(
                FindingKind::result_differs,
                "transaction " + std::to_string(i) + " is stored with " + to_text(stored[i]) +
                    ", execution gives " + to_text(executed.results[i]));
            finding.index = i;
            m_log.add(std::move(finding));
        }
    }
    if (stored.size() != executed.results.size()) {
        m_log.add(block.finding(FindingKind::result_count,
                                "execution gives " + std::to_string(executed.results.size()) +
                                    " results, " + std::to_string(stored.size()) + " are stored"));
    }
    const std::vector<Event>& events = block.content.events;
    const auto differ =
        std::mismatch(events.begin(), events.end(), executed.events.begin(), executed.events.end());
    if (differ.first != events.end() || differ.second != executed.events.end()) {
        const auto index = static_cast<std::uint64_t>(differ.first - events.begin());
        Finding finding =
            block.finding(FindingKind::event_differs,
                          "event " + std::to_string(index) + " is not what execution gives");
        finding.index = index;
        m_log.add(std::move(finding));
    }
}

void ReplayCheck::add_finding(FindingKind kind, std::string message) {
    m_log.add({kind, m_height, std::nullopt, {}, 0, std::move(message)});
}

bool ReplayCheck::check_accounts() {
    const std::optional<std::string> problem = check_invariants(StoreView{m_store});
    if (problem && !m_accounts_wrong) {
        add_finding(FindingKind::accounting, *problem);
        m_accounts_wrong = true;
    }
    return !problem;
}

}  // namespace tally
