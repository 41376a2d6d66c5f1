#pragma once

#include "charger_bridge/proxy/roaming_book.h"
#include "charger_bridge/session/core.h"

#include <string>
#include <utility>

namespace tally::bridge {

/// The sessions of one station; `core` must outlive it.
class SessionBook final : public RoamingBook {
public:
    SessionBook(SessionCore& core, std::string station)
        : m_core{core}, m_station{std::move(station)} {}

    [[nodiscard]] bool holds_token(const std::string& token) const override {
        return m_core.holds_token(m_station, token);
    }
    [[nodiscard]] bool holds_start(const StartFacts& start) const override {
        return m_core.holds_start(m_station, start);
    }
    [[nodiscard]] bool holds_transaction(const TransactionName& name) const override {
        return m_core.holds_transaction(m_station, name);
    }
    [[nodiscard]] bool holds_stop(const StopFacts& stop) const override {
        return m_core.holds_stop(m_station, stop);
    }
    [[nodiscard]] bool is_charging(std::uint16_t connector) const override {
        return m_core.is_charging(m_station, connector);
    }
    [[nodiscard]] bool is_any_open() const override { return m_core.is_any_open(m_station); }

private:
    SessionCore& m_core;
    std::string m_station;
};

}  // namespace tally::bridge
