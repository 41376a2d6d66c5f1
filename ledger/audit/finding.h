#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// What an audit can find. docs/auditors.md explains each; the texts of `to_text` are in reports.
enum class FindingKind : std::uint8_t {
    // The files
    file_header,      ///< magic, version, chain, first height or their checksum
    record_header,    ///< a record's kind, length or their checksum; the rest of the file is lost
    record_checksum,  ///< a record does not match its checksum
    torn_tail,        ///< the newest file ends inside a record
    after_footer,     ///< bytes behind the record that closes a file
    missing_footer,   ///< a file that another one follows is not closed
    wrong_footer,     ///< the closing record names another block
    missing_blocks,   ///< heights are skipped or repeated
    undecodable,      ///< a record is not a block
    // The chain of headers
    chain_id,
    parent,         ///< the header does not name the block before it
    height,         ///< not the parent's plus 1
    view,           ///< not above the parent's, or parent_view is not the parent's
    time,           ///< not after the parent's
    epoch,          ///< not the parent's, or not the next one behind a seal
    validators,     ///< next set or proposer do not fit the validators of the epoch
    validator_set,  ///< the next epoch's validators are not named, not the committed ones, or lost
    // Certificates
    certificate_kind,       ///< neither finalization nor notarization, or of another view
    certificate_epoch,      ///< of another epoch
    certificate_block,      ///< for another block
    certificate_signers,    ///< too few, repeated or unknown signers
    certificate_signature,  ///< a vote's signature does not verify
    not_final,              ///< the last blocks are notarized only
    // Contents
    body_root,
    envelope,      ///< cannot be decoded
    transaction,   ///< cannot be decoded
    result_count,  ///< not one result per transaction
    log_size,
    log_root,
    signer,     ///< no member has that name
    signature,  ///< an envelope's signature does not verify
    // Execution
    feature,         ///< this program does not know a feature that is active: not executed
    execution,       ///< the block is not valid on its parent's state
    seal,            ///< the block seals its epoch uncalled for, or fails to
    state_mismatch,  ///< log or state after execution differ from the header
    result_differs,  ///< a stored result is not what execution gives
    event_differs,   ///< a stored event is not what execution gives
    accounting,      ///< sums of debits and credits, or totals, do not agree
    // Business: recomputed from the transactions alone
    rating,            ///< a record's amounts are not what the tariff gives for its readings
    unmatched,         ///< a step without the one that it needs: an orphan
    late,              ///< a step after its deadline, or an expiry before it
    duplicate,         ///< one session was recorded twice
    bridge_signature,  ///< no registered bridge signed what was metered
    meter_register,    ///< a meter's register went back between two charges
    vote,              ///< a vote that does not count, or a change without the votes it needs
    proof,             ///< accepted evidence of contradicting votes does not hold
    reconciliation,    ///< sums of the transactions are not the balances of the accounts
    withheld,          ///< a member's own log is not complete
    evidence,          ///< meter evidence does not have the hash that the record names
    bank,              ///< a confirmed payment is not in the bank's statement as it should be
    // Against what else is known
    truncated,   ///< the ledger ends before a block that is known to exist
    checkpoint,  ///< the ledger does not go on from the last audit
    fork,        ///< two final blocks of one height
    // Business, of netting
    cycle,  ///< a closed cycle's figures, or the shares of a default, are not those of its entries
    // Business, of meters that sign
    meter_signature,  ///< meter data are not signed by the meter that is registered
    meter_reading,    ///< the registered meter signed other readings than the record states
    // Business, of what may be owed
    limit,  ///< more was promised or charged than a limit or an exposure cap allows
};
/// "file_header" and so on.
[[nodiscard]] const char* to_text(FindingKind kind);

/// One thing that is wrong, and where.
struct Finding {
    FindingKind kind{FindingKind::undecodable};
    std::uint64_t height{0};  ///< of the block; the one expected there if it is unreadable
    std::optional<std::uint64_t> index;  ///< of envelope, transaction, event or leaf, see message
    std::string segment;                 ///< file name; empty for the ledger as a whole
    std::uint64_t offset{0};             ///< of the record in the file
    std::string message;
};

/// The findings of an audit, at most `findings_max` of them; the rest is counted.
class FindingLog {
public:
    explicit FindingLog(std::size_t findings_max) : m_findings_max{findings_max} {}
    void add(Finding finding);
    /// Adds what another log found.
    void take(const FindingLog& other);
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return m_findings; }
    [[nodiscard]] std::uint64_t count() const noexcept { return m_count; }

private:
    std::size_t m_findings_max;
    std::vector<Finding> m_findings;
    std::uint64_t m_count{0};
};

}  // namespace tally
