#include "charger_bridge/ocpp/v16/messages.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tally::bridge::v16 {

namespace json = boost::json;

namespace {

constexpr std::size_t digits_max{12};

/// Whether a sampled value is of the whole connector, read at its outlet.
bool is_at_outlet(const json::object& sampled) {
    const std::string location = text_of(sampled, "location");
    return (location.empty() || location == "Outlet") && !sampled.contains("phase");
}

ReadingContext context_of(const json::object& sampled) {
    const std::string context = text_of(sampled, "context");
    if (context == "Transaction.Begin") {
        return ReadingContext::begin;
    }
    return context == "Transaction.End" ? ReadingContext::end : ReadingContext::other;
}

/// The value of SignedData: JSON text by the standard's annex, else the meter's own text.
SignedReading signed_reading_of_text(const std::string& value) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 4;
    const json::value parsed = json::parse(as_json(value), error, {}, options);
    const bool is_annex =
        !error && parsed.is_object() && has_text(parsed.get_object(), "signedMeterData");
    if (is_annex) {
        return signed_reading_of(parsed.get_object());
    }
    SignedReading reading;
    reading.text = value;
    return reading;
}

/// Takes one sampled value into the sample; the first of its kind counts.
void take_sampled(const json::object& sampled, MeterSample& sample, std::size_t& signed_left) {
    if (text_of(sampled, "format") == "SignedData") {
        if (signed_left > 0) {
            --signed_left;
            sample.signed_readings.push_back(signed_reading_of_text(text_of(sampled, "value")));
            sample.signed_readings.back().context = context_of(sampled);
        }
        return;
    }
    if (!is_at_outlet(sampled)) {
        return;
    }
    const std::string measurand = text_of(sampled, "measurand");
    const std::string value = text_of(sampled, "value");
    const std::string unit = text_of(sampled, "unit");
    if (measurand == "Power.Active.Import" && !sample.power_w) {
        sample.power_w = power_from_text(value, unit);
    }
    const bool is_register = measurand.empty() || measurand == "Energy.Active.Import.Register";
    if (is_register && !sample.register_wh) {
        sample.register_wh = energy_from_text(value, unit);
        sample.context = context_of(sampled);
    }
}

std::vector<MeterSample> samples_of(const json::object& payload, json::string_view name) {
    std::vector<MeterSample> samples;
    const json::array* const values = array_of(payload, name);
    if (values == nullptr) {
        return samples;
    }
    std::size_t signed_left = signed_readings_max;
    for (const json::value& item : *values) {
        const json::object* const meter_value = item.if_object();
        const json::array* const sampled =
            meter_value != nullptr ? array_of(*meter_value, "sampledValue") : nullptr;
        if (sampled == nullptr || samples.size() == samples_max) {
            continue;
        }
        MeterSample sample;
        sample.time = time_from_text(text_of(*meter_value, "timestamp"));
        for (const json::value& one : *sampled) {
            if (const json::object* const object = one.if_object()) {
                take_sampled(*object, sample, signed_left);
            }
        }
        if (sample.register_wh || sample.power_w || !sample.signed_readings.empty()) {
            samples.push_back(std::move(sample));
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
    return RequestBody{BootFacts{
        text_of(payload, "chargePointVendor"), text_of(payload, "chargePointModel"),
        text_of(payload, "chargePointSerialNumber"), text_of(payload, "firmwareVersion")}};
}

Decoded decode_heartbeat(const json::object& /*payload*/) { return RequestBody{HeartbeatFacts{}}; }

Decoded decode_status(const json::object& payload) {
    const std::optional<std::uint16_t> connector = connector_of(payload, "connectorId");
    const std::optional<ConnectorStatus> status = status_from_text(text_of(payload, "status"));
    if (!connector || !status) {
        return std::nullopt;
    }
    std::string error = text_of(payload, "errorCode");
    if (error == "NoError") {
        error.clear();
    }
    return RequestBody{StatusFacts{*connector, *status, std::move(error)}};
}

Decoded decode_authorize(const json::object& payload) {
    return RequestBody{AuthorizeFacts{text_of(payload, "idTag")}};
}

/// A register that is no whole number, or below 0, is one that the charger does not know.
std::optional<std::int64_t> register_of(const json::object& payload, json::string_view name) {
    const std::optional<std::int64_t> meter = integer_of(payload, name);
    return meter && *meter >= 0 ? meter : std::nullopt;
}

Decoded decode_start(const json::object& payload) {
    StartFacts start;
    start.connector = connector_of(payload, "connectorId").value_or(0);
    start.token = text_of(payload, "idTag");
    start.meter_start_wh = register_of(payload, "meterStart");
    start.timestamp = text_of(payload, "timestamp");
    start.time = time_from_text(start.timestamp);
    return RequestBody{std::move(start)};
}

Decoded decode_meter_values(const json::object& payload) {
    ValuesFacts values;
    values.connector = connector_of(payload, "connectorId").value_or(0);
    values.transaction = integer_of(payload, "transactionId");
    values.samples = samples_of(payload, "meterValue");
    return RequestBody{std::move(values)};
}

Decoded decode_stop(const json::object& payload) {
    const std::optional<std::int64_t> transaction = integer_of(payload, "transactionId");
    StopFacts stop;
    // A charger that never learnt its number says -1. One that names none may mean any charge, and
    // so ends none: no charge has the empty name.
    stop.transaction = transaction ? TransactionName{*transaction} : TransactionName{std::string{}};
    stop.token = text_of(payload, "idTag");
    stop.meter_stop_wh = register_of(payload, "meterStop");
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
    return RequestBody{TransferFacts{text_of(payload, "vendorId"), text_of(payload, "messageId"),
                                     text_of(payload, "data")}};
}

Decoded decode_report(const json::object& payload) {
    return RequestBody{NoticeFacts{text_of(payload, "status")}};
}

Decoded decode_security_event(const json::object& payload) {
    return RequestBody{NoticeFacts{text_of(payload, "type")}};
}

struct ActionDecoder {
    std::string_view action;
    Decoded (*decode)(const json::object&);
};
constexpr std::array<ActionDecoder, 14> decoders{{
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
    {"LogStatusNotification", decode_report},
    {"SecurityEventNotification", decode_security_event},
    {"SignCertificate", decode_report},
    {"SignedFirmwareStatusNotification", decode_report},
}};

/// "12.345" in `thousands` gives 12345; in `ones`, or no unit, 12.
std::optional<std::int64_t> from_text(std::string_view value, std::string_view unit,
                                      std::string_view ones, std::string_view thousands) {
    std::size_t decimals = 0;
    if (unit == thousands) {
        decimals = 3;
    } else if (!unit.empty() && unit != ones) {
        return std::nullopt;
    }
    const std::size_t point = std::min(value.find('.'), value.size());
    const std::string_view whole = value.substr(0, point);
    const std::string_view fraction = value.substr(std::min(point + 1, value.size()));
    if (whole.empty() || whole.size() > digits_max ||
        value.find_first_not_of("0123456789.") != std::string_view::npos ||
        fraction.find('.') != std::string_view::npos) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    for (const char c : whole) {
        number = number * 10 + (c - '0');
    }
    for (std::size_t i = 0; i < decimals; ++i) {
        number = number * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    }
    return number;
}

}  // namespace

std::optional<RequestBody> decode_request(std::string_view action, const json::object& payload) {
    for (const ActionDecoder& decoder : decoders) {
        if (decoder.action == action) {
            return decoder.decode(payload);
        }
    }
    return std::nullopt;
}

bool must_be_answered(std::string_view action) {
    return action == "StartTransaction" || action == "StopTransaction" || action == "MeterValues";
}

std::optional<std::int64_t> energy_from_text(std::string_view value, std::string_view unit) {
    return from_text(value, unit, "Wh", "kWh");
}

std::optional<std::int64_t> power_from_text(std::string_view value, std::string_view unit) {
    return from_text(value, unit, "W", "kW");
}

}  // namespace tally::bridge::v16
