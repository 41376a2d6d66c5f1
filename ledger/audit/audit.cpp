#include "ledger/audit/audit.h"

#include "ledger/audit/block_inspector.h"
#include "ledger/audit/block_reader.h"
#include "ledger/audit/chain_check.h"
#include "ledger/audit/content_check.h"
#include "ledger/audit/epoch_tracker.h"
#include "ledger/audit/member_keys.h"
#include "ledger/audit/replay_check.h"
#include "ledger/chain/finality.h"

#include <array>
#include <bit>
#include <memory>
#include <utility>

namespace tally {
namespace {

// One batch of blocks is read, inspected in parallel, then checked in order.
constexpr std::size_t batch_blocks_max{256};
constexpr std::uint64_t batch_bytes_max{8UL * 1024 * 1024};

constexpr std::array<std::pair<AuditLevel, const char*>, 4> level_names{
    {{AuditLevel::chain, "chain"},
     {AuditLevel::merkle, "merkle"},
     {AuditLevel::signatures, "signatures"},
     {AuditLevel::replay, "replay"}}};

/// The header of height 0, which the genesis gives.
BlockHeader genesis_header(const Genesis& genesis) {
    const MemoryStore store;
    DirectSignatureChecker signatures;
    const Executor executor{genesis, store, signatures};
    return executor.genesis_block().block.header;
}

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
        m_report.last_digest = m_genesis_header.digest();
        m_report.state_root = m_genesis_header.state_root;
        m_report.log_root = m_genesis_header.log_root;
    }

    Expected<Done, SourceError> run(SegmentSource& source, JobRunner& runner,
                                    const AuditProgressCallback& progress);
    AuditReport finish();

private:
    void inspect(std::vector<AuditBlock>& batch, JobRunner& runner);
    void check(const std::vector<AuditBlock>& batch);
    void count(const AuditBlock& block);

    AuditOptions m_options;
    FindingLog m_log;
    BlockHeader m_genesis_header;
    EpochTracker m_epochs;
    MemberKeys m_members;
    BlockInspector m_inspector;
    ChainCheck m_chain;
    ContentCheck m_content;
    std::unique_ptr<ReplayCheck> m_replay;
    AuditReport m_report;
};

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
    for (bool more = true; more;) {
        std::vector<AuditBlock> batch;
        const std::uint64_t start = reader.bytes_done();
        while (batch.size() < batch_blocks_max && reader.bytes_done() - start < batch_bytes_max) {
            Expected<std::optional<AuditBlock>, SourceError> block = reader.next();
            if (!block) {
                return Unexpected{block.error()};
            }
            if (!*block) {
                more = false;
                break;
            }
            batch.push_back(std::move(**block));
        }
        inspect(batch, runner);
        check(batch);
        if (progress) {
            progress({reader.bytes_done(), m_report.bytes, m_report.last_height});
        }
    }
    return Done{};
}

void Auditor::inspect(std::vector<AuditBlock>& batch, JobRunner& runner) {
    for (AuditBlock& block : batch) {
        m_epochs.follow(block);
    }
    m_inspector.inspect(batch, runner);
    if (m_options.level < AuditLevel::signatures) {
        return;
    }
    for (AuditBlock& block : batch) {
        m_members.follow(block);
    }
    m_inspector.check_signatures(batch, runner);
}

void Auditor::check(const std::vector<AuditBlock>& batch) {
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
    m_report.last_digest = block.digest;
    m_report.state_root = header.state_root;
    m_report.log_root = header.log_root;
}

AuditReport Auditor::finish() {
    m_report.uncovered = m_chain.finish(m_options.live);
    m_report.envelopes = m_content.envelopes();
    m_report.transactions = m_content.transactions();
    m_report.leaves = m_content.leaves();
    m_report.log_checked_to = m_content.log_checked_to();
    if (m_replay) {
        m_replay->check_accounts();
        m_report.replayed_to = m_replay->replayed_to();
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
    if (const auto done = auditor.run(source, runner, progress); !done) {
        return Unexpected{done.error()};
    }
    return auditor.finish();
}

}  // namespace tally
