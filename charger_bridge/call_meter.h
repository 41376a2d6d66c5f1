#pragma once

// How long chargers wait for their answers, and how old what the node does not have yet is.

#include "node/runtime/metrics.h"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace tally::bridge {

/// Counts the CALLs of chargers by action and result, with the time from their arrival to the
/// answer. The result is the status in the answer where it has one, else "answered"; "lost" when
/// the connection ended before. Bounded: the peer of a station allows `peer_unanswered_max` at
/// once.
class CallMeter {
public:
    using Time = std::chrono::microseconds;

    explicit CallMeter(node::Metrics& metrics) : m_metrics{metrics} {}

    void began(const std::string& station, const std::string& id, const std::string& action,
               Time now);
    void answered(const std::string& station, const std::string& id,
                  const boost::json::object& payload, Time now);
    /// The connection of the station is over.
    void lost(const std::string& station);
    [[nodiscard]] std::size_t size() const { return m_open.size(); }

private:
    struct Open {
        std::string action;
        Time since{0};
    };
    void count(const std::string& action, const std::string& result);

    node::Metrics& m_metrics;
    std::map<std::pair<std::string, std::string>, Open> m_open;  ///< by station and message id
    std::map<std::pair<std::string, std::string>, node::MetricCounter> m_counters;
    std::map<std::string, node::MetricHistogram> m_durations;
};

/// When the messages that wait for the node were queued: sequence numbers have no gaps, so only
/// first and next are looked at. After a start the time of the start counts.
class OutboxAge {
public:
    using Time = std::chrono::microseconds;
    /// To be told after every change; `next` is the number that the next message gets.
    void observe(std::uint64_t next, std::size_t waiting, Time now);
    /// Of the oldest message that waits; 0 when none does.
    [[nodiscard]] Time age(Time now) const;

private:
    std::deque<Time> m_queued;  ///< of the waiting messages, oldest first
    std::uint64_t m_next{0};
};

}  // namespace tally::bridge
