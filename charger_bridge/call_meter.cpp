#include "charger_bridge/call_meter.h"

#include <string_view>

namespace tally::bridge {

namespace json = boost::json;

namespace {

std::string status_in(const json::object& object) {
    const json::value* const value = object.if_contains("status");
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

/// All of them are written by this program, so there are few.
std::string result_of(const json::object& payload) {
    for (const char* const part : {"idTagInfo", "idTokenInfo"}) {
        const json::value* const info = payload.if_contains(part);
        if (info != nullptr && info->is_object()) {
            return status_in(info->get_object());
        }
    }
    std::string status = status_in(payload);
    return status.empty() ? "answered" : status;
}

}  // namespace

void CallMeter::began(const std::string& station, const std::string& id, const std::string& action,
                      Time now) {
    m_open[{station, id}] = {action, now};
}

void CallMeter::answered(const std::string& station, const std::string& id,
                         const json::object& payload, Time now) {
    const auto found = m_open.find({station, id});
    if (found == m_open.end()) {
        return;
    }
    const Open open = std::move(found->second);
    m_open.erase(found);
    auto duration = m_durations.find(open.action);
    if (duration == m_durations.end()) {
        const auto made = m_metrics.histogram("tally_bridge_ocpp_call_seconds",
                                              "From a charger's request to our answer",
                                              node::latency_buckets(), {{"action", open.action}});
        duration = m_durations.emplace(open.action, made).first;
    }
    duration->second.observe(std::chrono::duration<double>(now - open.since).count());
    count(open.action, result_of(payload));
}

void CallMeter::lost(const std::string& station) {
    auto at = m_open.lower_bound({station, ""});
    while (at != m_open.end() && at->first.first == station) {
        count(at->second.action, "lost");
        at = m_open.erase(at);
    }
}

void CallMeter::count(const std::string& action, const std::string& result) {
    auto counter = m_counters.find({action, result});
    if (counter == m_counters.end()) {
        const auto made =
            m_metrics.counter("tally_bridge_ocpp_calls_total", "Requests of chargers by result",
                              {{"action", action}, {"result", result}});
        counter = m_counters.emplace(std::pair{action, result}, made).first;
    }
    counter->second.add();
}

void OutboxAge::observe(std::uint64_t next, std::size_t waiting, Time now) {
    const std::uint64_t added = next > m_next ? next - m_next : 0;
    for (std::uint64_t i = 0; i < added && i < waiting; ++i) {
        m_queued.push_back(now);
    }
    m_next = next;
    while (m_queued.size() > waiting) {
        m_queued.pop_front();
    }
}

OutboxAge::Time OutboxAge::age(Time now) const {
    return m_queued.empty() ? Time{0} : now - m_queued.front();
}

}  // namespace tally::bridge
