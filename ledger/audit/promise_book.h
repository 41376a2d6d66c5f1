#pragma once

#include "ledger/audit/cycle_book.h"
#include "ledger/audit/finding.h"
#include "ledger/model/actions.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tally {

/// What members may owe, kept a second time from SetLimit and SetAgreement, against what they do
/// owe by the other books: promised and open, posted and not netted, and legs that are not paid.
/// Memory: one figure for each limit, each half of an agreement, and each pair with open charges.
/// Threads: one owner.
class PromiseBook {
public:
    /// How a member comes to owe more.
    enum class Debit : std::uint8_t {
        approval,    ///< both halves of the agreement must be active and in its currency
        correction,  ///< posted at once, with both signatures; both halves must be there
    };
    struct Asked {
        const AuditPair& pair;
        Money amount{0};
        Debit kind{Debit::approval};
    };
    struct Problem {
        FindingKind kind{FindingKind::limit};
        std::string message;
    };

    /// Limits and agreements of a state. What is open is added by `reserve`.
    void restore(const StateView& state);
    void set_limit(const AuditAccount& account, Money limit) { m_limits[account] = limit; }
    void agree(const PartyId& owner, const SetAgreement& action);
    /// What is promised and open changes by `amount`.
    void reserve(const AuditPair& pair, Money amount);
    /// `amount` (0 or more) became due from one member to another, in `CycleBook` too.
    void posted(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
                WideMoney amount);
    /// What is due changed otherwise: it is asked for again.
    void forget_due() noexcept { m_due.reset(); }

    /// What forbids this debit, which is not in the books yet.
    [[nodiscard]] std::vector<Problem> check(const CycleBook& cycles, const Asked& asked);
    /// What a state says otherwise, in words.
    [[nodiscard]] std::vector<std::string> compare(const StateView& state) const;

private:
    struct Half {
        bool active{false};
        Currency currency;
        Money cap{0};  ///< 0: none
        friend bool operator==(const Half&, const Half&) = default;
    };
    using Halves = std::map<std::pair<PartyId, PartyId>, Half>;  ///< owner, partner

    [[nodiscard]] static Halves halves_of(const StateView& state);
    [[nodiscard]] const Half* find_half(const PartyId& owner, const PartyId& partner) const;
    /// What binds this pair in this currency; 0: nothing. The problem when it may not be at all.
    [[nodiscard]] std::optional<Problem> find_cap(const Asked& asked, Money& cap) const;
    [[nodiscard]] WideMoney exposure(const CycleBook& cycles, const AuditPair& pair) const;
    [[nodiscard]] WideMoney used(const CycleBook& cycles, const AuditAccount& account);

    std::map<AuditAccount, Money> m_limits;
    Halves m_halves;
    std::map<AuditPair, WideMoney> m_open;            ///< promised; no amount is 0
    std::map<AuditAccount, WideMoney> m_open_debits;  ///< the same by debtor
    /// What is due by account: from the cycles once, then kept along.
    std::optional<std::map<AuditAccount, AuditPosition>> m_due;
};

}  // namespace tally
