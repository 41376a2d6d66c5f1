#include "node/tokens/token_registry.h"

#include <algorithm>
#include <set>

namespace tally::node {
namespace {

// Keys: 'h' key hash generation -> nothing; 's' key party -> record; 'g' key -> nothing: there are
// entries of no set; 'c' -> last generation.
constexpr std::uint8_t hash_kind{'h'};
constexpr std::uint8_t set_kind{'s'};
constexpr std::uint8_t remains_kind{'g'};
const Bytes counter_key{'c'};
constexpr std::uint8_t record_version{1};
constexpr std::size_t records_max{token_parties_max * token_keys_max};

Bytes hashes_under(const TokenKeyId& key) {
    Encoder encoder;
    encoder.u8(hash_kind).fixed(key);
    return std::move(encoder).take();
}

Bytes entries_of(const TokenKeyId& key, const TokenHash& hash) {
    Encoder encoder;
    encoder.u8(hash_kind).fixed(key).fixed(hash);
    return std::move(encoder).take();
}

Bytes entry_key(const TokenKeyId& key, const TokenHash& hash, std::uint32_t generation) {
    Encoder encoder;
    encoder.u8(hash_kind).fixed(key).fixed(hash).u32(generation);
    return std::move(encoder).take();
}

Bytes remains_key(const TokenKeyId& key) {
    Encoder encoder;
    encoder.u8(remains_kind).fixed(key);
    return std::move(encoder).take();
}

/// The generation at the end of an entry's key.
std::uint32_t generation_of(ByteView entry) {
    Decoder decoder{entry};
    decoder.raw(1 + TokenKeyId::size + TokenHash::size);
    const std::uint32_t generation = decoder.u32();
    ENSURE(decoder.finished());
    return generation;
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

bool is_in_step(const TokenSetState& state, const TokenChunk& chunk) {
    return !chunk.is_first && chunk.version == state.next_version && chunk.after == state.next_last;
}

}  // namespace

TokenRegistry::TokenRegistry(KeyValueStore& store, std::uint64_t per_member_max)
    : m_store{store}, m_per_member_max{per_member_max} {
    const auto counter = m_store.get(counter_key);
    ENSURE(counter.has_value());
    if (*counter) {
        Decoder decoder{**counter};
        m_last_generation = decoder.u32();
        ENSURE(decoder.finished());
    }
    const Bytes sets{set_kind};
    for (const auto& entry : scan(m_store, sets, sets, records_max)) {
        Decoder name{entry.key};
        name.u8();
        const auto key = name.fixed<TokenKeyId>();
        const auto party = name.fixed<PartyId>();
        Decoder decoder{entry.value};
        ENSURE(decoder.u8() == record_version);
        Record record;
        record.state = decode_token_set_state(decoder);
        record.in_force = decoder.u32();
        record.next = decoder.u32();
        const std::uint32_t older =
            decoder.count(static_cast<std::uint32_t>(token_keys_max), TokenKeyId::size);
        for (std::uint32_t i = 0; i < older; ++i) {
            record.older.push_back(decoder.fixed<TokenKeyId>());
        }
        ENSURE(name.finished() && decoder.finished());
        for (const Generation generation : {record.in_force, record.next}) {
            if (generation != 0) {
                m_owners[generation] = {key, party};
            }
        }
        m_records[{key, party}] = std::move(record);
    }
    const Bytes remains{remains_kind};
    for (const auto& entry : scan(m_store, remains, remains, records_max)) {
        Decoder decoder{entry.key};
        decoder.u8();
        m_swept[decoder.fixed<TokenKeyId>()] = false;
    }
}

void TokenRegistry::write(const WriteBatch& batch, bool sync) {
    ENSURE(m_store.write(batch, sync).has_value());
}

void TokenRegistry::put(WriteBatch& batch, const Name& name, const Record& record) const {
    Encoder key;
    key.u8(set_kind).fixed(name.first).fixed(name.second);
    Encoder value;
    value.u8(record_version);
    encode(value, record.state);
    value.u32(record.in_force).u32(record.next);
    value.u32(static_cast<std::uint32_t>(record.older.size()));
    for (const TokenKeyId& older : record.older) {
        value.fixed(older);
    }
    batch.put(std::move(key).take(), std::move(value).take());
}

/// What was under this generation is of no set from now on.
void TokenRegistry::discard(WriteBatch& batch, const TokenKeyId& key, Generation generation) {
    if (generation == 0) {
        return;
    }
    m_owners.erase(generation);
    m_swept[key] = true;
    batch.put(remains_key(key), {});
}

void TokenRegistry::erase(WriteBatch& batch, std::map<Name, Record>::iterator found) {
    const auto& [key, party] = found->first;
    discard(batch, key, found->second.in_force);
    discard(batch, key, found->second.next);
    Encoder name;
    name.u8(set_kind).fixed(key).fixed(party);
    batch.erase(std::move(name).take());
    m_records.erase(found);
}

std::size_t TokenRegistry::keys_of(const PartyId& member) const {
    return static_cast<std::size_t>(
        std::count_if(m_records.begin(), m_records.end(),
                      [&](const auto& entry) { return entry.first.second == member; }));
}

/// A set may begin under a key that the member has already, or under one more.
bool TokenRegistry::may_begin(const Name& name, const TokenChunk& chunk) const {
    const auto known = m_records.find(name);
    if (known == m_records.end()) {
        return chunk.is_first;
    }
    const TokenSetState& state = known->second.state;
    return chunk.is_first && chunk.version > std::max(state.version, state.next_version);
}

TokenReceipt TokenRegistry::take(const PartyId& member, const TokenChunk& chunk) {
    const Name name{chunk.key, member};
    const auto known = m_records.find(name);
    Record record;
    record.state.key = chunk.key;
    if (known != m_records.end()) {
        record = known->second;
    } else if (keys_of(member) >= token_keys_max || m_records.size() >= records_max) {
        return {.result = TokenResult::too_many, .state = record.state};
    }
    TokenSetState& state = record.state;
    const bool begins = may_begin(name, chunk);
    if (!begins && !is_in_step(state, chunk)) {
        return {.result = TokenResult::out_of_step, .state = state};
    }
    if ((begins ? 0 : state.next_count) + chunk.hashes.size() > m_per_member_max) {
        return {.result = TokenResult::too_many, .state = state};
    }
    WriteBatch batch;
    if (begins) {
        discard(batch, chunk.key, record.next);
        ENSURE(m_last_generation < UINT32_MAX);
        record.next = ++m_last_generation;
        Encoder counter;
        counter.u32(m_last_generation);
        batch.put(counter_key, std::move(counter).take());
        state.next_version = chunk.version;
        state.next_count = 0;
        state.next_last = {};
        m_owners[record.next] = name;
    }
    for (const TokenHash& hash : chunk.hashes) {
        batch.put(entry_key(chunk.key, hash, record.next), {});
    }
    state.next_count += chunk.hashes.size();
    if (!chunk.hashes.empty()) {
        state.next_last = chunk.hashes.back();
    }
    record.older = chunk.older;
    if (chunk.is_last) {
        complete(batch, name, record);
    }
    put(batch, name, record);
    m_records[name] = record;
    if (chunk.is_last) {
        retire(batch, chunk.key);
    }
    write(batch, true);
    return {.result = TokenResult::taken, .state = record.state};
}

/// The set under way is whole: it is the one in force.
void TokenRegistry::complete(WriteBatch& batch, const Name& name, Record& record) {
    discard(batch, name.first, record.in_force);
    record.in_force = record.next;
    record.next = 0;
    TokenSetState& state = record.state;
    state.version = state.next_version;
    state.sequence = 0;
    state.count = state.next_count;
    state.next_version = 0;
    state.next_count = 0;
    state.next_last = {};
}

/// Once every operator that has a set in force has one under `newer`, each one's sets under the
/// keys that it called older than that go. Nobody can have another's set dropped.
void TokenRegistry::retire(WriteBatch& batch, const TokenKeyId& newer) {
    std::set<PartyId> left;
    for (const auto& [name, record] : m_records) {
        if (record.in_force != 0) {
            left.insert(name.second);
        }
    }
    std::vector<Name> dropped;
    for (const auto& [name, record] : m_records) {
        if (name.first != newer || record.in_force == 0) {
            continue;
        }
        left.erase(name.second);
        for (const TokenKeyId& older : record.older) {
            dropped.emplace_back(older, name.second);
        }
    }
    if (!left.empty()) {
        return;
    }
    for (const Name& name : dropped) {
        const auto found = m_records.find(name);
        if (found != m_records.end()) {
            erase(batch, found);
        }
    }
}

TokenReceipt TokenRegistry::take(const PartyId& member, const TokenChange& change) {
    const Name name{change.key, member};
    const auto known = m_records.find(name);
    TokenSetState none;
    none.key = change.key;
    if (known == m_records.end()) {
        return {.result = TokenResult::out_of_step, .state = none};
    }
    Record record = known->second;
    TokenSetState& state = record.state;
    if (record.in_force == 0 || change.version != state.version ||
        change.sequence <= state.sequence) {
        return {.result = TokenResult::out_of_step, .state = state};
    }
    const auto is_there = [&](const TokenHash& hash) {
        const auto value = m_store.get(entry_key(change.key, hash, record.in_force));
        ENSURE(value.has_value());
        return value->has_value();
    };
    WriteBatch batch;
    for (const TokenHash& hash : change.removed) {
        if (is_there(hash)) {
            batch.erase(entry_key(change.key, hash, record.in_force));
            --state.count;
        }
    }
    for (const TokenHash& hash : change.added) {
        if (!is_there(hash)) {
            batch.put(entry_key(change.key, hash, record.in_force), {});
            ++state.count;
        }
    }
    if (state.count > m_per_member_max) {
        return {.result = TokenResult::too_many, .state = known->second.state};
    }
    state.sequence = change.sequence;
    put(batch, name, record);
    known->second = record;
    write(batch, true);
    return {.result = TokenResult::taken, .state = state};
}

bool TokenRegistry::has_set(const TokenKeyId& key, const PartyId& party) const {
    const auto found = m_records.find({key, party});
    return found != m_records.end() && found->second.in_force != 0;
}

std::vector<PartyId> TokenRegistry::parties_with(const KeyedHash& entry, bool& overflow) const {
    const Bytes prefix = entries_of(entry.key, entry.hash);
    const auto entries = scan(m_store, prefix, prefix, entries_per_hash_max);
    overflow = overflow || entries.size() == entries_per_hash_max;
    std::vector<PartyId> parties;
    for (const auto& found : entries) {
        const Generation generation = generation_of(found.key);
        const auto owner = m_owners.find(generation);
        if (owner != m_owners.end() && m_records.at(owner->second).in_force == generation) {
            parties.push_back(owner->second.second);
        }
    }
    return parties;
}

TokenAnswer TokenRegistry::find(const TokenLookup& lookup) const {
    TokenAnswer answer;
    answer.id = lookup.id;
    std::set<PartyId> parties;
    std::vector<TokenKeyId> newer;
    bool overflow{false};
    for (const KeyedHash& entry : lookup.hashes) {
        for (const PartyId& party : parties_with(entry, overflow)) {
            const bool left_behind =
                std::any_of(newer.begin(), newer.end(),
                            [&](const TokenKeyId& key) { return has_set(key, party); });
            if (!left_behind) {
                parties.insert(party);
            }
        }
        newer.push_back(entry.key);
    }
    if (overflow || parties.size() > 1) {
        answer.finding = TokenFinding::ambiguous;
    } else if (parties.size() == 1) {
        answer.finding = TokenFinding::found;
        answer.party = *parties.begin();
    }
    return answer;
}

TokenStatus TokenRegistry::status(const PartyId& member) const {
    TokenStatus status;
    std::map<TokenKeyId, std::vector<PartyId>> keys;
    for (const auto& [name, record] : m_records) {
        if (name.second == member) {
            status.own.push_back(record.state);
        }
        if (record.in_force != 0) {
            keys[name.first].push_back(name.second);
        }
    }
    for (const auto& [key, parties] : keys) {
        status.keys.push_back({.key = key, .parties = parties});
    }
    // The member's own keys first, then those of most operators.
    const auto rank = [&](const TokenStatus::Key& key) {
        const bool own = std::binary_search(key.parties.begin(), key.parties.end(), member);
        return std::pair{own, key.parties.size()};
    };
    std::stable_sort(status.keys.begin(), status.keys.end(),
                     [&](const auto& left, const auto& right) { return rank(left) > rank(right); });
    status.keys.resize(std::min(status.keys.size(), token_status_keys_max));
    for (TokenStatus::Key& key : status.keys) {
        key.parties.resize(std::min(key.parties.size(), token_parties_max));
    }
    return status;
}

std::vector<TokenRegistry::Row> TokenRegistry::rows() const {
    std::vector<Row> rows;
    for (const auto& [name, record] : m_records) {
        rows.push_back({.member = name.second, .state = record.state, .older = record.older});
    }
    return rows;
}

std::size_t TokenRegistry::drop(const TokenKeyId& key, const std::optional<PartyId>& member) {
    std::vector<Name> dropped;
    for (const auto& [name, record] : m_records) {
        if (name.first == key && (!member || name.second == *member)) {
            dropped.push_back(name);
        }
    }
    WriteBatch batch;
    for (const Name& name : dropped) {
        erase(batch, m_records.find(name));
    }
    if (!dropped.empty()) {
        write(batch, true);
    }
    return dropped.size();
}

bool TokenRegistry::sweep(std::size_t entries_max) {
    if (m_swept.empty()) {
        return false;
    }
    const auto current = m_swept.begin();
    const TokenKeyId key = current->first;
    const Bytes prefix = hashes_under(key);
    if (m_sweep_from.empty()) {
        m_sweep_from = prefix;
        current->second = false;
    }
    const auto entries = scan(m_store, prefix, m_sweep_from, entries_max);
    WriteBatch batch;
    for (const auto& entry : entries) {
        if (!m_owners.contains(generation_of(entry.key))) {
            batch.erase(entry.key);
        }
    }
    const bool at_end = entries.size() < entries_max;
    m_sweep_from = at_end ? Bytes{} : after(entries.back().key);
    const bool is_clean = at_end && !current->second;
    if (is_clean) {
        batch.erase(remains_key(key));
        m_swept.erase(current);
    }
    if (!batch.operations.empty()) {
        write(batch, false);
    }
    return !m_swept.empty();
}

}  // namespace tally::node
