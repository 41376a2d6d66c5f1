#pragma once

#include "ledger/state/state_view.h"
#include "node/config/node_config.h"
#include "node/link/link.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

/// The links of a node as membership has them now: who is dialed, who is admitted, and under which
/// key of its own. A member that is admitted, or changes its link key, is linked without a restart;
/// when this node's own link key changes, all links are made anew with it.
///
/// Who is dialed: the members that the configuration has an address for. Everybody else is only
/// accepted. A link key that the configuration names is believed too while `is_behind`: the ledger
/// copy of a node that was away may name keys that nobody has any more.
/// Threads: the loop's. `Parts` outlive it. Handlers are called as LinkHub says, and `disconnected`
/// also for links that end because of a new key of this node.
class NodeLinks {
public:
    struct Parts {
        boost::asio::io_context& io;
        const NodeConfig& config;
        Hash chain_id;
        Signer& link_key;
        std::function<const StateView&()> state;
        std::function<bool()> is_behind;
        LinkHandlers handlers;  ///< `admit` is made here
    };
    explicit NodeLinks(Parts parts);
    ~NodeLinks();
    NodeLinks(const NodeLinks&) = delete;
    NodeLinks& operator=(const NodeLinks&) = delete;

    /// Listens (throws std::system_error when the port is taken) and dials.
    void start();
    void stop();
    /// Looks at membership again. Call once a second and when membership changed, never from inside
    /// a handler.
    void refresh();

    void disconnect(const PublicKey& peer, const char* reason);
    /// As LinkHub::send.
    bool send(const PublicKey& peer, FrameKind kind, Bytes body, std::uint64_t needs = 0);
    [[nodiscard]] bool is_connected(const PublicKey& peer) const;
    [[nodiscard]] bool is_connected(const PartyId& member) const;
    bool send(const PartyId& member, FrameKind kind, Bytes body, std::uint64_t needs = 0);
    [[nodiscard]] std::vector<PeerIdentity> peers() const;
    /// Not linked to any member.
    [[nodiscard]] bool is_alone() const;
    [[nodiscard]] LinkMetrics metrics() const;

private:
    [[nodiscard]] std::optional<PeerIdentity> admit(const PublicKey& key) const;
    [[nodiscard]] std::vector<DialTarget> targets() const;
    [[nodiscard]] std::optional<PublicKey> key_of(const PartyId& member) const;
    void make_hub();
    void use_new_key();
    void warn_when_refused();

    Parts m_parts;
    std::unique_ptr<LinkHub> m_hub;
    PublicKey m_own_key;  ///< that the hub links with
    std::vector<DialTarget> m_targets;
    std::uint64_t m_refusals_told{0};
    unsigned m_refreshes_until_warning{0};
    bool m_started{false};
};

}  // namespace tally::node
