#include "ledger/audit/correction_book.h"

#include "ledger/state/clearing_queries.h"
#include "ledger/state/context.h"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

constexpr std::size_t ended_bytes{transaction_ref_bytes + PartyId::size + Currency::size + 2 +
                                  TransactionId::size + sizeof(Money)};

}  // namespace

void CorrectionBook::restore(const StateView& state) {
    for (CorrectionEntry& entry : list_corrections(state)) {
        m_corrections.insert_or_assign(entry.ref, std::move(entry.record));
    }
}

void CorrectionBook::remember(const AuthorizationRef& ref, const Ended& ended) {
    // An id is free again some time after its charge ended: the last one counts.
    if (!m_ended.insert_or_assign(ref, ended).second) {
        return;
    }
    m_order.push_back(ref);
    if (m_order.size() > m_remembered_max) {
        m_ended.erase(m_order.front());
        m_order.pop_front();
        ++m_forgotten;
    }
}

void CorrectionBook::end(const Authorization& charge, Money posted) {
    Ended ended;
    ended.visited = charge.visited;
    ended.currency = charge.currency;
    ended.recorded = charge.record.has_value();
    ended.posted = posted;
    if (charge.record) {
        ended.record = charge.record->transaction;
    }
    remember(charge.ref, ended);
}

const CorrectionRecord* CorrectionBook::find(const AuthorizationRef& ref) const {
    const auto found = m_corrections.find(ref);
    return found == m_corrections.end() ? nullptr : &found->second;
}

CorrectionRecord* CorrectionBook::find_open(const Taken& taken, const AuthorizationRef& ref,
                                            const Currency& currency) {
    const auto found = m_corrections.find(ref);
    if (found == m_corrections.end()) {
        return nullptr;
    }
    CorrectionRecord& record = found->second;
    if (record.visited != taken.first.signer || record.currency != currency) {
        taken.find(FindingKind::unmatched, to_text(ref) +
                                               " is corrected by another operator or in another "
                                               "currency than before");
    }
    if (taken.now > record.expires) {
        taken.find(FindingKind::late, to_text(ref) + " is corrected after its correction window");
    }
    return &record;
}

void CorrectionBook::late(const Taken& taken, const RatedCharge& charge) {
    const AuthorizationRef& ref = charge.metered.authorization;
    if (find_open(taken, ref, charge.currency) != nullptr) {
        taken.find(FindingKind::duplicate,
                   to_text(ref) + " is charged late, though it was charged or corrected before");
        return;
    }
    const auto ended = m_ended.find(ref);
    if (ended != m_ended.end()) {
        if (ended->second.posted > 0) {
            taken.find(FindingKind::duplicate, to_text(ref) + " is charged late, though " +
                                                   money_to_text(ended->second.posted) +
                                                   " of it were paid already");
        }
        if (ended->second.visited != taken.first.signer) {
            taken.find(FindingKind::unmatched,
                       to_text(ref) + " is charged late by " + to_text(taken.first.signer) +
                           ", but it was approved for " + to_text(ended->second.visited));
        }
    }
    CorrectionRecord record;
    record.visited = taken.first.signer;
    record.currency = charge.currency;
    record.expires = deadline_after(taken.now, taken.window);
    record.charges.push_back({taken.first, charge.amount, 0});
    m_corrections.insert_or_assign(ref, std::move(record));
}

void CorrectionBook::check_recorded(const Taken& taken, const CreditCharge& action) const {
    const std::string name = to_text(action.authorization);
    const auto ended = m_ended.find(action.authorization);
    if (ended == m_ended.end()) {
        if (!is_forgetful()) {
            taken.find(FindingKind::unmatched,
                       name + " is credited, but no such charge is on the ledger");
        }
        return;
    }
    const Ended& charge = ended->second;
    const TransactionRef record{charge.visited, charge.record};
    if (charge.corrected) {
        return;
    }
    if (!charge.recorded || action.record != record || action.currency != charge.currency) {
        taken.find(FindingKind::unmatched, name + ": the credit names " + to_text(action.record) +
                                               ", which is not how it was recorded");
    } else if (action.charged > charge.posted) {
        taken.find(FindingKind::unmatched,
                   name + ": the credit says that " + money_to_text(action.charged) +
                       " were charged, paid were " + money_to_text(charge.posted));
    }
}

void CorrectionBook::credit(const Taken& taken, const CreditCharge& action) {
    const std::string name = to_text(action.authorization);
    CorrectionRecord* record = find_open(taken, action.authorization, action.currency);
    if (record == nullptr) {
        check_recorded(taken, action);
        record = &m_corrections[action.authorization];
        record->visited = taken.first.signer;
        record->currency = action.currency;
        record->expires = deadline_after(taken.now, taken.window);
        record->charges.push_back({action.record, action.charged, 0});
    }
    const auto charge = std::find_if(
        record->charges.begin(), record->charges.end(),
        [&action](const CorrectionRecord::Charge& one) { return one.record == action.record; });
    if (charge == record->charges.end()) {
        taken.find(FindingKind::unmatched, name + ": the credit names " + to_text(action.record) +
                                               ", which is none of its charges");
        return;
    }
    const bool exceeds = action.amount > charge->charged - charge->credited;
    if (exceeds || action.charged != charge->charged) {
        taken.find(FindingKind::unmatched,
                   name + ": " + money_to_text(action.amount) + " are given back; charged were " +
                       money_to_text(charge->charged) + ", given back before " +
                       money_to_text(charge->credited));
    }
    charge->credited = exceeds ? charge->charged : charge->credited + action.amount;
    if (record->credits.size() < open_credits_max) {
        record->credits.push_back(taken.first);
    } else {
        taken.find(FindingKind::unmatched, name + ": more credits wait than may");
    }
}

void CorrectionBook::rebill(const Taken& taken, const RebillCharge& action) {
    const AuthorizationRef& ref = action.charge.metered.authorization;
    CorrectionRecord* const record = find_open(taken, ref, action.charge.currency);
    if (record == nullptr || std::erase(record->credits, action.credit) == 0) {
        taken.find(FindingKind::unmatched, to_text(ref) + " is billed again, but its credit " +
                                               to_text(action.credit) +
                                               " is not there or was billed again before");
        return;
    }
    if (record->charges.size() < corrected_charges_max) {
        record->charges.push_back({taken.first, action.charge.amount, 0});
    } else {
        taken.find(FindingKind::unmatched, to_text(ref) + ": billed more often than may be");
    }
}

void CorrectionBook::expire(const AuthorizationRef& ref, UnixMillis now, const Find& find) {
    const auto found = m_corrections.find(ref);
    if (found == m_corrections.end()) {
        find(FindingKind::unmatched,
             "the corrections of " + to_text(ref) + " are over, but there are none");
        return;
    }
    const CorrectionRecord& record = found->second;
    if (record.expires >= now) {
        find(FindingKind::late, "the corrections of " + to_text(ref) + " are over too early");
    }
    const auto known = m_ended.find(ref);
    Ended ended = known == m_ended.end() ? Ended{} : known->second;
    ended.visited = record.visited;
    ended.currency = record.currency;
    ended.corrected = true;
    if (!record.charges.empty()) {
        ended.posted = std::max(ended.posted, record.charges.front().charged);
    }
    remember(ref, ended);
    m_corrections.erase(found);
}

std::vector<std::string> CorrectionBook::compare(const StateView& state) const {
    std::vector<std::string> problems;
    const std::vector<CorrectionEntry> entries = list_corrections(state);
    if (entries.size() != m_corrections.size()) {
        problems.push_back("the state has corrections of " + std::to_string(entries.size()) +
                           " charges, transactions made those of " +
                           std::to_string(m_corrections.size()));
    }
    for (const CorrectionEntry& entry : entries) {
        const CorrectionRecord* const known = find(entry.ref);
        if (known == nullptr || *known != entry.record) {
            problems.push_back("the corrections of " + to_text(entry.ref) +
                               " are not those of its transactions");
        }
    }
    return problems;
}

void CorrectionBook::encode_ended(Encoder& encoder) const {
    encoder.u64(m_forgotten).u32(static_cast<std::uint32_t>(m_order.size()));
    for (const AuthorizationRef& ref : m_order) {
        const Ended& ended = m_ended.at(ref);
        encode(encoder, ref);
        encoder.fixed(ended.visited).fixed(ended.currency);
        encoder.boolean(ended.recorded).boolean(ended.corrected);
        encoder.fixed(ended.record).i64(ended.posted);
    }
}

void CorrectionBook::decode_ended(Decoder& decoder) {
    m_ended.clear();
    m_order.clear();
    m_forgotten = decoder.u64();
    const auto count = decoder.count(static_cast<std::uint32_t>(m_remembered_max), ended_bytes);
    for (std::uint32_t left = count; left > 0 && decoder.ok(); --left) {
        const AuthorizationRef ref = decode_transaction_ref(decoder);
        Ended ended;
        ended.visited = decoder.fixed<PartyId>();
        ended.currency = decoder.fixed<Currency>();
        ended.recorded = decoder.boolean();
        ended.corrected = decoder.boolean();
        ended.record = decoder.fixed<TransactionId>();
        ended.posted = decoder.i64();
        const bool is_right = is_valid(ended.visited) && is_valid(ended.currency) &&
                              ended.posted >= 0 && ended.posted <= amount_max;
        if (!is_right || !m_ended.emplace(ref, ended).second) {
            decoder.fail();
            return;
        }
        m_order.push_back(ref);
    }
}

}  // namespace tally
