#include "tests/ledger/chain/naive_ledger.h"

#include <algorithm>
#include <functional>

namespace tally::test {

namespace {

std::int64_t pending_of(const NaiveLedger::Charge& charge) {
    switch (charge.step) {
        case NaiveLedger::Step::approved:
        case NaiveLedger::Step::started:
        case NaiveLedger::Step::recorded:
            return charge.amount;
        case NaiveLedger::Step::disputed:
            return charge.disputed;
        case NaiveLedger::Step::over:
            return 0;
    }
    return 0;
}

constexpr const char* members[]{"AAA", "BBB", "CCC"};

}  // namespace

NaiveLedger::NaiveLedger(Rules rules, std::int64_t time)
    : m_rules{std::move(rules)},
      m_time{time},
      m_cycle{(time - m_rules.cycle_start) / m_rules.cycle_length} {}

NaiveLedger::Balance NaiveLedger::balance(const std::string& member) const {
    Balance sum;
    for (const auto& [id, charge] : m_charges) {
        const std::int64_t pending = pending_of(charge);
        if (charge.home == member) {
            sum.owes_pending += pending;
            sum.owes += charge.posted - charge.netted;
        }
        if (charge.visited == member) {
            sum.gets_pending += pending;
            sum.gets += charge.posted - charge.netted;
        }
    }
    for (const Posting& posting : m_postings) {
        sum.owes += posting.debtor == member ? posting.amount : 0;
        sum.gets += posting.creditor == member ? posting.amount : 0;
    }
    for (const Leg& leg : m_legs) {
        const std::int64_t open = leg.state == Leg::State::paid ? 0 : leg.amount;
        sum.legs_owed += leg.debtor == member ? open : 0;
        sum.legs_due += leg.creditor == member ? open : 0;
        for (const auto& [other, part] : leg.borne) {
            const bool holds = leg.creditor == member && leg.state == Leg::State::missed;
            sum.may_go_back += holds ? part : 0;
        }
    }
    return sum;
}

NaiveLedger::Evse NaiveLedger::evse(const std::string& owner, int connector) const {
    const auto found = m_evses.find({owner, connector});
    return found == m_evses.end() ? Evse{} : found->second;
}

/// In the open cycle, less what is posted back.
std::int64_t NaiveLedger::posted_between(const std::string& debtor,
                                         const std::string& creditor) const {
    std::int64_t due = 0;
    for (const auto& [id, charge] : m_charges) {
        const std::int64_t posted = charge.posted - charge.netted;
        due += charge.home == debtor && charge.visited == creditor ? posted : 0;
        due -= charge.home == creditor && charge.visited == debtor ? posted : 0;
    }
    for (const Posting& posting : m_postings) {
        const bool there = posting.debtor == debtor && posting.creditor == creditor;
        const bool back = posting.debtor == creditor && posting.creditor == debtor;
        due += there ? posting.amount : 0;
        due -= back ? posting.amount : 0;
    }
    return due;
}

std::int64_t NaiveLedger::owed_between(const std::string& debtor,
                                       const std::string& creditor) const {
    std::int64_t pending = 0;
    for (const auto& [id, charge] : m_charges) {
        const bool is_ours = charge.home == debtor && charge.visited == creditor;
        pending += is_ours ? pending_of(charge) : 0;
    }
    std::int64_t legs = 0;
    for (const Leg& leg : m_legs) {
        const bool is_ours = leg.debtor == debtor && leg.creditor == creditor;
        legs += is_ours && leg.state != Leg::State::paid ? leg.amount : 0;
    }
    return pending + std::max<std::int64_t>(0, posted_between(debtor, creditor)) + legs;
}

std::size_t NaiveLedger::close_cycle() {
    const std::int64_t cycle = (m_time - m_rules.cycle_start) / m_rules.cycle_length;
    if (cycle == m_cycle) {
        return 0;
    }
    std::map<std::string, std::int64_t> net;
    bool has_any = false;
    for (const char* member : members) {
        const Balance sum = balance(member);
        net[member] = sum.gets - sum.owes;
        has_any = has_any || sum.gets != 0 || sum.owes != 0;
    }
    std::map<std::pair<std::string, std::string>, std::int64_t> payments;
    const auto pay = [&](const std::string& debtor, const std::string& creditor,
                         std::int64_t most) {
        const std::int64_t amount = std::min({-net[debtor], net[creditor], most});
        if (amount > 0) {
            net[debtor] += amount;
            net[creditor] -= amount;
            payments[{debtor, creditor}] += amount;
        }
    };
    // With three members there are never more pairs of this kind than legs may be.
    std::multimap<std::int64_t, std::pair<std::string, std::string>, std::greater<>> direct;
    for (const char* debtor : members) {
        for (const char* creditor : members) {
            direct.emplace(posted_between(debtor, creditor), std::pair{debtor, creditor});
        }
    }
    for (const auto& [most, pair] : direct) {
        pay(pair.first, pair.second, most);
    }
    for (const char* debtor : members) {
        for (const char* creditor : members) {
            pay(debtor, creditor, -net[debtor]);
        }
    }
    for (const auto& [pair, amount] : payments) {
        m_legs.push_back({m_cycle,
                          pair.first,
                          pair.second,
                          amount,
                          m_time + m_rules.payment_window,
                          Leg::State::open,
                          {}});
    }
    for (auto& [id, charge] : m_charges) {
        charge.netted = charge.posted;
    }
    m_postings.clear();
    m_cycle = cycle;
    return has_any ? 1 : 0;
}

/// Who was to receive how much after a cycle: the sums of its legs.
std::map<std::string, std::int64_t> NaiveLedger::receivers(std::int64_t cycle) const {
    std::map<std::string, std::int64_t> sums;
    for (const Leg& leg : m_legs) {
        if (leg.cycle == cycle) {
            sums[leg.creditor] += leg.amount;
        }
    }
    return sums;
}

void NaiveLedger::share(Leg& leg) {
    const std::map<std::string, std::int64_t> sums = receivers(leg.cycle);
    std::int64_t whole = 0;
    for (const auto& [member, sum] : sums) {
        whole += sum;
    }
    std::map<std::string, std::int64_t> parts;
    std::map<std::string, std::int64_t> remainders;
    std::int64_t left = leg.amount;
    for (const auto& [member, sum] : sums) {
        parts[member] = leg.amount * sum / whole;
        remainders[member] = leg.amount * sum % whole;
        left -= parts[member];
    }
    for (; left > 0; --left) {
        auto largest = remainders.begin();
        for (auto it = remainders.begin(); it != remainders.end(); ++it) {
            largest = it->second > largest->second ? it : largest;
        }
        ++parts[largest->first];
        remainders.erase(largest);
    }
    for (const auto& [member, part] : parts) {
        if (member != leg.creditor && part > 0) {
            leg.borne[member] = part;
            m_postings.push_back({member, leg.creditor, part});
        }
    }
}

std::size_t NaiveLedger::miss_legs() {
    std::size_t missed = 0;
    for (Leg& leg : m_legs) {
        if (leg.state == Leg::State::open && leg.due < m_time_before) {
            leg.state = Leg::State::missed;
            m_suspended.insert(leg.debtor);
            if (m_rules.shares_defaults) {
                share(leg);
            }
            ++missed;
        }
    }
    return missed;
}

ResultCode NaiveLedger::confirm(std::int64_t cycle, const std::string& debtor,
                                const std::string& by) {
    bool any_open = false;
    Leg* found = nullptr;
    for (Leg& leg : m_legs) {
        if (leg.cycle == cycle) {
            any_open = any_open || leg.state != Leg::State::paid;
            found = leg.debtor == debtor && leg.creditor == by ? &leg : found;
        }
    }
    if (found == nullptr || !any_open) {
        return ResultCode::unknown_leg;
    }
    if (found->state == Leg::State::paid) {
        return ResultCode::leg_confirmed;
    }
    found->state = Leg::State::paid;
    for (const auto& [member, part] : found->borne) {
        m_postings.push_back({by, member, part});
    }
    return ResultCode::ok;
}

NaiveLedger::Charge* NaiveLedger::live(int id) {
    const auto found = m_charges.find(id);
    const bool is_live = found != m_charges.end() && found->second.step != Step::over;
    return is_live ? &found->second : nullptr;
}

void NaiveLedger::finish(Charge& charge, std::int64_t posted) {
    if (charge.step == Step::started) {
        m_evses[{charge.visited, charge.connector}].busy = false;
    }
    charge.step = Step::over;
    charge.posted = posted;
}

std::size_t NaiveLedger::begin_block(std::int64_t time) {
    m_time_before = m_time;
    m_time = time;
    std::size_t expired = close_cycle() + miss_legs();
    for (auto& [id, charge] : m_charges) {
        if (charge.step != Step::over && charge.deadline < time) {
            const bool owed = charge.step == Step::disputed && m_rules.posts_by_default;
            finish(charge, charge.posted + (owed ? charge.disputed : 0));
            ++expired;
        }
    }
    const auto is_over = [time](std::int64_t expires) { return expires < time; };
    expired += std::erase_if(m_unsigned, is_over);
    expired += std::erase_if(m_afterwards,
                             [&](const auto& entry) { return is_over(entry.second.expires); });
    return expired;
}

ResultCode NaiveLedger::check_debit(const std::string& debtor, const std::string& creditor,
                                    std::int64_t amount) const {
    for (const auto& half : {std::pair{debtor, creditor}, std::pair{creditor, debtor}}) {
        const auto cap = m_rules.caps.find(half);
        if (cap != m_rules.caps.end() && owed_between(debtor, creditor) + amount > cap->second) {
            return ResultCode::exposure_exceeded;
        }
    }
    const Balance sum = balance(debtor);
    const std::int64_t net = std::max<std::int64_t>(0, sum.owes + sum.may_go_back - sum.gets);
    return sum.owes_pending + net + sum.legs_owed + amount > m_rules.limit
               ? ResultCode::limit_exceeded
               : ResultCode::ok;
}

ResultCode NaiveLedger::decide(int id, const std::string& home, const std::string& visited,
                               std::int64_t amount, std::int64_t start_by) {
    if (home == visited) {
        return ResultCode::self_roaming;
    }
    if (m_suspended.contains(home) || m_suspended.contains(visited)) {
        return ResultCode::member_suspended;
    }
    if (start_by <= m_time || start_by > m_time + m_rules.start_window) {
        return ResultCode::invalid_deadline;
    }
    if (amount < m_rules.minimum) {
        return ResultCode::below_minimum;
    }
    if (const ResultCode result = check_debit(home, visited, amount); result != ResultCode::ok) {
        return result;
    }
    Charge charge;
    charge.home = home;
    charge.visited = visited;
    charge.amount = amount;
    charge.decided = m_time;
    charge.deadline = start_by;
    m_charges[id] = charge;
    return ResultCode::ok;
}

ResultCode NaiveLedger::release(int id, const std::string& by) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->visited && by != charge->home) {
        return ResultCode::not_permitted;
    }
    const bool ran = charge->step == Step::recorded || charge->step == Step::disputed;
    if (ran || (by == charge->home && charge->step == Step::started)) {
        return ResultCode::wrong_status;
    }
    if (by == charge->home && m_time < charge->decided + m_rules.home_release_after) {
        return ResultCode::too_early;
    }
    finish(*charge, 0);
    return ResultCode::ok;
}

ResultCode NaiveLedger::start(int id, const std::string& by, int connector) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->visited) {
        return ResultCode::not_visited;
    }
    if (charge->step != Step::approved) {
        return ResultCode::wrong_status;
    }
    if (m_suspended.contains(charge->home) || m_suspended.contains(charge->visited)) {
        return ResultCode::member_suspended;
    }
    Evse& evse = m_evses[{charge->visited, connector}];
    if (evse.busy) {
        return ResultCode::evse_busy;
    }
    evse.busy = true;
    charge->connector = connector;
    charge->step = Step::started;
    charge->record_by = m_time + m_rules.record_window;
    charge->deadline = charge->record_by;
    return ResultCode::ok;
}

ResultCode NaiveLedger::record(int id, const std::string& by, std::int64_t begin,
                               std::int64_t energy) {
    constexpr std::int64_t hour = 3'600'000;
    constexpr std::int64_t energy_in_an_hour = 64'050;  // 60 kW for 61 minutes and 5 % more.
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->visited) {
        return ResultCode::not_visited;
    }
    if (charge->step != Step::started) {
        return ResultCode::wrong_status;
    }
    if (begin + hour > charge->record_by + m_rules.clock_ahead) {
        return ResultCode::time_out_of_bounds;
    }
    if (energy > energy_in_an_hour) {
        return ResultCode::energy_implausible;
    }
    Evse& evse = m_evses[{charge->visited, charge->connector}];
    evse.busy = false;
    evse.last_end = begin + hour;
    evse.meter += energy;
    charge->step = Step::recorded;
    charge->due = std::min(energy * 15, charge->amount);
    charge->settle_by = m_time + m_rules.settle_window;
    charge->deadline = charge->settle_by + m_rules.claim_window;
    return ResultCode::ok;
}

ResultCode NaiveLedger::settle(int id, const std::string& by, std::int64_t amount) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->home) {
        return ResultCode::not_home;
    }
    if (charge->step != Step::recorded) {
        return ResultCode::wrong_status;
    }
    if (m_time > charge->settle_by) {
        return ResultCode::too_late;
    }
    if (amount != charge->due) {
        return ResultCode::amount_differs;
    }
    finish(*charge, charge->due);
    return ResultCode::ok;
}

ResultCode NaiveLedger::claim(int id, const std::string& by) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->visited) {
        return ResultCode::not_visited;
    }
    if (charge->step != Step::recorded) {
        return ResultCode::wrong_status;
    }
    if (m_time <= charge->settle_by) {
        return ResultCode::too_early;
    }
    finish(*charge, charge->due);
    return ResultCode::ok;
}

ResultCode NaiveLedger::dispute(int id, const std::string& by, std::int64_t amount) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->home) {
        return ResultCode::not_home;
    }
    if (charge->step != Step::recorded) {
        return ResultCode::wrong_status;
    }
    if (m_time > charge->settle_by) {
        return ResultCode::too_late;
    }
    if (amount > charge->due) {
        return ResultCode::dispute_amount;
    }
    charge->step = Step::disputed;
    charge->disputed = amount;
    charge->posted = charge->due - amount;
    charge->deadline = m_time + m_rules.arbitrate_window;
    return ResultCode::ok;
}

ResultCode NaiveLedger::accept(int id, const std::string& by) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != charge->visited) {
        return ResultCode::not_visited;
    }
    if (charge->step != Step::disputed) {
        return ResultCode::wrong_status;
    }
    finish(*charge, charge->posted);
    return ResultCode::ok;
}

ResultCode NaiveLedger::arbitrate(int id, const std::string& by, std::int64_t amount) {
    Charge* charge = live(id);
    if (charge == nullptr) {
        return ResultCode::unknown_authorization;
    }
    if (by != "HUB") {
        return ResultCode::not_hub;
    }
    if (charge->step != Step::disputed) {
        return ResultCode::wrong_status;
    }
    if (amount > charge->disputed) {
        return ResultCode::dispute_amount;
    }
    finish(*charge, charge->posted + amount);
    return ResultCode::ok;
}

ResultCode NaiveLedger::post(const std::string& debtor, const std::string& creditor,
                             std::int64_t amount) {
    const ResultCode result = check_debit(debtor, creditor, amount);
    if (result == ResultCode::ok) {
        m_postings.push_back({debtor, creditor, amount});
    }
    return result;
}

/// What is refused at its second signature goes on waiting for it.
ResultCode NaiveLedger::keep_if_refused(ResultCode result) {
    if (result != ResultCode::ok) {
        m_unsigned.push_back(m_time + m_rules.countersign_window);
    }
    return result;
}

ResultCode NaiveLedger::late(const Paper& paper) { return keep_if_refused(apply_late(paper)); }

ResultCode NaiveLedger::credit(const Paper& paper, int record, std::int64_t charged) {
    return keep_if_refused(apply_credit(paper, record, charged));
}

ResultCode NaiveLedger::rebill(const Paper& paper, int credit) {
    return keep_if_refused(apply_rebill(paper, credit));
}

ResultCode NaiveLedger::apply_late(const Paper& paper) {
    if (live(paper.id) != nullptr) {
        return ResultCode::authorization_live;
    }
    if (m_afterwards.contains(paper.id)) {
        return ResultCode::already_corrected;
    }
    if (const ResultCode result = post(paper.home, paper.visited, paper.amount);
        result != ResultCode::ok) {
        return result;
    }
    m_afterwards[paper.id] = {
        m_time + m_rules.correction_window, paper.visited, {{paper.number, paper.amount, 0}}, {}};
    return ResultCode::ok;
}

ResultCode NaiveLedger::apply_credit(const Paper& paper, int record, std::int64_t charged) {
    if (live(paper.id) != nullptr) {
        return ResultCode::authorization_live;
    }
    Afterwards after;
    if (m_afterwards.contains(paper.id)) {
        after = m_afterwards[paper.id];
    } else {
        after = {m_time + m_rules.correction_window, paper.visited, {{record, charged, 0}}, {}};
    }
    for (Afterwards::Item& item : after.items) {
        if (item.number != record) {
            continue;
        }
        if (item.charged != charged) {
            return ResultCode::amount_differs;
        }
        if (item.credited + paper.amount > charged) {
            return ResultCode::credit_exceeds_charge;
        }
        if (after.credits.size() == 8) {
            return ResultCode::too_many_corrections;
        }
        if (const ResultCode result = post(paper.visited, paper.home, paper.amount);
            result != ResultCode::ok) {
            return result;
        }
        item.credited += paper.amount;
        after.credits.push_back(paper.number);
        m_afterwards[paper.id] = after;
        return ResultCode::ok;
    }
    return ResultCode::unknown_correction;
}

ResultCode NaiveLedger::apply_rebill(const Paper& paper, int credit) {
    if (live(paper.id) != nullptr) {
        return ResultCode::authorization_live;
    }
    const auto found = m_afterwards.find(paper.id);
    if (found == m_afterwards.end() ||
        std::count(found->second.credits.begin(), found->second.credits.end(), credit) == 0) {
        return ResultCode::unknown_correction;
    }
    if (found->second.items.size() == 8) {
        return ResultCode::too_many_corrections;
    }
    if (const ResultCode result = post(paper.home, paper.visited, paper.amount);
        result != ResultCode::ok) {
        return result;
    }
    std::erase(found->second.credits, credit);
    found->second.items.push_back({paper.number, paper.amount, 0});
    return ResultCode::ok;
}

}  // namespace tally::test
