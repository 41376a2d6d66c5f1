#include "ledger/audit/audit.h"

#include "ledger/audit/block_inspector.h"
#include "ledger/audit/block_reader.h"
#include "ledger/audit/bridge_keys.h"
#include "ledger/audit/business_check.h"
#include "ledger/audit/chain_check.h"
#include "ledger/audit/content_check.h"
#include "ledger/audit/epoch_tracker.h"
#include "ledger/audit/member_keys.h"
#include "ledger/audit/replay_check.h"
#include "ledger/chain/finality.h"
#include "ledger/state/epochs.h"
#include "ledger/state/queries.h"
#include "ledger/store/store_view.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <utility>

namespace tally {
namespace {

// One batch of blocks is read, inspected in parallel, then checked in order.
constexpr std::size_t batch_blocks_max{256};
constexpr std::uint64_t batch_bytes_max{2UL * 1024 * 1024};

constexpr std::array<std::pair<AuditLevel, const char*>, 5> level_names{
    {{AuditLevel::chain, "chain"},
     {AuditLevel::merkle, "merkle"},
     {AuditLevel::signatures, "signatures"},
     {AuditLevel::replay, "replay"},
     {AuditLevel::business, "business"}}};

/// The header of height 0, which the genesis gives.
BlockHeader genesis_header(const Genesis& genesis) {
    const MemoryStore store;
    DirectSignatureChecker signatures;
    const Executor executor{genesis, store, signatures};
    return executor.genesis_block().block.header;
}

using Batch = std::vector<AuditBlock>;

class Auditor {
public:
    Auditor(const Genesis& genesis, const AuditOptions& options)
        : m_options{options},
          m_log{options.findings_max},
          m_genesis_header{genesis_header(genesis)},
          m_epochs{genesis},
          m_members{genesis},
          m_inspector{m_genesis_header.chain_id, options.level},
          m_chain{m_genesis_header, m_log},
          m_content{m_log} {
        if (options.level >= AuditLevel::replay) {
            m_replay = std::make_unique<ReplayCheck>(genesis, m_log);
        }
        m_report.level = options.level;
        m_report.chain_id = m_genesis_header.chain_id;
        start_behind(m_genesis_header);
    }

    /// To be called first. The error says what the checkpoint lacks.
    Expected<Done, SourceError> prepare();
    Expected<Done, SourceError> run(SegmentSource& source, JobRunner& runner,
                                    const AuditProgressCallback& progress);
    /// The source failed behind a finding: what was found until then is still reported.
    void give_up(const SourceError& error) {
        m_report.interrupted = true;
        m_report.unreadable = error.message;
    }
    [[nodiscard]] bool has_findings() const {
        return m_log.count() > 0 || (m_business && m_business->findings().count() > 0);
    }
    AuditReport finish();

private:
    void start_behind(const BlockHeader& header);
    [[nodiscard]] bool restore(const AuditCheckpoint& checkpoint);
    Expected<Batch, SourceError> read(AuditBlockReader& reader);
    /// Whether the block comes behind the checkpoint. The checkpoint's own is compared with it.
    [[nodiscard]] bool is_new(const AuditBlock& block);
    /// Decodes the next batch and checks its signatures, while the one before is checked in order.
    void inspect(Batch& batch, const Batch& before, JobRunner& runner);
    void check(const Batch& batch);
    void check_business(const Batch& batch);
    void count(const AuditBlock& block);
    [[nodiscard]] bool is_clean() const;
    void reconcile();
    void offer_checkpoint(bool at_end);
    void check_length();

    AuditOptions m_options;
    FindingLog m_log;
    BlockHeader m_genesis_header;
    EpochTracker m_epochs;
    MemberKeys m_members;
    BridgeKeys m_bridges;
    BlockInspector m_inspector;
    ChainCheck m_chain;
    ContentCheck m_content;
    std::unique_ptr<ReplayCheck> m_replay;
    std::unique_ptr<BusinessCheck> m_business;
    bool m_seen_checkpoint{false};
    std::uint64_t m_transactions_before{0};
    std::optional<std::uint64_t> m_reconciled_to;
    AuditReport m_report;
};

void Auditor::start_behind(const BlockHeader& header) {
    m_report.last_height = header.height;
    m_report.last_time = header.time;
    m_report.last_digest = header.digest();
    m_report.state_root = header.state_root;
    m_report.log_root = header.log_root;
}

bool Auditor::restore(const AuditCheckpoint& checkpoint) {
    const BlockHeader& header = checkpoint.header;
    if (header.chain_id != m_genesis_header.chain_id || !m_replay->restore(checkpoint)) {
        return false;
    }
    const StoreView state{m_replay->state()};
    const EpochRecord epoch = find_epoch(state);
    m_epochs.restore(epoch.epoch, epoch.validators);
    m_members.restore(m_replay->state());
    m_bridges.restore(state);
    m_chain.restore(header, checkpoint.uncovered);
    m_content.restore(*MerkleFrontier::restore(header.log_size, checkpoint.log_subtrees),
                      header.height);
    m_transactions_before = checkpoint.transactions;
    m_report.from_height = header.height;
    start_behind(header);
    return true;
}

Expected<Done, SourceError> Auditor::prepare() {
    if (m_options.from) {
        if (!m_replay) {
            return Unexpected{
                SourceError{"an audit goes on from a checkpoint at level replay or business only"}};
        }
        if (!restore(*m_options.from)) {
            return Unexpected{SourceError{
                "the checkpoint is of another chain, or its state is not that of its block"}};
        }
    }
    if (m_options.level >= AuditLevel::business) {
        if (m_options.from && !m_options.from->has_business) {
            return Unexpected{
                SourceError{"the checkpoint was not written at level business and has no sums"}};
        }
        m_business =
            std::make_unique<BusinessCheck>(m_report.chain_id, StoreView{m_replay->state()},
                                            m_report.last_time, m_options.findings_max);
        m_business->supply(m_options.evidence, m_options.verify_meter);
        if (m_options.from &&
            !m_business->carry_on(m_options.from->business, m_options.from->books)) {
            return Unexpected{SourceError{"the checkpoint's books cannot be read"}};
        }
        if (m_options.member) {
            m_business->follow(*m_options.member, m_options.proven_sublog,
                               StoreView{m_replay->state()});
        }
    } else if (m_options.member) {
        return Unexpected{SourceError{"a member's sub-log is followed at level business only"}};
    }
    return Done{};
}

bool Auditor::is_new(const AuditBlock& block) {
    if (!m_options.from || block.height() > m_options.from->header.height) {
        return true;
    }
    if (block.height() == m_options.from->header.height) {
        m_seen_checkpoint = true;
        if (block.digest != m_options.from->header.digest()) {
            m_log.add(block.finding(FindingKind::checkpoint,
                                    "the last audit ended with another block of this height: " +
                                        to_hex(m_options.from->header.digest()) +
                                        "; this history was made anew"));
        }
    }
    return false;
}

Expected<Batch, SourceError> Auditor::read(AuditBlockReader& reader) {
    Batch batch;
    const std::uint64_t start = reader.bytes_done();
    while (batch.size() < batch_blocks_max && reader.bytes_done() - start < batch_bytes_max) {
        Expected<std::optional<AuditBlock>, SourceError> block = reader.next();
        if (!block) {
            return Unexpected{block.error()};
        }
        if (!*block) {
            break;
        }
        if (is_new(**block)) {
            batch.push_back(std::move(**block));
        }
    }
    return batch;
}

Expected<Done, SourceError> Auditor::run(SegmentSource& source, JobRunner& runner,
                                         const AuditProgressCallback& progress) {
    Expected<std::vector<SegmentInfo>, SourceError> segments = source.list();
    if (!segments) {
        return Unexpected{segments.error()};
    }
    if (segments->empty()) {
        return Unexpected{SourceError{"there are no segment files"}};
    }
    m_report.segments = segments->size();
    for (const SegmentInfo& info : *segments) {
        m_report.bytes += info.bytes;
    }
    AuditBlockReader reader{source, std::move(segments).value(), m_report.chain_id, m_options.live,
                            m_log};
    if (m_options.from) {
        reader.skip_to(m_options.from->header.height);
    }
    Batch before;
    do {
        Expected<Batch, SourceError> batch = read(reader);
        if (!batch) {
            Batch none;
            inspect(none, before, runner);
            return Unexpected{batch.error()};
        }
        inspect(*batch, before, runner);
        offer_checkpoint(false);
        before = std::move(batch).value();
        if (progress) {
            progress({reader.bytes_done(), m_report.bytes, m_report.last_height});
        }
        if (m_options.should_stop && m_options.should_stop()) {
            m_report.interrupted = true;
            break;
        }
    } while (!before.empty() || reader.bytes_done() < m_report.bytes);
    return Done{};
}

void Auditor::inspect(Batch& batch, const Batch& before, JobRunner& runner) {
    for (AuditBlock& block : batch) {
        m_epochs.follow(block);
    }
    m_inspector.inspect(batch, runner);
    std::vector<JobRunner::Job> jobs;
    jobs.emplace_back([this, &before] { check(before); });
    if (m_business) {
        jobs.emplace_back([this, &before] { check_business(before); });
    }
    if (m_options.level >= AuditLevel::signatures) {
        for (AuditBlock& block : batch) {
            m_members.follow(block);
            if (m_replay) {
                m_bridges.follow(m_report.chain_id, block);
            }
        }
        m_inspector.add_signature_jobs(batch, jobs);
    }
    runner.run(std::move(jobs));
}

void Auditor::check(const Batch& batch) {
    for (const AuditBlock& block : batch) {
        m_chain.check(block);
        if (m_options.level >= AuditLevel::merkle) {
            m_content.check(block);
        }
        if (m_replay) {
            m_replay->check(block);
        }
        count(block);
    }
}

void Auditor::check_business(const Batch& batch) {
    for (const AuditBlock& block : batch) {
        m_business->check(block);
    }
}

bool Auditor::is_clean() const {
    return m_log.count() == 0 && (!m_business || m_business->findings().count() == 0);
}

/// Compares the state with the books, as far as the replay has come.
void Auditor::reconcile() {
    if (m_report.sublog_state && m_report.sublog_state->height != m_report.last_height) {
        m_report.sublog_state.reset();  // of an earlier checkpoint
    }
    if (!m_replay || m_replay->replayed_to() == m_reconciled_to) {
        return;
    }
    m_replay->check_accounts();
    if (m_business && m_replay->replayed_to() == m_report.last_height) {
        m_business->reconcile(StoreView{m_replay->state()});
        if (m_business->agrees_on_sublog(StoreView{m_replay->state()})) {
            m_report.sublog_state =
                SublogState{m_report.last_height, m_report.last_digest, m_report.state_root};
        }
    }
    m_reconciled_to = m_replay->replayed_to();
}

void Auditor::offer_checkpoint(bool at_end) {
    const bool possible = is_clean() && m_replay && m_options.wants_checkpoint &&
                          m_options.on_checkpoint &&
                          m_replay->replayed_to() == m_report.last_height;
    if (!possible || !m_options.wants_checkpoint(at_end)) {
        return;
    }
    reconcile();
    if (!is_clean()) {
        return;
    }
    AuditCheckpoint checkpoint;
    m_replay->save(checkpoint);
    checkpoint.uncovered = m_chain.uncovered();
    checkpoint.transactions = m_transactions_before + m_content.transactions();
    if (m_business) {
        checkpoint.has_business = true;
        checkpoint.business = m_business->report();
        checkpoint.books = m_business->save_books();
    }
    m_options.on_checkpoint(checkpoint);
}

void Auditor::count(const AuditBlock& block) {
    const BlockHeader& header = block.content.block.header;
    ++m_report.blocks;
    m_report.signatures += block.content.finalization.signatures.size();
    ++m_report.certificates;
    if (block.content.finalization.statement.kind == VoteKind::finalize) {
        ++m_report.finalizations;
    }
    for (const AuditEnvelope& envelope : block.envelopes) {
        m_report.signatures += envelope.signature_checked ? 1 : 0;
    }
    m_report.last_height = header.height;
    m_report.last_time = header.time;
    m_report.last_digest = block.digest;
    m_report.state_root = header.state_root;
    m_report.log_root = header.log_root;
}

/// Whether the ledger reaches as far as it is known to.
void Auditor::check_length() {
    const bool ends_early = m_options.from && !m_seen_checkpoint && m_report.blocks == 0;
    const std::uint64_t known = std::max(
        m_options.expected_height, ends_early ? m_options.from->header.height : std::uint64_t{0});
    if (!m_report.interrupted && (ends_early || m_report.last_height < known)) {
        m_log.add({FindingKind::truncated,
                   m_report.last_height,
                   std::nullopt,
                   {},
                   0,
                   "the ledger ends before block " + std::to_string(known) +
                       ", which is known to exist"});
    }
}

AuditReport Auditor::finish() {
    m_report.uncovered = m_chain.finish(m_options.live || m_report.interrupted);
    check_length();
    reconcile();
    offer_checkpoint(true);
    m_report.envelopes = m_content.envelopes();
    m_report.transactions = m_content.transactions();
    m_report.transactions_in_all = m_transactions_before + m_report.transactions;
    m_report.leaves = m_content.leaves();
    m_report.log_checked_to = m_content.log_checked_to();
    if (m_replay) {
        m_report.replayed_to = m_replay->replayed_to();
    }
    if (m_business) {
        m_business->finish(!m_report.interrupted);
        m_report.business = m_business->report();
        if (const auto& cut_at = m_business->cut_at()) {
            m_report.books_end = std::max(*cut_at, m_report.from_height);
        }
        m_report.member_unknown = m_options.member && m_replay &&
                                  !find_member(StoreView{m_replay->state()}, *m_options.member);
        m_log.take(m_business->findings());
        if (const SublogBook* const sublog = m_business->sublog()) {
            m_report.sublog = SublogRecord{sublog->log()};
            m_report.proven_sublog_compared =
                m_options.proven_sublog.has_value() && !sublog->has_open_proof();
        }
    }
    m_report.findings = m_log.findings();
    m_report.findings_count = m_log.count();
    return std::move(m_report);
}

}  // namespace

const char* to_text(AuditLevel level) {
    for (const auto& [known, name] : level_names) {
        if (known == level) {
            return name;
        }
    }
    return "unknown";
}

std::optional<AuditLevel> audit_level_from_text(std::string_view text) {
    for (const auto& [level, name] : level_names) {
        if (text == name) {
            return level;
        }
    }
    return std::nullopt;
}

Expected<AuditReport, SourceError> audit_ledger(SegmentSource& source, const Genesis& genesis,
                                                const AuditOptions& options, JobRunner& runner,
                                                const AuditProgressCallback& progress) {
    if (const std::optional<std::string> problem = find_problem(genesis)) {
        return Unexpected{SourceError{"the genesis is not valid: " + *problem}};
    }
    const std::optional<std::vector<VerifyKey>> validators =
        validator_keys(validators_of(genesis.members));
    if (!validators) {
        return Unexpected{SourceError{"the genesis has a consensus key that is not on the curve"}};
    }
    Auditor auditor{genesis, options};
    if (const auto prepared = auditor.prepare(); !prepared) {
        return Unexpected{prepared.error()};
    }
    if (const auto done = auditor.run(source, runner, progress); !done) {
        if (!auditor.has_findings()) {
            return Unexpected{done.error()};
        }
        auditor.give_up(done.error());
    }
    return auditor.finish();
}

}  // namespace tally
