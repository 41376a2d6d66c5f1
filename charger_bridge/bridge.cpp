#include "charger_bridge/bridge.h"

#include "charger_bridge/data_transfer.h"
#include "charger_bridge/key_change.h"
#include "charger_bridge/ocpp/fields.h"
#include "charger_bridge/ocpp/time_text.h"
#include "ledger/base/overloaded.h"
#include "node/runtime/logging.h"

#include <boost/json/object.hpp>

#include <utility>

namespace tally::bridge {

namespace json = boost::json;

namespace {

constexpr unsigned silence_factor{3};
constexpr std::chrono::milliseconds silence_of_proxied{86'400'000};

CoreConfig core_config(const BridgeConfig& config) {
    CoreConfig core;
    core.chain_id = config.chain_id;
    core.bridge_id = config.bridge_id;
    core.utc_offset_minutes = config.utc_offset_minutes;
    for (const ChargerConfig& charger : config.chargers) {
        core.stations.push_back(charger.station);
        for (const MeterConfig& meter : charger.meters) {
            core.meters[{charger.station.id, meter.connector}] = meter;
        }
    }
    // How often chargers say something is upstream's to set; pings end dead connections anyway.
    core.silence = config.upstream
                       ? silence_of_proxied
                       : std::chrono::milliseconds{config.heartbeat_interval * silence_factor};
    core.clock_ahead_max = config.clock_ahead_max;
    core.stop_delay_first = config.stop_delay;
    core.review_keep = config.review_keep;
    core.cut_off = config.cut_off;
    core.master = config.master;
    core.start_age_max = config.begin_back_max;
    core.warn_percent = config.warn_percent;
    core.ignored_stop = config.ignored_stop;
    core.ignored_stop_after = config.ignored_stop_after;
    core.stop_missing_after = config.stop_missing_after;
    core.stop_missing_free = config.stop_missing_free;
    core.transaction_first = config.upstream ? own_transaction_first : 1;
    return core;
}

}  // namespace

Bridge::Bridge(BridgeParts parts, const BridgeConfig& config)
    : m_parts{std::move(parts)},
      m_listen{config.ocpp_listen},
      m_plain_listen{config.plain_listen},
      m_tls_files{config.tls},
      m_heartbeat{config.heartbeat_interval},
      m_local_list{config.local_list_file, config.local_list_key},
      m_core{core_config(config), m_parts.key, m_parts.random},
      m_admission{
          AdmissionParts{m_parts.io, m_parts.store, m_parts.random, m_parts.metrics,
                         [this] { return now().mono; }, [this] { return now().wall; },
                         [this] { fail("admission"); },
                         [this](const StationConfig& station) { m_core.add_station(station); }},
          config},
      m_commit{m_parts.io, m_parts.store, [this] { fail("session"); }},
      m_calls{m_parts.metrics},
      m_takes_certificate_requests{config.takes_certificate_requests},
      m_timers{m_parts.io} {
    make_upstream(config);
    m_parts.metrics.on_collect([this](node::Metrics& metrics) {
        metrics.gauge("tally_bridge_stations_connected", "Chargers with an open connection")
            .set(static_cast<double>(m_stations.size()));
        metrics.gauge("tally_bridge_outbox_messages", "Durable messages the node does not have yet")
            .set(static_cast<double>(m_core.outbox().size()));
        const auto age = m_outbox_age.age(m_parts.clock.monotonic());
        metrics
            .gauge("tally_bridge_outbox_oldest_seconds",
                   "How long the oldest message has waited for the node")
            .set(std::chrono::duration<double>(age).count());
        metrics.gauge("tally_bridge_orphans", "Messages and charges kept for the operator")
            .set(static_cast<double>(m_core.orphans().all().size()));
        metrics.gauge("tally_bridge_review_waiting", "Charges held until an operator decides")
            .set(static_cast<double>(m_core.in_review().size()));
        metrics.gauge("tally_bridge_marked_stations", "Stations that wait for an operator")
            .set(static_cast<double>(m_core.marks().all().size()));
        const GroupCommit::Work& work = m_commit.work();
        metrics.gauge("tally_bridge_stored_steps", "Steps since the start that changed the store")
            .set(static_cast<double>(work.steps));
        metrics.gauge("tally_bridge_store_syncs", "Synced writes that these steps shared")
            .set(static_cast<double>(work.syncs));
        metrics.gauge("tally_bridge_node_connected", "1 while the link to the node is up")
            .set(m_core.is_node_connected() ? 1.0 : 0.0);
    });
}

Bridge::~Bridge() { stop(); }

Expected<Done, std::string> Bridge::load() {
    if (!m_tls_files.certificates.empty()) {
        auto tls = ServerTls::load(m_tls_files);
        if (!tls) {
            return Unexpected{tls.error()};
        }
        m_tls = std::move(tls).value();
    }
    const auto admitted = m_admission.load();
    if (!admitted) {
        return Unexpected{admitted.error()};
    }
    for (const StationConfig& station : *admitted) {
        m_core.add_station(station);
    }
    const auto loaded = m_core.load(m_parts.store);
    return loaded ? load_aliases() : loaded;
}

void Bridge::start() {
    SocketHandlers handlers;
    handlers.authenticate = [this](const Knock& knock, const std::function<void(bool)>& decide) {
        if (!m_passes_password) {
            m_admission.authenticate(knock, decide);
            return;
        }
        m_admission.authenticate(knock, [this, knock, decide](bool is_right) {
            if (is_right) {
                m_shown[knock.station] = knock.authorization;
            }
            decide(is_right);
        });
    };
    handlers.opened = [this](const std::string& station, SocketId socket,
                             std::string_view sub_protocol) {
        return opened(station, socket, sub_protocol);
    };
    handlers.received = [this](SocketId socket, std::string_view text) { received(socket, text); };
    handlers.closed = [this](SocketId socket, const std::string& why) { closed(socket, why); };
    handlers.rejected = [this](const std::string& why) {
        count("tally_bridge_rejected_connections_total", "Connections refused before OCPP",
              {{"why", why}});
        node::log_info("ocpp", "connection_rejected", {{"why", why}});
    };
    std::vector<ListenAt> listeners{{m_listen.host, m_listen.port, m_tls != nullptr}};
    if (m_plain_listen) {
        listeners.push_back({m_plain_listen->host, m_plain_listen->port, false});
    }
    m_server = std::make_unique<WebSocketServer>(m_parts.io, listeners, m_tls, std::move(handlers));
    tick();
}

void Bridge::stop() {
    m_timers.cancel_all();
    if (m_upstream) {
        m_upstream->stop();
    }
    if (m_server) {
        m_server->stop();
    }
}

std::uint16_t Bridge::ocpp_port() const { return m_server ? m_server->port() : 0; }

std::uint16_t Bridge::plain_port() const {
    return m_server && m_plain_listen ? m_server->port(1) : std::uint16_t{0};
}

void Bridge::reload_certificates() {
    if (!m_tls || !m_server) {
        return;
    }
    const auto tls = ServerTls::load(m_tls_files);
    count("tally_bridge_certificate_reloads_total", "Times certificates were read again",
          {{"outcome", tls ? "loaded" : "refused"}});
    if (!tls) {
        node::log_error("ocpp", "certificates_not_reloaded", {{"why", tls.error()}});
        return;
    }
    m_tls = *tls;
    m_server->use_tls(m_tls);
    node::log_info("ocpp", "certificates_reloaded");
}

Instant Bridge::now() const {
    return {m_parts.clock.now(),
            std::chrono::duration_cast<std::chrono::milliseconds>(m_parts.clock.monotonic())};
}

bool Bridge::knows(const std::string& station) const { return m_core.health().knows(station); }

void Bridge::count(const std::string& name, const std::string& help,
                   const node::MetricLabels& labels) {
    m_parts.metrics.counter(name, help, labels).add();
}

void Bridge::fail(const char* what) {
    m_failed = true;
    node::log_error("store", "write_failed", {{"what", what}});
    m_parts.storage_failed();
}

void Bridge::tick() {
    read_list();
    feed(Tick{});
    const std::chrono::milliseconds mono = now().mono;
    for (auto& [id, station] : m_stations) {
        PeerOutput output = station.peer.tick(mono);
        if (!output.is_empty()) {
            carry_out(id, std::move(output), {});
        }
        route(id, [mono](Route& route) { return route.tick(mono); });
    }
    m_timers.after(tick_interval, [this] { tick(); });
}

// ---- OCPP

void Bridge::carry_out(const std::string& id, PeerOutput output, std::string_view text) {
    if (deliver(id, output, text) && output.request) {
        dispatch(id, std::move(*output.request), text);
    }
}

bool Bridge::deliver(const std::string& id, PeerOutput& output, std::string_view text) {
    const auto found = m_stations.find(id);
    if (found == m_stations.end()) {
        return false;
    }
    const SocketId socket = found->second.socket;
    if (!output.refused.empty()) {
        count("tally_bridge_refused_messages_total", "Messages of chargers that break OCPP",
              {{"code", to_text(output.refused_code)}});
        node::log_warn(
            "ocpp", "message_refused",
            {{"station", id}, {"code", to_text(output.refused_code)}, {"rule", output.refused}});
        if (found->second.peer.translation().is_transaction_text(text)) {
            const char* const kind = output.request ? "irregular_message" : "refused_message";
            feed(Quarantined{id, kind, to_text(output.refused_code), std::string{text}});
        }
    }
    for (std::string& message : output.send) {
        send_to_charger(id, std::move(message));
    }
    for (const CommandReply& reply : output.replies) {
        finish(reply);
    }
    if (!output.close.empty()) {
        m_commit.when_stored(
            [this, socket, why = std::move(output.close)] { m_server->close(socket, why); });
        return false;
    }
    return true;
}

void Bridge::finish(const CommandReply& reply) {
    const std::string outcome = reply.result ? "answered" : reply.failure;
    count("tally_bridge_commands_total", "CALLs to chargers by outcome",
          {{"action", reply.action}, {"outcome", outcome}});
    const auto waiting = m_replies.find(reply.tag);
    if (waiting != m_replies.end()) {
        const ReplyHandler done = std::move(waiting->second);
        m_replies.erase(waiting);
        done(reply);
    }
}

void Bridge::dispatch(const std::string& id, Request request, std::string_view text) {
    m_calls.began(id, request.id, request.action, m_parts.clock.monotonic());
    Station& station = m_stations.at(id);
    const CallKey call{id, request.id};
    const bool is_boot = std::holds_alternative<BootFacts>(request.body);
    if (!is_boot && !station.triggered && station.peer.booted()) {
        ask_status(id, station);
    }
    station.triggered = true;
    const Overloaded handle{
        [&](const BootFacts& body) { boot(id, request, body); },
        [&](const HeartbeatFacts&) {
            json::object payload;
            payload["currentTime"] = time_to_text(now().wall);
            answer(call, payload);
        },
        [&](const StatusFacts& body) {
            feed(StatusReported{id, body});
            answer(call, {});
        },
        [&](const AuthorizeFacts& body) {
            feed(AuthorizeCalled{call, body.token, 0});
        },
        [&](const StartFacts& body) {
            feed(StartCalled{call, body, std::string{text}});
        },
        [&](const ValuesFacts& body) {
            feed(MeterValuesCalled{call, body, std::string{text}});
        },
        [&](const StopFacts& body) {
            feed(StopCalled{call, body, std::string{text}});
        },
        [&](const ReportFacts& body) {
            feed(TransactionReported{call, body, std::string{text}});
        },
        [&](const TransferFacts& body) { data_transfer(id, request, body); },
        [&](const NoticeFacts& body) {
            node::log_info("ocpp", "notice",
                           {{"station", id}, {"action", request.action}, {"status", body.status}});
            m_notices.add(id, {now().wall, request.action, std::string{text}});
            answer(call, take_certificate_request(id, request.action, text)
                             ? status_answer("Accepted")
                             : station.peer.translation().notice_answer(request.action));
        },
    };
    std::visit(handle, request.body);
}

void Bridge::ask_status(const std::string& id, Station& station) {
    const std::uint16_t connectors = m_core.health().connectors(id);
    for (Command& trigger : station.peer.translation().trigger_status(connectors)) {
        PeerOutput output = station.peer.command(std::move(trigger), now().mono);
        static_cast<void>(deliver(id, output, {}));
    }
}

void Bridge::note_boot(const std::string& id, const BootFacts& body) {
    node::log_info("ocpp", "booted",
                   {{"station", id},
                    {"vendor", body.vendor},
                    {"model", body.model},
                    {"firmware", body.firmware}});
    feed(StationBooted{id});
}

void Bridge::boot(const std::string& id, const Request& request, const BootFacts& body) {
    const BootHold* const hold = hold_of(id);
    if (hold == nullptr) {
        note_boot(id, body);
    } else {
        m_admission.tell_hold(id);
    }
    Peer& peer = m_stations.at(id).peer;
    peer.set_booted(hold == nullptr);
    const BootStatus status = hold != nullptr ? hold->status : BootStatus::accepted;
    answer({id, request.id}, peer.translation().boot_answer({now().wall, m_heartbeat, status}));
}

void Bridge::data_transfer(const std::string& id, const Request& request,
                           const TransferFacts& body) {
    const CallKey call{id, request.id};
    if (body.vendor != vendor_id) {
        answer(call, status_answer("UnknownVendorId"));
        return;
    }
    m_stations.at(id).spoke_tally = true;
    if (body.message == "Prepaid") {
        const std::optional<PrepaidStated> stated = prepaid_from_text(id, body.data);
        if (stated) {
            feed(*stated);
        }
        answer(call, status_answer(stated ? "Accepted" : "Rejected"));
        return;
    }
    std::optional<std::string> data;
    if (body.message == "Figures") {
        data = figures_text(m_core, id, body.data);
    } else if (body.message == "Reason") {
        data = refusal_text(m_core, id, body.data);
    } else {
        answer(call, status_answer("UnknownMessageId"));
        return;
    }
    json::object payload = status_answer(data ? "Accepted" : "Rejected");
    if (data) {
        payload["data"] = *data;
    }
    answer(call, payload);
}

void Bridge::answer(const CallKey& call, const json::object& payload) {
    const auto found = m_stations.find(call.station);
    if (found == m_stations.end() || m_failed) {
        return;  // The charger went away; it will ask again.
    }
    std::string text = found->second.peer.answer(call.id, payload);
    m_commit.when_stored([this, call, payload, text = std::move(text)]() mutable {
        m_calls.answered(call.station, call.id, payload, m_parts.clock.monotonic());
        if (!text.empty()) {
            deliver(call.station, std::move(text));
        }
    });
}

// ---- sessions

void Bridge::feed(const Event& event) {
    if (m_failed) {
        return;
    }
    Step step = m_core.step(now(), event);
    m_outbox_age.observe(m_core.outbox().next_sequence(), m_core.outbox().size(),
                         m_parts.clock.monotonic());
    if (step.changes.operations.empty() && step.effects.empty()) {
        return;
    }
    auto act = [this, effects = std::move(step.effects)] {
        for (const Effect& effect : effects) {
            std::visit([this](const auto& concrete) { apply(concrete); }, effect);
        }
    };
    m_commit.add(std::move(step.changes), step.must_sync, std::move(act));
}

void Bridge::apply(const Noted& effect) {
    if (std::string_view{effect.what}.starts_with("duplicate_")) {
        count("tally_bridge_duplicates_total", "Transaction messages that chargers repeated",
              {{"what", effect.what}});
    }
    count("tally_bridge_events_total", "What happened to sessions", {{"what", effect.what}});
    if (std::string_view{effect.what} == "signed_reading_invalid") {
        count("tally_bridge_invalid_signatures_total",
              "Signed meter readings that cannot be believed", {{"why", effect.detail}});
    }
    if (std::string_view{effect.what} == "prepaid_exceeded") {
        m_parts.metrics
            .counter("tally_bridge_prepaid_exceeded_units_total",
                     "What charges came to beyond their prepaid amounts, in 1/10000: our loss", {})
            .add(static_cast<double>(std::stoll(effect.detail)));
    }
    node::log_info(
        "session", effect.what,
        {{"station", effect.station}, {"session", effect.session}, {"detail", effect.detail}});
}

void Bridge::decide_review(const ReviewDecided& decision) {
    feed(decision);
    m_commit.flush();
}

void Bridge::watch_list_expiry() {
    const auto left = m_list_expiry.left(now().wall);
    if (!left) {
        return;
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*left).count();
    m_parts.metrics
        .gauge("tally_bridge_local_list_valid_seconds",
               "How long the local list in force is valid; below 0: it is not any more")
        .set(static_cast<double>(seconds));
    if (m_list_expiry.is_due(now().wall)) {
        node::log_warn("offline", seconds > 0 ? "local_list_ends_soon" : "local_list_ended",
                       {{"valid_seconds", seconds}});
    }
}

void Bridge::read_list() {
    watch_list_expiry();
    auto read = m_local_list.read_if_changed(now().mono);
    if (!read) {
        return;
    }
    if (*read) {
        node::log_info("offline", "local_list_read", {{"tokens", (*read)->limits.size()}});
        m_list_expiry.set((*read)->valid_until);
        feed(LocalListRead{std::move(*read).value()});
    } else {
        node::log_error("offline", "local_list_refused", {{"why", read->error()}});
    }
    m_parts.metrics.gauge("tally_bridge_local_list_good", "0: the list in the file was refused")
        .set(*read ? 1.0 : 0.0);
}

void Bridge::clear_mark(const MarkCleared& cleared) {
    feed(cleared);
    m_commit.flush();
}

void Bridge::node_connected() {
    node::log_info("node", "connected");
    m_node_trouble.reset();
    feed(NodeConnected{});
}

void Bridge::node_disconnected() {
    node::log_warn("node", "disconnected");
    feed(NodeDisconnected{});
}

void Bridge::node_said(const node::BridgeMessage& message) { feed(NodeSaid{message}); }

void Bridge::command(const std::string& station, Command command, ReplyHandler done) {
    const auto found = m_stations.find(station);
    if (found == m_stations.end()) {
        done(CommandReply{0, command.action, std::nullopt, "disconnected", false});
        return;
    }
    command.tag = m_next_tag++;
    m_replies[command.tag] = std::move(done);
    carry_out(station, found->second.peer.command(std::move(command), now().mono), {});
}

void Bridge::change_key(const std::string& station, const ReplyHandler& done) {
    const auto found = m_stations.find(station);
    if (found == m_stations.end()) {
        done(CommandReply{0, "change-key", std::nullopt, "disconnected"});
        return;
    }
    if (m_passes_password && is_proxied(station)) {
        done(CommandReply{0, "change-key", std::nullopt, "password_of_upstream"});
        return;
    }
    const auto key = m_admission.make_key(station);
    if (!key) {
        done(CommandReply{0, "change-key", std::nullopt, to_text(key.error())});
        return;
    }
    if (m_failed) {
        return;
    }
    const Translation* const translation = translation_of(station);
    const auto answered = [this, station, hash = key->hash, done](const CommandReply& reply) {
        if (reply.result && has_refused_key(*reply.result)) {
            m_admission.drop_key(station, hash);
        }
        node::log_info("ocpp", "key_change_answered", {{"station", station}});
        done(reply);
    };
    command(station, key_command(translation->sub_protocol(), key->hex), answered);
}

bool Bridge::reset_keys(const std::string& station) { return m_admission.reset_keys(station); }

std::int32_t Bridge::next_start_number() {
    if (m_next_start == 0) {  // Not those of the process before.
        m_next_start = static_cast<std::int32_t>((now().wall / 1000) & 0x3fffffff);
    }
    return ++m_next_start;
}

void Bridge::want_stop(const std::string& station, std::int32_t transaction) {
    feed(StopWanted{station, transaction});
    m_commit.flush();
}

}  // namespace tally::bridge
