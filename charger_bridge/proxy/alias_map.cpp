#include "charger_bridge/proxy/alias_map.h"

#include "ledger/base/codec.h"

namespace tally::bridge {

namespace {

constexpr std::uint8_t alias_version{1};

}  // namespace

std::pair<std::int64_t, bool> AliasMap::alias_of(std::int64_t upstream) {
    if (const auto known = find_alias(upstream)) {
        return {*known, false};
    }
    if (m_entries.size() >= aliases_max) {
        m_entries.pop_front();
    }
    const std::int64_t alias = m_next;
    m_next = alias > alias_last ? alias - 1 : own_transaction_first - 1;
    m_entries.push_back({alias, upstream});
    return {alias, true};
}

std::optional<std::int64_t> AliasMap::find_alias(std::int64_t upstream) const {
    for (const Entry& entry : m_entries) {
        if (entry.upstream == upstream) {
            return entry.alias;
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> AliasMap::find_upstream(std::int64_t alias) const {
    for (const Entry& entry : m_entries) {
        if (entry.alias == alias) {
            return entry.upstream;
        }
    }
    return std::nullopt;
}

Bytes AliasMap::encoded() const {
    Encoder encoder;
    encoder.u8(alias_version).i64(m_next).u32(static_cast<std::uint32_t>(m_entries.size()));
    for (const Entry& entry : m_entries) {
        encoder.i64(entry.alias).i64(entry.upstream);
    }
    return std::move(encoder).take();
}

bool AliasMap::decode(ByteView bytes) {
    Decoder decoder{bytes};
    const bool is_known = decoder.u8() == alias_version;
    const std::int64_t next = decoder.i64();
    const std::uint32_t count = decoder.count(aliases_max, 2 * sizeof(std::int64_t));
    std::deque<Entry> entries;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::int64_t alias = decoder.i64();
        entries.push_back({alias, decoder.i64()});
    }
    if (!is_known || !decoder.finished() || next < alias_last || next >= own_transaction_first) {
        return false;
    }
    m_entries = std::move(entries);
    m_next = next;
    return true;
}

}  // namespace tally::bridge
