#pragma once

#include "ledger/base/expected.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "ledger/model/actions.h"
#include "tools/submit/submitter.h"
#include "tools/support/percentiles.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tally::tools {

/// One operator as the bench acts for it.
struct BenchOperator {
    PartyId party;
    SubmitAs submit;
    SecretKey bridge_key;
    std::string bridge_id;
    TariffRef tariff_ref;
    Tariff tariff;
};

/// Latencies of the steps of a charge, from submitting to seeing it final.
struct BenchLatencies {
    Latencies approve;
    Latencies start;
    Latencies record;
    Latencies settle;
    Latencies charge;  ///< all four
};

/// Charges between one home and one visited operator, `width` at a time: the actions of all of them
/// go together in each step, and the next step follows when the one before is final.
class Lane {
public:
    Lane(const BenchOperator& home, const BenchOperator& visited, std::size_t number,
         std::size_t width);

    /// Registers connectors of its own at the visited operator, so that lanes do not wait for each
    /// other's.
    [[nodiscard]] Expected<Done, std::string> prepare();
    /// Settles `count` charges (at most `width`).
    [[nodiscard]] Expected<Done, std::string> run_round(std::size_t count,
                                                        BenchLatencies& latencies);

private:
    struct Connector {
        std::string evse_id;
        std::string meter_serial;
        std::int64_t register_wh{0};
        UnixMillis last_end{0};
    };
    [[nodiscard]] Expected<std::vector<TransactionRef>, std::string> step(
        const SubmitAs& as, std::vector<Action> actions, Latencies& latency);
    [[nodiscard]] DecideAuthorization approval() const;
    [[nodiscard]] RecordCharge record(Connector& connector, const AuthorizationRef& ref);

    const BenchOperator& m_home;
    const BenchOperator& m_visited;
    std::string m_station;
    std::vector<Connector> m_connectors;
    SystemClock m_clock;
};

}  // namespace tally::tools
