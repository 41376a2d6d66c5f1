#pragma once

// OCPP 1.6 requests from a charger as plain values. Decoding takes payloads that the schema has
// accepted already, or transaction messages with their money fields; what a schema cannot say
// (times, decimal texts) is read leniently here, because a transaction message must be answered
// whatever its clock or meter says.

#include "charger_bridge/ocpp/frame.h"
#include "ledger/base/clock.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::bridge {

inline constexpr std::size_t samples_max{256};  ///< meter values of one message that are looked at

struct BootNotification {
    std::string vendor;
    std::string model;
    std::string serial;
    std::string firmware;
};
struct Heartbeat {};
/// States of a connector; connector 0 is the station and only available, unavailable or faulted.
enum class ConnectorStatus : std::uint8_t {
    available = 1,
    preparing,
    charging,
    suspended_evse,
    suspended_ev,
    finishing,
    reserved,
    unavailable,
    faulted,
};
struct StatusNotification {
    std::uint16_t connector{0};
    ConnectorStatus status{ConnectorStatus::available};
    std::string error_code;  ///< empty for NoError
};
struct Authorize {
    std::string id_tag;
};
struct StartTransaction {
    std::uint16_t connector{0};
    std::string id_tag;
    std::int64_t meter_start_wh{0};
    std::string timestamp;           ///< as sent; part of the facts that name the transaction
    std::optional<UnixMillis> time;  ///< nothing when unreadable
};
/// One look at the import register.
struct MeterSample {
    std::optional<UnixMillis> time;
    std::int64_t register_wh{0};
};
struct MeterValues {
    std::uint16_t connector{0};
    std::optional<std::int64_t> transaction;
    std::vector<MeterSample> samples;
};
struct StopTransaction {
    std::int64_t transaction{0};
    std::string id_tag;  ///< empty when absent
    std::int64_t meter_stop_wh{0};
    std::string timestamp;
    std::optional<UnixMillis> time;
    std::string reason;  ///< "Local" when absent
    std::vector<MeterSample> samples;
};
struct DataTransfer {
    std::string vendor;
    std::string message;
    std::string data;
};
/// FirmwareStatusNotification and DiagnosticsStatusNotification: acknowledged, nothing more.
struct StatusReport {
    std::string status;
};

using RequestBody =
    std::variant<BootNotification, Heartbeat, StatusNotification, Authorize, StartTransaction,
                 MeterValues, StopTransaction, DataTransfer, StatusReport>;

/// Reads a payload that conforms to its action's schema. Nothing when the action is one that only
/// the central system sends, or a number is out of range (connector above 65535).
[[nodiscard]] std::optional<RequestBody> decode_request(const std::string& action,
                                                        const boost::json::object& payload);

/// Whether a payload is a transaction message (StartTransaction, MeterValues, StopTransaction)
/// whose fields that decide what is billed are there with their types, whatever else is wrong with
/// it.
[[nodiscard]] bool has_money_fields(std::string_view action, const boost::json::object& payload);

/// Energy.Active.Import.Register in Wh out of "12.345" and "kWh"; whole Wh, rounded down. Nothing
/// for exponents, signs, other units or more than 12 digits before the point.
[[nodiscard]] std::optional<std::int64_t> energy_from_text(std::string_view value,
                                                           std::string_view unit);

/// {"status": ...} or {"idTagInfo": {"status": ...}} and the like.
[[nodiscard]] boost::json::object id_tag_answer(std::string_view status);
[[nodiscard]] boost::json::object start_answer(std::int32_t transaction, std::string_view status);
[[nodiscard]] boost::json::object status_answer(std::string_view status);

}  // namespace tally::bridge
