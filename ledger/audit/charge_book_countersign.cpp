// What two members sign: limits, and charges after their authorization has ended. Everything is
// checked when the second one signs, because that is when it takes effect.

#include "ledger/audit/charge_book.h"
#include "ledger/state/context.h"

#include <utility>
#include <variant>

namespace tally {
namespace {

std::string money(Money amount, const Currency& currency) {
    return money_to_text(amount) + " " + to_text(currency);
}

}  // namespace

const CountersignRecord* ChargeBook::find_half_signed(const TransactionRef& ref) const {
    const auto found = m_waiting.find(ref);
    return found == m_waiting.end() ? nullptr : &found->second;
}

void ChargeBook::wait(const Step& step, TwoSigned action) {
    const Hash& hash = step.stored.envelope.transaction_hashes[step.stored.index];
    const UnixMillis expires =
        deadline_after(step.scope.now(), step.scope.parameters.countersign_window);
    m_waiting.insert_or_assign(step.stored.ref(),
                               CountersignRecord{hash, expires, std::move(action)});
}

void ChargeBook::check_second(const Step& step, const Countersign& action,
                              const CountersignRecord& waiting) const {
    const std::string name = to_text(action.transaction);
    check_time(step, waiting.expires, "its countersign window");
    if (action.transaction_hash != waiting.transaction_hash) {
        step.find(FindingKind::unmatched, to_text(step.stored.signer()) + " countersigned " + name +
                                              " by another hash than that of " + name);
    }
    if (action.transaction.signer == step.stored.signer()) {
        step.find(FindingKind::unmatched,
                  to_text(step.stored.signer()) + " countersigned its own transaction " + name);
    }
}

void ChargeBook::take_effect(const Step& step, const TransactionRef& first,
                             const SetLimit& action) {
    const PartyId& hub = step.scope.hub;
    check_signer(step, first.signer == action.member ? hub : action.member,
                 first.signer == action.member ? "hub" : "member");
    if (first.signer != action.member && first.signer != hub) {
        step.find(FindingKind::unmatched, "the limit of " + to_text(action.member) +
                                              " was first signed by " + to_text(first.signer) +
                                              ", who is neither the member nor the hub");
    }
    m_promises.set_limit({action.member, action.currency}, action.limit);
    step.scope.report.govern(step.scope.height(), step.scope.now(),
                             "limit of " + to_text(action.member) + " is " +
                                 money(action.limit, action.currency) + ", signed by " +
                                 to_text(first.signer) + " and " + to_text(step.stored.signer()));
}

void ChargeBook::post_rated(const Step& step, const PartyId& visited, const RatedCharge& charge,
                            ChargeStep kind) {
    const AuthorizationRef& ref = charge.metered.authorization;
    check_signer(step, ref.signer, "home operator");
    check_bridge(step);
    check_rating(step,
                 {charge.metered, visited, charge.tariff, charge.currency, charge.rated_amount});
    if (charge.amount > charge.rated_amount) {
        step.find(FindingKind::rating, to_text(ref) + ": more is charged than the tariff gives");
    }
    if (m_open.contains(ref)) {
        step.find(FindingKind::unmatched, to_text(ref) + " is still open, and corrected already");
    }
    const AuditPair pair{ref.signer, visited, charge.currency};
    check_promise(step, pair, charge.amount, PromiseBook::Debit::correction);
    count(step.scope, pair, kind, charge.amount);
    post(step.scope, pair, charge.amount);
    step.scope.report.note(
        NoteKind::corrected, step.scope.height(),
        to_text(ref) + ": " + to_text(kind) + ", " + money(charge.amount, charge.currency));
    m_countersigned = Countersigned{visited, charge.metered, kind == ChargeStep::rebilled};
}

void ChargeBook::take_effect(const Step& step, const TransactionRef& first,
                             const LateCharge& action) {
    const AuthorizationRef& ref = action.charge.metered.authorization;
    const bool is_known = m_open.contains(ref) || m_corrections.remembers(ref) ||
                          m_corrections.find(ref) != nullptr || m_corrections.is_forgetful();
    if (!is_known) {
        step.find(FindingKind::unmatched,
                  to_text(ref) + " is charged late, but it was never approved");
    }
    const auto find = step.scope.finder(step.stored.number);
    m_corrections.late({first, step.scope.now(), step.scope.parameters.correction_window, find},
                       action.charge);
    post_rated(step, first.signer, action.charge, ChargeStep::late);
}

void ChargeBook::take_effect(const Step& step, const TransactionRef& first,
                             const RebillCharge& action) {
    const auto find = step.scope.finder(step.stored.number);
    m_corrections.rebill({first, step.scope.now(), step.scope.parameters.correction_window, find},
                         action);
    post_rated(step, first.signer, action.charge, ChargeStep::rebilled);
}

void ChargeBook::take_effect(const Step& step, const TransactionRef& first,
                             const CreditCharge& action) {
    const AuthorizationRef& ref = action.authorization;
    check_signer(step, ref.signer, "home operator");
    if (m_open.contains(ref)) {
        step.find(FindingKind::unmatched, to_text(ref) + " is still open, and credited already");
    }
    const bool is_known = m_corrections.find(ref) != nullptr || m_corrections.remembers(ref);
    const auto find = step.scope.finder(step.stored.number);
    m_corrections.credit({first, step.scope.now(), step.scope.parameters.correction_window, find},
                         action);
    const AuditPair pair{ref.signer, first.signer, action.currency};
    count(step.scope, pair, ChargeStep::credited, action.amount);
    post(step.scope, pair, -action.amount);
    step.scope.report.note(NoteKind::corrected, step.scope.height(),
                           to_text(ref) + ": " + money(action.amount, action.currency) +
                               " are given back by " + to_text(first.signer) +
                               (is_known ? "" : "; the charge is older than this audit remembers"));
}

void ChargeBook::apply(const Step& step, const Countersign& action) {
    const auto found = m_waiting.find(action.transaction);
    if (found == m_waiting.end()) {
        step.find(FindingKind::unmatched, "Countersign by " + to_text(step.stored.signer()) +
                                              " succeeded, but nothing waits under " +
                                              to_text(action.transaction));
        return;
    }
    const CountersignRecord waiting = std::move(found->second);
    m_waiting.erase(found);
    check_second(step, action, waiting);
    std::visit([&](const auto& first) { take_effect(step, action.transaction, first); },
               waiting.action);
}

void ChargeBook::expire_half_signed(const BusinessScope& scope, const TransactionRef& ref,
                                    std::size_t number) {
    const auto found = m_waiting.find(ref);
    if (found == m_waiting.end()) {
        scope.find(FindingKind::unmatched, number,
                   to_text(ref) + " expired, but it does not wait for a second signature");
        return;
    }
    if (found->second.expires >= scope.now()) {
        scope.find(FindingKind::late, number, to_text(ref) + " expired before its deadline");
    }
    m_waiting.erase(found);
}

}  // namespace tally
