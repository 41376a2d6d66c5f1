#include "node/roaming/token_directory.h"

#include <algorithm>

namespace tally::node {

void TokenDirectory::find(const std::string& card, Answer answer) {
    if (m_keys.empty()) {
        answer({.kind = CardOwner::Kind::unknown, .party = {}});
        return;
    }
    Pending pending;
    for (const SharedTokenKey& key : m_keys) {
        pending.lookup.hashes.push_back({.key = key.id, .hash = token_hash(key, card)});
    }
    const auto known = m_cache.find(pending.lookup.hashes.front().hash);
    if (known != m_cache.end() && known->second.until > now()) {
        m_context.count("tokens_lookup_remembered");
        answer({.kind = CardOwner::Kind::found, .party = known->second.party});
        return;
    }
    if (!m_members.is_connected(m_context.hub)) {
        m_context.count("tokens_hub_away");
        answer({.kind = CardOwner::Kind::hub_away, .party = {}});
        return;
    }
    if (m_pending.size() >= token_lookups_pending_max) {
        answer({.kind = CardOwner::Kind::overloaded, .party = {}});
        return;
    }
    pending.lookup.id = m_context.random.fixed<LookupId>();
    pending.answer = std::move(answer);
    pending.asked = now();
    pending.repeated = pending.asked;
    m_context.courier.send(m_context.hub, TokenMessage{pending.lookup}, Delivery::once, 0);
    m_pending.emplace(pending.lookup.id, std::move(pending));
}

void TokenDirectory::on_answer(const TokenAnswer& answer) {
    const auto found = m_pending.find(answer.id);
    if (found == m_pending.end()) {
        return;  // answered already, or too late
    }
    CardOwner owner;
    switch (answer.finding) {
        case TokenFinding::found:
            owner = {.kind = CardOwner::Kind::found, .party = answer.party};
            remember(found->second.lookup.hashes.front().hash, answer.party);
            break;
        case TokenFinding::unknown:
            owner.kind = CardOwner::Kind::unknown;
            break;
        case TokenFinding::ambiguous:
            m_context.count("tokens_ambiguous");
            owner.kind = CardOwner::Kind::ambiguous;
            break;
        case TokenFinding::busy:
            return;  // asked again while there is time
    }
    end(found, owner);
}

void TokenDirectory::end(std::map<LookupId, Pending>::iterator found, CardOwner owner) {
    const Answer answer = std::move(found->second.answer);
    m_pending.erase(found);
    answer(owner);
}

void TokenDirectory::remember(const TokenHash& hash, const PartyId& party) {
    if (m_cache.size() >= token_cache_max) {
        std::erase_if(m_cache, [this](const auto& entry) { return entry.second.until <= now(); });
    }
    if (m_cache.size() >= token_cache_max) {
        m_cache.clear();  // it is worth a minute
    }
    m_cache[hash] = {.party = party, .until = now() + token_cache_ms};
}

void TokenDirectory::tick() {
    const UnixMillis time = now();
    for (auto it = m_pending.begin(); it != m_pending.end();) {
        const auto current = it++;
        Pending& pending = current->second;
        if (pending.asked + token_lookup_wait_ms <= time) {
            m_context.count("tokens_hub_away");
            end(current, {.kind = CardOwner::Kind::hub_away, .party = {}});
        } else if (pending.repeated + token_lookup_repeat_ms <= time) {
            pending.repeated = time;
            m_context.courier.send(m_context.hub, TokenMessage{pending.lookup}, Delivery::once, 0);
        }
    }
}

}  // namespace tally::node
