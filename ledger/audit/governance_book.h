#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/audit/cycle_book.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/state_view.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Who decided what about the network: admissions, keys, votes counted again, epochs, evidence
/// verified again. Independent of how ledger/state counts.
/// Memory: members, open proposals, two epochs.
class GovernanceBook {
public:
    explicit GovernanceBook(const Hash& chain_id) : m_chain_id{chain_id} {}

    void restore(const StateView& state);
    /// A transaction that succeeded.
    void take(const BusinessScope& scope, const StoredTransaction& stored);
    /// Something that the state machine did; `number` is that of the event.
    void take(const BusinessScope& scope, const Event& event, std::size_t number);

    /// The parameters in force, as the votes make them.
    [[nodiscard]] const Parameters& parameters() const noexcept { return m_parameters; }
    [[nodiscard]] bool is_hub(const PartyId& party) const;
    [[nodiscard]] bool is_member(const PartyId& party) const { return m_members.contains(party); }
    /// The hub's name; zero when there is none.
    [[nodiscard]] PartyId hub() const;
    /// An open proposal; null when there is none of that name.
    [[nodiscard]] const ProposalRecord* find_proposal(const TransactionRef& ref) const;
    /// The validator with this index in this epoch or the one before; zero when not known.
    [[nodiscard]] PartyId validator_of(std::uint64_t epoch, std::uint32_t index) const;
    /// The bank leg that the last transaction's vote ended.
    [[nodiscard]] const std::optional<ConfirmedLeg>& confirmed() const noexcept {
        return m_confirmed;
    }
    /// What a state says otherwise than the votes, in words; nothing when they agree.
    [[nodiscard]] std::vector<std::string> compare(const StateView& state) const;

private:
    void admit(const BusinessScope& scope, const StoredTransaction& stored,
               const AdmitFollower& action);
    void propose(const BusinessScope& scope, const StoredTransaction& stored,
                 const ProposeChange& action);
    void vote(const BusinessScope& scope, const StoredTransaction& stored,
              const VoteOnChange& action);
    void rotate(const BusinessScope& scope, const StoredTransaction& stored,
                const RotateKey& action);
    void prove(const BusinessScope& scope, const StoredTransaction& stored,
               const SubmitEvidence& action);

    [[nodiscard]] bool may_vote(const PartyId& party) const;
    /// Ends a proposal that is decided now.
    void decide(const BusinessScope& scope, const TransactionRef& ref,
                const ProposalRecord& proposal);
    void enact(const ProposeChange& change);

    Hash m_chain_id;
    Parameters m_parameters;
    std::map<PartyId, MemberRecord> m_members;
    std::map<TransactionRef, ProposalRecord> m_proposals;
    std::optional<ConfirmedLeg> m_confirmed;
    std::uint64_t m_epoch{0};
    std::vector<Validator> m_validators;
    std::vector<Validator> m_previous;
};

}  // namespace tally
