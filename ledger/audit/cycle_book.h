#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/model/actions.h"
#include "ledger/state/cycle_records.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tally {

/// A leg that is paid, and the reference that is kept with it.
struct ConfirmedLeg {
    LegKey key;
    std::string reference;
};

/// Netting, kept a second time from what was posted: who owes whom since the last cycle, what every
/// closed cycle has to say and when, which payments between banks wait, and which are in default.
/// Memory: one figure for each pair that owes, one entry for each leg that is not confirmed and
/// each member that such a cycle's money goes to. Threads: one owner.
class CycleBook {
public:
    /// Takes over what is open in a state.
    void restore(const StateView& state);

    /// Before everything else in a block: the cycles that it closes, and those it must.
    void open_block(const BusinessScope& scope);
    /// `amount` (more than 0) becomes due from one member to another.
    void post(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
              WideMoney amount);
    /// Looks at `leg_defaulted`; other kinds are somebody else's.
    void take(const BusinessScope& scope, const Event& event, std::size_t number);
    /// After the block's expiries: payments that should be in default and are not.
    void check_overdue(const BusinessScope& scope);
    /// A payment is made, by what its creditor or a vote says in transaction `number`.
    void confirm(const BusinessScope& scope, std::size_t number, const ConfirmedLeg& confirmed);

    /// Notes what is not paid.
    void finish(BusinessReport& report, std::uint64_t height) const;
    /// What the accounts must have: posted and not netted yet, legs that are not confirmed.
    [[nodiscard]] std::map<AuditAccount, AuditPosition> positions() const;
    /// What one member owes another: posted and not netted yet, and legs that are not confirmed.
    struct Owed {
        WideMoney posted{0};
        WideMoney legs{0};
    };
    [[nodiscard]] Owed owed_between(const PartyId& debtor, const PartyId& creditor,
                                    const Currency& currency) const;
    /// What a state says otherwise of payments between banks, in words.
    [[nodiscard]] std::vector<std::string> compare(const StateView& state) const;

private:
    using Pair = std::tuple<Currency, PartyId, PartyId>;  ///< debtor, creditor
    using Cycle = std::pair<std::uint64_t, Currency>;
    struct Leg {
        Money amount{0};
        UnixMillis due_by{0};
        bool defaulted{false};
        std::vector<NetPosition> shares;
        UnixMillis closed_at{0};  ///< of its cycle; 0: before this audit
    };
    /// A closed cycle with legs that are not confirmed.
    struct Closed {
        std::vector<NetPosition> creditors;
        std::size_t open_legs{0};
    };
    struct Matrix {
        std::vector<Debt> debts;
        std::vector<NetPosition> net;  ///< ordered by party
        bool fits{true};               ///< into 64 bits
    };

    void close(const BusinessScope& scope, const Event& event, std::size_t number);
    void check_left(const BusinessScope& scope, std::size_t closed, std::size_t pairs);
    void add_legs(const BusinessScope& scope, const Event& event, const Matrix& matrix);
    void default_leg(const BusinessScope& scope, const Event& event, std::size_t number);
    [[nodiscard]] std::vector<NetPosition> shares_of(const BusinessScope& scope, const LegKey& key,
                                                     Money amount) const;
    /// Takes a currency's pairs out, in order of debtor and creditor.
    [[nodiscard]] Matrix take_matrix(const Currency& currency);
    /// The first currency from `from` on in which something is posted, and its pairs.
    [[nodiscard]] std::optional<std::pair<Currency, std::size_t>> next_posted(
        const Currency& from) const;

    std::map<Pair, WideMoney> m_pairs;  ///< no amount is 0
    std::map<LegKey, Leg> m_legs;
    std::set<std::pair<UnixMillis, LegKey>> m_due;  ///< of the legs not in default
    std::map<Cycle, Closed> m_closed;
    CycleRecord m_cycle;
};

}  // namespace tally
