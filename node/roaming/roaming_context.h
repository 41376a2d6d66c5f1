#pragma once

#include "node/accounts/customer_accounts.h"
#include "node/roaming/courier.h"
#include "node/roaming/ports.h"
#include "node/roaming/roaming_options.h"
#include "node/roaming/submitter.h"

#include <functional>
#include <string_view>
#include <vector>

namespace tally::node {

/// What the three sides of the service share. References outlive them.
struct RoamingContext {
    const RoamingOptions& options;
    LedgerPort& ledger;
    BridgePort& bridges;
    const Clock& clock;
    Random& random;
    StagedStore& store;
    CustomerAccounts& accounts;
    Submitter& submitter;
    Courier& courier;
    RoamingMetrics metrics;
    PartyId hub;
    /// Calls `action` in a later turn, unless the service is gone by then.
    std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
    /// What is to be shown to the outside once this turn is durable, in order.
    std::vector<std::function<void()>> when_durable;

    void count(std::string_view name) const {
        if (metrics) {
            metrics(name);
        }
    }
    void send_to_bridge(const std::string& bridge_id, BridgeMessage message) {
        when_durable.emplace_back([this, bridge_id, message = std::move(message)] {
            if (!bridges.send(bridge_id, message)) {
                count("roaming_bridge_unreachable");
            }
        });
    }
    [[nodiscard]] bool is_overloaded(std::size_t sessions_open) const {
        return sessions_open >= sessions_open_max || submitter.is_full() ||
               courier.size() >= outbox_messages_max;
    }
};

}  // namespace tally::node
