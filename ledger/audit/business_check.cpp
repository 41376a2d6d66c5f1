#include "ledger/audit/business_check.h"

#include "ledger/state/queries.h"

#include <variant>

namespace tally {
namespace {

constexpr std::uint16_t books_version{1};

/// Index in the log of the first leaf of a block.
std::uint64_t first_leaf(const AuditBlock& block) {
    const std::uint64_t leaves = block.content.events.size() + block.content.results.size();
    return block.content.block.header.log_size - leaves;
}

Leaf leaf_of(const AuditBlock& block, const Event& event, std::size_t number) {
    return {first_leaf(block) + number, block.height(), event.hash(), PartyId{}, ResultCode::ok};
}

Leaf leaf_of(const AuditBlock& block, const StoredTransaction& stored) {
    const std::size_t early = events_before_transactions(block.content.events);
    return {first_leaf(block) + early + stored.number, block.height(),
            stored.envelope.transaction_hashes[stored.index], stored.signer(), stored.result};
}

}  // namespace

BusinessCheck::BusinessCheck(const Hash& chain_id, const StateView& state, UnixMillis time,
                             std::size_t findings_max)
    : m_log{findings_max}, m_governance{chain_id}, m_time{time} {
    m_charges.restore(state);
    m_governance.restore(state);
}

bool BusinessCheck::carry_on(BusinessReport report, ByteView books) {
    Decoder decoder{books};
    if (decoder.u16() != books_version) {
        return false;
    }
    m_charges.corrections().decode_ended(decoder);
    m_meters.decode(decoder);
    m_report = std::move(report);
    return decoder.finished();
}

Bytes BusinessCheck::save_books() const {
    Encoder encoder;
    encoder.u16(books_version);
    m_charges.corrections().encode_ended(encoder);
    m_meters.encode(encoder);
    return std::move(encoder).take();
}

void BusinessCheck::follow(const PartyId& member, std::optional<ProvenSublog> proven,
                           const StateView& state) {
    m_sublog.emplace(member, m_charges, m_governance);
    m_sublog->restore(state);
    m_sublog->expect(std::move(proven));
}

void BusinessCheck::check(const AuditBlock& block) {
    if (!block.follows && !m_cut_at) {
        m_cut_at = m_height;
    }
    if (m_cut_at) {
        return;  // what came in the block that cannot be read is not known: no step can be judged
    }
    const Parameters parameters = m_governance.parameters();
    const BusinessScope scope{block, parameters, m_governance.hub(), m_report, m_log, m_time};
    const std::vector<Event>& events = block.content.events;
    const std::size_t early = events_before_transactions(events);
    m_charges.open_block(scope);
    check_events(scope, early);
    m_charges.check_overdue(scope);
    for_each_transaction(block, [&](const AuditEnvelope&, const StoredTransaction& stored) {
        check_transaction(scope, stored);
    });
    for (std::size_t i = early; i < events.size(); ++i) {
        m_governance.take(scope, events[i], i);
        if (m_sublog && m_sublog->touches(events[i])) {
            m_sublog->add(leaf_of(block, events[i], i + block.content.results.size()));
        }
    }
    if (m_sublog) {
        m_sublog->end_block(scope);
    }
    m_height = block.height();
    m_time = block.time();
}

void BusinessCheck::check_events(const BusinessScope& scope, std::size_t early) {
    const std::vector<Event>& events = scope.block.content.events;
    for (std::size_t i = 0; i < early; ++i) {
        if (m_sublog && m_sublog->touches(events[i])) {
            m_sublog->add(leaf_of(scope.block, events[i], i));
        }
        m_charges.take(scope, events[i], i);
        m_governance.take(scope, events[i], i);
    }
}

void BusinessCheck::check_transaction(const BusinessScope& scope, const StoredTransaction& stored) {
    const bool touches = m_sublog && m_sublog->touches(stored);
    if (stored.result != ResultCode::ok) {
        ++m_report.refusals[stored.result];
    } else {
        const Action& action = stored.transaction.action;
        m_charges.take(scope, stored);
        m_governance.take(scope, stored);
        if (const auto& leg = m_governance.confirmed()) {
            m_charges.cycles().confirm(scope, stored.number, *leg);
        }
        if (const auto* charger = std::get_if<RegisterCharger>(&action)) {
            m_meters.take(stored.signer(), *charger);
        } else if (const auto* record = std::get_if<RecordCharge>(&action)) {
            check_meter({scope, stored.number, stored.signer(), record->metered});
        } else if (const auto& late = m_charges.countersigned()) {
            check_meter({scope, stored.number, late->visited, late->metered,
                         late->rebilled ? ChargeStep::rebilled : ChargeStep::late});
        }
    }
    if (touches) {
        m_sublog->add(leaf_of(scope.block, stored));
    }
}

void BusinessCheck::check_meter(const MeteredStep& step) {
    m_meters.take(step);
    check_evidence(step);
}

void BusinessCheck::check_evidence(const MeteredStep& step) {
    if (m_evidence.empty()) {
        return;
    }
    const MeteredCharge& metered = step.metered;
    const std::string name = to_text(metered.authorization);
    const auto supplied = m_evidence.find(name);
    if (supplied == m_evidence.end()) {
        m_report.note(NoteKind::evidence, step.scope.height(),
                      metered.evidence.is_zero()
                          ? name + " names no meter data"
                          : "the meter data of " + name + " were not supplied");
    } else if (supplied->second != metered.evidence) {
        step.scope.find(FindingKind::evidence, step.number,
                        "the meter data supplied for " + name + " have the hash " +
                            to_hex(supplied->second) + ", the record names " +
                            (metered.evidence.is_zero() ? "none" : to_hex(metered.evidence)));
    } else {
        ++m_report.evidence_matched;
        check_meter_signatures(step, name);
    }
}

void BusinessCheck::check_meter_signatures(const MeteredStep& step, const std::string& name) {
    if (!m_verify_meter) {
        return;
    }
    const Bytes& key = m_meters.key_of(step.owner, step.metered.evse_id);
    const MeterAnswer answer = m_verify_meter({name, step.metered, key});
    const std::string message = name + ": " + answer.message;
    switch (answer.verdict) {
        case MeterVerdict::not_billable:
            m_report.note(NoteKind::meter_not_billable, step.scope.height(), message);
            [[fallthrough]];
        case MeterVerdict::agrees:
            ++m_report.meter_signatures;
            for (const Hash& record : answer.records) {
                m_meters.take_signed(step, record);
            }
            return;
        case MeterVerdict::not_signed:
        case MeterVerdict::no_key:
            m_report.note(NoteKind::meter_unsigned, step.scope.height(), message);
            return;
        case MeterVerdict::signature_wrong:
            step.scope.find(FindingKind::meter_signature, step.number, message);
            return;
        case MeterVerdict::readings_differ:
            step.scope.find(FindingKind::meter_reading, step.number, message);
            return;
        case MeterVerdict::unreadable:
            step.scope.find(FindingKind::evidence, step.number, message);
            return;
    }
}

void BusinessCheck::add_finding(FindingKind kind, const std::string& message) {
    if (m_unreconciled.size() < audit_unreconciled_max && m_unreconciled.insert(message).second) {
        m_log.add({kind, m_height, std::nullopt, {}, 0, message});
    }
}

void BusinessCheck::compare_balances(const StateView& state) {
    std::map<AuditAccount, AuditPosition> expected = m_charges.positions();
    std::map<AuditAccount, AuditPosition> found;
    for (const AccountEntry& entry : list_accounts(state)) {
        const Account& account = entry.account;
        AuditPosition& position = found[{entry.party, entry.currency}];
        position = {account.debits_posted,   account.credits_posted, account.debits_pending,
                    account.credits_pending, account.legs_owed,      account.legs_due,
                    account.shares_held};
        expected.try_emplace({entry.party, entry.currency});
    }
    const auto compare = [this](const AuditAccount& account, const char* what, WideMoney sum,
                                WideMoney balance) {
        if (sum != balance) {
            add_finding(FindingKind::reconciliation,
                        std::string{what} + " of " + to_text(account.party) + ": the account has " +
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
        compare(account, "what shares may go back from", sums.shares_held, balance.shares_held);
        compare(account, "what is promised by", sums.debits_pending, balance.debits_pending);
        compare(account, "what is promised to", sums.credits_pending, balance.credits_pending);
    }
}

void BusinessCheck::reconcile(const StateView& state) {
    compare_balances(state);
    const ChargeBook& charges = m_charges;
    for (const std::vector<std::string>& problems :
         {charges.cycles().compare(state), charges.corrections().compare(state),
          charges.promises().compare(state), m_governance.compare(state)}) {
        for (const std::string& problem : problems) {
            add_finding(FindingKind::reconciliation, problem);
        }
    }
    if (m_sublog) {
        if (const auto problem = m_sublog->compare(state)) {
            add_finding(FindingKind::withheld, *problem);
        }
    }
}

void BusinessCheck::finish(bool is_whole) {
    m_charges.finish(m_report);
    m_charges.cycles().finish(m_report, m_height);
    if (m_sublog) {
        m_report.note(NoteKind::sublog, m_height,
                      std::to_string(m_sublog->log().size()) + " leaves touch " +
                          to_text(m_sublog->member()) + ", with the root " +
                          to_hex(m_sublog->log().root()));
        if (m_sublog->has_open_proof() && is_whole && !m_cut_at) {
            add_finding(FindingKind::withheld,
                        "the proof of the sub-log of " + to_text(m_sublog->member()) +
                            " is of a block that is not among those that were audited");
        }
    }
}

}  // namespace tally
