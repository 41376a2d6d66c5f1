#include "consensus/mempool/mempool.h"

#include "ledger/base/check.h"

#include <algorithm>
#include <limits>
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
    if (const Admission room = room_for(envelope.signer, size); room != Admission::added) {
        return room;
    }
    Member& member = m_members[envelope.signer];
    const std::uint64_t arrival = m_arrivals++;
    member.queue.emplace(arrival, envelope.hash);
    member.bytes += size;
    member.cost += envelope_cost(size);
    m_bytes += size;
    m_expiries.emplace(envelope.expires_at, envelope.hash);
    const Hash hash = envelope.hash;
    m_allowances[envelope.signer].last_seen = m_block_time;
    m_envelopes.emplace(hash, Entry{std::move(envelope), arrival});
    return Admission::added;
}

Admission Mempool::room_for(const MemberKey& signer, std::size_t size) const {
    if (size > m_limits.envelope_bytes_max) {
        return Admission::too_large;
    }
    if (m_envelopes.size() >= m_limits.count_max || m_bytes + size > m_limits.bytes_max) {
        return Admission::pool_full;
    }
    const auto member = m_members.find(signer);
    const std::size_t count = member == m_members.end() ? 0 : member->second.queue.size();
    const std::size_t bytes = member == m_members.end() ? 0 : member->second.bytes;
    const bool is_full =
        count >= m_limits.member_count_max || bytes + size > m_limits.member_bytes_max;
    return is_full ? Admission::member_full : Admission::added;
}

/// The member's next envelope that may be in the block; `next` goes behind it.
const VerifiedEnvelope* Mempool::next_usable(const Queue& queue, Queue::const_iterator& next,
                                             const std::set<Hash>& excluded,
                                             UnixMillis block_time) const {
    while (next != queue.end()) {
        const VerifiedEnvelope& held = m_envelopes.at(next->second).envelope;
        ++next;
        if (held.expires_at > block_time && excluded.count(held.hash) == 0) {
            return &held;
        }
    }
    return nullptr;
}

Mempool::Usage Mempool::usage(UnixMillis block_time) const {
    const UnixMillis before = block_time / usage_window_ms - 1;
    Usage usage;
    for (const auto& [member, held] : m_allowances) {
        const std::int64_t used = held.window == before       ? held.used
                                  : held.window == before + 1 ? held.used_before
                                                              : 0;
        if (used > usage.most) {
            usage.second = usage.most;
            usage.most = used;
            usage.busiest = member;
        } else {
            usage.second = std::max(usage.second, used);
        }
    }
    return usage;
}

/// Twice the pace of the busiest other member, within two bounds.
std::int64_t Mempool::rate(const MemberKey& member, const Usage& usage) {
    const std::int64_t others = member == usage.busiest ? usage.second : usage.most;
    return std::clamp(2 * others * 1000 / usage_window_ms, member_bytes_per_second,
                      busy_bytes_per_second);
}

std::int64_t Mempool::allowance(const MemberKey& member, UnixMillis block_time,
                                const Usage& usage) const {
    const auto found = m_allowances.find(member);
    if (found == m_allowances.end()) {
        return allowance_max;
    }
    const Allowance& held = found->second;
    const UnixMillis passed = std::clamp(block_time - held.at, UnixMillis{0}, company_ms);
    const UnixMillis unfinal = std::clamp(block_time - m_block_time, UnixMillis{0}, company_ms);
    const std::int64_t by_time = rate(member, usage);
    const std::int64_t saved_max =
        std::max(allowance_max, std::max(saved_ms, 2 * unfinal) * by_time / 1000);
    return std::min(saved_max, held.bytes + passed * by_time / 1000);
}

/// A final block of this time has come: what everybody has earned by then, at the pace of its time.
void Mempool::settle(UnixMillis block_time) {
    m_block_time = block_time;
    const Usage usage = this->usage(block_time);
    for (auto& [member, held] : m_allowances) {
        held.bytes = allowance(member, block_time, usage);
        held.at = std::max(held.at, block_time);
    }
}

/// Whether no other member had anything in the blocks of the last `company_ms`.
bool Mempool::was_alone(const MemberKey& member) const {
    return std::none_of(m_allowances.begin(), m_allowances.end(), [&](const auto& other) {
        return other.first != member && other.second.last_final != 0 &&
               other.second.last_final + company_ms > m_block_time;
    });
}

/// Whether another member used the chain lately or wants to.
bool Mempool::has_company(const MemberKey& member, UnixMillis block_time) const {
    if (m_members.size() > m_members.count(member)) {
        return true;
    }
    return std::any_of(m_allowances.begin(), m_allowances.end(), [&](const auto& other) {
        return other.first != member && other.second.last_seen + company_ms > block_time;
    });
}

/// Everybody with something, beginning behind the member served last.
std::vector<Mempool::Turn> Mempool::turns(const std::set<Hash>& excluded,
                                          UnixMillis block_time) const {
    std::map<MemberKey, std::int64_t> under_way;
    for (const Hash& hash : excluded) {
        if (const VerifiedEnvelope* held = find(hash)) {
            under_way[held->signer] += static_cast<std::int64_t>(envelope_cost(held->bytes.size()));
        }
    }
    const Usage usage = this->usage(block_time);
    std::vector<Turn> turns;
    const auto take = [&](const auto& each) {
        const auto& [key, member] = each;
        std::int64_t allowed{std::numeric_limits<std::int64_t>::max()};
        if (has_company(key, block_time)) {
            const std::int64_t waiting = static_cast<std::int64_t>(member.cost) - under_way[key];
            allowed = allowance(key, block_time, usage) - under_way[key];
            allowed = allowed >= std::min(allowance_max, waiting) ? allowed : 0;
        }
        turns.push_back({key, &member.queue, member.queue.begin(), allowed});
    };
    const auto first = m_members.upper_bound(m_last_served);
    std::for_each(first, m_members.end(), take);
    std::for_each(m_members.begin(), first, take);
    return turns;
}

/// A final envelope of the block that `settle` was told of is paid for. Whatever a member owes, it
/// is whole again after `company_ms`.
void Mempool::charge(const FinalEnvelope& envelope) {
    Allowance& held = m_allowances.try_emplace(envelope.signer).first->second;
    const std::int64_t debt_max = was_alone(envelope.signer)
                                      ? alone_debt_max
                                      : member_bytes_per_second * company_ms / 1000 - allowance_max;
    const auto cost = static_cast<std::int64_t>(envelope_cost(envelope.size));
    held.bytes = std::max(held.bytes - cost, std::min(held.bytes, -debt_max));
    held.at = m_block_time;
    const UnixMillis window = m_block_time / usage_window_ms;
    if (window != held.window) {
        held.used_before = window == held.window + 1 ? held.used : 0;
        held.used = 0;
        held.window = window;
    }
    held.used += static_cast<std::int64_t>(envelope.size + envelope_overhead);
    held.last_seen = std::max(held.last_seen, m_block_time);
}

/// Who was not seen for so long has its whole allowance again.
void Mempool::forget_absent() {
    for (auto it = m_allowances.begin(); it != m_allowances.end();) {
        const bool is_absent =
            it->second.last_seen + company_ms <= m_block_time && m_members.count(it->first) == 0;
        it = is_absent ? m_allowances.erase(it) : std::next(it);
    }
}

std::vector<const VerifiedEnvelope*> Mempool::pack(const PackLimits& limits,
                                                   const std::set<Hash>& excluded,
                                                   UnixMillis block_time) {
    std::vector<Turn> turns = this->turns(excluded, block_time);
    std::set<std::pair<std::size_t, std::size_t>> order;  // share used, place in `turns`
    for (std::size_t place = 0; place < turns.size(); ++place) {
        order.emplace(0, place);
    }

    std::vector<const VerifiedEnvelope*> packed;
    std::size_t bytes{0};
    while (!order.empty() && packed.size() < limits.count_max) {
        const auto [used, place] = *order.begin();
        order.erase(order.begin());
        Turn& turn = turns[place];
        const VerifiedEnvelope* candidate =
            next_usable(*turn.queue, turn.next, excluded, block_time);
        const std::size_t size = candidate == nullptr ? 0 : candidate->bytes.size();
        const std::size_t cost = envelope_cost(size);
        const bool is_over_share = (used != 0 && used + cost > limits.member_bytes_max) ||
                                   static_cast<std::int64_t>(used) >= turn.allowance;
        if (candidate == nullptr || is_over_share || bytes + size > limits.bytes_max) {
            continue;
        }
        bytes += size;
        packed.push_back(candidate);
        m_last_served = turn.member;
        order.emplace(used + cost, place);
    }
    return packed;
}

bool Mempool::has_packable(const std::set<Hash>& excluded, UnixMillis block_time) const {
    std::vector<Turn> turns = this->turns(excluded, block_time);
    return std::any_of(turns.begin(), turns.end(), [&](Turn& turn) {
        return turn.allowance > 0 &&
               next_usable(*turn.queue, turn.next, excluded, block_time) != nullptr;
    });
}

std::vector<const VerifiedEnvelope*> Mempool::oldest(std::size_t count_max,
                                                     std::size_t bytes_max) const {
    std::vector<const Entry*> entries;
    entries.reserve(m_envelopes.size());
    for (const auto& [hash, entry] : m_envelopes) {
        entries.push_back(&entry);
    }
    const std::size_t count = std::min(count_max, entries.size());
    std::partial_sort(
        entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count), entries.end(),
        [](const Entry* left, const Entry* right) { return left->arrival < right->arrival; });
    std::vector<const VerifiedEnvelope*> found;
    std::size_t bytes{0};
    for (std::size_t i = 0; i < count; ++i) {
        bytes += entries[i]->envelope.bytes.size();
        if (bytes > bytes_max) {
            break;
        }
        found.push_back(&entries[i]->envelope);
    }
    return found;
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
    member->second.cost -= envelope_cost(envelope.bytes.size());
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

void Mempool::remove_final(const std::vector<FinalEnvelope>& envelopes, UnixMillis block_time) {
    // What is final but not held here may have any expiry; no transaction may be valid longer.
    constexpr UnixMillis validity_max{120'000};
    settle(block_time);
    for (const FinalEnvelope& envelope : envelopes) {  // who is company, before anybody pays
        m_allowances[envelope.signer].last_final = block_time;
    }
    for (const FinalEnvelope& envelope : envelopes) {
        charge(envelope);
        const VerifiedEnvelope* held = find(envelope.hash);
        const UnixMillis expires_at =
            held == nullptr ? m_block_time + validity_max : held->expires_at;
        erase(envelope.hash);
        remember(envelope.hash, expires_at);
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
    forget_absent();
}

}  // namespace tally::consensus
