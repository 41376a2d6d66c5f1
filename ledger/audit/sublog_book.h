#pragma once

#include "ledger/audit/charge_book.h"
#include "ledger/audit/governance_book.h"
#include "ledger/state/sublog.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tally {

/// What a state receipt, verified by the caller, says of a member's sub-log after a block.
struct ProvenSublog {
    std::uint64_t height{0};
    SublogRecord record;
};

/// The sub-log of one member, made again from the leaves by the rule of docs/protocol/ledger.md,
/// section 9, and by the books of this audit instead of the ledger's state: whoever was given that
/// many entries with that root was told everything. The rule is written a second time on purpose:
/// what is wrong in ledger/state/touched.cpp must show.
///
/// Memory: 64 hashes. Threads: one owner. The books must outlive it.
class SublogBook {
public:
    SublogBook(const PartyId& member, const ChargeBook& charges, const GovernanceBook& governance)
        : m_member{member}, m_charges{charges}, m_governance{governance} {}

    /// Goes on with the sub-log that a state has.
    void restore(const StateView& state);
    /// What to compare with when the block of its height comes.
    void expect(std::optional<ProvenSublog> proven) { m_proven = std::move(proven); }

    // A leaf of the block: first whom it touches, while the books are as they were before it; then,
    // when they have taken it, it is added. Events of a block are all looked up before the first.
    [[nodiscard]] bool touches(const Event& event) const;
    [[nodiscard]] bool touches(const StoredTransaction& stored) const;
    void add(const Leaf& leaf);
    /// After the last leaf of a block.
    void end_block(const BusinessScope& scope);

    [[nodiscard]] const PartyId& member() const noexcept { return m_member; }
    [[nodiscard]] const MerkleFrontier& log() const noexcept { return m_record.log; }
    /// Blocks that were seen end before the proof's.
    [[nodiscard]] bool has_open_proof() const noexcept { return m_proven.has_value(); }
    /// What a state says otherwise, in words.
    [[nodiscard]] std::optional<std::string> compare(const StateView& state) const;

private:
    using Parties = std::set<PartyId>;

    void add_charge(const AuthorizationRef& ref, Parties& parties) const;
    void add_half_signed(const TransactionRef& ref, Parties& parties) const;
    void add_proposal(const TransactionRef& ref, Parties& parties) const;
    void add_action(const Action& action, Parties& parties) const;
    void add_expiry(const Event& event, Parties& parties) const;
    [[nodiscard]] std::optional<std::string> problem_with(const MerkleFrontier& other) const;

    PartyId m_member;
    const ChargeBook& m_charges;
    const GovernanceBook& m_governance;
    SublogRecord m_record;
    std::optional<ProvenSublog> m_proven;
};

}  // namespace tally
