#include "node/process/node_links.h"

#include "ledger/state/queries.h"
#include "node/process/peer_book.h"
#include "node/runtime/logging.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace tally::node {

namespace {

/// Refreshes, a second each, between two warnings that nobody lets us in.
constexpr unsigned warning_interval{30};

bool same_target(const DialTarget& left, const DialTarget& right) {
    return left.link_key == right.link_key && left.host == right.host && left.port == right.port;
}

}  // namespace

NodeLinks::NodeLinks(Parts parts) : m_parts{std::move(parts)} { make_hub(); }
NodeLinks::~NodeLinks() = default;

void NodeLinks::make_hub() {
    m_own_key = m_parts.link_key.public_key();
    m_targets = targets();
    LinkConfig config;
    config.chain_id = m_parts.chain_id;
    config.listen_host = m_parts.config.link_listen.host;
    config.listen_port = m_parts.config.link_listen.port;
    config.targets = m_targets;
    LinkHandlers handlers = m_parts.handlers;
    handlers.admit = [this](const PublicKey& key) { return admit(key); };
    m_hub = std::make_unique<LinkHub>(m_parts.io, std::move(config), m_parts.link_key,
                                      std::move(handlers));
    m_refusals_told = 0;
}

void NodeLinks::start() {
    m_started = true;
    m_hub->start();
}

void NodeLinks::stop() {
    m_started = false;
    m_hub->stop();
}

std::optional<PeerIdentity> NodeLinks::admit(const PublicKey& key) const {
    if (auto identity = identify_peer(m_parts.state(), m_parts.config.member, key)) {
        return identity;
    }
    if (m_parts.is_behind()) {
        for (const PeerAddress& peer : m_parts.config.peers) {
            if (peer.link_key == key && peer.member != m_parts.config.member) {
                return PeerIdentity{key, peer.member, ""};
            }
        }
    }
    return std::nullopt;
}

std::vector<DialTarget> NodeLinks::targets() const {
    std::vector<DialTarget> list;
    const auto add = [&list](const PublicKey& key, const HostPort& address) {
        const bool listed = std::any_of(list.begin(), list.end(), [&key](const DialTarget& target) {
            return target.link_key == key;
        });
        if (!listed) {
            list.push_back({key, address.host, address.port});
        }
    };
    for (const PeerAddress& peer : m_parts.config.peers) {
        if (peer.member == m_parts.config.member) {
            continue;
        }
        if (const auto key = link_key_of(m_parts.state(), peer.member)) {
            add(*key, peer.address);
        }
        if (peer.link_key && m_parts.is_behind()) {
            add(*peer.link_key, peer.address);
        }
    }
    return list;
}

void NodeLinks::refresh() {
    if (!m_started) {
        return;
    }
    if (m_own_key != m_parts.link_key.public_key()) {
        use_new_key();
        return;
    }
    m_hub->recheck();
    std::vector<DialTarget> now = targets();
    if (!std::equal(now.begin(), now.end(), m_targets.begin(), m_targets.end(), same_target)) {
        m_targets = now;
        m_hub->set_targets(std::move(now));
    }
    warn_when_refused();
}

void NodeLinks::use_new_key() {
    log_info("link", "own_key_changed", {{"key", to_hex(m_parts.link_key.public_key())}});
    const std::vector<PeerIdentity> lost = m_hub->peers();
    m_hub->stop();
    make_hub();
    for (const PeerIdentity& peer : lost) {
        m_parts.handlers.disconnected(peer);
    }
    try {
        m_hub->start();
    } catch (const std::system_error& error) {
        m_own_key = PublicKey{};  // Tried again with the next refresh.
        log_error("link", "cannot_listen", {{"what", error.what()}});
    }
}

void NodeLinks::warn_when_refused() {
    const auto& refusals = m_hub->metrics().refusals;
    const auto found = refusals.find(LinkRefusal::cut_off);
    const std::uint64_t refused = found == refusals.end() ? 0 : found->second;
    if (m_refreshes_until_warning > 0) {
        --m_refreshes_until_warning;
    }
    if (!is_alone() || refused == m_refusals_told || m_refreshes_until_warning > 0) {
        return;
    }
    m_refusals_told = refused;
    m_refreshes_until_warning = warning_interval;
    log_warn("link", "refused_by_members",
             {{"times", refused},
              {"link_key", to_hex(m_own_key)},
              {"meaning", "the members that were dialed do not know this link key"},
              {"do",
               "have the hub run 'tally member admit admission.json'; or, after a change of the "
               "link key, see keys.link and keys.next_link; it is tried again by itself"}});
}

void NodeLinks::disconnect(const PublicKey& peer, const char* reason) {
    m_hub->disconnect(peer, reason);
}

bool NodeLinks::send(const PublicKey& peer, FrameKind kind, Bytes body, std::uint64_t needs) {
    return m_hub->send(peer, kind, std::move(body), needs);
}

bool NodeLinks::is_connected(const PublicKey& peer) const { return m_hub->is_connected(peer); }

/// The key under which the member is linked now; else the one on the ledger.
std::optional<PublicKey> NodeLinks::key_of(const PartyId& member) const {
    const auto named = link_key_of(m_parts.state(), member);
    if (named && m_hub->is_connected(*named)) {
        return named;
    }
    for (const PeerIdentity& peer : m_hub->peers()) {
        if (peer.member == member) {
            return peer.link_key;
        }
    }
    return named;
}

bool NodeLinks::is_connected(const PartyId& member) const {
    const auto key = key_of(member);
    return key && m_hub->is_connected(*key);
}

bool NodeLinks::send(const PartyId& member, FrameKind kind, Bytes body, std::uint64_t needs) {
    const auto key = key_of(member);
    return key && m_hub->send(*key, kind, std::move(body), needs);
}

bool NodeLinks::is_alone() const {
    const std::vector<PeerIdentity> linked = peers();
    return std::none_of(linked.begin(), linked.end(),
                        [](const PeerIdentity& peer) { return peer.member.has_value(); });
}

std::vector<PeerIdentity> NodeLinks::peers() const { return m_hub->peers(); }
LinkMetrics NodeLinks::metrics() const { return m_hub->metrics(); }

}  // namespace tally::node
