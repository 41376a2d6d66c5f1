#pragma once

#include "ledger/base/clock.h"
#include "tools/support/percentiles.h"

#include <boost/json/object.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tally::tools {

/// One charge as its charger saw it.
struct ChargeStory {
    std::string script;
    std::string station;
    std::uint32_t connector{1};
    std::string token;
    std::string transaction;  ///< as the central system knows it; empty when it never said
    std::string began;        ///< the answer to the start; "offline", "lost"
    UnixMillis begin{0};      ///< as the charger's clock shows it
    UnixMillis end{0};
    std::int64_t begin_wh{0};
    std::int64_t end_wh{0};
    bool ended{false};  ///< its stop was answered
    bool stopped_remotely{false};
};

/// The message of this number in this phase.
struct PhaseMark {
    std::size_t phase{0};
    std::uint64_t message{0};
    friend auto operator<=>(const PhaseMark&, const PhaseMark&) = default;
};

/// What a fleet saw of its central system. One thread.
class FleetReport {
public:
    void call_sent(const std::string& action);
    /// Calls `said` when this many messages were sent; for tests that do something at that moment.
    void at_messages(std::vector<std::uint64_t> counts, std::function<void(std::uint64_t)> said);
    /// The same for messages of a phase, which are counted from 1; the first phase is 0.
    void at_messages_of(std::vector<PhaseMark> marks, std::function<void(const PhaseMark&)> said);
    /// `outcome` is the status of the answer, or an error code.
    void answered(const std::string& script, const std::string& action, const std::string& outcome,
                  std::chrono::microseconds took);
    void commanded(const std::string& action) { ++m_commands[action]; }
    void connected() { ++m_connections; }
    /// `why` a connection ended, or could not be made.
    void disconnected(const std::string& why) { ++m_disconnections[why]; }
    /// May still change until the summary: answers can come late.
    void add(std::shared_ptr<const ChargeStory> story) { m_charges.push_back(std::move(story)); }
    void failed(const std::string& station, const std::string& what);

    [[nodiscard]] std::uint64_t messages() const { return m_messages; }
    [[nodiscard]] std::uint64_t connections() const { return m_connections; }
    [[nodiscard]] const std::vector<std::shared_ptr<const ChargeStory>>& charges() const {
        return m_charges;
    }
    [[nodiscard]] std::size_t failures() const { return m_failures.size(); }
    /// From now on answers count to a new phase as well: a fleet that met begins one.
    void next_phase() {
        m_phases.emplace_back();
        m_phase_messages = 0;
    }
    /// {"messages", "sent": {action: count}, "connections", "disconnections": {why: count},
    /// "commands", "latencies": {action: {count, min, p50, p99, max}, "all": ...},
    /// "phases": [latencies, ...],
    /// "scripts": {name: {action: {outcome: count}}}, "charges": [...], "failures": [...]}
    [[nodiscard]] boost::json::object summary() const;

private:
    using Counts = std::map<std::string, std::uint64_t>;
    using Times = std::map<std::string, Latencies>;
    static boost::json::object times_json(const Times& times);

    std::uint64_t m_messages{0};
    std::set<std::uint64_t> m_marks;
    std::function<void(std::uint64_t)> m_marked;
    std::uint64_t m_phase_messages{0};
    std::set<PhaseMark> m_phase_marks;
    std::function<void(const PhaseMark&)> m_phase_marked;
    std::uint64_t m_connections{0};
    Counts m_sent;
    Counts m_commands;
    Counts m_disconnections;
    std::map<std::string, std::map<std::string, Counts>> m_outcomes;
    Times m_latencies;
    std::vector<Times> m_phases{1};
    std::vector<std::shared_ptr<const ChargeStory>> m_charges;
    std::vector<std::string> m_failures;
};

}  // namespace tally::tools
