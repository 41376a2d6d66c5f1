#pragma once

#include "consensus/driver/ports.h"
#include "consensus/simplex/events.h"

#include <map>
#include <optional>
#include <vector>

namespace tally::consensus {

/// An allowance that refills with time, up to one second's worth.
class TokenBucket {
public:
    explicit TokenBucket(std::uint64_t per_second) : m_per_second{per_second} {}

    /// False when the allowance is used up.
    [[nodiscard]] bool take(Time now) {
        const std::uint64_t full = m_per_second * 1'000'000;
        if (!m_started) {
            m_started = true;
            m_level = full;
        } else if (now > m_last) {
            const auto passed = static_cast<std::uint64_t>((now - m_last).count());
            const std::uint64_t refill = passed >= 1'000'000 ? full : passed * m_per_second;
            m_level = m_level + refill > full ? full : m_level + refill;
        }
        m_last = now;
        if (m_level < 1'000'000) {
            return false;
        }
        m_level -= 1'000'000;
        return true;
    }

private:
    std::uint64_t m_per_second;
    std::uint64_t m_level{0};  ///< millionths
    Time m_last{0};
    bool m_started{false};
};

/// What one peer may make us do per second; more is dropped.
inline constexpr std::uint64_t requests_per_second_max{1000};
inline constexpr std::uint64_t certificates_per_second_max{1000};

struct ConnectedPeer {
    Peer peer;
    std::optional<Status> status;  ///< the last one it sent
    Time status_at{0};             ///< when it came
    TokenBucket requests{requests_per_second_max};
    TokenBucket certificates{certificates_per_second_max};
};

/// The peers connected now. A validator may be connected more than once for a moment.
class PeerTable {
public:
    ConnectedPeer& add(const Peer& peer) {
        ConnectedPeer fresh;
        fresh.peer = peer;
        return m_peers.insert_or_assign(peer.id, fresh).first->second;
    }
    void remove(PeerId id) { m_peers.erase(id); }
    [[nodiscard]] ConnectedPeer* find(PeerId id) {
        const auto found = m_peers.find(id);
        return found == m_peers.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const std::map<PeerId, ConnectedPeer>& all() const noexcept { return m_peers; }

    /// Everybody, those in `bitmap` of validators first, then other validators, then followers.
    [[nodiscard]] std::vector<PeerId> by_preference(std::uint64_t bitmap) const {
        std::vector<PeerId> first;
        std::vector<PeerId> second;
        std::vector<PeerId> third;
        for (const auto& [id, peer] : m_peers) {
            const auto& validator = peer.peer.validator;
            const bool preferred = validator && (bitmap >> *validator & 1) != 0;
            (preferred ? first : validator ? second : third).push_back(id);
        }
        first.insert(first.end(), second.begin(), second.end());
        first.insert(first.end(), third.begin(), third.end());
        return first;
    }

private:
    std::map<PeerId, ConnectedPeer> m_peers;
};

}  // namespace tally::consensus
