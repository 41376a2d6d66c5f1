#include "charger_bridge/outbox/outbox.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"

#include <algorithm>
#include <utility>

namespace tally::bridge {

namespace {

constexpr std::uint8_t entry_prefix{'q'};

Bytes entry_key(std::uint64_t sequence) {
    return std::move(Encoder{}.u8(entry_prefix).u64(sequence)).take();
}

/// Where the next sequence number is kept: entries are erased when acknowledged.
Bytes counter_key() { return std::move(Encoder{}.text("outbox-next")).take(); }

}  // namespace

Expected<Done, OutboxError> Outbox::load(const KeyValueStore& store) {
    const auto counter = store.get(counter_key());
    if (!counter) {
        return Unexpected{OutboxError::storage};
    }
    if (counter.value()) {
        Decoder decoder{*counter.value()};
        m_next_sequence = decoder.u64();
        if (!decoder.finished()) {
            return Unexpected{OutboxError::undecodable};
        }
    }
    const Bytes prefix{entry_prefix};
    const auto entries = store.scan(prefix, prefix, outbox_messages_max + 1);
    if (!entries) {
        return Unexpected{OutboxError::storage};
    }
    for (const KeyValueStore::Entry& stored : *entries) {
        Decoder key{stored.key};
        static_cast<void>(key.u8());
        const std::uint64_t sequence = key.u64();
        auto message = node::decode_bridge_message(stored.value);
        if (!key.finished() || !message) {
            return Unexpected{OutboxError::undecodable};
        }
        m_waiting.push_back({sequence, std::move(message).value()});
    }
    return Done{};
}

void Outbox::put(node::BridgeMessage message, WriteBatch& batch) {
    // Swipes are refused long before; a site has far fewer chargers than the room kept for them.
    ENSURE(m_waiting.size() < outbox_messages_max);
    const std::uint64_t sequence = m_next_sequence++;
    batch.put(entry_key(sequence), node::encode_bridge_message(message));
    batch.put(counter_key(), std::move(Encoder{}.u64(m_next_sequence)).take());
    m_waiting.push_back({sequence, std::move(message)});
}

void Outbox::acknowledge(std::uint64_t sequence, WriteBatch& batch) {
    if (sequence >= m_next_sequence) {
        return;
    }
    while (!m_waiting.empty() && m_waiting.front().sequence <= sequence) {
        batch.erase(entry_key(m_waiting.front().sequence));
        m_waiting.pop_front();
        m_sent -= m_sent > 0 ? 1 : 0;
    }
}

std::vector<node::BridgeMessage> Outbox::take_due() {
    std::vector<node::BridgeMessage> due;
    const std::size_t end = std::min(m_waiting.size(), outbox_window);
    for (; m_sent < end; ++m_sent) {
        due.push_back(m_waiting[m_sent].message);
    }
    return due;
}

}  // namespace tally::bridge
