#pragma once

#include "node/runtime/websocket_client.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace tally::tools {

/// What the charger was answered: the payload of a CALLRESULT, or the code of a CALLERROR.
struct CallAnswer {
    boost::json::object payload;
    std::string error_code;             ///< empty when it was a result
    std::chrono::microseconds took{0};  ///< since it was last sent
};
using CallHandler = std::function<void(const CallAnswer&)>;

/// A CALL to be made. `complete` sees the payload each time before it is sent, for what is known
/// only then, such as the number that the central system gave a transaction.
struct OutgoingCall {
    std::string action;
    boost::json::object payload;
    CallHandler handler;
    std::function<void(boost::json::object&)> complete;
    /// Belongs to a transaction: after a CALLERROR it is sent again, `call_attempts_max` times in
    /// all, as OCPP wants it; then it is given up and the handler sees the error.
    bool of_transaction{false};
    unsigned attempts{0};
};

struct IncomingCall {
    std::string id;
    std::string action;
    boost::json::object payload;
};

inline constexpr unsigned call_attempts_max{3};

struct LineOptions {
    node::WebSocketTarget target;
    std::string station;
    std::chrono::milliseconds answer_deadline{30'000};
    std::chrono::milliseconds reconnect_min{100};
    std::chrono::milliseconds reconnect_max{3'000};
    std::chrono::milliseconds retry_interval{500};  ///< after a CALLERROR, times the attempt
    std::uint64_t jitter_seed{0};  ///< of the wait before a reconnect; 0: exactly the wait
};

struct LineHandlers {
    std::function<void()> connected;
    std::function<void(const std::string& why)> disconnected;
    std::function<void(const IncomingCall&)> called;
    std::function<void(const OutgoingCall&)> sent;  ///< each time a call goes out
};

/// The OCPP-J connection of one station, whatever the version: it comes back by itself while it is
/// wanted, sends calls in order with one outstanding at a time, and hands on what the central
/// system asks. A call that was not answered when the connection broke is sent again with a new
/// message id and the same content, as real stations do.
///
/// All calls and handlers on the io_context's thread. No handler runs after the destructor.
class OcppLine {
public:
    OcppLine(boost::asio::io_context& io, LineOptions options, LineHandlers handlers);
    ~OcppLine();
    OcppLine(const OcppLine&) = delete;
    OcppLine& operator=(const OcppLine&) = delete;

    /// Connects and keeps connected.
    void go_online();
    /// Drops the connection; calls wait. What was outstanding waits too, and goes first.
    void go_offline();
    /// Drops the connection and makes the next one at once.
    void reconnect();
    [[nodiscard]] bool is_open() const;

    /// Queues a call. Its handler runs when it is answered, however many connections that takes.
    void call(OutgoingCall call);
    /// The same, before all others.
    void call_first(OutgoingCall call);
    /// What is not answered yet, in the order in which it will go; may be changed while offline.
    [[nodiscard]] std::deque<OutgoingCall>& waiting();

    void answer(const std::string& id, const boost::json::object& payload);
    void refuse(const std::string& id, const std::string& code);
    /// Sends bytes as they are; nothing while offline.
    void say(std::string text, bool binary);

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

}  // namespace tally::tools
