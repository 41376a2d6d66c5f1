#pragma once

#include "ledger/audit/business_scope.h"
#include "ledger/base/codec.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace tally {

/// A metered charge that has taken effect, and the number in the block of the transaction by which.
struct MeteredStep {
    const BusinessScope& scope;
    std::size_t number{0};
    const PartyId& owner;  ///< of the charger
    const MeteredCharge& metered;
    ChargeStep kind{ChargeStep::recorded};  ///< recorded, late or rebilled
};

/// The registers of meters in order, over all chargers and operators: a meter that names the same
/// public key is the same meter wherever it is registered, one without a key is known by its
/// operator, EVSE and serial.
///
/// A charge that ended before the last one of its meter began came late: information. A new bill of
/// a charge is about what was counted before. Anything else that begins below the last register
/// went back.
/// Memory: one entry for each registered charger and meter, and the last `evidence_max` hashes of
/// meter data and of what meters signed in them.
class MeterBook {
public:
    static constexpr std::size_t evidence_max{131'072};
    /// Chargers, and meters, that a checkpoint may have.
    static constexpr std::size_t entries_max{10'000'000};

    void take(const PartyId& owner, const RegisterCharger& action);
    /// A charge that was accepted: finds registers that went back and sessions that were recorded
    /// twice, notes gaps, late ones and other meters.
    void take(const MeteredStep& step);
    /// A record that the meter itself signed for that charge: finds those that were used before.
    void take_signed(const MeteredStep& step, const Hash& record);
    /// Of the meter that is registered at a charger; empty when there is none.
    [[nodiscard]] const Bytes& key_of(const PartyId& owner, const std::string& evse_id) const;
    [[nodiscard]] std::uint64_t meters() const noexcept { return m_meters.size(); }

    /// Everything (fixed-width codec): chargers: count u32, each owner 3, EVSE id text, meter key
    /// behind a u32 length, serial text, epoch u32; meters: count u32, each name (key behind a u32
    /// length, text), epoch u32, begin and end i64 registers and i64 times, owner 3, EVSE id text,
    /// authorization ref 19; evidence: count u32, each hash 32 and authorization ref 19, oldest
    /// first.
    void encode(Encoder& encoder) const;
    /// Marks the decoder failed on what `encode` does not write.
    void decode(Decoder& decoder);

private:
    struct Charger {
        Bytes meter_public_key;
        std::string serial;  ///< of the meter that was read last; empty: none
        std::uint32_t epoch{0};
    };
    struct Point {
        std::int64_t register_wh{0};
        UnixMillis time{0};
    };
    /// The latest charge of a meter.
    struct Meter {
        std::uint32_t epoch{0};
        Point begin;
        Point end;
        PartyId owner;
        std::string evse_id;
        AuthorizationRef authorization;
    };
    using ChargerName = std::pair<PartyId, std::string>;
    using MeterName = std::pair<Bytes, std::string>;

    [[nodiscard]] static MeterName meter_name(const MeteredStep& step, const Bytes& public_key);
    void check_evidence(const MeteredStep& step);
    void follow_charger(const MeteredStep& step, Charger& charger);
    /// Compares with the charge before on the same meter; whether this one is the latest now.
    [[nodiscard]] bool check_meter(const MeteredStep& step, const Meter& before) const;
    void check_register(const MeteredStep& step, const Meter& before) const;
    void decode_meters(Decoder& decoder);
    void decode_evidence(Decoder& decoder);

    std::map<ChargerName, Charger> m_chargers;
    std::map<MeterName, Meter> m_meters;
    std::map<Hash, AuthorizationRef> m_evidence;
    std::deque<Hash> m_evidence_order;
};

}  // namespace tally
