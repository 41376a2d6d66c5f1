#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/state/state_view.h"

#include <deque>
#include <map>
#include <set>
#include <string>

namespace tally {

/// The registers of meters in order, over all chargers and operators: a meter that names the same
/// public key is the same meter wherever it is registered, one without a key is known by its
/// operator and serial.
/// Memory: one entry for each registered charger and meter, and the hashes of the last
/// `evidence_max` records.
class MeterBook {
public:
    static constexpr std::size_t evidence_max{131'072};

    /// The chargers of a state with their last readings.
    void restore(const StateView& state);
    void take(const PartyId& owner, const RegisterCharger& action);
    /// A record that was accepted: finds registers that went back and sessions that were recorded
    /// twice, notes gaps and other meters.
    void take(const BusinessScope& scope, const StoredTransaction& stored,
              const MeteredCharge& metered);
    [[nodiscard]] std::uint64_t meters() const noexcept { return m_meters.size(); }

private:
    struct Charger {
        Bytes meter_public_key;
        std::string serial;  ///< of the meter that was read last; empty: none
        std::uint32_t epoch{0};
    };
    struct Meter {
        std::uint32_t epoch{0};
        std::int64_t register_wh{0};
        UnixMillis end{0};
        PartyId owner;
        std::string evse_id;
    };
    using ChargerName = std::pair<PartyId, std::string>;
    using MeterName = std::pair<Bytes, std::string>;

    [[nodiscard]] static MeterName meter_name(const PartyId& owner, const Bytes& public_key,
                                              const std::string& serial);
    void check_meter(const BusinessScope& scope, const StoredTransaction& stored,
                     const MeteredCharge& metered, const Meter& before);
    void check_evidence(const BusinessScope& scope, const StoredTransaction& stored,
                        const MeteredCharge& metered);

    std::map<ChargerName, Charger> m_chargers;
    std::map<MeterName, Meter> m_meters;
    std::set<Hash> m_evidence;
    std::deque<Hash> m_evidence_order;
};

}  // namespace tally
