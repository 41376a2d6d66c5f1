#include "consensus/mempool/mempool.h"

#include "ledger/base/check.h"

#include <utility>

namespace tally::consensus {

Mempool::Mempool(MempoolLimits limits) : m_limits{limits} {}

Admission Mempool::add(VerifiedEnvelope envelope) {
    const std::size_t size = envelope.bytes.size();
    if (knows(envelope.hash)) {
        return Admission::already_known;
    }
    if (envelope.expires_at <= m_block_time) {
        return Admission::expired;
    }
    if (size > m_limits.envelope_bytes_max) {
        return Admission::too_large;
    }
    if (m_envelopes.size() >= m_limits.count_max || m_bytes + size > m_limits.bytes_max) {
        return Admission::pool_full;
    }
    Member& member = m_members[envelope.signer];
    if (member.queue.size() >= m_limits.member_count_max ||
        member.bytes + size > m_limits.member_bytes_max) {
        return Admission::member_full;
    }
    const std::uint64_t arrival = m_arrivals++;
    member.queue.emplace(arrival, envelope.hash);
    member.bytes += size;
    m_bytes += size;
    m_expiries.emplace(envelope.expires_at, envelope.hash);
    const Hash hash = envelope.hash;
    m_envelopes.emplace(hash, Entry{std::move(envelope), arrival});
    return Admission::added;
}

std::vector<const VerifiedEnvelope*> Mempool::pack(const PackLimits& limits,
                                                   const std::set<Hash>& excluded,
                                                   UnixMillis block_time) {
    using Queue = std::map<std::uint64_t, Hash>;
    struct Turn {
        MemberKey member;
        const Queue* queue;
        Queue::const_iterator next;
    };
    std::vector<Turn> turns;
    const auto first = m_members.upper_bound(m_last_served);
    for (auto it = first; it != m_members.end(); ++it) {
        turns.push_back({it->first, &it->second.queue, it->second.queue.begin()});
    }
    for (auto it = m_members.begin(); it != first; ++it) {
        turns.push_back({it->first, &it->second.queue, it->second.queue.begin()});
    }

    std::vector<const VerifiedEnvelope*> packed;
    std::size_t bytes{0};
    while (!turns.empty() && packed.size() < limits.count_max) {
        std::vector<Turn> again;
        for (Turn& turn : turns) {
            const VerifiedEnvelope* candidate{nullptr};
            while (candidate == nullptr && turn.next != turn.queue->end()) {
                const VerifiedEnvelope& held = m_envelopes.at(turn.next->second).envelope;
                const bool usable = held.expires_at > block_time && excluded.count(held.hash) == 0;
                candidate = usable ? &held : nullptr;
                ++turn.next;
            }
            if (candidate == nullptr || bytes + candidate->bytes.size() > limits.bytes_max ||
                packed.size() >= limits.count_max) {
                continue;
            }
            bytes += candidate->bytes.size();
            packed.push_back(candidate);
            m_last_served = turn.member;
            again.push_back(turn);
        }
        turns = std::move(again);
    }
    return packed;
}

const VerifiedEnvelope* Mempool::find(const Hash& hash) const {
    const auto found = m_envelopes.find(hash);
    return found == m_envelopes.end() ? nullptr : &found->second.envelope;
}

bool Mempool::knows(const Hash& hash) const {
    return m_envelopes.count(hash) != 0 || m_recent.count(hash) != 0;
}

void Mempool::erase(const Hash& hash) {
    const auto found = m_envelopes.find(hash);
    if (found == m_envelopes.end()) {
        return;
    }
    const VerifiedEnvelope& envelope = found->second.envelope;
    const auto member = m_members.find(envelope.signer);
    ENSURE(member != m_members.end());
    member->second.queue.erase(found->second.arrival);
    member->second.bytes -= envelope.bytes.size();
    if (member->second.queue.empty()) {
        m_members.erase(member);
    }
    m_bytes -= envelope.bytes.size();
    m_expiries.erase({envelope.expires_at, hash});
    m_envelopes.erase(found);
}

/// Remembers until expiry; when there are too many, forgets the one that expires first.
void Mempool::remember(const Hash& hash, UnixMillis expires_at) {
    if (!m_recent.emplace(hash, expires_at).second) {
        return;
    }
    m_recent_expiries.emplace(expires_at, hash);
    if (m_recent.size() > m_limits.recent_max) {
        const auto oldest = m_recent_expiries.begin();
        m_recent.erase(oldest->second);
        m_recent_expiries.erase(oldest);
    }
}

void Mempool::remove_final(const std::vector<Hash>& hashes, UnixMillis block_time) {
    // What is final but not held here may have any expiry; no transaction may be valid longer.
    constexpr UnixMillis validity_max{120'000};
    m_block_time = block_time;
    for (const Hash& hash : hashes) {
        const VerifiedEnvelope* held = find(hash);
        const UnixMillis expires_at =
            held == nullptr ? m_block_time + validity_max : held->expires_at;
        erase(hash);
        remember(hash, expires_at);
    }
    expire();
}

void Mempool::drop(const std::vector<Hash>& hashes) {
    for (const Hash& hash : hashes) {
        erase(hash);
    }
}

void Mempool::expire() {
    while (!m_expiries.empty() && m_expiries.begin()->first <= m_block_time) {
        const Hash hash = m_expiries.begin()->second;
        erase(hash);
        ++m_expired;
    }
    while (!m_recent_expiries.empty() && m_recent_expiries.begin()->first <= m_block_time) {
        m_recent.erase(m_recent_expiries.begin()->second);
        m_recent_expiries.erase(m_recent_expiries.begin());
    }
}

}  // namespace tally::consensus
