#include "tools/bench/history_ledger.h"

#include "consensus/journal/journal.h"
#include "consensus/simplex/leader.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tally::tools {

Expected<std::unique_ptr<HistoryLedger>, std::string> HistoryLedger::open(
    const node::DataFolders& folders, const Genesis& genesis,
    std::map<PartyId, SecretKey> consensus_keys, UnixMillis keep_finished) {
    std::unique_ptr<HistoryLedger> made{new HistoryLedger};
    made->m_keys = std::move(consensus_keys);
    auto store = LevelDbStore::open(folders.state);
    if (!store) {
        return Unexpected{store.error()};
    }
    made->m_store = std::move(store).value();
    LedgerOptions options;
    options.snapshot_interval = std::numeric_limits<std::uint64_t>::max();
    options.keep_finished = keep_finished;
    auto ledger = Ledger::open(made->m_files, *made->m_store, folders.segments, genesis,
                               made->m_signatures, made->m_clock, options);
    if (!ledger) {
        return Unexpected{ledger.error().message};
    }
    made->m_ledger = std::move(ledger).value();
    return made;
}

BlockContext HistoryLedger::next_context(UnixMillis time) const {
    const BlockHeader& before = m_ledger->final_header();
    BlockContext context;
    context.epoch = m_ledger->epoch();
    context.view = before.seals_epoch ? 1 : before.view + 1;
    context.parent_view = before.seals_epoch ? 0 : before.view;
    context.time = time;
    const consensus::LeaderSchedule leaders{m_ledger->chain_id(), context.epoch,
                                            m_ledger->previous_seal(),
                                            m_ledger->validators().size()};
    context.proposer = leaders.leader(context.view);
    return context;
}

QuorumCertificate HistoryLedger::certify(const BlockHeader& header) const {
    const std::vector<Validator>& validators = m_ledger->validators();
    const std::size_t needed = quorum(validators.size());
    QuorumCertificate certificate;
    certificate.statement = {header.epoch, VoteKind::finalize, header.view, header.parent_view,
                             header.digest()};
    const Hash digest = certificate.statement.signing_digest(header.chain_id);
    for (std::size_t index = 0; index < needed; ++index) {
        certificate.bitmap |= std::uint64_t{1} << index;
        certificate.signatures.push_back(sign_digest(m_keys.at(validators[index].party), digest));
    }
    return certificate;
}

Expected<Done, std::string> HistoryLedger::add_block(UnixMillis time,
                                                     const std::vector<Bytes>& envelopes) {
    std::vector<Hash> left_out;
    const std::shared_ptr<const ExecutedBlock> block =
        m_ledger->build(m_ledger->final_digest(), next_context(time), envelopes, left_out);
    if (!block || block->block.envelopes.size() != envelopes.size()) {
        return Unexpected{std::string{"the envelopes do not fit into one block"}};
    }
    const auto refused = std::find_if(block->results.begin(), block->results.end(),
                                      [](ResultCode result) { return result != ResultCode::ok; });
    if (refused != block->results.end()) {
        return Unexpected{"block " + std::to_string(block->block.header.height) +
                          " has a transaction with the result " + to_text(*refused)};
    }
    m_ledger->commit(block->digest, certify(block->block.header));
    return Done{};
}

const Ledger& HistoryLedger::finish() {
    m_ledger->sync_state();
    return *m_ledger;
}

Expected<Done, std::string> remember_votes(const node::DataFolders& folders,
                                           const SecretKey& consensus_key,
                                           const BlockHeader& last) {
    PosixFileSystem files;
    std::string failure;
    consensus::JournalOptions options;
    options.fatal = [&failure](const std::string& what) { failure = what; };
    const auto journal = consensus::Journal::open(files, folders.consensus, options);
    if (!journal) {
        return Unexpected{journal.error().message};
    }
    const std::uint64_t epoch = last.seals_epoch ? last.epoch + 1 : last.epoch;
    if (epoch > 0) {
        (*journal)->begin_epoch(epoch, true);
    }
    if (!last.seals_epoch) {
        consensus::SafetyRecord record;
        record.epoch = epoch;
        record.sequence = 1;
        for (const VoteKind kind : {VoteKind::notarize, VoteKind::finalize}) {
            const VoteStatement statement{epoch, kind, last.view, last.parent_view, last.digest()};
            record.of(kind) = {last.view, last.parent_view, last.digest(),
                               sign_digest(consensus_key, statement.signing_digest(last.chain_id))};
        }
        (*journal)->append_safety(record);
        (*journal)->sync();
    }
    return failure.empty() ? Expected<Done, std::string>{Done{}} : Unexpected{failure};
}

}  // namespace tally::tools
