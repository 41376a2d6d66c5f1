#pragma once

#include "ledger/base/system_random.h"
#include "node/link/accept_limiter.h"
#include "node/link/connection.h"
#include "node/link/dialer.h"
#include "node/link/link.h"
#include "node/link/tls_context.h"

#include <map>

namespace tally::node {

/// The hub behind `LinkHub`: owns the connections, keeps one link per key, and applies the
/// tie-break: of two connections with the same peer the one dialed by the smaller key is kept; of
/// two dialed by the same end, the newer.
class LinkHub::Impl final : public ConnectionOwner {
public:
    Impl(asio::io_context& io, LinkConfig config, Signer& link_key, LinkHandlers handlers);
    ~Impl() override;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void start();
    void stop();
    [[nodiscard]] std::uint16_t port() const { return m_port; }
    void set_targets(std::vector<DialTarget> targets) { m_dialer.set_targets(std::move(targets)); }
    void recheck();
    void disconnect(const PublicKey& peer, const char* reason);
    bool send(const PublicKey& peer, FrameKind kind, ByteView body, std::uint64_t needs);
    [[nodiscard]] bool is_connected(const PublicKey& peer) const { return m_links.contains(peer); }
    [[nodiscard]] std::vector<PeerIdentity> peers() const;
    [[nodiscard]] LinkMetrics metrics() const;

    // ConnectionOwner
    [[nodiscard]] std::optional<LinkRefusal> admission(const PublicKey& key,
                                                       bool dialed_by_us) override;
    [[nodiscard]] std::optional<LinkRefusal> ready(Connection& connection) override;
    void received(Connection& connection, std::uint8_t kind, Bytes body) override;
    void ended(Connection& connection, LinkRefusal reason) override;

private:
    using TimePoint = std::chrono::steady_clock::time_point;
    /// An authenticated connection in use.
    struct Link {
        std::shared_ptr<Connection> connection;
        PeerIdentity identity;
        TimePoint since;
        TimePoint renew_at;
    };

    /// A connection that is not a link: before READY, or a former link about to end.
    struct Other {
        std::shared_ptr<Connection> connection;
        bool was_link{false};
    };

    void listen();
    void accept_next();
    void accepted(asio::ip::tcp::socket socket);
    void dial(const DialTarget& target);
    [[nodiscard]] bool keeps_existing(const PublicKey& key, bool dialed_by_us) const;
    [[nodiscard]] std::optional<PeerIdentity> identify(const PublicKey& key);
    void drop_link(const PublicKey& key, LinkRefusal reason);
    void announce_end(const Link& link, LinkRefusal reason);
    void count(LinkRefusal reason) { ++m_metrics.refusals[reason]; }
    [[nodiscard]] FrameCounts& counts_of(std::uint8_t kind) { return m_metrics.frames[kind]; }
    void tick_later();
    void tick();
    [[nodiscard]] TimePoint renewal_time(TimePoint now);

    asio::io_context& m_io;
    LinkConfig m_config;
    LinkHandlers m_handlers;
    TlsContext m_dialer_tls;
    TlsContext m_listener_tls;
    ConnectionSettings m_settings;
    SystemRandom m_random;
    std::shared_ptr<Done> m_alive{std::make_shared<Done>()};  ///< gone when the hub is
    asio::ip::tcp::acceptor m_acceptor;
    AsioTimers m_timers;
    Dialer m_dialer;
    AcceptLimiter m_limiter;
    AcceptLimiter m_loopback_limiter;
    std::uint16_t m_port{0};
    bool m_stopped{false};
    TimePoint m_last_tick;

    std::map<PublicKey, Link> m_links;
    std::map<const Connection*, Other> m_others;
    std::size_t m_pre_auth{0};
    std::map<PublicKey, TimePoint> m_barred;
    LinkMetrics m_metrics;
};

}  // namespace tally::node
