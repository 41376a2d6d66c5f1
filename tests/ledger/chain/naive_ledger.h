#pragma once

// What the ledger should do, written a second time with plain maps and no code of the product but
// its result codes: the oracle of the random test. One currency, three operators.

#include "ledger/model/result_code.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tally::test {

class NaiveLedger {
public:
    struct Rules {
        std::int64_t limit{0};
        std::int64_t minimum{0};
        std::int64_t start_window{0};
        std::int64_t record_window{0};
        std::int64_t settle_window{0};
        std::int64_t claim_window{0};
        std::int64_t home_release_after{0};
        std::int64_t clock_ahead{0};
        std::int64_t countersign_window{0};
        std::int64_t arbitrate_window{0};
        std::int64_t correction_window{0};
        bool posts_by_default{true};  ///< the disputed part, when nobody arbitrates
        std::int64_t cycle_start{0};
        std::int64_t cycle_length{0};
        std::int64_t payment_window{0};
        bool shares_defaults{false};
        std::map<std::pair<std::string, std::string>, std::int64_t> caps;  ///< by {owner, partner}
    };
    struct Balance {
        std::int64_t owes_pending{0};
        std::int64_t owes{0};
        std::int64_t gets_pending{0};
        std::int64_t gets{0};
        std::int64_t legs_owed{0};
        std::int64_t legs_due{0};
        std::int64_t may_go_back{0};  ///< shares of others in defaults, when they are paid
    };
    struct Leg {
        std::int64_t cycle{0};
        std::string debtor;
        std::string creditor;
        std::int64_t amount{0};
        std::int64_t due{0};
        enum class State { open, missed, paid } state{State::open};
        std::map<std::string, std::int64_t> borne;  ///< by others, of a missed one
    };
    enum class Step { approved, started, recorded, disputed, over };
    struct Charge {
        std::string home;
        std::string visited;
        std::int64_t amount{0};
        Step step{Step::approved};
        std::int64_t decided{0};
        std::int64_t deadline{0};
        std::int64_t record_by{0};
        std::int64_t settle_by{0};
        std::int64_t due{0};
        std::int64_t disputed{0};
        std::int64_t posted{0};
        std::int64_t netted{0};  ///< of `posted`, in cycles that are over
        int connector{0};
    };
    struct Evse {
        bool busy{false};
        std::int64_t last_end{0};
        std::int64_t meter{0};
    };

    NaiveLedger(Rules rules, std::int64_t time);

    /// Closes the cycle and expires what is over; gives how many events that makes.
    std::size_t begin_block(std::int64_t time);
    ResultCode decide(int id, const std::string& home, const std::string& visited,
                      std::int64_t amount, std::int64_t start_by);
    ResultCode release(int id, const std::string& by);
    ResultCode start(int id, const std::string& by, int connector);
    /// One hour from `begin` on, `energy` Wh at 15 a Wh.
    ResultCode record(int id, const std::string& by, std::int64_t begin, std::int64_t energy);
    ResultCode settle(int id, const std::string& by, std::int64_t amount);
    ResultCode claim(int id, const std::string& by);

    ResultCode dispute(int id, const std::string& by, std::int64_t amount);
    ResultCode accept(int id, const std::string& by);
    ResultCode arbitrate(int id, const std::string& by, std::int64_t amount);

    /// By its creditor, or by a vote in its place.
    ResultCode confirm(std::int64_t cycle, const std::string& debtor, const std::string& by);
    void reinstate(const std::string& member) { m_suspended.erase(member); }
    [[nodiscard]] const std::set<std::string>& suspended() const { return m_suspended; }
    [[nodiscard]] const std::vector<Leg>& legs() const { return m_legs; }

    // What two members sign: the result is the second signature's. `number` names the first
    // transaction, and `record` or `credit` an earlier one.
    struct Paper {
        int number{0};
        int id{0};
        std::string home;
        std::string visited;
        std::int64_t amount{0};
    };
    ResultCode late(const Paper& paper);
    ResultCode credit(const Paper& paper, int record, std::int64_t charged);
    ResultCode rebill(const Paper& paper, int credit);

    /// Added up anew from the charges, every time.
    [[nodiscard]] Balance balance(const std::string& member) const;
    [[nodiscard]] const std::map<int, Charge>& charges() const { return m_charges; }
    [[nodiscard]] Evse evse(const std::string& owner, int connector) const;

private:
    /// What became of a charge when its authorization was over.
    struct Afterwards {
        struct Item {
            int number{0};
            std::int64_t charged{0};
            std::int64_t credited{0};
        };
        std::int64_t expires{0};
        std::string visited;
        std::vector<Item> items;
        std::vector<int> credits;
    };
    struct Posting {
        std::string debtor;
        std::string creditor;
        std::int64_t amount{0};
    };
    Charge* live(int id);
    ResultCode check_debit(const std::string& debtor, const std::string& creditor,
                           std::int64_t amount) const;
    ResultCode post(const std::string& debtor, const std::string& creditor, std::int64_t amount);
    ResultCode apply_late(const Paper& paper);
    ResultCode apply_credit(const Paper& paper, int record, std::int64_t charged);
    ResultCode apply_rebill(const Paper& paper, int credit);
    ResultCode keep_if_refused(ResultCode result);
    void finish(Charge& charge, std::int64_t posted);
    std::size_t close_cycle();
    std::size_t miss_legs();
    void share(Leg& leg);
    [[nodiscard]] std::map<std::string, std::int64_t> receivers(std::int64_t cycle) const;
    [[nodiscard]] std::int64_t posted_between(const std::string& debtor,
                                              const std::string& creditor) const;
    [[nodiscard]] std::int64_t owed_between(const std::string& debtor,
                                            const std::string& creditor) const;

    Rules m_rules;
    std::int64_t m_time{0};
    std::int64_t m_time_before{0};  ///< of the block before
    std::map<int, Charge> m_charges;
    std::map<std::pair<std::string, int>, Evse> m_evses;
    std::map<int, Afterwards> m_afterwards;
    std::vector<Posting> m_postings;  ///< in the open cycle
    std::int64_t m_cycle;
    std::vector<Leg> m_legs;
    std::set<std::string> m_suspended;
    std::vector<std::int64_t> m_unsigned;  ///< when what was refused at its second signature ends
};

}  // namespace tally::test
