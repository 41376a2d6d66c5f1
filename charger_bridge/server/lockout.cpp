#include "charger_bridge/server/lockout.h"

#include <algorithm>

namespace tally::bridge {

namespace {

using std::chrono::milliseconds;

std::string pair_key(const std::string& station, const std::string& address) {
    return station + '\n' + address;
}

/// The entry of a key; with `count_max` others there, the one untouched for longest goes.
template <typename Value>
Value& entry_of(std::map<std::string, Value>& entries, const std::string& key,
                std::size_t count_max) {
    if (entries.size() >= count_max && !entries.contains(key)) {
        entries.erase(std::min_element(
            entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
    }
    return entries[key];
}

}  // namespace

bool Lockout::is_locked(const std::string& station, const std::string& address,
                        milliseconds now) const {
    const auto guesses = m_guesses.find(pair_key(station, address));
    if (guesses != m_guesses.end() && now < guesses->second.locked_until) {
        return true;
    }
    const auto known = m_addresses.find(address);
    if (known == m_addresses.end() ||
        known->second.clean_at <= now + address_refill * (address_failures - 1)) {
        return false;
    }
    const auto home = m_home.find(station);
    return home == m_home.end() || home->second != address;
}

void Lockout::failed(const std::string& station, const std::string& address, milliseconds now) {
    Guesses& guesses = entry_of(m_guesses, pair_key(station, address), lockouts_max);
    ++guesses.failures;
    guesses.last = now;
    if (guesses.failures > guesses_free) {
        const unsigned doublings = std::min(guesses.failures - guesses_free - 1, 9U);
        const std::chrono::seconds wait{1L << doublings};
        guesses.locked_until = now + std::min(wait, lockout_max);
    }
    Address& from = entry_of(m_addresses, address, addresses_max);
    from.clean_at = std::max(from.clean_at, now) + address_refill;
    from.last = now;
}

void Lockout::succeeded(const std::string& station, const std::string& address) {
    m_guesses.erase(pair_key(station, address));
    if (m_home.size() < stations_max || m_home.contains(station)) {
        m_home[station] = address;
    }
}

}  // namespace tally::bridge
