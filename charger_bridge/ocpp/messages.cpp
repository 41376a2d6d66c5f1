#include "charger_bridge/ocpp/messages.h"

#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <limits>
#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr std::size_t digits_max{12};

std::string text_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{*text} : std::string{};
}

std::optional<std::int64_t> integer_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::optional<std::uint16_t> connector_of(const json::object& object) {
    const std::optional<std::int64_t> number = integer_of(object, "connectorId");
    if (!number || *number < 0 || *number > std::numeric_limits<std::uint16_t>::max()) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(*number);
}

/// Whether a sampled value is the whole connector's import register, read at its outlet.
bool is_import_register(const json::object& sampled) {
    const std::string measurand = text_of(sampled, "measurand");
    const std::string format = text_of(sampled, "format");
    const std::string location = text_of(sampled, "location");
    return (measurand.empty() || measurand == "Energy.Active.Import.Register") &&
           (format.empty() || format == "Raw") && (location.empty() || location == "Outlet") &&
           !sampled.contains("phase");
}

std::optional<std::int64_t> register_of(const json::array& sampled_values) {
    for (const json::value& item : sampled_values) {
        const json::object* const sampled = item.if_object();
        if (sampled == nullptr || !is_import_register(*sampled)) {
            continue;
        }
        return energy_from_text(text_of(*sampled, "value"), text_of(*sampled, "unit"));
    }
    return std::nullopt;
}

std::vector<MeterSample> samples_of(const json::object& payload, json::string_view name) {
    std::vector<MeterSample> samples;
    const json::value* const list = payload.if_contains(name);
    const json::array* const values = list != nullptr ? list->if_array() : nullptr;
    if (values == nullptr) {
        return samples;
    }
    for (const json::value& item : *values) {
        const json::object* const meter_value = item.if_object();
        const json::value* const sampled =
            meter_value != nullptr ? meter_value->if_contains("sampledValue") : nullptr;
        if (sampled == nullptr || !sampled->is_array() || samples.size() == samples_max) {
            continue;
        }
        if (const std::optional<std::int64_t> energy = register_of(sampled->get_array())) {
            samples.push_back({time_from_text(text_of(*meter_value, "timestamp")), *energy});
        }
    }
    return samples;
}

std::optional<ConnectorStatus> status_from_text(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, ConnectorStatus>, 9> names{{
        {"Available", ConnectorStatus::available},
        {"Preparing", ConnectorStatus::preparing},
        {"Charging", ConnectorStatus::charging},
        {"SuspendedEVSE", ConnectorStatus::suspended_evse},
        {"SuspendedEV", ConnectorStatus::suspended_ev},
        {"Finishing", ConnectorStatus::finishing},
        {"Reserved", ConnectorStatus::reserved},
        {"Unavailable", ConnectorStatus::unavailable},
        {"Faulted", ConnectorStatus::faulted},
    }};
    for (const auto& [name, status] : names) {
        if (name == text) {
            return status;
        }
    }
    return std::nullopt;
}

using Decoded = std::optional<RequestBody>;

Decoded decode_boot(const json::object& payload) {
    return RequestBody{BootNotification{
        text_of(payload, "chargePointVendor"), text_of(payload, "chargePointModel"),
        text_of(payload, "chargePointSerialNumber"), text_of(payload, "firmwareVersion")}};
}

Decoded decode_heartbeat(const json::object& /*payload*/) { return RequestBody{Heartbeat{}}; }

Decoded decode_status(const json::object& payload) {
    const std::optional<std::uint16_t> connector = connector_of(payload);
    const std::optional<ConnectorStatus> status = status_from_text(text_of(payload, "status"));
    if (!connector || !status) {
        return std::nullopt;
    }
    std::string error = text_of(payload, "errorCode");
    if (error == "NoError") {
        error.clear();
    }
    return RequestBody{StatusNotification{*connector, *status, std::move(error)}};
}

Decoded decode_authorize(const json::object& payload) {
    return RequestBody{Authorize{text_of(payload, "idTag")}};
}

Decoded decode_start(const json::object& payload) {
    const std::optional<std::uint16_t> connector = connector_of(payload);
    const std::optional<std::int64_t> meter = integer_of(payload, "meterStart");
    if (!connector || !meter) {
        return std::nullopt;
    }
    std::string timestamp = text_of(payload, "timestamp");
    const std::optional<UnixMillis> time = time_from_text(timestamp);
    return RequestBody{StartTransaction{*connector, text_of(payload, "idTag"), *meter,
                                        std::move(timestamp), time}};
}

Decoded decode_meter_values(const json::object& payload) {
    const std::optional<std::uint16_t> connector = connector_of(payload);
    if (!connector) {
        return std::nullopt;
    }
    return RequestBody{MeterValues{*connector, integer_of(payload, "transactionId"),
                                   samples_of(payload, "meterValue")}};
}

Decoded decode_stop(const json::object& payload) {
    const std::optional<std::int64_t> transaction = integer_of(payload, "transactionId");
    const std::optional<std::int64_t> meter = integer_of(payload, "meterStop");
    if (!transaction || !meter) {
        return std::nullopt;
    }
    StopTransaction stop;
    stop.transaction = *transaction;
    stop.id_tag = text_of(payload, "idTag");
    stop.meter_stop_wh = *meter;
    stop.timestamp = text_of(payload, "timestamp");
    stop.time = time_from_text(stop.timestamp);
    stop.reason = text_of(payload, "reason");
    if (stop.reason.empty()) {
        stop.reason = "Local";
    }
    stop.samples = samples_of(payload, "transactionData");
    return RequestBody{std::move(stop)};
}

Decoded decode_data_transfer(const json::object& payload) {
    return RequestBody{DataTransfer{text_of(payload, "vendorId"), text_of(payload, "messageId"),
                                    text_of(payload, "data")}};
}

Decoded decode_report(const json::object& payload) {
    return RequestBody{StatusReport{text_of(payload, "status")}};
}

struct ActionDecoder {
    std::string_view action;
    Decoded (*decode)(const json::object&);
};
constexpr std::array<ActionDecoder, 10> decoders{{
    {"BootNotification", decode_boot},
    {"Heartbeat", decode_heartbeat},
    {"StatusNotification", decode_status},
    {"Authorize", decode_authorize},
    {"StartTransaction", decode_start},
    {"MeterValues", decode_meter_values},
    {"StopTransaction", decode_stop},
    {"DataTransfer", decode_data_transfer},
    {"FirmwareStatusNotification", decode_report},
    {"DiagnosticsStatusNotification", decode_report},
}};

json::string_view as_json(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::optional<RequestBody> decode_request(const std::string& action, const json::object& payload) {
    for (const ActionDecoder& decoder : decoders) {
        if (decoder.action == action) {
            return decoder.decode(payload);
        }
    }
    return std::nullopt;
}

bool has_money_fields(std::string_view action, const json::object& payload) {
    const auto has_text = [&payload](json::string_view name) {
        const json::value* const value = payload.if_contains(name);
        return value != nullptr && value->is_string();
    };
    if (action == "StartTransaction") {
        return connector_of(payload) && integer_of(payload, "meterStart") && has_text("idTag") &&
               has_text("timestamp");
    }
    if (action == "StopTransaction") {
        return integer_of(payload, "transactionId") && integer_of(payload, "meterStop") &&
               has_text("timestamp");
    }
    return action == "MeterValues" && connector_of(payload).has_value();
}

std::optional<std::int64_t> energy_from_text(std::string_view value, std::string_view unit) {
    std::size_t decimals = 0;
    if (unit == "kWh") {
        decimals = 3;
    } else if (!unit.empty() && unit != "Wh") {
        return std::nullopt;
    }
    const std::size_t point = std::min(value.find('.'), value.size());
    const std::string_view whole = value.substr(0, point);
    std::string_view fraction = value.substr(std::min(point + 1, value.size()));
    if (whole.empty() || whole.size() > digits_max ||
        value.find_first_not_of("0123456789.") != std::string_view::npos ||
        fraction.find('.') != std::string_view::npos) {
        return std::nullopt;
    }
    std::int64_t energy = 0;
    for (const char c : whole) {
        energy = energy * 10 + (c - '0');
    }
    for (std::size_t i = 0; i < decimals; ++i) {
        energy = energy * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    }
    return energy;
}

json::object id_tag_answer(std::string_view status) {
    json::object info;
    info["status"] = as_json(status);
    json::object answer;
    answer["idTagInfo"] = std::move(info);
    return answer;
}

json::object start_answer(std::int32_t transaction, std::string_view status) {
    json::object answer = id_tag_answer(status);
    answer["transactionId"] = transaction;
    return answer;
}

json::object status_answer(std::string_view status) {
    json::object answer;
    answer["status"] = as_json(status);
    return answer;
}

}  // namespace tally::bridge
