#include "ledger/audit/charge_book.h"

#include "ledger/model/rating.h"
#include "ledger/state/context.h"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace tally {
namespace {

std::string money(Money amount, const Currency& currency) {
    return money_to_text(amount) + " " + to_text(currency);
}

std::string name_of(const TariffRef& ref) {
    return ref.tariff_id + " version " + std::to_string(ref.version);
}

/// What a charge has become by its last step, for messages.
const char* state_text(const Authorization& charge) { return to_text(charge.status); }

}  // namespace

AuditPair ChargeBook::pair_of(const Authorization& charge) {
    return {charge.home(), charge.visited, charge.currency};
}

void ChargeBook::count(const BusinessScope& scope, const AuditPair& pair, ChargeStep step,
                       Money amount) {
    scope.report.of_pair(pair).add(step, amount);
    scope.report.of_day(scope.now(), pair.currency).add(step, amount);
}

void ChargeBook::post(const BusinessScope& scope, const AuditPair& pair, Money amount) {
    scope.report.of_pair(pair).posted += amount;
    scope.report.of_day(scope.now(), pair.currency).posted += amount;
    const bool back = amount < 0;
    const PartyId& debtor = back ? pair.visited : pair.home;
    const PartyId& creditor = back ? pair.home : pair.visited;
    const WideMoney size = back ? -WideMoney{amount} : WideMoney{amount};
    scope.report.positions[{debtor, pair.currency}].debits += size;
    scope.report.positions[{creditor, pair.currency}].credits += size;
    m_cycles.post(debtor, creditor, pair.currency, size);
    m_promises.posted(debtor, creditor, pair.currency, size);
}

ChargeBook::Charges::iterator ChargeBook::find_open(
    const Step& step, const AuthorizationRef& ref,
    std::initializer_list<AuthorizationStatus> statuses) {
    const auto found = m_open.find(ref);
    const std::string what = action_name(step.stored.transaction.action);
    if (found == m_open.end()) {
        step.find(FindingKind::unmatched, what + " by " + to_text(step.stored.signer()) +
                                              " succeeded, but no charge " + to_text(ref) +
                                              " is open");
    } else if (std::find(statuses.begin(), statuses.end(), found->second.status) ==
               statuses.end()) {
        step.find(FindingKind::unmatched, what + " by " + to_text(step.stored.signer()) +
                                              " succeeded, but " + to_text(ref) + " is only " +
                                              state_text(found->second));
    }
    return found;
}

void ChargeBook::check_time(const Step& step, UnixMillis deadline, const char* name) const {
    if (step.scope.now() > deadline) {
        step.find(FindingKind::late, std::string{action_name(step.stored.transaction.action)} +
                                         " came " + std::to_string(step.scope.now() - deadline) +
                                         " ms after " + name);
    }
}

void ChargeBook::check_signer(const Step& step, const PartyId& expected, const char* name) const {
    if (step.stored.signer() != expected) {
        step.find(FindingKind::unmatched, std::string{action_name(step.stored.transaction.action)} +
                                              " is by " + to_text(step.stored.signer()) +
                                              ", but the " + name + " is " + to_text(expected));
    }
}

void ChargeBook::check_rating(const Step& step, const Priced& priced) const {
    ++step.scope.report.records_rated;
    const std::string named = to_text(step.stored.ref());
    const auto tariff = m_tariffs.find({priced.visited, priced.tariff});
    if (tariff == m_tariffs.end()) {
        step.find(FindingKind::rating, named + " is rated by " + name_of(priced.tariff) +
                                           ", which " + to_text(priced.visited) +
                                           " never published");
        return;
    }
    const Expected<Rating, RatingError> rating = rate(*tariff->second, priced.metered.readings);
    const Currency& currency = tariff->second->currency;
    if (currency != priced.currency) {
        step.find(FindingKind::rating, named + " charges in " + to_text(priced.currency) + ", " +
                                           name_of(priced.tariff) + " is in " + to_text(currency));
    }
    if (!rating) {
        step.find(FindingKind::rating, named + " cannot be rated by " + name_of(priced.tariff) +
                                           ": " + to_text(rating.error()));
    } else if (rating->total() != priced.rated_amount) {
        step.find(FindingKind::rating, named + " states " + money(priced.rated_amount, currency) +
                                           " for " + std::to_string(rating->energy_wh) + " Wh; " +
                                           name_of(priced.tariff) + " of " +
                                           to_text(priced.visited) + " gives " +
                                           money(rating->total(), currency));
    }
}

void ChargeBook::check_bridge(const Step& step) const {
    if (step.stored.is_bridge_signed()) {
        ++step.scope.report.bridge_signatures;
        return;
    }
    step.find(FindingKind::bridge_signature,
              to_text(step.stored.ref()) + " does not bear the signature of a registered bridge");
}

void ChargeBook::apply(const Step& step, const DecideAuthorization& action) {
    const AuditPair pair{step.stored.signer(), action.visited, action.currency};
    if (!action.approved) {
        step.scope.report.deny(pair, step.scope.now(), action.reason);
        return;
    }
    Authorization charge;
    charge.ref = step.stored.ref();
    charge.visited = action.visited;
    charge.currency = action.currency;
    charge.amount = action.amount;
    charge.station = action.station;
    charge.tariffs = action.tariffs;
    charge.decided_at = step.scope.now();
    charge.start_by = action.start_by;
    if (!m_open.emplace(charge.ref, charge).second) {
        step.find(FindingKind::duplicate, to_text(charge.ref) + " is approved twice");
        return;
    }
    check_promise(step, pair, action.amount, PromiseBook::Debit::approval);
    m_promises.reserve(pair, action.amount);
    count(step.scope, pair, ChargeStep::approved, action.amount);
}

/// The home operator may take its promise back while nothing has started, and not at once.
void ChargeBook::check_home_release(const Step& step, const Authorization& charge) const {
    const std::string name = to_text(charge.ref);
    if (charge.status != AuthorizationStatus::approved) {
        step.find(FindingKind::unmatched, name + " is released by its home operator " +
                                              to_text(charge.home()) + ", but it is " +
                                              state_text(charge));
    }
    const UnixMillis from =
        deadline_after(charge.decided_at, step.scope.parameters.home_release_after);
    if (step.scope.now() < from) {
        step.find(FindingKind::late, name + " is released by its home operator " +
                                         std::to_string(from - step.scope.now()) +
                                         " ms before it may be");
    }
}

void ChargeBook::apply(const Step& step, const ReleaseAuthorization& action) {
    const auto found = find_open(step, action.authorization,
                                 {AuthorizationStatus::approved, AuthorizationStatus::started});
    if (found == m_open.end()) {
        return;
    }
    const Authorization& charge = found->second;
    if (step.stored.signer() == charge.home()) {
        check_home_release(step, charge);
    } else {
        check_signer(step, charge.visited, "visited operator");
    }
    check_time(step, charge.deadline(), "its deadline");
    count(step.scope, pair_of(charge), ChargeStep::released, charge.amount);
    end(found, 0);
}

void ChargeBook::apply(const Step& step, const StartCharge& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::approved});
    if (found == m_open.end()) {
        return;
    }
    Authorization& charge = found->second;
    check_signer(step, charge.visited, "visited operator");
    check_time(step, charge.start_by, "start_by");
    if (std::find(charge.tariffs.begin(), charge.tariffs.end(), action.tariff) ==
        charge.tariffs.end()) {
        step.find(FindingKind::unmatched,
                  "the charge starts under " + name_of(action.tariff) + ", which was not approved");
    }
    charge.status = AuthorizationStatus::started;
    charge.start = Authorization::Start{
        step.scope.now(), deadline_after(step.scope.now(), step.scope.parameters.record_window),
        action.evse_id, action.tariff};
    count(step.scope, pair_of(charge), ChargeStep::started, 0);
}

void ChargeBook::apply(const Step& step, const RecordCharge& action) {
    const auto found =
        find_open(step, action.metered.authorization, {AuthorizationStatus::started});
    check_bridge(step);
    if (found == m_open.end()) {
        return;
    }
    Authorization& charge = found->second;
    check_signer(step, charge.visited, "visited operator");
    if (charge.start) {
        check_time(step, charge.start->record_by, "record_by");
        check_rating(step, {action.metered, charge.visited, charge.start->tariff, charge.currency,
                            action.rated_amount});
    }
    if (action.amount != std::min(action.rated_amount, charge.amount)) {
        step.find(FindingKind::rating, to_text(step.stored.ref()) + " asks for " +
                                           money(action.amount, charge.currency) + "; rated are " +
                                           money(action.rated_amount, charge.currency) +
                                           ", approved " + money(charge.amount, charge.currency));
    }
    const UnixMillis now = step.scope.now();
    const UnixMillis settle_by = deadline_after(now, step.scope.parameters.settle_window);
    Authorization::Record record;
    record.transaction = step.stored.transaction.id;
    record.recorded_at = now;
    record.settle_by = settle_by;
    record.claim_until = deadline_after(settle_by, step.scope.parameters.claim_window);
    record.rated_amount = action.rated_amount;
    record.amount = action.amount;
    record.energy_wh =
        action.metered.readings.back().register_wh - action.metered.readings.front().register_wh;
    charge.status = AuthorizationStatus::recorded;
    charge.record = record;
    const AuditPair pair = pair_of(charge);
    count(step.scope, pair, ChargeStep::recorded, action.amount);
    for (ChargeFigures* figures :
         {&step.scope.report.of_pair(pair), &step.scope.report.of_day(now, pair.currency)}) {
        figures->energy_wh +=
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.energy_wh));
        figures->beyond_approval += action.rated_amount - action.amount;
    }
    if (action.rated_amount > action.amount) {
        step.scope.report.note(NoteKind::beyond_approval, step.scope.height(),
                               to_text(charge.ref) + ": " +
                                   money(action.rated_amount, charge.currency) + " were used, " +
                                   money(charge.amount, charge.currency) + " approved; " +
                                   to_text(charge.visited) + " bears the rest");
    }
}

void ChargeBook::apply(const Step& step, const SettleCharge& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::recorded});
    if (found == m_open.end()) {
        return;
    }
    const Authorization& charge = found->second;
    check_signer(step, charge.home(), "home operator");
    if (charge.record) {
        check_time(step, charge.record->settle_by, "settle_by");
        if (action.amount != charge.record->amount) {
            step.find(FindingKind::unmatched, to_text(charge.ref) + " is settled with " +
                                                  money(action.amount, charge.currency) +
                                                  ", recorded were " +
                                                  money(charge.record->amount, charge.currency));
        }
    }
    count(step.scope, pair_of(charge), ChargeStep::settled, action.amount);
    post(step.scope, pair_of(charge), action.amount);
    end(found, action.amount);
}

void ChargeBook::apply(const Step& step, const ClaimCharge& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::recorded});
    if (found == m_open.end()) {
        return;
    }
    const Authorization& charge = found->second;
    check_signer(step, charge.visited, "visited operator");
    const Money amount = charge.record ? charge.record->amount : 0;
    if (charge.record) {
        check_time(step, charge.record->claim_until, "claim_until");
        if (step.scope.now() <= charge.record->settle_by) {
            step.find(FindingKind::late, to_text(charge.ref) + " is claimed before settle_by");
        }
    }
    count(step.scope, pair_of(charge), ChargeStep::claimed, amount);
    post(step.scope, pair_of(charge), amount);
    end(found, amount);
}

void ChargeBook::apply(const Step& step, const OpenDispute& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::recorded});
    if (found == m_open.end() || !found->second.record) {
        return;
    }
    Authorization& charge = found->second;
    check_signer(step, charge.home(), "home operator");
    check_time(step, charge.record->settle_by, "settle_by");
    if (action.disputed < 1 || action.disputed > charge.record->amount) {
        step.find(FindingKind::unmatched, to_text(charge.ref) + ": more is disputed than recorded");
    }
    charge.status = AuthorizationStatus::disputed;
    charge.dispute = Authorization::Dispute{
        step.scope.now(), deadline_after(step.scope.now(), step.scope.parameters.arbitrate_window),
        action.disputed, action.reason, action.evidence};
    m_promises.reserve(pair_of(charge), charge.reserved() - charge.amount);
    count(step.scope, pair_of(charge), ChargeStep::disputed, action.disputed);
    post(step.scope, pair_of(charge), charge.posted_so_far());
    step.scope.report.note(NoteKind::disputed, step.scope.height(),
                           to_text(charge.home()) + " contests " +
                               money(action.disputed, charge.currency) + " of " +
                               to_text(charge.ref) + ": " + to_text(action.reason));
}

void ChargeBook::apply(const Step& step, const AcceptDispute& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::disputed});
    if (found == m_open.end()) {
        return;
    }
    check_signer(step, found->second.visited, "visited operator");
    check_time(step, found->second.deadline(), "arbitrate_by");
    count(step.scope, pair_of(found->second), ChargeStep::dispute_ended, 0);
    end(found, found->second.posted_so_far());
}

void ChargeBook::apply(const Step& step, const Arbitrate& action) {
    const auto found = find_open(step, action.authorization, {AuthorizationStatus::disputed});
    if (found == m_open.end()) {
        return;
    }
    const Authorization& charge = found->second;
    check_signer(step, step.scope.hub, "hub");
    if (step.scope.hub == charge.home() || step.scope.hub == charge.visited) {
        step.find(FindingKind::unmatched,
                  to_text(charge.ref) + ": the hub is a party to the dispute that it arbitrates");
    }
    check_time(step, charge.deadline(), "arbitrate_by");
    if (charge.dispute && action.amount > charge.dispute->disputed) {
        step.find(FindingKind::unmatched, to_text(charge.ref) + ": more is awarded than disputed");
    }
    count(step.scope, pair_of(charge), ChargeStep::dispute_ended, action.amount);
    post(step.scope, pair_of(charge), action.amount);
    end(found, charge.posted_so_far() + action.amount);
}

void ChargeBook::apply(const Step& step, const PublishTariff& action) {
    const bool added = m_tariffs
                           .emplace(std::pair{step.stored.signer(), action.ref},
                                    std::make_shared<const Tariff>(action.tariff))
                           .second;
    if (!added) {
        step.find(FindingKind::duplicate,
                  to_text(step.stored.signer()) + " published " + name_of(action.ref) + " twice");
    }
}

void ChargeBook::apply(const Step& step, const SetAgreement& action) {
    m_promises.agree(step.stored.signer(), action);
}

void ChargeBook::take(const BusinessScope& scope, const StoredTransaction& stored) {
    const Step step{scope, stored};
    m_countersigned.reset();
    std::visit(
        [&](const auto& action) {
            using One = std::decay_t<decltype(action)>;
            if constexpr (std::is_constructible_v<TwoSigned, One>) {
                wait(step, action);
            } else if constexpr (std::is_same_v<One, ConfirmPayment>) {
                m_cycles.confirm(scope, stored.number,
                                 {{action.cycle, action.currency, action.debtor, stored.signer()},
                                  action.reference});
                m_promises.forget_due();
            } else if constexpr (requires { apply(step, action); }) {
                apply(step, action);
            }
        },
        stored.transaction.action);
}

/// What becomes of a dispute that nobody ended is the scheme's to say.
void ChargeBook::check_default(const BusinessScope& scope, const Authorization& charge,
                               const Event& event, std::size_t number) const {
    const bool posts = scope.parameters.dispute_default == DisputeDefault::post;
    const Money expected = posts && charge.dispute ? charge.dispute->disputed : 0;
    if (event.amount != expected) {
        scope.find(FindingKind::unmatched, number,
                   "the dispute of " + to_text(charge.ref) + " ends without a decision: " +
                       money(event.amount, charge.currency) + " are posted, by the parameter " +
                       "dispute_default (" + to_text(scope.parameters.dispute_default) +
                       ") it should be " + money(expected, charge.currency));
    }
}

void ChargeBook::expire(const BusinessScope& scope, Charges::iterator found, const Event& event,
                        std::size_t number) {
    const Authorization& charge = found->second;
    const AuditPair pair = pair_of(charge);
    const std::string named = to_text(charge.ref);
    Money posted{0};
    switch (charge.status) {
        case AuthorizationStatus::approved:
            count(scope, pair, ChargeStep::expired_unstarted, charge.amount);
            break;
        case AuthorizationStatus::started:
            count(scope, pair, ChargeStep::expired_unrecorded, charge.amount);
            scope.report.note(NoteKind::not_recorded, scope.height(),
                              named + " was started on " + charge.start->evse_id +
                                  " and never recorded: what was delivered is not paid");
            break;
        case AuthorizationStatus::recorded:
            count(scope, pair, ChargeStep::expired_unclaimed, charge.record->amount);
            scope.report.note(NoteKind::delivered_unpaid, scope.height(),
                              named + ": " + money(charge.record->amount, charge.currency) +
                                  " were recorded by " + to_text(charge.visited) +
                                  " and neither settled by " + to_text(charge.home()) +
                                  " nor claimed");
            break;
        case AuthorizationStatus::disputed:
            check_default(scope, charge, event, number);
            count(scope, pair, ChargeStep::expired_unarbitrated, event.amount);
            post(scope, pair, event.amount);
            posted = charge.posted_so_far() + event.amount;
            break;
        case AuthorizationStatus::settled:
        case AuthorizationStatus::claimed:
        case AuthorizationStatus::released:
        case AuthorizationStatus::denied:
        case AuthorizationStatus::expired:
            break;
    }
    end(found, posted);
}

void ChargeBook::take(const BusinessScope& scope, const Event& event, std::size_t number) {
    m_cycles.take(scope, event, number);
    if (event.kind != EventKind::expired || event.cause == ExpiryCause::not_decided) {
        return;
    }
    if (event.cause == ExpiryCause::not_countersigned) {
        expire_half_signed(scope, event.ref, number);
        return;
    }
    if (event.cause == ExpiryCause::correction_over) {
        m_corrections.expire(event.ref, scope.now(), scope.finder(number));
        return;
    }
    const auto found = m_open.find(event.ref);
    if (found == m_open.end()) {
        scope.find(FindingKind::unmatched, number,
                   to_text(event.ref) + " expired, but no such charge is open");
        return;
    }
    if (found->second.deadline() >= scope.now()) {
        scope.find(FindingKind::late, number, to_text(event.ref) + " expired before its deadline");
    }
    expire(scope, found, event, number);
}

}  // namespace tally
