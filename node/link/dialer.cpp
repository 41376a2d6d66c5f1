#include "node/link/dialer.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

/// A link that lived this long shows that the target is well; the back-off starts again.
constexpr std::chrono::seconds well_after{2};
constexpr unsigned doublings_max{16};

}  // namespace

Dialer::Dialer(boost::asio::io_context& io, Delays delays, Random& random, Dial dial)
    : m_delays{delays}, m_random{random}, m_dial{std::move(dial)}, m_timers{io} {}

void Dialer::set_targets(std::vector<DialTarget> targets) {
    std::map<PublicKey, Entry> entries;
    for (DialTarget& target : targets) {
        const PublicKey key = target.link_key;
        const auto known = m_entries.find(key);
        Entry entry;
        if (known != m_entries.end()) {
            entry = known->second;
            m_entries.erase(known);
        }
        entry.target = std::move(target);
        entries[key] = std::move(entry);
    }
    for (const auto& [key, gone] : m_entries) {
        m_timers.cancel(gone.timer);
    }
    m_entries = std::move(entries);
    for (auto& [key, entry] : m_entries) {
        if (entry.state == State::waiting && entry.timer == 0) {
            schedule(entry, std::chrono::microseconds{0});
        }
    }
}

void Dialer::stop() {
    m_stopped = true;
    m_timers.cancel_all();
}

std::chrono::microseconds Dialer::delay_after(unsigned failures) {
    const unsigned doublings = std::min(failures, doublings_max);
    const std::chrono::microseconds full =
        std::min<std::chrono::microseconds>(m_delays.max, m_delays.min * (1U << doublings));
    const auto half = static_cast<std::uint64_t>(full.count() / 2 + 1);
    return std::chrono::microseconds{half + m_random.below(half)};
}

void Dialer::schedule(Entry& entry, std::chrono::microseconds delay) {
    if (m_stopped) {
        return;
    }
    m_timers.cancel(entry.timer);
    entry.state = State::waiting;
    const PublicKey key = entry.target.link_key;
    entry.timer = m_timers.after(delay, [this, key] { dial_now(key); });
}

void Dialer::dial_now(const PublicKey& key) {
    const auto found = m_entries.find(key);
    if (found == m_entries.end() || m_stopped) {
        return;
    }
    found->second.timer = 0;
    found->second.state = State::dialing;
    m_dial(found->second.target);
}

void Dialer::connected(const PublicKey& key) {
    const auto found = m_entries.find(key);
    if (found == m_entries.end()) {
        return;
    }
    m_timers.cancel(found->second.timer);
    found->second.timer = 0;
    found->second.state = State::connected;
}

void Dialer::failed(const PublicKey& key) {
    const auto found = m_entries.find(key);
    if (found != m_entries.end() && found->second.state == State::dialing) {
        schedule(found->second, delay_after(found->second.failures++));
    }
}

void Dialer::lost(const PublicKey& key, std::chrono::milliseconds lived) {
    const auto found = m_entries.find(key);
    if (found == m_entries.end() || found->second.state != State::connected) {
        return;
    }
    Entry& entry = found->second;
    entry.failures = lived >= well_after ? 0 : entry.failures;
    schedule(entry, delay_after(entry.failures++));
}

}  // namespace tally::node
