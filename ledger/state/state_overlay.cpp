#include "ledger/state/state_overlay.h"

#include "ledger/base/check.h"

#include <algorithm>

namespace tally {
namespace {

bool starts_with(ByteView key, ByteView prefix) {
    return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

Bytes to_bytes(ByteView view) { return Bytes{view.begin(), view.end()}; }

}  // namespace

StateOverlay::StateOverlay(const KeyValueStore& base, std::vector<const StateChanges*> layers)
    : m_base{base}, m_layers{std::move(layers)} {}

std::optional<Bytes> StateOverlay::get(ByteView key) const {
    if (const auto own = m_changes.find(to_bytes(key)); own != m_changes.end()) {
        return own->second;
    }
    return get_before(key);
}

std::optional<Bytes> StateOverlay::get_before(ByteView key) const {
    Bytes owned = to_bytes(key);
    if (const auto known = m_read.find(owned); known != m_read.end()) {
        return known->second;
    }
    for (const StateChanges* layer : m_layers) {
        if (const auto found = layer->find(owned); found != layer->end()) {
            return found->second;
        }
    }
    Expected<std::optional<Bytes>, StoreError> stored = m_base.get(key);
    ENSURE(stored.has_value());
    return m_read.emplace(std::move(owned), std::move(*stored)).first->second;
}

std::optional<Bytes> StateOverlay::next_key(const Bytes& from) const {
    Expected<std::optional<KeyValueStore::Entry>, StoreError> stored = m_base.next(from);
    ENSURE(stored.has_value());
    std::optional<Bytes> lowest;
    if (stored->has_value()) {
        lowest = std::move((*stored)->key);
    }
    const auto consider = [&](const StateChanges& changes) {
        const auto candidate = changes.lower_bound(from);
        if (candidate != changes.end() && (!lowest || candidate->first < *lowest)) {
            lowest = candidate->first;
        }
    };
    consider(m_changes);
    for (const StateChanges* layer : m_layers) {
        consider(*layer);
    }
    return lowest;
}

std::optional<KeyValueStore::Entry> StateOverlay::next(ByteView from, ByteView prefix) const {
    Bytes position = std::max(to_bytes(from), to_bytes(prefix));
    for (;;) {
        std::optional<Bytes> key = next_key(position);
        if (!key || !starts_with(*key, prefix)) {
            return std::nullopt;
        }
        if (std::optional<Bytes> value = get(*key)) {
            return KeyValueStore::Entry{std::move(*key), std::move(*value)};
        }
        position = std::move(*key);
        position.push_back(0);
    }
}

std::optional<KeyValueStore::Entry> StateOverlay::next_below(ByteView from, ByteView end) const {
    Bytes position = to_bytes(from);
    const Bytes behind = to_bytes(end);
    for (;;) {
        std::optional<Bytes> key = next_key(position);
        if (!key || *key >= behind) {
            return std::nullopt;
        }
        if (std::optional<Bytes> value = get(*key)) {
            return KeyValueStore::Entry{std::move(*key), std::move(*value)};
        }
        position = std::move(*key);
        position.push_back(0);
    }
}

void StateOverlay::put(Bytes key, Bytes value) { set(std::move(key), std::move(value)); }

void StateOverlay::erase(Bytes key) { set(std::move(key), std::nullopt); }

void StateOverlay::set(Bytes key, std::optional<Bytes> value) {
    const auto [entry, is_new] = m_changes.try_emplace(std::move(key));
    if (m_has_savepoint) {
        m_undo.push_back({entry->first, std::nullopt});
        if (!is_new) {
            m_undo.back().before = std::move(entry->second);
        }
    }
    entry->second = std::move(value);
}

void StateOverlay::set_savepoint() {
    ENSURE(!m_has_savepoint);
    m_has_savepoint = true;
}

void StateOverlay::keep() {
    ENSURE(m_has_savepoint);
    m_undo.clear();
    m_has_savepoint = false;
}

void StateOverlay::roll_back() {
    ENSURE(m_has_savepoint);
    for (auto undo = m_undo.rbegin(); undo != m_undo.rend(); ++undo) {
        if (undo->before) {
            m_changes[undo->key] = std::move(*undo->before);
        } else {
            m_changes.erase(undo->key);
        }
    }
    m_undo.clear();
    m_has_savepoint = false;
}

}  // namespace tally
