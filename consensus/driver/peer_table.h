#pragma once

#include "consensus/driver/ports.h"
#include "consensus/simplex/events.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace tally::consensus {

/// An allowance that refills with time, up to one second's worth.
class TokenBucket {
public:
    explicit TokenBucket(std::uint64_t per_second) : m_per_second{per_second} {}

    /// False, and nothing is taken, when the allowance does not suffice. What costs more than one
    /// second's worth takes all of it.
    [[nodiscard]] bool take(Time now, std::uint64_t cost = 1) {
        refill(now);
        const std::uint64_t level = std::min(cost, m_per_second) * second;
        if (m_level < level) {
            return false;
        }
        m_level -= level;
        return true;
    }
    /// Takes what is there of a cost that is known only afterwards.
    void spend(Time now, std::uint64_t cost) {
        refill(now);
        m_level -= std::min(m_level, std::min(cost, m_per_second) * second);
    }

private:
    static constexpr std::uint64_t second{1'000'000};

    void refill(Time now) {
        const std::uint64_t full = m_per_second * second;
        if (!m_started) {
            m_started = true;
            m_level = full;
        } else if (now > m_last) {
            const auto passed = static_cast<std::uint64_t>((now - m_last).count());
            const std::uint64_t added = passed >= second ? full : passed * m_per_second;
            m_level = std::min(full, m_level + added);
        }
        m_last = now;
    }

    std::uint64_t m_per_second;
    std::uint64_t m_level{0};  ///< millionths
    Time m_last{0};
    bool m_started{false};
};

/// What one peer may make us do per second; more is dropped.
inline constexpr std::uint64_t requests_per_second_max{1000};
/// Frames of one kind, before they are decoded. Kinds are counted apart, so that a peer that sends
/// too much of one is still heard otherwise; gossip has its own allowance.
inline constexpr std::uint64_t messages_per_second_max{2048};
inline constexpr std::uint64_t certificates_per_second_max{1000};
inline constexpr std::uint64_t ranges_per_second_max{50};
/// Of blocks and envelopes in answers.
inline constexpr std::uint64_t answer_bytes_per_second_max{16UL * 1024 * 1024};
inline constexpr std::uint64_t gossip_per_second_max{2048};
/// Number of the field of EnvelopeGossip in consensus.proto.
inline constexpr std::uint8_t gossip_field{12};
inline constexpr std::uint64_t gossip_bytes_per_second_max{32UL * 1024 * 1024};
/// Epoch proofs that nobody asked for: each costs a certificate's signatures.
inline constexpr std::uint64_t unasked_proofs_per_second_max{2};
/// How often a peer that is an epoch behind is sent the proof without asking.
inline constexpr Time epoch_proof_interval{1'000'000};

struct ConnectedPeer {
    Peer peer;
    std::optional<ValidatorIndex> index;           ///< in the epoch's validator set
    std::uint64_t epoch_seen{0};                   ///< newest one it spoke of
    std::optional<Time> epoch_proof_sent_at{};     ///< unasked
    std::optional<Status> status;                  ///< the last one it sent
    Time status_at{0};                             ///< when it came
    std::map<std::uint8_t, TokenBucket> messages;  ///< by kind, at most 32
    TokenBucket requests{requests_per_second_max};
    TokenBucket certificates{certificates_per_second_max};
    TokenBucket unasked_proofs{unasked_proofs_per_second_max};
    TokenBucket ranges{ranges_per_second_max};
    TokenBucket answer_bytes{answer_bytes_per_second_max};
    TokenBucket gossip{gossip_per_second_max};
    TokenBucket gossip_bytes{gossip_bytes_per_second_max};

    /// Whether one more frame may be decoded. Its kind is the number of its one field.
    [[nodiscard]] bool may_speak(Time now, ByteView frame) {
        const auto kind = static_cast<std::uint8_t>(frame.empty() ? 0 : frame[0] >> 3U & 0x1fU);
        const std::uint64_t per_second =
            kind == gossip_field ? gossip_per_second_max : messages_per_second_max;
        return messages.try_emplace(kind, per_second).first->second.take(now);
    }
    /// Whether one more request may be answered; `answered` says what it cost.
    [[nodiscard]] bool may_ask(Time now) { return requests.take(now) && answer_bytes.take(now); }
    void answered(Time now, std::size_t bytes) { answer_bytes.spend(now, bytes); }
};

/// The peers connected now. A validator may be connected more than once for a moment.
class PeerTable {
public:
    /// From now on peers are validators of this set.
    void set_validators(const std::vector<EpochValidator>& validators) {
        m_validators = validators;
        for (auto& [id, peer] : m_peers) {
            peer.index = index_of(peer.peer);
        }
    }
    ConnectedPeer& add(const Peer& peer) {
        ConnectedPeer fresh;
        fresh.peer = peer;
        fresh.index = index_of(peer);
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
            const auto& validator = peer.index;
            const bool preferred = validator && (bitmap >> *validator & 1) != 0;
            (preferred ? first : validator ? second : third).push_back(id);
        }
        first.insert(first.end(), second.begin(), second.end());
        first.insert(first.end(), third.begin(), third.end());
        return first;
    }

private:
    [[nodiscard]] std::optional<ValidatorIndex> index_of(const Peer& peer) const {
        for (std::size_t i = 0; peer.member && i < m_validators.size(); ++i) {
            if (m_validators[i].member == *peer.member) {
                return static_cast<ValidatorIndex>(i);
            }
        }
        return std::nullopt;
    }

    std::vector<EpochValidator> m_validators;
    std::map<PeerId, ConnectedPeer> m_peers;
};

}  // namespace tally::consensus
