#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/model/actions.h"
#include "ledger/state/cycle_records.h"

#include <map>
#include <tuple>
#include <vector>

namespace tally {

/// Netting, kept a second time from what was posted: who owes whom since the last cycle, what every
/// closed cycle has to say, and which payments between banks wait. Memory: one figure for each pair
/// that owes, one entry for each leg that is not confirmed. Threads: one owner.
class CycleBook {
public:
    /// Takes over what is open in a state.
    void restore(const StateView& state);

    /// `amount` (more than 0) becomes due from one member to another.
    void post(const PartyId& debtor, const PartyId& creditor, const Currency& currency,
              WideMoney amount);
    /// Looks at `cycle_closed` and `leg_defaulted`; other kinds are somebody else's.
    void take(const BusinessScope& scope, const Event& event, std::size_t number);
    /// One that succeeded.
    void take(const BusinessScope& scope, const StoredTransaction& stored,
              const ConfirmPayment& action);

    /// Notes what is not paid.
    void finish(BusinessReport& report, std::uint64_t height) const;
    /// What the accounts must have: posted and not netted yet, legs that are not confirmed.
    [[nodiscard]] std::map<AuditAccount, AuditPosition> positions() const;

private:
    using Pair = std::tuple<Currency, PartyId, PartyId>;  ///< debtor, creditor
    struct Leg {
        Money amount{0};
        UnixMillis due_by{0};
        bool defaulted{false};
        std::vector<NetPosition> shares;
    };

    void close(const BusinessScope& scope, const Event& event, std::size_t number);
    void default_leg(const BusinessScope& scope, const Event& event, std::size_t number);
    /// Takes a currency's pairs out, in order of debtor and creditor.
    [[nodiscard]] std::vector<Debt> take_matrix(const Currency& currency);

    std::map<Pair, WideMoney> m_pairs;  ///< no amount is 0
    std::map<LegKey, Leg> m_legs;
};

}  // namespace tally
