#pragma once

// The gate at work: knocks are judged, what changes is stored before anybody is let in.

#include "charger_bridge/boot_holds.h"
#include "charger_bridge/config.h"
#include "charger_bridge/server/gate.h"
#include "charger_bridge/server/knock.h"
#include "ledger/base/key_value_store.h"
#include "ledger/base/random.h"
#include "node/runtime/metrics.h"
#include "node/runtime/verify_pool.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace tally::bridge {

/// Slow hashes waiting or running; a knock beyond them is refused and comes again.
inline constexpr std::size_t slow_hashes_max{256};

/// What it stands on; all of it must outlive the object.
struct AdmissionParts {
    boost::asio::io_context& io;
    KeyValueStore& store;
    Random& random;
    node::Metrics& metrics;
    std::function<std::chrono::milliseconds()> now;  ///< monotonic
    std::function<UnixMillis()> time;
    std::function<void()> storage_failed;
    /// A rule let this station in for the first time; it is stored.
    std::function<void(const StationConfig&)> admitted;
};

/// Durability: a verdict, a key or an admission is on disk before it is used. Threads: the
/// io_context's; slow hashes run on a thread of their own.
class Admission {
public:
    Admission(AdmissionParts parts, const BridgeConfig& config);

    /// The stations that rules have let in before; the error says what in the store is wrong.
    [[nodiscard]] Expected<std::vector<StationConfig>, std::string> load();
    /// Calls `decide` once, now or later.
    void authenticate(const Knock& knock, const std::function<void(bool)>& decide);

    /// A new key that is valid already, beside those before it.
    [[nodiscard]] Expected<NewKey, NoKey> make_key(const std::string& station);
    void drop_key(const std::string& station, const Hash& key);
    [[nodiscard]] bool reset_keys(const std::string& station);

    // Chargers on hold: they come in, and may do nothing but boot.
    [[nodiscard]] const BootHold* hold_of(const std::string& station) const {
        return m_holds.find(station);
    }
    void set_hold(const std::string& station, BootHold hold);
    void tell_hold(const std::string& station);
    [[nodiscard]] bool lift_hold(const std::string& station);

    [[nodiscard]] bool is_admitted(const std::string& station) const {
        return m_gate.is_admitted(station);
    }
    /// Forgets a charger that a rule let in, its keys and its hold.
    [[nodiscard]] bool forget(const std::string& station);

private:
    void conclude(const Knock& knock, const Judgement& judgement,
                  const std::function<void(bool)>& decide);
    [[nodiscard]] bool store(const WriteBatch& changes);

    AdmissionParts m_parts;
    Gate m_gate;
    BootHolds m_holds;
    std::unique_ptr<node::VerifyPool> m_pool;  ///< only where a password is configured as slow hash
};

}  // namespace tally::bridge
