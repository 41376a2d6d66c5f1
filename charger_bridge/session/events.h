#pragma once

// What can happen to the sessions of a site, and what they ask for in return.

#include "charger_bridge/ocpp/messages.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"
#include "node/link/bridge_messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::bridge {

/// Names one request of a charger that waits for its answer.
struct CallKey {
    std::string station;
    std::string id;
    friend bool operator==(const CallKey&, const CallKey&) = default;
};

// ---- events

struct AuthorizeCalled {
    CallKey call;
    Authorize body;
};
struct StartCalled {
    CallKey call;
    StartTransaction body;
    std::string text;  ///< the whole message as received, for the evidence
};
struct MeterValuesCalled {
    CallKey call;
    MeterValues body;
    std::string text;
};
struct StopCalled {
    CallKey call;
    StopTransaction body;
    std::string text;
};
/// DataTransfer tally/Prepaid: what the next driver at the station (connector 0) or at one of its
/// connectors wants to prepay.
struct PrepaidStated {
    std::string station;
    std::uint16_t connector{0};
    Money amount{0};
};
struct StatusReported {
    std::string station;
    StatusNotification body;
};
struct StationBooted {
    std::string station;
};
struct StationConnected {
    std::string station;
};
struct StationDisconnected {
    std::string station;
};
/// Any message; keeps silence detection quiet.
struct StationHeard {
    std::string station;
};
struct NodeConnected {};
struct NodeDisconnected {};
struct NodeSaid {
    node::BridgeMessage message;
};
/// The operator at the site wants a charge ended.
struct StopWanted {
    std::string station;
    std::int32_t transaction{0};
};
/// Keep a refused transaction message for the operator.
struct Quarantined {
    std::string station;
    std::string kind;
    std::string detail;
    std::string text;
};
/// At least once a second.
struct Tick {};

using Event =
    std::variant<AuthorizeCalled, StartCalled, MeterValuesCalled, StopCalled, PrepaidStated,
                 StatusReported, StationBooted, StationConnected, StationDisconnected, StationHeard,
                 NodeConnected, NodeDisconnected, NodeSaid, StopWanted, Quarantined, Tick>;

// ---- effects

/// What OCPP calls the status of an idTagInfo.
enum class TagStatus : std::uint8_t { accepted, blocked, invalid, concurrent_tx };
[[nodiscard]] const char* to_text(TagStatus status);

struct AnswerAuthorize {
    CallKey call;
    TagStatus status{TagStatus::invalid};
};
struct AnswerStart {
    CallKey call;
    std::int32_t transaction{0};
    TagStatus status{TagStatus::invalid};
};
struct AnswerMeterValues {
    CallKey call;
};
struct AnswerStop {
    CallKey call;
    bool with_tag{false};  ///< the request named an idTag
};
struct SendToNode {
    node::BridgeMessage message;
};
struct RemoteStop {
    std::string station;
    std::int32_t transaction{0};
};
/// A fact for log and metrics; `what` is a snake_case literal from a bounded set.
struct Noted {
    const char* what{""};
    std::string station;
    std::string session;
    std::string detail;
};

using Effect = std::variant<AnswerAuthorize, AnswerStart, AnswerMeterValues, AnswerStop, SendToNode,
                            RemoteStop, Noted>;

/// The outcome of one event. `changes` must be on disk, synced when `must_sync`, before the first
/// effect is carried out; effects go in order.
struct Step {
    WriteBatch changes;
    bool must_sync{false};
    std::vector<Effect> effects;
};

}  // namespace tally::bridge
