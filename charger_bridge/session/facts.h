#pragma once

// What chargers say and are told, in the terms of a charge and in those of no OCPP version. The
// translations (charger_bridge/ocpp) make facts out of messages and messages out of answers.

#include "ledger/base/clock.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::bridge {

/// Meter values of one message that are looked at.
inline constexpr std::size_t samples_max{256};
/// Signed meter texts of one message that are looked at.
inline constexpr std::size_t signed_readings_max{16};

/// Names one request of a charger that waits for its answer.
struct CallKey {
    std::string station;
    std::string id;
    friend bool operator==(const CallKey&, const CallKey&) = default;
};

/// How a charger names a transaction: by the number this bridge gave it (OCPP 1.6; -1 or 0 when it
/// never learnt it), or by a text of its own, 1 to 36 characters (OCPP 2.0.1).
using TransactionName = std::variant<std::int64_t, std::string>;

// ---- what chargers say

struct BootFacts {
    std::string vendor;
    std::string model;
    std::string serial;
    std::string firmware;
};
struct HeartbeatFacts {};
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
struct StatusFacts {
    std::uint16_t connector{0};
    ConnectorStatus status{ConnectorStatus::available};
    std::string error_code;  ///< empty for none
};
struct AuthorizeFacts {
    std::string token;
};
struct StartFacts {
    std::uint16_t connector{0};
    std::string token;
    std::optional<std::int64_t> meter_start_wh;  ///< nothing when the charger does not know it
    std::string timestamp;                       ///< as sent; of the facts that name a transaction
    std::optional<UnixMillis> time;              ///< nothing when unreadable
    std::string transaction;  ///< the charger's own name; empty when this bridge gives a number
    bool offline{false};      ///< the charger says that it was cut off when this happened
};
enum class ReadingContext : std::uint8_t { begin, end, other };
/// One text signed by the meter, as the charger carried it. What it says is not looked at here.
struct SignedReading {
    std::string text;             ///< base64 taken off when the charger said that it was base64
    std::string encoding;         ///< "OCMF" or what the charger said; may be empty
    std::string public_key_text;  ///< as sent; may be empty
    ReadingContext context{ReadingContext::other};
    friend bool operator==(const SignedReading&, const SignedReading&) = default;
};
/// One look at the meter.
struct MeterSample {
    std::optional<UnixMillis> time;
    std::optional<std::int64_t> register_wh;  ///< the outlet's import register, where sent
    std::optional<std::int64_t> power_w;      ///< imported active power, where sent
    std::vector<SignedReading> signed_readings;
    ReadingContext context{ReadingContext::other};
};
struct ValuesFacts {
    std::uint16_t connector{0};
    std::optional<TransactionName> transaction;
    std::vector<MeterSample> samples;
};
struct StopFacts {
    TransactionName transaction;
    std::string token;                          ///< empty when absent
    std::optional<std::int64_t> meter_stop_wh;  ///< nothing when the charger does not say it
    std::string timestamp;
    std::optional<UnixMillis> time;
    std::string reason;  ///< "Local" when absent
    std::vector<MeterSample> samples;
};
enum class ReportKind : std::uint8_t { started = 1, updated, ended };
/// What a charger that names its own transactions says of one (OCPP 2.0.1 TransactionEvent).
struct ReportFacts {
    ReportKind kind{ReportKind::updated};
    std::string transaction;
    /// Rises by one from report to report of a transaction; where it begins is the charger's.
    std::int64_t sequence{0};
    std::uint16_t connector{0};        ///< 0: not said
    std::optional<std::string> token;  ///< nothing when the report is not about a token
    std::string timestamp;
    std::optional<UnixMillis> time;
    bool offline{false};
    std::string reason;  ///< of an end
    std::vector<MeterSample> samples;
};
struct TransferFacts {
    std::string vendor;
    std::string message;
    std::string data;
};
/// A report that is acknowledged, counted and logged, nothing more.
struct NoticeFacts {
    std::string status;
};

// ---- what chargers are told

enum class TagStatus : std::uint8_t { accepted, blocked, invalid, concurrent_tx };

struct AnswerAuthorize {
    CallKey call;
    TagStatus status{TagStatus::invalid};
    std::string reason;          ///< of a refusal
    std::string master_group{};  ///< of a master pass; it stops charges and begins none
};
struct AnswerStart {
    CallKey call;
    std::int32_t transaction{0};
    TagStatus status{TagStatus::invalid};
    std::string reason;
};
struct AnswerMeterValues {
    CallKey call;
    std::optional<Money> amount;  ///< Mc of the charge they belong to
};
struct AnswerStop {
    CallKey call;
    bool with_tag{false};         ///< the request named a token
    std::optional<Money> amount;  ///< what the charge cost
};
struct AnswerReport {
    CallKey call;
    std::optional<TagStatus> status;  ///< when the report was about a token
    std::string reason;               ///< of a refusal
    std::optional<Money> amount;      ///< Mc of the charge
    std::string master_group{};       ///< as in AnswerAuthorize
};
struct RemoteStop {
    std::string station;
    std::int32_t transaction{0};
    std::string name;  ///< the charger's own name of it; empty when it goes by the number
};
/// The driver's amount moved: for the charger's display.
struct UpdateCost {
    std::string station;
    std::int32_t transaction{0};
    std::string name;  ///< as in RemoteStop
    Money amount{0};
};
/// Whether the charger still has messages of this transaction for us is wanted; the answer is
/// `ReportsPending`.
struct AskPending {
    std::string station;
    std::string name;
};
/// What is done for the sake of a transaction whose stop was ignored; `PressLost` says when it did
/// not leave.
struct UnlockConnector {
    std::string station;
    std::uint16_t connector{0};
    std::int32_t transaction{0};
};
struct ResetStation {
    std::string station;
    std::int32_t transaction{0};
};

}  // namespace tally::bridge
