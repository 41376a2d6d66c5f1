#pragma once

// The chargers' central system at one site: joins websocket server, OCPP, sessions, store and node.

#include "charger_bridge/admission.h"
#include "charger_bridge/call_meter.h"
#include "charger_bridge/certificate_requests.h"
#include "charger_bridge/config.h"
#include "charger_bridge/group_commit.h"
#include "charger_bridge/local_list_file.h"
#include "charger_bridge/node_trouble.h"
#include "charger_bridge/notices.h"
#include "charger_bridge/ocpp/credentials.h"
#include "charger_bridge/ocpp/peer.h"
#include "charger_bridge/ocpp/translation.h"
#include "charger_bridge/proxy/route.h"
#include "charger_bridge/proxy/session_book.h"
#include "charger_bridge/proxy/upstream.h"
#include "charger_bridge/server/websocket_server.h"
#include "charger_bridge/session/core.h"
#include "ledger/base/clock.h"
#include "ledger/base/key_value_store.h"
#include "node/runtime/asio_timers.h"
#include "node/runtime/metrics.h"

#include <boost/json/value.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace tally::bridge {

/// Replacements of a station's connection by a newer one that are allowed in `swap_window`; more
/// look like two chargers with one id, and the newcomer is refused.
inline constexpr std::size_t swaps_max{10};
inline constexpr std::chrono::minutes swap_window{10};
inline constexpr std::chrono::milliseconds tick_interval{250};

/// The way to the operator's node; node_line.h has the real one.
class NodeLine {
public:
    virtual ~NodeLine() = default;
    /// False when the link is down or full; what is durable comes again after the next reconnect.
    virtual bool send(const node::BridgeMessage& message) = 0;
};

/// What the bridge stands on; all of it must outlive the bridge.
struct BridgeParts {
    boost::asio::io_context& io;
    KeyValueStore& store;
    const Clock& clock;
    Random& random;
    Signer& key;
    node::Metrics& metrics;
    NodeLine& node;
    /// A write failed: nothing may be acknowledged any more, the process must end.
    std::function<void()> storage_failed;
};

/// What came of forgetting a charger.
enum class Forgotten : std::uint8_t { yes, listed, charging };

/// Durability: the changes of every step are on disk before its answers leave; steps of one turn of
/// the loop share a write. Threads: one, the io_context's.
class Bridge {
public:
    using ReplyHandler = std::function<void(const CommandReply&)>;

    Bridge(BridgeParts parts, const BridgeConfig& config);
    ~Bridge();
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    /// Restores the sessions; the error says what in the store is wrong.
    [[nodiscard]] Expected<Done, std::string> load();
    /// Listens for chargers (throws std::system_error when the port is taken) and starts ticking.
    void start();
    void stop();
    [[nodiscard]] std::uint16_t ocpp_port() const;
    /// Of the listener without TLS that stands beside the one with it; 0 without one.
    [[nodiscard]] std::uint16_t plain_port() const;
    /// Reads the certificate files again, for new connections. When they are wrong the old ones
    /// stay in use.
    void reload_certificates();

    // From the node.
    void node_connected();
    void node_disconnected();
    /// Shown until the link is up.
    void node_not_reached(const NodeTrouble& trouble) { m_node_trouble = trouble; }
    void node_said(const node::BridgeMessage& message);

    /// What was fed is on disk when it returns, unless the storage failed. To be called before what
    /// `core` and `store` say is shown to anybody.
    void flush() { m_commit.flush(); }

    // For the API.
    [[nodiscard]] SessionCore& core() { return m_core; }
    [[nodiscard]] const KeyValueStore& store() const { return m_parts.store; }
    [[nodiscard]] Instant now() const;
    [[nodiscard]] bool knows(const std::string& station) const;
    [[nodiscard]] bool is_failed() const { return m_failed; }
    /// Why there is no link to the node, once it is known.
    [[nodiscard]] const std::optional<NodeTrouble>& node_trouble() const { return m_node_trouble; }
    [[nodiscard]] const Notices& notices() const { return m_notices; }
    /// The version that a connected station speaks; nullptr when it is away.
    [[nodiscard]] const Translation* translation_of(const std::string& station) const;
    /// Whether the connection to the other central system is open; nothing for a charger that has
    /// none.
    [[nodiscard]] std::optional<bool> upstream_state(const std::string& station) const;
    /// Names a remote start; not the same one again before 2^31 of them.
    [[nodiscard]] std::int32_t next_start_number();
    /// Sends a CALL; `done` is called once, also when the station is away.
    void command(const std::string& station, Command command, ReplyHandler done);
    /// Gives the charger a new key: made, stored, then sent. `done` as for `command`; its failure
    /// is also the name of a `NoKey`.
    void change_key(const std::string& station, const ReplyHandler& done);
    /// Forgets the keys that were made for a charger: its configured password is valid again. False
    /// when there were none.
    [[nodiscard]] bool reset_keys(const std::string& station);
    /// Asks for the end of a charge and repeats it until the charger stops.
    void want_stop(const std::string& station, std::int32_t transaction);
    // Both are on disk when they return, unless the storage failed.
    void decide_review(const ReviewDecided& decision);
    void clear_mark(const MarkCleared& cleared);

    // Which chargers are served (bridge_holds.cpp)
    [[nodiscard]] const BootHold* hold_of(const std::string& station) const;
    /// Takes effect when the charger boots, which it is asked to do at once.
    void hold(const std::string& station, BootHold hold);
    /// False when it was not on hold.
    [[nodiscard]] bool lift_hold(const std::string& station);
    /// Only of a charger that a rule let in, and that has no open charge.
    [[nodiscard]] Forgotten forget(const std::string& station);
    /// What a charger answered to a command: a certificate that it took is not asked for any more.
    void note_certificate(const std::string& station, const CommandReply& answer);
    [[nodiscard]] const CertificateRequests& certificate_requests() const {
        return m_certificate_requests;
    }

private:
    /// Of a station behind which another central system stands.
    struct Proxied {
        Proxied(const Translation& translation, SessionCore& core, const std::string& station,
                AliasMap& aliases, RouteConfig config, std::chrono::milliseconds now);
        SessionBook book;
        Route route;
    };
    struct Station {
        SocketId socket;
        Peer peer;
        bool spoke_tally{false};  ///< sent a DataTransfer of ours: its display understands them
        bool triggered{false};    ///< asked once for its status, when it came back without booting
        std::unique_ptr<Proxied> proxied;
    };

    // Sockets
    bool opened(const std::string& station, SocketId socket, std::string_view sub_protocol);
    void received(SocketId socket, std::string_view text);
    void closed(SocketId socket, const std::string& why);
    [[nodiscard]] bool may_swap(const std::string& station);
    [[nodiscard]] std::uint64_t draw_salt();
    void replace(const std::string& station, SocketId gone);

    // OCPP
    void carry_out(const std::string& id, PeerOutput output, std::string_view text);
    /// All but a request of the charger. False when the connection ends or is gone.
    bool deliver(const std::string& id, PeerOutput& output, std::string_view text);
    void dispatch(const std::string& id, Request request, std::string_view text);
    void boot(const std::string& id, const Request& request, const BootFacts& body);
    void note_boot(const std::string& id, const BootFacts& body);
    void data_transfer(const std::string& id, const Request& request, const TransferFacts& body);
    void ask_status(const std::string& id, Station& station);
    void answer(const CallKey& call, const boost::json::object& payload);
    /// The answer in the version that the charger speaks now.
    template <typename Effect>
    void answer_with(const Effect& effect);
    /// The same where a token is accepted or refused.
    template <typename Effect>
    void answer_token(const Effect& effect, TagStatus status);
    void finish(const CommandReply& reply);
    /// Whether a charger that connects goes on without booting.
    [[nodiscard]] bool is_served(const std::string& station) const;
    void ask_to_boot(const std::string& station);
    [[nodiscard]] bool take_certificate_request(const std::string& station,
                                                const std::string& action, std::string_view text);

    // The other central system (bridge_upstream.cpp)
    void make_upstream(const BridgeConfig& config);
    [[nodiscard]] Expected<Done, std::string> load_aliases();
    [[nodiscard]] bool is_proxied(const std::string& station) const;
    [[nodiscard]] std::unique_ptr<Proxied> make_proxied(const std::string& station,
                                                        const Translation& translation,
                                                        std::uint64_t salt);
    void open_upstream(const std::string& station, std::string_view sub_protocol);
    void route(const std::string& station, const std::function<RouteOutput(Route&)>& step);
    void carry_out_route(const std::string& id, const RouteOutput& output);
    /// Behind what waits to be stored.
    void send_to_charger(const std::string& id, std::string text);
    void deliver(const std::string& id, std::string text);
    /// A refusal that is not for the charger: it was upstream's to decide.
    [[nodiscard]] bool taken_back(const CallKey& call, const boost::json::object& refusal);

    // Sessions
    void feed(const Event& event);
    void apply(const AnswerAuthorize& effect);
    void apply(const AnswerStart& effect);
    void apply(const AnswerMeterValues& effect);
    void apply(const AnswerStop& effect);
    void apply(const SendToNode& effect);
    void apply(const AnswerReport& effect);
    void apply(const AskPending& effect);
    void apply(const RemoteStop& effect);
    void apply(const UpdateCost& effect);
    /// Says when it did not leave.
    template <typename Effect>
    void press(const Effect& effect);
    void apply(const UnlockConnector& effect);
    void apply(const ResetStation& effect);
    void apply(const Noted& effect);

    void tick();
    void read_list();
    void watch_list_expiry();
    void fail(const char* what);
    void count(const std::string& name, const std::string& help, const node::MetricLabels& labels);

    BridgeParts m_parts;
    node::HostPort m_listen;
    std::optional<node::HostPort> m_plain_listen;
    TlsFiles m_tls_files;
    std::shared_ptr<const ServerTls> m_tls;
    std::chrono::seconds m_heartbeat;
    LocalListFile m_local_list;
    ListExpiry m_list_expiry;
    SessionCore m_core;
    Admission m_admission;
    GroupCommit m_commit;
    CallMeter m_calls;
    OutboxAge m_outbox_age;
    std::map<std::string, AliasMap> m_aliases;
    std::map<std::string, Station> m_stations;
    std::map<SocketId, std::string> m_sockets;
    std::map<std::string, std::deque<std::chrono::milliseconds>> m_swaps;
    std::map<std::uint64_t, ReplyHandler> m_replies;
    std::uint64_t m_next_tag{1};
    std::int32_t m_next_start{0};
    Notices m_notices;
    bool m_takes_certificate_requests;
    CertificateRequests m_certificate_requests;
    bool m_failed{false};
    std::optional<NodeTrouble> m_node_trouble;
    std::set<std::string> m_unproxied;  ///< stations that have no other central system
    std::vector<std::string> m_unknown_statuses;
    bool m_passes_password{false};
    std::map<std::string, std::string> m_shown;  ///< authorizations, where they are passed on
    std::unique_ptr<UpstreamLines> m_upstream;
    node::AsioTimers m_timers;
    std::unique_ptr<WebSocketServer> m_server;
};

}  // namespace tally::bridge
