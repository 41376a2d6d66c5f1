#include "tools/calibrate/meter_samples.h"

#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <charconv>
#include <cmath>
#include <map>
#include <optional>

namespace tally::tools {

namespace json = boost::json;

namespace {

constexpr double register_wh_limit{1e12};

std::string text_of(const json::object& object, const char* name, const char* fallback) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : fallback;
}

/// A number, or a text that is one (1.6).
std::optional<double> number_of(const json::object& object, const char* name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (value->is_number()) {
        return value->to_number<double>();
    }
    if (!value->is_string()) {
        return std::nullopt;
    }
    const json::string& text = value->get_string();
    double number{0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{number}
                                                                    : std::nullopt;
}

/// Wh of a sampled value of either version; nothing when it is another measurand.
std::optional<std::int64_t> register_of(const json::object& sample) {
    if (text_of(sample, "measurand", "Energy.Active.Import.Register") !=
            "Energy.Active.Import.Register" ||
        text_of(sample, "location", "Outlet") != "Outlet" || sample.contains("phase") ||
        text_of(sample, "format", "Raw") != "Raw") {
        return std::nullopt;
    }
    std::string unit = text_of(sample, "unit", "Wh");
    double factor{1};
    if (const json::value* measure = sample.if_contains("unitOfMeasure");
        measure != nullptr && measure->is_object()) {
        unit = text_of(measure->get_object(), "unit", "Wh");
        factor = std::pow(10.0, number_of(measure->get_object(), "multiplier").value_or(0));
    }
    const auto value = number_of(sample, "value");
    if (!value || (unit != "Wh" && unit != "kWh")) {
        return std::nullopt;
    }
    const double wh = *value * factor * (unit == "kWh" ? 1000 : 1);
    return std::isfinite(wh) && wh >= 0 && wh < register_wh_limit ? std::optional{std::llround(wh)}
                                                                  : std::nullopt;
}

/// Collects readings; the first one of a moment stays.
class Collector {
public:
    void take_call(const std::string& text) {
        json::error_code error;
        const json::value frame = json::parse(text, error);
        const bool is_call = !error && frame.is_array() && frame.get_array().size() == 4 &&
                             frame.get_array()[3].is_object();
        if (is_call) {
            take_payload(frame.get_array()[3].get_object());
        } else if (!error && frame.is_object()) {
            take_payload(frame.get_object());
        }
    }
    [[nodiscard]] std::vector<MeterSample> samples() const {
        std::vector<MeterSample> list;
        for (const auto& [time, wh] : m_samples) {
            list.push_back({time, wh});
        }
        return list;
    }

private:
    void take_payload(const json::object& payload) {
        take_register(payload, "meterStart");
        take_register(payload, "meterStop");
        take_values(payload, "meterValue");
        take_values(payload, "transactionData");
    }
    void take_register(const json::object& payload, const char* name) {
        const auto time = bridge::time_from_text(text_of(payload, "timestamp", ""));
        const auto wh = number_of(payload, name);
        if (time && wh && *wh >= 0 && *wh < register_wh_limit) {
            add(*time, std::llround(*wh));
        }
    }
    void take_values(const json::object& payload, const char* name) {
        const json::value* values = payload.if_contains(name);
        if (values == nullptr || !values->is_array()) {
            return;
        }
        for (const json::value& value : values->get_array()) {
            if (value.is_object()) {
                take_value(value.get_object());
            }
        }
    }
    void take_value(const json::object& value) {
        const auto time = bridge::time_from_text(text_of(value, "timestamp", ""));
        const json::value* sampled = value.if_contains("sampledValue");
        if (!time || sampled == nullptr || !sampled->is_array()) {
            return;
        }
        for (const json::value& sample : sampled->get_array()) {
            const auto wh = sample.is_object() ? register_of(sample.get_object()) : std::nullopt;
            if (wh) {
                add(*time, *wh);
            }
        }
    }
    void add(UnixMillis time, std::int64_t wh) {
        if (m_samples.size() < meter_samples_max) {
            m_samples.emplace(time, wh);
        }
    }

    std::map<UnixMillis, std::int64_t> m_samples;
};

}  // namespace

std::vector<MeterSample> find_samples(const std::vector<std::string>& texts) {
    Collector collector;
    for (const std::string& text : texts) {
        collector.take_call(text);
    }
    return collector.samples();
}

}  // namespace tally::tools
