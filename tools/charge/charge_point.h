#pragma once

#include "tools/charger/ocpp_line.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace tally::tools {

/// An OCPP 1.6J station that others play charges on: its line (ocpp_line.h), the announcement after
/// the start, and answers to what the central system asks.
///
/// All calls and handlers on the io_context's thread, except where said.
class ChargePoint {
public:
    struct Options {
        node::WebSocketTarget target;
        std::string station;
        std::uint32_t connectors{2};
        std::uint32_t heartbeat_s{60};
    };
    /// Called when the central system ends a transaction.
    using StopHandler = std::function<void(std::int64_t transaction_id)>;

    ChargePoint(boost::asio::io_context& io, Options options);
    ~ChargePoint();
    ChargePoint(const ChargePoint&) = delete;
    ChargePoint& operator=(const ChargePoint&) = delete;

    /// Connects and keeps connected; sends BootNotification and the status of every connector.
    void start();
    /// Queues a call. `handler` runs when it is answered, however many connections that takes.
    void call(std::string action, boost::json::object payload, CallHandler handler);
    void on_remote_stop(std::int64_t transaction_id, StopHandler handler);
    void forget_remote_stop(std::int64_t transaction_id);
    [[nodiscard]] const std::string& station() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::tools
