#include "node/link/link_hub.h"

#include "ledger/base/check.h"
#include "node/link/frame_codec.h"
#include "node/runtime/logging.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace tally::node {

using asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds accept_retry_delay{100};
constexpr std::chrono::milliseconds tick_min{5};
constexpr std::chrono::milliseconds tick_max{250};
/// A tick this late means that our own thread was held up (or the process stopped).
constexpr std::chrono::milliseconds held_up_after{1000};
/// Keys barred at once; a barred key was admitted before, so there are no more than members.
constexpr std::size_t barred_max{1024};

std::chrono::milliseconds tick_interval(const LinkConfig& config) {
    const auto quarter = std::min(config.heartbeat_interval, config.silence_max) / 4;
    return std::clamp(quarter, tick_min, tick_max);
}

/// Enough of a key to tell peers apart in a log.
std::string short_name(const PublicKey& key) { return to_hex(key).substr(0, 16); }

std::string name_of(const PeerIdentity& identity) {
    return identity.member ? to_text(*identity.member) : identity.bridge_id;
}

}  // namespace

LinkHub::Impl::Impl(asio::io_context& io, LinkConfig config, Signer& link_key,
                    LinkHandlers handlers)
    : m_io{io},
      m_config{std::move(config)},
      m_handlers{std::move(handlers)},
      m_dialer_tls{make_dialer_tls()},
      m_listener_tls{make_listener_tls()},
      m_settings{m_config, link_key, m_dialer_tls.get(), m_listener_tls.get()},
      m_acceptor{io},
      m_timers{io},
      m_dialer{io,
               {m_config.reconnect_min, m_config.reconnect_max},
               m_random,
               [this](const DialTarget& target) { dial(target); }},
      m_limiter{m_config.accepts_per_second, m_config.accepts_burst},
      m_loopback_limiter{m_config.loopback_accepts_per_second, m_config.loopback_accepts_burst} {
    ENSURE(m_handlers.admit && m_handlers.connected && m_handlers.disconnected &&
           m_handlers.received);
}

LinkHub::Impl::~Impl() { stop(); }

void LinkHub::Impl::start() {
    if (!m_config.listen_host.empty()) {
        listen();
        accept_next();
    }
    m_dialer.set_targets(m_config.targets);
    m_last_tick = steady_clock::now();
    tick_later();
}

void LinkHub::Impl::listen() {
    const std::string& host = m_config.listen_host;
    try {
        const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host);
        const tcp::endpoint endpoint{address, m_config.listen_port};
        m_acceptor.open(endpoint.protocol());
        m_acceptor.set_option(asio::socket_base::reuse_address{true});
        m_acceptor.bind(endpoint);
        m_acceptor.listen();
        m_port = m_acceptor.local_endpoint().port();
    } catch (const boost::system::system_error& failure) {
        throw std::system_error{failure.code(), "cannot listen for links on " + host + ':' +
                                                    std::to_string(m_config.listen_port)};
    }
}

void LinkHub::Impl::stop() {
    if (m_stopped) {
        return;
    }
    m_stopped = true;
    ErrorCode ignored;
    m_acceptor.close(ignored);
    m_dialer.stop();
    m_timers.cancel_all();
    for (const auto& [key, link] : m_links) {
        link.connection->shut_down();
    }
    for (const auto& [pointer, other] : m_others) {
        other.connection->abandon();
    }
    m_links.clear();
    m_others.clear();
    m_pre_auth = 0;
}

void LinkHub::Impl::accept_next() {
    // A handler that is already queued runs even after the acceptor is gone.
    const std::weak_ptr<Done> alive{m_alive};
    m_acceptor.async_accept([this, alive](const ErrorCode& error, tcp::socket socket) {
        if (alive.expired() || m_stopped) {
            return;
        }
        if (!error) {
            accepted(std::move(socket));
            accept_next();
            return;
        }
        m_timers.after(accept_retry_delay, [this] { accept_next(); });  // Out of descriptors.
    });
}

/// Bounds come before TLS: a handshake costs a millisecond.
void LinkHub::Impl::accepted(tcp::socket socket) {
    ErrorCode error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error || m_stopped) {
        return;
    }
    ++m_metrics.accepted;
    AcceptLimiter& limiter = remote.address().is_loopback() ? m_loopback_limiter : m_limiter;
    if (!limiter.admit(remote.address().to_string(), steady_clock::now())) {
        count(LinkRefusal::rate_limited);
        return;
    }
    if (m_pre_auth >= m_config.pre_auth_max) {
        count(LinkRefusal::pre_auth_full);
        return;
    }
    const auto connection = make_accepted_connection(m_io, m_settings, std::move(socket), *this);
    ++m_pre_auth;
    m_others[connection.get()] = {connection, false};
    connection->start();
}

void LinkHub::Impl::dial(const DialTarget& target) {
    ++m_metrics.dialed;
    const auto connection = make_dialed_connection(m_io, m_settings, target, *this);
    m_others[connection.get()] = {connection, false};
    connection->start();
}

/// Both ends come to the same verdict, whatever order things happen in.
bool LinkHub::Impl::keeps_existing(const PublicKey& key, bool dialed_by_us) const {
    const auto found = m_links.find(key);
    if (found == m_links.end()) {
        return false;
    }
    const bool existing_is_ours = found->second.connection->dialed_by_us();
    if (existing_is_ours == dialed_by_us) {
        return false;  // Its dialer would not dial again if it still had the old one.
    }
    const bool ours_is_preferred = m_settings.signer.public_key() < key;
    return existing_is_ours == ours_is_preferred;
}

std::optional<PeerIdentity> LinkHub::Impl::identify(const PublicKey& key) {
    const auto barred = m_barred.find(key);
    if (barred != m_barred.end()) {
        if (steady_clock::now() < barred->second) {
            return std::nullopt;
        }
        m_barred.erase(barred);
    }
    return m_handlers.admit(key);
}

std::optional<LinkRefusal> LinkHub::Impl::admission(const PublicKey& key, bool dialed_by_us) {
    if (m_stopped) {
        return LinkRefusal::stopped;
    }
    if (!identify(key)) {
        return LinkRefusal::not_admitted;
    }
    if (keeps_existing(key, dialed_by_us)) {
        return LinkRefusal::duplicate;
    }
    return std::nullopt;
}

std::optional<LinkRefusal> LinkHub::Impl::ready(Connection& connection) {
    const PublicKey key = connection.peer_key();
    if (const std::optional<LinkRefusal> refusal = admission(key, connection.dialed_by_us())) {
        return refusal;
    }
    const std::optional<PeerIdentity> identity = identify(key);
    ENSURE(identity.has_value());
    drop_link(key, LinkRefusal::replaced);
    const auto other = m_others.find(&connection);
    if (other == m_others.end()) {
        return LinkRefusal::stopped;  // By the handler of the replaced link.
    }
    const TimePoint now = steady_clock::now();
    m_links[key] = {std::move(other->second.connection), *identity, now, renewal_time(now)};
    m_others.erase(other);
    if (!connection.dialed_by_us()) {
        --m_pre_auth;
    }
    ++m_metrics.established;
    m_dialer.connected(key);
    log_info("link", "connected",
             {{"peer", short_name(key)},
              {"name", name_of(*identity)},
              {"dialed", connection.dialed_by_us()}});
    m_handlers.connected(*identity);
    return std::nullopt;
}

void LinkHub::Impl::received(Connection& connection, std::uint8_t kind, Bytes body) {
    const auto found = m_links.find(connection.peer_key());
    if (found == m_links.end() || found->second.connection.get() != &connection) {
        return;  // Replaced while its last frames were still coming.
    }
    FrameCounts& counts = counts_of(kind);
    ++counts.received;
    counts.received_bytes += body.size();
    const PeerIdentity identity = found->second.identity;  // The handler may end the link.
    m_handlers.received(identity, static_cast<FrameKind>(kind), std::move(body));
}

void LinkHub::Impl::announce_end(const Link& link, LinkRefusal reason) {
    const auto lived =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - link.since);
    m_dialer.lost(link.identity.link_key, lived);
    log_info("link", "disconnected",
             {{"peer", short_name(link.identity.link_key)},
              {"name", name_of(link.identity)},
              {"reason", to_text(reason)}});
    m_handlers.disconnected(link.identity);
}

/// Takes a link out of use now; its connection ends in its own time.
void LinkHub::Impl::drop_link(const PublicKey& key, LinkRefusal reason) {
    const auto found = m_links.find(key);
    if (found == m_links.end()) {
        return;
    }
    const Link link = std::move(found->second);
    m_links.erase(found);
    m_others[link.connection.get()] = {link.connection, true};
    link.connection->close(reason);
    announce_end(link, reason);
}

void LinkHub::Impl::ended(Connection& connection, LinkRefusal reason) {
    count(reason);
    m_metrics.writes += connection.writes();
    const PublicKey key = connection.peer_key();
    const auto found = m_links.find(key);
    if (found != m_links.end() && found->second.connection.get() == &connection) {
        const Link link = std::move(found->second);
        m_links.erase(found);
        announce_end(link, reason);
        return;
    }
    const auto other = m_others.find(&connection);
    ENSURE(other != m_others.end());
    const bool was_link = other->second.was_link;
    m_others.erase(other);
    if (was_link) {
        return;
    }
    log_debug("link", "refused",
              {{"reason", to_text(reason)}, {"dialed", connection.dialed_by_us()}});
    if (connection.dialed_by_us()) {
        m_dialer.failed(key);
        if (m_handlers.not_connected) {
            m_handlers.not_connected(key, reason);
        }
    } else {
        --m_pre_auth;
    }
}

void LinkHub::Impl::recheck() {
    std::vector<PublicKey> removed;
    for (const auto& [key, link] : m_links) {
        const std::optional<PeerIdentity> identity = identify(key);
        if (!identity || *identity != link.identity) {
            removed.push_back(key);
        }
    }
    for (const PublicKey& key : removed) {
        drop_link(key, LinkRefusal::removed);
    }
}

void LinkHub::Impl::disconnect(const PublicKey& peer, const char* reason) {
    log_warn("link", "peer_broke_protocol", {{"peer", short_name(peer)}, {"reason", reason}});
    if (m_barred.size() >= barred_max) {
        m_barred.clear();
    }
    m_barred[peer] = steady_clock::now() + m_config.barred_for;
    drop_link(peer, LinkRefusal::disconnected);
}

bool LinkHub::Impl::send(const PublicKey& peer, FrameKind kind, ByteView body,
                         std::uint64_t needs) {
    const auto wire_kind = static_cast<std::uint8_t>(kind);
    FrameCounts& counts = counts_of(wire_kind);
    const auto found = m_links.find(peer);
    if (found == m_links.end() || body.size() > frame_bytes_max(kind)) {
        ++counts.dropped;
        return false;
    }
    Connection& connection = *found->second.connection;
    const bool is_understood = (connection.peer_features() & needs) == needs;
    const bool waits_its_turn = kind == FrameKind::roaming || kind == FrameKind::evidence;
    if (!is_understood || (waits_its_turn && connection.queued_bytes() > roaming_queued_max)) {
        ++counts.dropped;
        return false;
    }
    const Connection::Queued queued = connection.send(wire_kind, body);
    if (queued == Connection::Queued::yes) {
        ++counts.sent;
        counts.sent_bytes += body.size();
        return true;
    }
    ++counts.dropped;
    if (queued == Connection::Queued::full && kind == FrameKind::bridge) {
        connection.close(LinkRefusal::queue_full);
    }
    return false;
}

std::vector<PeerIdentity> LinkHub::Impl::peers() const {
    std::vector<PeerIdentity> result;
    for (const auto& [key, link] : m_links) {
        result.push_back(link.identity);
    }
    return result;
}

LinkMetrics LinkHub::Impl::metrics() const {
    LinkMetrics metrics = m_metrics;
    metrics.pre_auth = m_pre_auth;
    for (const auto& [key, link] : m_links) {
        metrics.writes += link.connection->writes();
        metrics.peers.push_back(
            {key, link.connection->queued_bytes(), link.connection->round_trip()});
    }
    return metrics;
}

LinkHub::Impl::TimePoint LinkHub::Impl::renewal_time(TimePoint now) {
    const std::chrono::milliseconds age = m_config.link_age_max;
    const auto fifth = static_cast<std::uint64_t>(age.count() / 5 + 1);
    return now + age - std::chrono::milliseconds{m_random.below(fifth)};
}

void LinkHub::Impl::tick_later() {
    m_timers.after(tick_interval(m_config), [this] { tick(); });
}

void LinkHub::Impl::tick() {
    const TimePoint now = steady_clock::now();
    const bool held_up = now - m_last_tick > tick_interval(m_config) + held_up_after;
    m_last_tick = now;
    std::vector<PublicKey> old;
    for (const auto& [key, link] : m_links) {
        if (held_up) {
            link.connection->forgive_silence(now);
        }
        link.connection->tick(now);
        if (now >= link.renew_at) {
            old.push_back(key);
        }
    }
    for (const PublicKey& key : old) {
        drop_link(key, LinkRefusal::too_old);
    }
    tick_later();
}

LinkHub::LinkHub(asio::io_context& io, LinkConfig config, Signer& link_key, LinkHandlers handlers)
    : m_impl{std::make_unique<Impl>(io, std::move(config), link_key, std::move(handlers))} {}
LinkHub::~LinkHub() = default;
void LinkHub::start() { m_impl->start(); }
void LinkHub::stop() { m_impl->stop(); }
std::uint16_t LinkHub::port() const { return m_impl->port(); }
void LinkHub::set_targets(std::vector<DialTarget> targets) {
    m_impl->set_targets(std::move(targets));
}
void LinkHub::recheck() { m_impl->recheck(); }
void LinkHub::disconnect(const PublicKey& peer, const char* reason) {
    m_impl->disconnect(peer, reason);
}
bool LinkHub::send(const PublicKey& peer, FrameKind kind, Bytes body, std::uint64_t needs) {
    return m_impl->send(peer, kind, body, needs);
}
bool LinkHub::is_connected(const PublicKey& peer) const { return m_impl->is_connected(peer); }
std::vector<PeerIdentity> LinkHub::peers() const { return m_impl->peers(); }
LinkMetrics LinkHub::metrics() const { return m_impl->metrics(); }

}  // namespace tally::node
