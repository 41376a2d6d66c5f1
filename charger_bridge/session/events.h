#pragma once

// What can happen to the sessions of a site, and what they ask for in return.

#include "charger_bridge/session/facts.h"
#include "charger_bridge/session/local_list.h"
#include "charger_bridge/session/session.h"
#include "ledger/base/key_value_store.h"
#include "node/link/bridge_messages.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tally::bridge {

// ---- events

struct AuthorizeCalled {
    CallKey call;
    std::string token;
    std::uint16_t connector{0};  ///< 0: not said
};
struct StartCalled {
    CallKey call;
    StartFacts facts;
    std::string text;  ///< the whole message as received, for the evidence
};
struct MeterValuesCalled {
    CallKey call;
    ValuesFacts facts;
    std::string text;
};
struct StopCalled {
    CallKey call;
    StopFacts facts;
    std::string text;
};
struct TransactionReported {
    CallKey call;
    ReportFacts facts;
    std::string text;
};
/// The charger says whether more messages of this transaction wait with it.
struct ReportsPending {
    std::string station;
    std::string transaction;
    bool more{false};
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
    StatusFacts facts;
};
/// Another central system's transaction began there.
struct ConnectorTaken {
    std::string station;
    std::uint16_t connector{0};
};
struct StationBooted {
    std::string station;
};
/// It is no charger of the site any more.
struct StationForgotten {
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
/// An UnlockConnector or ResetStation was dropped before it was sent to the charger.
struct PressLost {
    std::string station;
    std::int32_t transaction{0};
};
/// An operator decided about a charge that was held. A release that `why_not_releasable` forbids
/// changes nothing.
struct ReviewDecided {
    std::uint64_t number{0};
    bool release{false};  ///< else rejected
    std::string by;       ///< at most `review_by_bytes_max`
    std::string why;      ///< at most `review_why_bytes_max`
};
/// The operator's list of tokens that may charge while the node is away; its signature is right.
struct LocalListRead {
    LocalList list;
};
/// An operator looked at a marked station: it may be used again.
struct MarkCleared {
    std::string station;
    std::string by;
    std::string why;
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
    std::variant<AuthorizeCalled, StartCalled, MeterValuesCalled, StopCalled, TransactionReported,
                 ReportsPending, PrepaidStated, StatusReported, ConnectorTaken, StationBooted,
                 StationForgotten, StationConnected, StationDisconnected, StationHeard,
                 NodeConnected, NodeDisconnected, NodeSaid, StopWanted, PressLost, ReviewDecided,
                 MarkCleared, LocalListRead, Quarantined, Tick>;

// ---- effects

struct SendToNode {
    node::BridgeMessage message;
};
/// A fact for log and metrics; `what` is a snake_case literal from a bounded set.
struct Noted {
    const char* what{""};
    std::string station;
    std::string session;
    std::string detail;
};

using Effect = std::variant<AnswerAuthorize, AnswerStart, AnswerMeterValues, AnswerStop,
                            AnswerReport, SendToNode, RemoteStop, AskPending, UpdateCost,
                            UnlockConnector, ResetStation, Noted>;

/// The outcome of one event. `changes` must be on disk, synced when `must_sync`, before the first
/// effect is carried out; effects go in order.
struct Step {
    WriteBatch changes;
    bool must_sync{false};
    std::vector<Effect> effects;
};

}  // namespace tally::bridge
