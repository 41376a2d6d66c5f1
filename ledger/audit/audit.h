#pragma once

#include "ledger/audit/business_report.h"
#include "ledger/audit/checkpoint.h"
#include "ledger/audit/finding.h"
#include "ledger/audit/job_runner.h"
#include "ledger/audit/meter_evidence.h"
#include "ledger/audit/sublog_book.h"
#include "ledger/base/expected.h"
#include "ledger/model/genesis.h"
#include "ledger/store/segment_source.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

/// How much is checked; each level includes those before it.
enum class AuditLevel : std::uint8_t {
    chain = 1,   ///< files, checksums, header chain, certificates with their signatures
    merkle,      ///< + every envelope and transaction decoded, body, every leaf and log root
    signatures,  ///< + every envelope's signature
    replay,      ///< + re-execution from the genesis: results, events, state roots, accounting
    business,    ///< + every charge, price, meter, vote and balance recomputed independently
};
[[nodiscard]] const char* to_text(AuditLevel level);
[[nodiscard]] std::optional<AuditLevel> audit_level_from_text(std::string_view text);

inline constexpr std::size_t audit_findings_max{100};

struct AuditOptions {
    AuditLevel level{AuditLevel::replay};
    /// The ledger is being written right now: a record at its very end that is not complete, and
    /// last blocks whose finalization is still to come, are not findings.
    bool live{false};
    std::size_t findings_max{audit_findings_max};
    /// Go on behind this one's block; levels replay and business only.
    std::shared_ptr<const AuditCheckpoint> from{};
    /// A block of this height is known to exist; 0: nothing is known.
    std::uint64_t expected_height{0};
    /// Hashes of meter data that were supplied, as records name them, by the charge's name
    /// (`to_text` of its reference); level business only.
    std::map<std::string, Hash> evidence{};
    /// Asked about each record whose supplied data have the hash that it names; none: signatures of
    /// meters are not looked at. Level business only.
    MeterVerifier verify_meter{};
    /// Whose sub-log is made again and compared with the state at the end, so that nothing that
    /// touches this member is left out: finding `withheld`, or note `sublog`. Level business only.
    std::optional<PartyId> member{};
    /// What a state receipt, which the caller has verified, says of that member's sub-log after a
    /// block: compared with what the ledger gives there. A block that the ledger does not have
    /// (before the checkpoint, or behind the end) is finding `withheld` too, but not when the audit
    /// ended before its end.
    std::optional<ProvenSublog> proven_sublog{};
    /// Asked after every batch of blocks, and with `at_end` after the last one, whether
    /// `on_checkpoint` is to be called. Levels replay and business only, and only while nothing was
    /// found, accounts and balances compared with the state included: nobody is to go on from what
    /// is wrong.
    std::function<bool(bool at_end)> wants_checkpoint{};
    std::function<void(const AuditCheckpoint& checkpoint)> on_checkpoint{};
    /// Asked after every batch; true ends the audit there, as `AuditReport::interrupted`.
    std::function<bool()> should_stop{};
};

struct AuditProgress {
    std::uint64_t bytes_done{0};
    std::uint64_t bytes_total{0};
    std::uint64_t height{0};
};
using AuditProgressCallback = std::function<void(const AuditProgress&)>;

/// The state that a member's sub-log was found in: that after a block, whose certificate is for the
/// root.
struct SublogState {
    std::uint64_t height{0};
    Hash digest;
    Hash state_root;
};

/// What an audit looked at and what it found. Verified means `findings` is empty.
struct AuditReport {
    AuditLevel level{AuditLevel::replay};
    Hash chain_id;
    std::vector<Finding> findings;    ///< the first `findings_max`
    std::uint64_t findings_count{0};  ///< all of them
    std::uint64_t segments{0};
    std::uint64_t bytes{0};
    std::uint64_t blocks{0};
    std::uint64_t envelopes{0};     ///< from level merkle
    std::uint64_t transactions{0};  ///< from level merkle
    std::uint64_t leaves{0};        ///< from level merkle
    std::uint64_t certificates{0};
    std::uint64_t finalizations{0};  ///< of the certificates; the others are notarizations
    std::uint64_t signatures{0};     ///< votes and envelopes verified
    std::uint64_t last_height{0};
    UnixMillis last_time{0};  ///< of the last header
    Hash last_digest;
    Hash state_root;  ///< of the last header
    Hash log_root;    ///< of the last header
    std::uint64_t log_checked_to{
        0};                        ///< height; log roots behind a damaged block cannot be checked
    std::uint64_t replayed_to{0};  ///< height; execution ends at the first block that fails
    /// Blocks at the end of a live ledger whose finalization is not written yet.
    std::uint64_t uncovered{0};
    std::uint64_t from_height{0};  ///< of the checkpoint that it went on from
    bool interrupted{false};
    std::string unreadable{};  ///< why the source ended early, behind a finding
    /// Transactions since the genesis, those before the checkpoint included.
    std::uint64_t transactions_in_all{0};
    BusinessReport business;  ///< from level business
    /// The books end at this height, because a block behind it cannot be read.
    std::optional<std::uint64_t> books_end{};
    /// `AuditOptions::member` is no member of the ledger.
    bool member_unknown{false};
    /// With `AuditOptions::member`: its sub-log after the last block, made again.
    std::optional<SublogRecord> sublog{};
    /// The state at the end, which has that very sub-log; nothing when it has not, or when the
    /// blocks were not executed so far.
    std::optional<SublogState> sublog_state{};
    /// `AuditOptions::proven_sublog` was compared: its block came.
    bool proven_sublog_compared{false};
};

/// Checks a ledger from nothing but its genesis and its segments. Reads them once, front to back,
/// in bounded memory: two batches of blocks at a time, plus the live state for replay and what is
/// open for business. The next batch is decoded and its signatures checked as jobs on `runner`
/// while this one is executed. An error means that nothing can be said: no genesis, no segments, a
/// checkpoint that does not hold together, or the source failed before anything was found.
[[nodiscard]] Expected<AuditReport, SourceError> audit_ledger(
    SegmentSource& source, const Genesis& genesis, const AuditOptions& options, JobRunner& runner,
    const AuditProgressCallback& progress);

}  // namespace tally
