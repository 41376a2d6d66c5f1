#include "ledger/audit/business_check.h"

#include "ledger/audit/bridge_keys.h"
#include "ledger/state/queries.h"

#include <variant>

namespace tally {

BusinessCheck::BusinessCheck(const Hash& chain_id, const StateView& state, std::size_t findings_max)
    : m_log{findings_max}, m_governance{chain_id} {
    m_charges.restore(state);
    m_meters.restore(state);
    m_governance.restore(state);
}

void BusinessCheck::check(const AuditBlock& block) {
    const Parameters parameters = m_governance.parameters();
    const BusinessScope scope{block, parameters, m_report, m_log};
    const std::vector<Event>& events = block.content.events;
    const std::size_t early = events_before_transactions(events);
    for (std::size_t i = 0; i < early; ++i) {
        m_charges.take(scope, events[i], i);
        m_governance.take(scope, events[i], i);
    }
    for_each_transaction(block, [&](const AuditEnvelope&, const StoredTransaction& stored) {
        if (stored.result != ResultCode::ok) {
            ++m_report.refusals[stored.result];
            return;
        }
        const Action& action = stored.transaction.action;
        m_charges.take(scope, stored);
        m_governance.take(scope, stored);
        if (const auto* charger = std::get_if<RegisterCharger>(&action)) {
            m_meters.take(stored.signer(), *charger);
        } else if (const auto* record = std::get_if<RecordCharge>(&action)) {
            m_meters.take(scope, stored, record->metered);
            check_evidence(scope, stored, record->metered);
        }
    });
    for (std::size_t i = early; i < events.size(); ++i) {
        m_governance.take(scope, events[i], i);
    }
    m_height = block.height();
}

void BusinessCheck::check_evidence(const BusinessScope& scope, const StoredTransaction& stored,
                                   const MeteredCharge& metered) {
    if (m_evidence.empty()) {
        return;
    }
    const std::string name = to_text(metered.authorization);
    const auto supplied = m_evidence.find(name);
    if (supplied == m_evidence.end()) {
        m_report.note(NoteKind::evidence, scope.height(),
                      metered.evidence.is_zero()
                          ? name + " names no meter data"
                          : "the meter data of " + name + " were not supplied");
    } else if (supplied->second != metered.evidence) {
        scope.find(FindingKind::evidence, stored.number,
                   "the meter data supplied for " + name + " have the hash " +
                       to_hex(supplied->second) + ", the record names " +
                       (metered.evidence.is_zero() ? "none" : to_hex(metered.evidence)));
    } else {
        ++m_report.evidence_matched;
    }
}

void BusinessCheck::add_finding(std::string message) {
    m_log.add({FindingKind::reconciliation, m_height, std::nullopt, {}, 0, std::move(message)});
}

void BusinessCheck::compare_balances(const StateView& state) {
    std::map<AuditAccount, AuditPosition> expected = m_charges.cycles().positions();
    for (const auto& [account, position] : m_report.positions) {
        AuditPosition& balance = expected[account];
        balance.debits_pending = position.debits_pending;
        balance.credits_pending = position.credits_pending;
    }
    std::map<AuditAccount, AuditPosition> found;
    for (const AccountEntry& entry : list_accounts(state)) {
        const Account& account = entry.account;
        AuditPosition& position = found[{entry.party, entry.currency}];
        position = {account.debits_posted,   account.credits_posted, account.debits_pending,
                    account.credits_pending, account.legs_owed,      account.legs_due};
        expected.try_emplace({entry.party, entry.currency});
    }
    const auto compare = [this](const AuditAccount& account, const char* what, WideMoney sum,
                                WideMoney balance) {
        if (sum != balance) {
            add_finding(std::string{what} + " of " + to_text(account.party) + ": the account has " +
                        wide_money_to_text(balance) + " " + to_text(account.currency) +
                        ", its transactions sum up to " + wide_money_to_text(sum));
        }
    };
    for (const auto& [account, sums] : expected) {
        const AuditPosition& balance = found[account];
        compare(account, "what is due from and posted", sums.debits, balance.debits);
        compare(account, "what is due to and posted", sums.credits, balance.credits);
        compare(account, "what banks are to pay for", sums.legs_owed, balance.legs_owed);
        compare(account, "what banks are to pay to", sums.legs_due, balance.legs_due);
        compare(account, "what is promised by", sums.debits_pending, balance.debits_pending);
        compare(account, "what is promised to", sums.credits_pending, balance.credits_pending);
    }
}

void BusinessCheck::finish(const StateView* state) {
    m_charges.finish(m_report);
    m_charges.cycles().finish(m_report, m_height);
    if (state == nullptr) {
        return;
    }
    compare_balances(*state);
    for (std::string& problem : m_governance.compare(*state)) {
        add_finding(std::move(problem));
    }
}

}  // namespace tally
