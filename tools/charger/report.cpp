#include "tools/charger/report.h"

#include "tools/charger/dialect.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr std::size_t failures_max{1'000};
constexpr const char* all_actions{"all"};

json::object counts_json(const std::map<std::string, std::uint64_t>& counts) {
    json::object shown;
    for (const auto& [name, count] : counts) {
        shown[name] = count;
    }
    return shown;
}

json::object charge_json(const ChargeStory& story) {
    return {{"script", story.script},
            {"station", story.station},
            {"connector", story.connector},
            {"token", story.token},
            {"transaction", story.transaction},
            {"began", story.began},
            {"begin", utc_text(story.begin)},
            {"end", utc_text(story.end)},
            {"begin_wh", story.begin_wh},
            {"end_wh", story.end_wh},
            {"energy_wh", story.end_wh - story.begin_wh},
            {"ended", story.ended},
            {"stopped_remotely", story.stopped_remotely}};
}

}  // namespace

void FleetReport::call_sent(const std::string& action) {
    ++m_messages;
    ++m_sent[action];
    if (m_marks.erase(m_messages) > 0) {
        m_marked(m_messages);
    }
    const PhaseMark mark{m_phases.size() - 1, ++m_phase_messages};
    if (m_phase_marks.erase(mark) > 0) {
        m_phase_marked(mark);
    }
}

void FleetReport::at_messages(std::vector<std::uint64_t> counts,
                              std::function<void(std::uint64_t)> said) {
    m_marks = {counts.begin(), counts.end()};
    m_marked = std::move(said);
}

void FleetReport::at_messages_of(std::vector<PhaseMark> marks,
                                 std::function<void(const PhaseMark&)> said) {
    m_phase_marks = {marks.begin(), marks.end()};
    m_phase_marked = std::move(said);
}

void FleetReport::answered(const std::string& script, const std::string& action,
                           const std::string& outcome, std::chrono::microseconds took) {
    ++m_outcomes[script][action][outcome];
    for (const std::string& name : {action, std::string{all_actions}}) {
        m_latencies[name].add(took);
        m_phases.back()[name].add(took);
    }
}

json::object FleetReport::times_json(const Times& times) {
    json::object shown;
    for (const auto& [action, values] : times) {
        shown[action] = values.summary();
    }
    return shown;
}

void FleetReport::failed(const std::string& station, const std::string& what) {
    if (m_failures.size() < failures_max) {
        m_failures.push_back(station + ": " + what);
    }
}

json::object FleetReport::summary() const {
    json::object scripts;
    for (const auto& [script, actions] : m_outcomes) {
        json::object shown;
        for (const auto& [action, outcomes] : actions) {
            shown[action] = counts_json(outcomes);
        }
        scripts[script] = std::move(shown);
    }
    json::array phases;
    for (const Times& phase : m_phases) {
        phases.emplace_back(times_json(phase));
    }
    json::array charges;
    for (const auto& story : m_charges) {
        charges.emplace_back(charge_json(*story));
    }
    json::array failures;
    for (const std::string& failure : m_failures) {
        failures.emplace_back(failure);
    }
    return {{"messages", m_messages},
            {"sent", counts_json(m_sent)},
            {"connections", m_connections},
            {"disconnections", counts_json(m_disconnections)},
            {"commands", counts_json(m_commands)},
            {"latencies", times_json(m_latencies)},
            {"phases", std::move(phases)},
            {"scripts", std::move(scripts)},
            {"charges", std::move(charges)},
            {"failures", std::move(failures)}};
}

}  // namespace tally::tools
