#include "consensus/driver/fetcher.h"

#include <algorithm>

namespace tally::consensus {

bool Fetcher::is_busy(PeerId peer, FetchKind kind) const {
    return std::any_of(m_pursuits.begin(), m_pursuits.end(), [&](const auto& item) {
        return item.first.kind == kind && item.second.current == peer;
    });
}

std::optional<PeerId> Fetcher::choose(const Want& want, const Pursuit& pursuit) const {
    for (const PeerId peer : want.peers) {
        if (pursuit.asked.count(peer) == 0 && !is_busy(peer, want.key.kind)) {
            return peer;
        }
    }
    return std::nullopt;
}

std::vector<Ask> Fetcher::update(const std::vector<Want>& wants, Time now) {
    std::set<FetchKey> wanted;
    for (const Want& want : wants) {
        wanted.insert(want.key);
    }
    for (auto it = m_pursuits.begin(); it != m_pursuits.end();) {
        it = wanted.count(it->first) == 0 ? m_pursuits.erase(it) : std::next(it);
    }
    for (auto& [key, pursuit] : m_pursuits) {
        if (pursuit.current && now >= pursuit.sent + m_timeout) {
            pursuit.current.reset();
        }
    }
    std::vector<Ask> asks;
    for (const Want& want : wants) {
        const auto [found, is_new] = m_pursuits.try_emplace(want.key);
        Pursuit& pursuit = found->second;
        if (is_new) {
            pursuit.began = now;
        }
        if (pursuit.current) {
            continue;
        }
        std::optional<PeerId> peer = choose(want, pursuit);
        if (!peer && now >= pursuit.began + m_timeout) {
            pursuit.asked.clear();
            pursuit.began = now;
            peer = choose(want, pursuit);
        }
        if (!peer) {
            continue;
        }
        pursuit.asked.insert(*peer);
        pursuit.current = peer;
        pursuit.id = m_next_id++;
        pursuit.sent = now;
        asks.push_back({want.key, *peer, pursuit.id});
    }
    return asks;
}

std::optional<FetchKey> Fetcher::settle(PeerId peer, std::uint64_t id, FetchKind kind) {
    for (auto& [key, pursuit] : m_pursuits) {
        if (key.kind == kind && pursuit.current == peer && pursuit.id == id) {
            pursuit.current.reset();
            return key;
        }
    }
    return std::nullopt;
}

void Fetcher::helped(const FetchKey& key) {
    if (const auto found = m_pursuits.find(key); found != m_pursuits.end()) {
        found->second.asked.clear();
    }
}

void Fetcher::forget(PeerId peer) {
    for (auto& [key, pursuit] : m_pursuits) {
        pursuit.asked.erase(peer);
        if (pursuit.current == peer) {
            pursuit.current.reset();
        }
    }
}

std::optional<Time> Fetcher::next_deadline() const {
    std::optional<Time> next;
    for (const auto& [key, pursuit] : m_pursuits) {
        const Time due = (pursuit.current ? pursuit.sent : pursuit.began) + m_timeout;
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

}  // namespace tally::consensus
