#include "node/tokens/token_mirror.h"

#include <algorithm>
#include <array>
#include <set>

namespace tally::node {
namespace {

// Keys: 'm' key hash -> nothing: the set; 'q' key hash -> wish; 's' key -> state; 'x' card ->
// nothing: cards kept here only.
constexpr std::uint8_t set_kind{'m'};
constexpr std::uint8_t wish_kind{'q'};
constexpr std::uint8_t state_kind{'s'};
constexpr std::uint8_t kept_kind{'x'};
constexpr std::uint8_t record_version{1};

Bytes prefix_of(std::uint8_t kind, const TokenKeyId& key) {
    Encoder encoder;
    encoder.u8(kind).fixed(key);
    return std::move(encoder).take();
}

Bytes kept_key(const std::string& card) {
    Encoder encoder;
    encoder.u8(kept_kind).raw(as_bytes(card));
    return std::move(encoder).take();
}

TokenHash hash_in(ByteView entry) {
    Decoder decoder{entry};
    decoder.raw(1 + TokenKeyId::size);
    const auto hash = decoder.fixed<TokenHash>();
    ENSURE(decoder.finished());
    return hash;
}

Bytes after(Bytes key) {
    key.push_back(0);
    return key;
}

std::vector<KeyValueStore::Entry> scan(const KeyValueStore& store, const Bytes& prefix,
                                       const Bytes& from, std::size_t count_max) {
    auto found = store.scan(prefix, from, count_max);
    ENSURE(found.has_value());
    return std::move(found).value();
}

}  // namespace

TokenMirror::TokenMirror(KeyValueStore& store, const SharedTokenKey& key, std::uint64_t cards_max)
    : m_store{store}, m_key{key}, m_cards_max{cards_max} {
    const auto stored = m_store.get(prefix_of(state_kind, m_key.id));
    ENSURE(stored.has_value());
    if (!*stored) {
        return;
    }
    Decoder decoder{**stored};
    ENSURE(decoder.u8() == record_version);
    const std::uint8_t phase = decoder.u8();
    m_state.version = decoder.u64();
    m_state.sequence = decoder.u64();
    m_state.count = decoder.u64();
    ENSURE(decoder.finished() && phase >= 1 && phase <= 3);
    m_state.phase = static_cast<Phase>(phase);
}

Bytes TokenMirror::key_of(std::uint8_t kind, const TokenHash& hash) const {
    Encoder encoder;
    encoder.u8(kind).fixed(m_key.id).fixed(hash);
    return std::move(encoder).take();
}

bool TokenMirror::has(const TokenHash& hash) const {
    const auto found = m_store.get(key_of(set_kind, hash));
    ENSURE(found.has_value());
    return found->has_value();
}

void TokenMirror::put_state(WriteBatch& batch) const {
    Encoder encoder;
    encoder.u8(record_version).u8(static_cast<std::uint8_t>(m_state.phase));
    encoder.u64(m_state.version).u64(m_state.sequence).u64(m_state.count);
    batch.put(prefix_of(state_kind, m_key.id), std::move(encoder).take());
}

void TokenMirror::write(const WriteBatch& batch) { ENSURE(m_store.write(batch, true).has_value()); }

std::size_t TokenMirror::add(const std::vector<std::string>& cards) {
    WriteBatch batch;
    std::set<TokenHash> fresh;
    std::size_t refused{0};
    for (const std::string& card : cards) {
        const TokenHash hash = token_hash(m_key, card);
        if (fresh.contains(hash) || has(hash)) {
            continue;
        }
        if (m_state.count == m_cards_max) {
            ++refused;
            continue;
        }
        fresh.insert(hash);
        ++m_state.count;
        batch.put(key_of(set_kind, hash), {});
        if (m_state.phase != Phase::gathering) {
            batch.put(key_of(wish_kind, hash), {static_cast<std::uint8_t>(Wish::add)});
        }
    }
    if (!fresh.empty()) {
        put_state(batch);
        write(batch);
    }
    return refused;
}

void TokenMirror::remove(const std::vector<std::string>& cards) {
    WriteBatch batch;
    std::set<TokenHash> gone;
    for (const std::string& card : cards) {
        const TokenHash hash = token_hash(m_key, card);
        if (!has(hash) || !gone.insert(hash).second) {
            continue;
        }
        --m_state.count;
        batch.erase(key_of(set_kind, hash));
        if (m_state.phase != Phase::gathering) {
            batch.put(key_of(wish_kind, hash), {static_cast<std::uint8_t>(Wish::remove)});
        }
    }
    if (!gone.empty()) {
        put_state(batch);
        write(batch);
    }
}

void TokenMirror::keep(const std::vector<std::string>& cards) {
    WriteBatch batch;
    for (const std::string& card : cards) {
        batch.put(kept_key(card), {});
    }
    write(batch);
}

void TokenMirror::forget(const std::vector<std::string>& cards) {
    WriteBatch batch;
    for (const std::string& card : cards) {
        batch.erase(kept_key(card));
    }
    write(batch);
}

std::vector<std::string> TokenMirror::kept(const std::string& after_card, std::size_t count) const {
    const Bytes from = after_card.empty() ? Bytes{kept_kind} : after(kept_key(after_card));
    std::vector<std::string> cards;
    for (const auto& entry : scan(m_store, Bytes{kept_kind}, from, count)) {
        cards.emplace_back(as_text(ByteView{entry.key}.subspan(1)));
    }
    return cards;
}

void TokenMirror::begin_sending(std::uint64_t version) {
    m_state.phase = Phase::sending;
    m_state.version = version;
    m_state.sequence = 0;
    WriteBatch batch;
    put_state(batch);
    write(batch);
}

std::vector<TokenHash> TokenMirror::hashes(const std::optional<TokenHash>& after_hash,
                                           std::size_t count) const {
    const Bytes prefix = prefix_of(set_kind, m_key.id);
    const Bytes from = after_hash ? after(key_of(set_kind, *after_hash)) : prefix;
    std::vector<TokenHash> hashes;
    for (const auto& entry : scan(m_store, prefix, from, count)) {
        hashes.push_back(hash_in(entry.key));
    }
    return hashes;
}

void TokenMirror::set_in_force(std::uint64_t sequence) {
    m_state.phase = Phase::in_force;
    m_state.sequence = sequence;
    WriteBatch batch;
    put_state(batch);
    write(batch);
}

TokenChange TokenMirror::waiting(std::size_t count) const {
    TokenChange change;
    change.key = m_key.id;
    change.version = m_state.version;
    const Bytes prefix = prefix_of(wish_kind, m_key.id);
    for (const auto& entry : scan(m_store, prefix, prefix, count)) {
        ENSURE(entry.value.size() == 1);
        const bool is_add = entry.value.front() == static_cast<std::uint8_t>(Wish::add);
        (is_add ? change.added : change.removed).push_back(hash_in(entry.key));
    }
    return change;
}

void TokenMirror::taken(const TokenChange& change) {
    m_state.sequence = change.sequence;
    WriteBatch batch;
    put_state(batch);
    // A card may have come and gone while the change was on its way: then its wish is another one.
    const auto settle = [&](const std::vector<TokenHash>& hashes, Wish wish) {
        for (const TokenHash& hash : hashes) {
            const auto waiting = m_store.get(key_of(wish_kind, hash));
            ENSURE(waiting.has_value());
            if (*waiting && **waiting == Bytes{static_cast<std::uint8_t>(wish)}) {
                batch.erase(key_of(wish_kind, hash));
            }
        }
    };
    settle(change.added, Wish::add);
    settle(change.removed, Wish::remove);
    write(batch);
}

bool TokenMirror::clear_other_keys(std::size_t entries_max) {
    WriteBatch batch;
    for (const std::uint8_t kind : std::array{set_kind, wish_kind, state_kind}) {
        const Bytes own = prefix_of(kind, m_key.id);
        const auto collect = [&](const Bytes& from) {
            const std::size_t left = entries_max - batch.operations.size();
            for (const auto& entry : scan(m_store, Bytes{kind}, from, left)) {
                const bool is_own = entry.key.size() >= own.size() &&
                                    std::equal(own.begin(), own.end(), entry.key.begin());
                if (is_own) {
                    return;
                }
                batch.erase(entry.key);
            }
        };
        Bytes behind = own;  // the first key that is greater than all with this prefix
        behind.insert(behind.end(), TokenHash::size + 1, 0xff);
        collect(Bytes{kind});
        if (batch.operations.size() < entries_max) {
            collect(behind);
        }
    }
    if (!batch.operations.empty()) {
        write(batch);
    }
    return batch.operations.size() == entries_max;
}

}  // namespace tally::node
