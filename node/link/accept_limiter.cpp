#include "node/link/accept_limiter.h"

#include <algorithm>

namespace tally::node {

double AcceptLimiter::tokens_at(const Bucket& bucket,
                                std::chrono::steady_clock::time_point now) const {
    const std::chrono::duration<double> passed = now - bucket.filled;
    return std::min(m_burst, bucket.tokens + passed.count() * m_rate);
}

/// A full bucket is the same as none.
void AcceptLimiter::forget_full(std::chrono::steady_clock::time_point now) {
    for (auto entry = m_buckets.begin(); entry != m_buckets.end();) {
        entry = tokens_at(entry->second, now) >= m_burst ? m_buckets.erase(entry) : ++entry;
    }
}

bool AcceptLimiter::admit(const std::string& address, std::chrono::steady_clock::time_point now) {
    if (m_buckets.size() >= limited_addresses_max && !m_buckets.contains(address)) {
        forget_full(now);
    }
    const bool full = m_buckets.size() >= limited_addresses_max && !m_buckets.contains(address);
    // One more entry, the empty name, for all that find no room.
    const auto [entry, added] =
        m_buckets.try_emplace(full ? std::string{} : address, Bucket{m_burst, now});
    Bucket& bucket = entry->second;
    bucket.tokens = tokens_at(bucket, now);
    bucket.filled = now;
    if (bucket.tokens < 1.0) {
        return false;
    }
    bucket.tokens -= 1.0;
    return true;
}

}  // namespace tally::node
