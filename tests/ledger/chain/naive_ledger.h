#pragma once

// What the ledger should do, written a second time with plain maps and no code of the product but
// its result codes: the oracle of the random test. One currency, three operators, no suspension.

#include "ledger/model/result_code.h"

#include <cstdint>
#include <map>
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
        std::map<std::pair<std::string, std::string>, std::int64_t> caps;  ///< by {owner, partner}
    };
    struct Balance {
        std::int64_t owes_pending{0};
        std::int64_t owes{0};
        std::int64_t gets_pending{0};
        std::int64_t gets{0};
    };
    enum class Step { approved, started, recorded, over };
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
        std::int64_t posted{0};
        int connector{0};
    };
    struct Evse {
        bool busy{false};
        std::int64_t last_end{0};
        std::int64_t meter{0};
    };

    explicit NaiveLedger(Rules rules) : m_rules{std::move(rules)} {}

    /// Expires what is over; gives how many.
    std::size_t begin_block(std::int64_t time);
    ResultCode decide(int id, const std::string& home, const std::string& visited,
                      std::int64_t amount, std::int64_t start_by);
    ResultCode release(int id, const std::string& by);
    ResultCode start(int id, const std::string& by, int connector);
    /// One hour from `begin` on, `energy` Wh at 15 a Wh.
    ResultCode record(int id, const std::string& by, std::int64_t begin, std::int64_t energy);
    ResultCode settle(int id, const std::string& by, std::int64_t amount);
    ResultCode claim(int id, const std::string& by);

    /// Added up anew from the charges, every time.
    [[nodiscard]] Balance balance(const std::string& member) const;
    [[nodiscard]] const std::map<int, Charge>& charges() const { return m_charges; }
    [[nodiscard]] Evse evse(const std::string& owner, int connector) const;

private:
    Charge* live(int id);
    void finish(Charge& charge, std::int64_t posted);
    [[nodiscard]] std::int64_t owed_between(const std::string& debtor,
                                            const std::string& creditor) const;

    Rules m_rules;
    std::int64_t m_time{0};
    std::map<int, Charge> m_charges;
    std::map<std::pair<std::string, int>, Evse> m_evses;
};

}  // namespace tally::test
