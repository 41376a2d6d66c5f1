#include "charger_bridge/ocpp/v201/messages.h"

#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/time_text.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace tally::bridge::v201 {

namespace json = boost::json;

namespace {

using Decoded = std::optional<RequestBody>;

constexpr std::size_t transaction_id_bytes_max{36};
constexpr double whole_max{1e15};
constexpr std::int64_t multiplier_max{9};

std::optional<double> number_of(const json::object& object, json::string_view name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_number()) {
        return std::nullopt;
    }
    json::error_code error;
    const double number = value->to_number<double>(error);
    return error ? std::nullopt : std::optional{number};
}

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

void take_sampled(const json::object& sampled, MeterSample& sample, std::size_t& signed_left) {
    const json::object* const signed_value = object_of(sampled, "signedMeterValue");
    if (signed_value != nullptr && signed_left > 0) {
        --signed_left;
        sample.signed_readings.push_back(signed_reading_of(*signed_value));
        sample.signed_readings.back().context = context_of(sampled);
    }
    const std::optional<double> value = number_of(sampled, "value");
    if (!value || !is_at_outlet(sampled)) {
        return;
    }
    Unit unit;
    std::string unit_text;
    if (const json::object* const given = object_of(sampled, "unitOfMeasure")) {
        unit_text = text_of(*given, "unit");
        unit = {unit_text, integer_of(*given, "multiplier").value_or(0)};
    }
    const std::string measurand = text_of(sampled, "measurand");
    if (measurand == "Power.Active.Import" && !sample.power_w) {
        sample.power_w = whole_of(*value, unit, "W", "kW");
    }
    const bool is_register = measurand.empty() || measurand == "Energy.Active.Import.Register";
    if (is_register && !sample.register_wh) {
        sample.register_wh = whole_of(*value, unit, "Wh", "kWh");
        sample.context = context_of(sampled);
    }
}

std::vector<MeterSample> samples_of(const json::object& payload) {
    std::vector<MeterSample> samples;
    const json::array* const values = array_of(payload, "meterValue");
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

std::optional<ReportKind> kind_from_text(std::string_view text) {
    if (text == "Started") {
        return ReportKind::started;
    }
    if (text == "Updated") {
        return ReportKind::updated;
    }
    return text == "Ended" ? std::optional{ReportKind::ended} : std::nullopt;
}

/// What a cable in the socket means to the next driver is nothing: Occupied comes before the swipe,
/// and whether a charge runs is known here. Hence it counts as 1.6 counts Preparing.
std::optional<ConnectorStatus> status_from_text(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, ConnectorStatus>, 5> names{{
        {"Available", ConnectorStatus::available},
        {"Occupied", ConnectorStatus::preparing},
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

Decoded decode_boot(const json::object& payload) {
    const json::object* const station = object_of(payload, "chargingStation");
    if (station == nullptr) {
        return std::nullopt;
    }
    return RequestBody{BootFacts{text_of(*station, "vendorName"), text_of(*station, "model"),
                                 text_of(*station, "serialNumber"),
                                 text_of(*station, "firmwareVersion")}};
}

Decoded decode_heartbeat(const json::object& /*payload*/) { return RequestBody{HeartbeatFacts{}}; }

Decoded decode_status(const json::object& payload) {
    const std::optional<std::uint16_t> evse = connector_of(payload, "evseId");
    const auto status = status_from_text(text_of(payload, "connectorStatus"));
    if (!evse || !status) {
        return std::nullopt;
    }
    return RequestBody{StatusFacts{*evse, *status, {}}};
}

std::string token_of(const json::object& payload) {
    const json::object* const token = object_of(payload, "idToken");
    return token != nullptr ? text_of(*token, "idToken") : std::string{};
}

Decoded decode_authorize(const json::object& payload) {
    return RequestBody{AuthorizeFacts{token_of(payload)}};
}

Decoded decode_meter_values(const json::object& payload) {
    const std::optional<std::uint16_t> evse = connector_of(payload, "evseId");
    if (!evse) {
        return std::nullopt;
    }
    ValuesFacts values;
    values.connector = *evse;
    values.samples = samples_of(payload);
    return RequestBody{std::move(values)};
}

Decoded decode_transaction_event(const json::object& payload) {
    const json::object* const info = object_of(payload, "transactionInfo");
    const std::optional<ReportKind> kind = kind_from_text(text_of(payload, "eventType"));
    const std::optional<std::int64_t> sequence = integer_of(payload, "seqNo");
    if (info == nullptr || !kind || !sequence || *sequence < 0 ||
        *sequence > std::numeric_limits<std::int32_t>::max()) {
        return std::nullopt;
    }
    ReportFacts report;
    report.kind = *kind;
    report.sequence = *sequence;
    report.transaction = text_of(*info, "transactionId");
    if (report.transaction.empty() || report.transaction.size() > transaction_id_bytes_max) {
        return std::nullopt;
    }
    report.reason = text_of(*info, "stoppedReason");
    if (const json::object* const evse = object_of(payload, "evse")) {
        const std::optional<std::uint16_t> id = connector_of(*evse, "id");
        if (!id) {
            return std::nullopt;
        }
        report.connector = *id;
    }
    if (object_of(payload, "idToken") != nullptr) {
        report.token = token_of(payload);
    }
    report.timestamp = text_of(payload, "timestamp");
    report.time = time_from_text(report.timestamp);
    const json::value* const offline = payload.if_contains("offline");
    report.offline = offline != nullptr && offline->is_bool() && offline->get_bool();
    report.samples = samples_of(payload);
    return RequestBody{std::move(report)};
}

Decoded decode_data_transfer(const json::object& payload) {
    // `data` may be of any type; texts are what this project understands.
    return RequestBody{TransferFacts{text_of(payload, "vendorId"), text_of(payload, "messageId"),
                                     text_of(payload, "data")}};
}

Decoded decode_notice(const json::object& payload) {
    std::string status = text_of(payload, "status");
    return RequestBody{NoticeFacts{status.empty() ? text_of(payload, "type") : std::move(status)}};
}

struct ActionDecoder {
    std::string_view action;
    Decoded (*decode)(const json::object&);
};
constexpr std::array<ActionDecoder, 20> decoders{{
    {"BootNotification", decode_boot},
    {"Heartbeat", decode_heartbeat},
    {"StatusNotification", decode_status},
    {"Authorize", decode_authorize},
    {"TransactionEvent", decode_transaction_event},
    {"MeterValues", decode_meter_values},
    {"DataTransfer", decode_data_transfer},
    {"ClearedChargingLimit", decode_notice},
    {"FirmwareStatusNotification", decode_notice},
    {"LogStatusNotification", decode_notice},
    {"NotifyChargingLimit", decode_notice},
    {"NotifyCustomerInformation", decode_notice},
    {"NotifyDisplayMessages", decode_notice},
    {"NotifyEvent", decode_notice},
    {"NotifyMonitoringReport", decode_notice},
    {"NotifyReport", decode_notice},
    {"ReportChargingProfiles", decode_notice},
    {"ReservationStatusUpdate", decode_notice},
    {"SecurityEventNotification", decode_notice},
    {"SignCertificate", decode_notice},
}};

}  // namespace

std::optional<RequestBody> decode_request(std::string_view action, const json::object& payload) {
    for (const ActionDecoder& decoder : decoders) {
        if (decoder.action == action) {
            return decoder.decode(payload);
        }
    }
    return std::nullopt;
}

bool must_be_answered(std::string_view action, const json::object& payload) {
    if (action == "TransactionEvent") {
        return decode_transaction_event(payload).has_value();
    }
    return action == "MeterValues" && connector_of(payload, "evseId").has_value();
}

std::optional<std::int64_t> whole_of(double value, const Unit& unit, std::string_view ones,
                                     std::string_view thousands) {
    if (unit.multiplier < -multiplier_max || unit.multiplier > multiplier_max ||
        !std::isfinite(value) || value < 0) {
        return std::nullopt;
    }
    double scale = std::pow(10.0, static_cast<double>(unit.multiplier));
    if (unit.unit == thousands) {
        scale *= 1000;
    } else if (!unit.unit.empty() && unit.unit != ones) {
        return std::nullopt;
    }
    if (value * scale > whole_max) {
        return std::nullopt;
    }
    // 1234.567 kWh has no exact binary form: to thousandths first, then down to whole ones.
    return static_cast<std::int64_t>(std::llround(value * scale * 1000)) / 1000;
}

}  // namespace tally::bridge::v201
