#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/audit/correction_book.h"
#include "ledger/audit/cycle_book.h"
#include "ledger/audit/promise_book.h"
#include "ledger/state/state_view.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tally {

/// Approvals, charges, records and payments, followed from transactions and their stored results
/// alone: every step must have the one before it, come in time and name the right amount, and every
/// record is rated again. Independent of ledger/state, so that a rule that is wrong there, or that
/// a quorum planted, shows here.
/// Memory: what is open, all tariffs, corrections within their window.
class ChargeBook {
public:
    ChargeBook() = default;

    /// What a state has open.
    void restore(const StateView& state);

    /// Before everything else in a block.
    void open_block(const BusinessScope& scope);
    /// After the block's expiries: payments that should be in default and are not.
    void check_overdue(const BusinessScope& scope) { m_cycles.check_overdue(scope); }
    /// A transaction that succeeded. Those that this book is not about are passed over.
    void take(const BusinessScope& scope, const StoredTransaction& stored);
    /// Something that expired; `number` is that of the event.
    void take(const BusinessScope& scope, const Event& event, std::size_t number);

    /// Adds what is open to the report, and to the pending sums of its positions.
    void finish(BusinessReport& report) const;

    /// The late or rebilled charge that the last transaction countersigned, and who metered it.
    struct Countersigned {
        PartyId visited;
        MeteredCharge metered;
        bool rebilled{false};
    };
    [[nodiscard]] const std::optional<Countersigned>& countersigned() const noexcept {
        return m_countersigned;
    }

    /// An open charge, or something half-signed, by its name; null when there is none.
    [[nodiscard]] const Authorization* find_charge(const AuthorizationRef& ref) const;
    [[nodiscard]] const CountersignRecord* find_half_signed(const TransactionRef& ref) const;
    /// What was posted and not netted yet, and the payments that wait.
    [[nodiscard]] CycleBook& cycles() noexcept {
        m_promises.forget_due();  // the caller may change what is due
        return m_cycles;
    }
    [[nodiscard]] const CycleBook& cycles() const noexcept { return m_cycles; }
    [[nodiscard]] const PromiseBook& promises() const noexcept { return m_promises; }
    [[nodiscard]] CorrectionBook& corrections() noexcept { return m_corrections; }
    [[nodiscard]] const CorrectionBook& corrections() const noexcept { return m_corrections; }
    /// What the accounts must have: promised, posted and not netted, legs that are not confirmed.
    [[nodiscard]] std::map<AuditAccount, AuditPosition> positions() const;

private:
    using Charges = std::map<AuthorizationRef, Authorization>;
    struct Step {
        const BusinessScope& scope;
        const StoredTransaction& stored;
        void find(FindingKind kind, std::string message) const {
            scope.find(kind, stored.number, std::move(message));
        }
    };
    /// What a rated charge states.
    struct Priced {
        const MeteredCharge& metered;
        const PartyId& visited;
        const TariffRef& tariff;
        const Currency& currency;
        Money rated_amount{0};
    };

    void apply(const Step& step, const DecideAuthorization& action);
    void apply(const Step& step, const ReleaseAuthorization& action);
    void apply(const Step& step, const StartCharge& action);
    void apply(const Step& step, const RecordCharge& action);
    void apply(const Step& step, const SettleCharge& action);
    void apply(const Step& step, const ClaimCharge& action);
    void apply(const Step& step, const OpenDispute& action);
    void apply(const Step& step, const AcceptDispute& action);
    void apply(const Step& step, const Arbitrate& action);
    void apply(const Step& step, const PublishTariff& action);
    void apply(const Step& step, const SetAgreement& action);
    void apply(const Step& step, const Countersign& action);
    void wait(const Step& step, TwoSigned action);
    void check_second(const Step& step, const Countersign& action,
                      const CountersignRecord& waiting) const;
    void take_effect(const Step& step, const TransactionRef& first, const SetLimit& action);
    void take_effect(const Step& step, const TransactionRef& first, const LateCharge& action);
    void take_effect(const Step& step, const TransactionRef& first, const CreditCharge& action);
    void take_effect(const Step& step, const TransactionRef& first, const RebillCharge& action);
    void post_rated(const Step& step, const PartyId& visited, const RatedCharge& charge,
                    ChargeStep kind);
    void expire_half_signed(const BusinessScope& scope, const TransactionRef& ref,
                            std::size_t number);

    /// The open charge that a step is about, in one of the statuses; reports when there is none.
    [[nodiscard]] Charges::iterator find_open(const Step& step, const AuthorizationRef& ref,
                                              std::initializer_list<AuthorizationStatus> statuses);
    void check_time(const Step& step, UnixMillis deadline, const char* name) const;
    void check_signer(const Step& step, const PartyId& expected, const char* name) const;
    void check_rating(const Step& step, const Priced& priced) const;
    void check_bridge(const Step& step) const;
    void check_promise(const Step& step, const AuditPair& pair, Money amount,
                       PromiseBook::Debit kind);
    void check_home_release(const Step& step, const Authorization& charge) const;
    void check_default(const BusinessScope& scope, const Authorization& charge, const Event& event,
                       std::size_t number) const;

    [[nodiscard]] static AuditPair pair_of(const Authorization& charge);
    void count(const BusinessScope& scope, const AuditPair& pair, ChargeStep step, Money amount);
    /// `amount` becomes due from home to visited; negative for credits.
    void post(const BusinessScope& scope, const AuditPair& pair, Money amount);
    /// The charge is over, with `posted` in all.
    void end(Charges::iterator charge, Money posted);
    void expire(const BusinessScope& scope, Charges::iterator charge, const Event& event,
                std::size_t number);

    Charges m_open;
    std::map<std::pair<PartyId, TariffRef>, std::shared_ptr<const Tariff>> m_tariffs;
    std::map<TransactionRef, CountersignRecord> m_waiting;
    std::optional<Countersigned> m_countersigned;
    CycleBook m_cycles;
    PromiseBook m_promises;
    CorrectionBook m_corrections;
};

}  // namespace tally
