#pragma once

// Durable messages to the node, in order, until the node has them safe. Pure: changes go into the
// caller's batch, so a message is stored together with what caused it or not at all.

#include "ledger/base/key_value_store.h"
#include "node/link/bridge_messages.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace tally::bridge {

/// Most messages waiting. Two thirds of it is where new swipes are refused, so that the charges
/// that are running can always be ended.
inline constexpr std::size_t outbox_messages_max{60'000};
inline constexpr std::size_t outbox_high_water{40'000};
/// Messages sent and not yet acknowledged, at once.
inline constexpr std::size_t outbox_window{256};

enum class OutboxError : std::uint8_t { storage, undecodable };

/// Sequence numbers start at 1, have no gaps and never repeat, across restarts too.
class Outbox {
public:
    /// Reads what was stored. Errors: the store's, or an entry that does not decode (the process
    /// must then stop: it is data of our own).
    [[nodiscard]] Expected<Done, OutboxError> load(const KeyValueStore& store);

    /// Gives `message` the next sequence number and queues it. `Message` is one of the durable
    /// kinds.
    template <typename Message>
    void add(Message message, WriteBatch& batch) {
        message.sequence = m_next_sequence;
        put(node::BridgeMessage{std::move(message)}, batch);
    }
    /// Everything up to `sequence` is safe at the node. Numbers never given out are ignored.
    void acknowledge(std::uint64_t sequence, WriteBatch& batch);

    /// The link is new: what is unacknowledged will be due again.
    void rewind() { m_sent = 0; }
    /// Messages to send now, in order; counts them as sent.
    [[nodiscard]] std::vector<node::BridgeMessage> take_due();

    [[nodiscard]] std::size_t size() const { return m_waiting.size(); }
    [[nodiscard]] bool is_crowded() const { return m_waiting.size() >= outbox_high_water; }
    [[nodiscard]] std::uint64_t next_sequence() const { return m_next_sequence; }

private:
    struct Entry {
        std::uint64_t sequence{0};
        node::BridgeMessage message;
    };
    void put(node::BridgeMessage message, WriteBatch& batch);

    std::deque<Entry> m_waiting;
    std::size_t m_sent{0};  ///< how many of the first ones are on their way
    std::uint64_t m_next_sequence{1};
};

}  // namespace tally::bridge
