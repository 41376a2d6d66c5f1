#pragma once

// What a route asks the sessions of its station.

#include "charger_bridge/session/facts.h"

#include <cstdint>
#include <string>

namespace tally::bridge {

/// What of a station's doings this bridge has taken upon itself: swipes that a home operator has
/// approved and the charges that came of them. Survives the process (session/core.h implements it).
class RoamingBook {
public:
    virtual ~RoamingBook() = default;
    /// An approval, or a charge that runs, of this token.
    [[nodiscard]] virtual bool holds_token(const std::string& token) const = 0;
    /// Whether this bridge answered, or is answering, this very start.
    [[nodiscard]] virtual bool holds_start(const StartFacts& start) const = 0;
    [[nodiscard]] virtual bool holds_transaction(const TransactionName& name) const = 0;
    /// Also when the charger does not know how the transaction is named.
    [[nodiscard]] virtual bool holds_stop(const StopFacts& stop) const = 0;
    [[nodiscard]] virtual bool is_charging(std::uint16_t connector) const = 0;
    /// Any approval or charge that is not over.
    [[nodiscard]] virtual bool is_any_open() const = 0;
};

}  // namespace tally::bridge
