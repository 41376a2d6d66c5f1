#pragma once

// What a charger bridge and its operator's node say to each other over one link. Plain values; the
// wire form is node/link/bridge.proto (one frame each), converted only in bridge_messages.cpp.
//
// Delivery: messages marked *durable* carry a sequence number of their sender's outbox, are sent
// again after every reconnect until the receiver has acknowledged them with `Acknowledge` (which it
// sends only after what they caused is synced), and are recognised by the number when they come
// twice. The others are only worth something now and are dropped when the link is down.

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"
#include "ledger/model/tariff.h"
#include "node/link/figures.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::node {

/// Names one swipe (and the session that may follow from it), made by the bridge: 16 random bytes.
/// It is the session id of the HTTP API, in hexadecimal.
using SessionId = FixedBytes<16, struct SessionIdTag>;

/// What a reader gives: OCPP 2.0.1 idToken; 20 in 1.6.
inline constexpr std::size_t token_bytes_max{36};
inline constexpr std::size_t bridge_frame_bytes_max{1024UL * 1024};
inline constexpr std::size_t bridge_stations_max{4096};
inline constexpr std::size_t station_connectors_max{64};
/// Longest reason, state or error code: printable ASCII, may be empty.
inline constexpr std::size_t bridge_text_bytes_max{64};

/// What the bridge knows about a connector, as the health check of the visited operator needs it.
enum class ConnectorHealth : std::uint8_t {
    available = 1,
    occupied = 2,     ///< a charge is going on, or the connector is reserved or finishing
    unavailable = 3,  ///< taken out of service
    faulted = 4,
    silent = 5,   ///< the station has not been heard for longer than it should
    unknown = 6,  ///< not configured here, or never reported
};
[[nodiscard]] const char* to_text(ConnectorHealth health);

struct ConnectorState {
    std::uint16_t connector{0};
    ConnectorHealth health{ConnectorHealth::unknown};
    std::string error_code;  ///< OCPP errorCode, empty when none
};

// ---- bridge -> node

/// First message after the link is up: who this is and what it serves.
struct BridgeHello {
    std::string bridge_id;
    std::vector<std::string> stations;
};

/// A driver presented a token. Answered by AuthorizeResult within the time budget (8 s).
/// Idempotent by `session`: asking again gives the same answer.
struct AuthorizeRequest {
    SessionId session;
    std::string station;
    std::uint16_t connector{0};          ///< 0: not known yet (Authorize before StartTransaction)
    std::string token;                   ///< "PTY-UID", upper case
    std::optional<Money> prepaid;        ///< what the driver asked to prepay, tax included
    std::vector<ConnectorState> health;  ///< of the station, connector 0 is the whole station
    /// The charge began while the bridge was cut off: asked afterwards, whatever the health is now.
    bool charged_already{false};
};

/// Durable. The charge began on a connector; the node puts StartCharge on the ledger.
struct ChargeStarted {
    std::uint64_t sequence{0};
    SessionId session;
    AuthorizationRef authorization;
    std::uint16_t connector{0};
    std::string evse_id;
    MeterReading begin;
};

/// Live figures, see design section 7. Not durable: the next one replaces it.
struct ChargeProgress {
    SessionId session;
    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};  ///< Mc
    UnixMillis time{0};      ///< of the meter value, the charger's clock
};

/// Durable. The charge ended; the node puts RecordCharge on the ledger.
struct ChargeEnded {
    std::uint64_t sequence{0};
    SessionId session;
    MeteredCharge metered;
    std::string stop_reason;  ///< OCPP reason: "Local", "Remote", "EVDisconnected", ...
};

/// Durable. An approval will not be used (timed out, cancelled); the node releases it.
struct ApprovalUnused {
    std::uint64_t sequence{0};
    SessionId session;
};

/// Health changed, or a station came or went. Sent as it happens and after BridgeHello.
struct StationState {
    std::string station;
    bool connected{false};
    std::vector<ConnectorState> connectors;
};

// ---- node -> bridge

/// The answer to a swipe. `accepted` only when the approval is final on the ledger.
struct AuthorizeResult {
    SessionId session;
    bool accepted{false};
    std::string reason;  ///< when refused: "insufficient_balance", "charger_faulted", ...
    // When accepted:
    AuthorizationRef authorization;
    Money prepaid{0};  ///< Mp
    UnixMillis start_by{0};
    /// What each EVSE of the station will be charged by.
    struct Evse {
        std::uint16_t connector{0};
        std::string evse_id;
        std::uint32_t rated_power_w{0};
        std::string meter_serial;
        std::uint32_t meter_epoch{0};
        TariffRef tariff_ref;
        Tariff tariff;
        Bytes meter_public_key{};  ///< as registered; empty: the meter does not sign
        /// b of the driver's figures, 0 to `coefficient_permille_max`.
        std::int64_t coefficient_permille{coefficient_permille_default};
    };
    std::vector<Evse> evses;
};

/// End a charge now (operator's wish through the API, or Mp seen exhausted by the node).
struct StopCharge {
    SessionId session;
    std::string reason;
};

/// Where a charge stands on the ledger, for the bridge's own page and driver display.
struct SessionNotice {
    SessionId session;
    std::string state;  ///< as in the HTTP API: "charging", "recorded", "settled", ...
};

/// Everything up to `sequence` of the receiver's outbox is safe here (both directions).
struct Acknowledge {
    std::uint64_t sequence{0};
};

using BridgeMessage = std::variant<BridgeHello, AuthorizeRequest, ChargeStarted, ChargeProgress,
                                   ChargeEnded, ApprovalUnused, StationState, AuthorizeResult,
                                   StopCharge, SessionNotice, Acknowledge>;

/// Why bytes are not a bridge message. The sender broke the protocol: cut it off.
enum class MessageError : std::uint8_t {
    too_large,      ///< above `bridge_frame_bytes_max`
    malformed,      ///< not strict protobuf, see ledger/model/wire_check.h
    unknown_field,  ///< at any depth
    out_of_range,   ///< a value, text or list beyond its bound, or a part that is missing
};
[[nodiscard]] const char* to_text(MessageError error);

[[nodiscard]] Bytes encode_bridge_message(const BridgeMessage& message);
/// Accepts only what obeys every bound: a refused AuthorizeResult carries nothing of an approval,
/// an accepted one no reason.
[[nodiscard]] Expected<BridgeMessage, MessageError> decode_bridge_message(ByteView bytes);

}  // namespace tally::node
