#include "consensus/driver/fetcher.h"

#include <algorithm>
#include <utility>

namespace tally::consensus {

bool Fetcher::is_busy(PeerId peer, FetchKind kind) const {
    return std::any_of(m_pursuits.begin(), m_pursuits.end(), [&](const auto& item) {
        return item.first.kind == kind && item.second.current && item.second.current->peer == peer;
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
        if (pursuit.current && now >= pursuit.sent + pursuit.timeout) {
            pursuit.current.reset();
            pursuit.timed_out = true;
        }
    }
    std::vector<Ask> asks;
    for (const Want& want : wants) {
        if (const std::optional<Ask> ask = next_ask(want, now)) {
            asks.push_back(*ask);
        }
    }
    return asks;
}

std::optional<Ask> Fetcher::next_ask(const Want& want, Time now) {
    const auto [found, is_new] = m_pursuits.try_emplace(want.key);
    Pursuit& pursuit = found->second;
    if (is_new) {
        pursuit.began = now;
        pursuit.timeout = m_timeout;
    }
    if (pursuit.current) {
        return std::nullopt;
    }
    std::optional<PeerId> peer = choose(want, pursuit);
    if (!peer && now >= pursuit.began + pursuit.timeout) {
        if (std::exchange(pursuit.timed_out, false)) {
            pursuit.timeout = std::min(2 * pursuit.timeout, timeout_growth_max * m_timeout);
        }
        pursuit.asked.clear();
        pursuit.began = now;
        peer = choose(want, pursuit);
    }
    if (!peer) {
        return std::nullopt;
    }
    pursuit.asked.insert(*peer);
    pursuit.current = Request{*peer, m_next_id++};
    pursuit.sent = now;
    pursuit.outstanding.push_back(*pursuit.current);
    if (pursuit.outstanding.size() > outstanding_max) {
        pursuit.outstanding.pop_front();
    }
    return Ask{want.key, *peer, pursuit.current->id};
}

std::optional<FetchKey> Fetcher::settle(PeerId peer, std::uint64_t id, FetchKind kind) {
    const Request answered{peer, id};
    for (auto& [key, pursuit] : m_pursuits) {
        const auto found =
            std::find(pursuit.outstanding.begin(), pursuit.outstanding.end(), answered);
        if (key.kind != kind || found == pursuit.outstanding.end()) {
            continue;
        }
        pursuit.outstanding.erase(found);
        if (pursuit.current == answered) {
            pursuit.current.reset();
        }
        return key;
    }
    return std::nullopt;
}

void Fetcher::helped(const FetchKey& key) {
    if (const auto found = m_pursuits.find(key); found != m_pursuits.end()) {
        found->second.asked.clear();
        found->second.timeout = m_timeout;
    }
}

void Fetcher::forget(PeerId peer) {
    for (auto& [key, pursuit] : m_pursuits) {
        pursuit.asked.erase(peer);
        if (pursuit.current && pursuit.current->peer == peer) {
            pursuit.current.reset();
        }
        const auto is_gone = [peer](const Request& request) { return request.peer == peer; };
        pursuit.outstanding.erase(
            std::remove_if(pursuit.outstanding.begin(), pursuit.outstanding.end(), is_gone),
            pursuit.outstanding.end());
    }
}

std::optional<Time> Fetcher::next_deadline() const {
    std::optional<Time> next;
    for (const auto& [key, pursuit] : m_pursuits) {
        const Time due = (pursuit.current ? pursuit.sent : pursuit.began) + pursuit.timeout;
        next = next ? std::min(*next, due) : due;
    }
    return next;
}

}  // namespace tally::consensus
