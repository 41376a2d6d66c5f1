#include "tests/ledger/chain/naive_ledger.h"

#include <algorithm>

namespace tally::test {

NaiveLedger::Balance NaiveLedger::balance(const std::string& member) const {
    Balance sum;
    for (const auto& [id, charge] : m_charges) {
        const std::int64_t pending = charge.step == Step::over ? 0 : charge.amount;
        if (charge.home == member) {
            sum.owes_pending += pending;
            sum.owes += charge.posted;
        }
        if (charge.visited == member) {
            sum.gets_pending += pending;
            sum.gets += charge.posted;
        }
    }
    return sum;
}

NaiveLedger::Evse NaiveLedger::evse(const std::string& owner, int connector) const {
    const auto found = m_evses.find({owner, connector});
    return found == m_evses.end() ? Evse{} : found->second;
}

std::int64_t NaiveLedger::owed_between(const std::string& debtor,
                                       const std::string& creditor) const {
    std::int64_t pending = 0;
    std::int64_t due = 0;
    for (const auto& [id, charge] : m_charges) {
        if (charge.home == debtor && charge.visited == creditor) {
            pending += charge.step == Step::over ? 0 : charge.amount;
            due += charge.posted;
        }
        if (charge.home == creditor && charge.visited == debtor) {
            due -= charge.posted;
        }
    }
    return pending + std::max<std::int64_t>(0, due);
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
    m_time = time;
    std::size_t expired = 0;
    for (auto& [id, charge] : m_charges) {
        if (charge.step != Step::over && charge.deadline < time) {
            finish(charge, 0);
            ++expired;
        }
    }
    return expired;
}

ResultCode NaiveLedger::decide(int id, const std::string& home, const std::string& visited,
                               std::int64_t amount, std::int64_t start_by) {
    if (home == visited) {
        return ResultCode::self_roaming;
    }
    if (start_by <= m_time || start_by > m_time + m_rules.start_window) {
        return ResultCode::invalid_deadline;
    }
    if (amount < m_rules.minimum) {
        return ResultCode::below_minimum;
    }
    for (const auto& half : {std::pair{home, visited}, std::pair{visited, home}}) {
        const auto cap = m_rules.caps.find(half);
        if (cap != m_rules.caps.end() && owed_between(home, visited) + amount > cap->second) {
            return ResultCode::exposure_exceeded;
        }
    }
    const Balance sum = balance(home);
    const std::int64_t net = std::max<std::int64_t>(0, sum.owes - sum.gets);
    if (sum.owes_pending + net + amount > m_rules.limit) {
        return ResultCode::limit_exceeded;
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
    if (charge->step == Step::recorded || (by == charge->home && charge->step == Step::started)) {
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

}  // namespace tally::test
