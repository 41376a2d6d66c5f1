#pragma once

// Chargers that the operator has not accepted yet, or not any more: what their BootNotification is
// answered with. Pure: writes go into the caller's batch.

#include "charger_bridge/ocpp/translation.h"
#include "ledger/base/clock.h"
#include "ledger/base/expected.h"
#include "ledger/base/key_value_store.h"

#include <map>
#include <string>

namespace tally::bridge {

inline constexpr std::size_t hold_text_bytes_max{64};

struct BootHold {
    BootStatus status{BootStatus::pending};  ///< pending or rejected
    std::string by;                          ///< who put it on hold, and
    std::string why;                         ///< why; each at most `hold_text_bytes_max`
    UnixMillis since{0};
    /// The charger has heard of it. Until then it goes on as it did, so that nothing it still has
    /// to say of a charge is refused without its knowing why.
    bool is_told{false};
};

class BootHolds {
public:
    static constexpr std::uint8_t key_prefix{'H'};

    /// The error names the charger whose entry is wrong.
    [[nodiscard]] Expected<Done, std::string> load(const KeyValueStore& store);
    /// Takes the place of the one before.
    void set(const std::string& station, BootHold hold, WriteBatch& changes);
    void tell(const std::string& station, WriteBatch& changes);
    /// False when it was not on hold.
    bool lift(const std::string& station, WriteBatch& changes);
    [[nodiscard]] const BootHold* find(const std::string& station) const;

private:
    std::map<std::string, BootHold> m_holds;
};

/// Why a charger on hold is not sent this; empty when it may be. One that waits may be looked at
/// and configured, but not told to charge; a rejected one may only be asked to boot again.
[[nodiscard]] std::string why_not_sent(const BootHold& hold, const Command& command);

}  // namespace tally::bridge
