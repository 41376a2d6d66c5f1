#include "node/roaming/submitter.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tally::node {
namespace {

// Keys: 'R', then 'q' (transaction) or 'e' (envelope), then a number of this queue.
constexpr std::uint8_t key_space{'R'};
constexpr std::uint8_t item_kind{'q'};
constexpr std::uint8_t envelope_kind{'e'};
constexpr std::uint8_t record_version{1};
constexpr std::size_t load_step{1'000};
/// Envelopes refused in a row before the rest waits for the next turn: the pool is full then.
constexpr std::size_t refused_in_a_row_max{16};
/// Envelopes under way at once. What comes when there are so many waits and shares the next ones:
/// the busier the ledger, the more transactions to a signature.
constexpr std::size_t under_way_max{16};
/// Of the transactions of one envelope: two of them fit the share of a member in a block, and the
/// ledger counts larger ones several times (consensus/mempool/mempool.h).
constexpr std::size_t preferred_bytes{15UL * 1024 - envelope_overhead};

Bytes numbered_key(std::uint8_t kind, std::uint64_t number) {
    Encoder encoder;
    encoder.u8(key_space).u8(kind).u64(number);
    return std::move(encoder).take();
}

std::uint64_t number_of(const Bytes& key) {
    Decoder decoder{key};
    decoder.u16();
    const std::uint64_t number = decoder.u64();
    ENSURE(decoder.finished());
    return number;
}

template <typename Visit>
void scan_all(const StagedStore& store, std::uint8_t kind, const Visit& visit) {
    const Bytes prefix{key_space, kind};
    Bytes from = prefix;
    for (;;) {
        const auto entries = store.scan(prefix, from, load_step);
        for (const auto& entry : entries) {
            visit(number_of(entry.key), entry.value);
        }
        if (entries.size() < load_step) {
            return;
        }
        from = entries.back().key;
        from.push_back(0);
    }
}

}  // namespace

void Submitter::load() {
    scan_all(m_store, item_kind, [this](std::uint64_t number, const Bytes& value) {
        Decoder decoder{value};
        ENSURE(decoder.u8() == record_version);
        Item item;
        item.owner.action = static_cast<OwnAction>(decoder.u8());
        item.owner.key = decoder.fixed<decltype(item.owner.key)>();
        item.once = decoder.boolean();
        item.id = decoder.fixed<TransactionId>();
        item.not_after = decoder.i64();
        const ByteView transaction = decoder.var_bytes(transaction_bytes_max);
        item.transaction = Bytes{transaction.begin(), transaction.end()};
        item.envelope = decoder.u64();
        ENSURE(decoder.finished());
        if (item.envelope == 0) {
            m_unsigned.push_back(number);
        } else {
            m_envelopes[item.envelope].open += 1;
        }
        m_by_id[item.id] = number;
        m_next = std::max({m_next, number + 1, item.envelope + 1});
        m_items[number] = std::move(item);
    });
    load_envelopes();
}

void Submitter::load_envelopes() {
    scan_all(m_store, envelope_kind, [this](std::uint64_t number, const Bytes& value) {
        const auto found = m_envelopes.find(number);
        ENSURE(found != m_envelopes.end());  // erased together with its last transaction
        found->second.bytes = value;
        m_next = std::max(m_next, number + 1);
    });
    sign_again();  // The key may have changed while this node was down.
}

void Submitter::submit(const SubmissionOwner& owner, Action action, UnixMillis now,
                       UnixMillis lifetime_ms) {
    Item item;
    item.owner = owner;
    item.id = make_transaction_id(now, m_random);
    item.not_after = now + lifetime_ms;
    item.transaction = encode_transaction(
        {.id = item.id, .not_after = item.not_after, .action = std::move(action)});
    add(std::move(item));
}

void Submitter::submit_once(const SubmissionOwner& owner, const TransactionId& id, Action action,
                            UnixMillis not_after) {
    Item item;
    item.owner = owner;
    item.once = true;
    item.id = id;
    item.not_after = not_after;
    item.transaction =
        encode_transaction({.id = id, .not_after = not_after, .action = std::move(action)});
    add(std::move(item));
}

void Submitter::add(Item item) {
    const std::uint64_t number = m_next++;
    m_by_id[item.id] = number;
    m_unsigned.push_back(number);
    stage(number, item);
    m_items[number] = std::move(item);
}

void Submitter::stage(std::uint64_t number, const Item& item) {
    Encoder encoder;
    encoder.u8(record_version).u8(static_cast<std::uint8_t>(item.owner.action));
    encoder.fixed(item.owner.key).boolean(item.once).fixed(item.id).i64(item.not_after);
    encoder.var_bytes(item.transaction).u64(item.envelope);
    m_store.put(numbered_key(item_kind, number), std::move(encoder).take());
}

void Submitter::sign_pending(UnixMillis now) {
    std::vector<std::uint64_t> waiting;
    std::vector<std::uint64_t> chosen;
    std::size_t bytes = 0;
    for (const std::uint64_t number : m_unsigned) {
        const Item& item = m_items.at(number);
        const std::size_t size = item.transaction.size() + sizeof(std::uint32_t);
        const bool is_full =
            bytes + size > preferred_bytes || chosen.size() == envelope_transactions_max;
        if (!chosen.empty() && is_full) {
            sign(std::exchange(chosen, {}), now);
            bytes = 0;
        }
        // One out of time would spoil its whole envelope; it is given up when final time says so.
        if (item.not_after <= now || (chosen.empty() && m_envelopes.size() >= under_way_max)) {
            waiting.push_back(number);
            continue;
        }
        chosen.push_back(number);
        bytes += size;
    }
    if (!chosen.empty()) {
        sign(chosen, now);
    }
    m_unsigned = std::move(waiting);
}

void Submitter::sign(const std::vector<std::uint64_t>& numbers, UnixMillis now) {
    const std::uint64_t envelope = m_next++;
    std::vector<Bytes> transactions;
    for (const std::uint64_t number : numbers) {
        Item& item = m_items.at(number);
        transactions.push_back(item.transaction);
        item.envelope = envelope;
        stage(number, item);
    }
    SentEnvelope sent;
    sent.last = now;
    sent.open = transactions.size();
    sent.bytes = sign_envelope(m_ledger.chain_id(), m_config.self, std::move(transactions), m_key);
    m_store.put(numbered_key(envelope_kind, envelope), sent.bytes);
    m_envelopes[envelope] = std::move(sent);
}

void Submitter::sign_again() {
    for (auto& [number, sent] : m_envelopes) {
        auto envelope = decode_envelope(sent.bytes);
        ENSURE(envelope.has_value());  // we wrote it
        sent.bytes = sign_envelope(m_ledger.chain_id(), m_config.self,
                                   std::move(envelope->transactions), m_key);
        sent.handed_out = false;
        m_store.put(numbered_key(envelope_kind, number), sent.bytes);
    }
}

void Submitter::hand_out(UnixMillis now) {
    std::size_t refused = 0;
    for (auto& [number, envelope] : m_envelopes) {
        if (envelope.handed_out && now >= envelope.last &&
            now - envelope.last < m_config.resubmit_ms) {
            continue;
        }
        envelope.last = now;
        envelope.handed_out = m_ledger.submit(envelope.bytes);
        refused = envelope.handed_out ? 0 : refused + 1;
        if (refused == refused_in_a_row_max) {
            return;
        }
    }
}

void Submitter::forget(std::uint64_t number) {
    const auto found = m_items.find(number);
    ENSURE(found != m_items.end());
    const std::uint64_t envelope = found->second.envelope;
    m_by_id.erase(found->second.id);
    m_items.erase(found);
    m_store.erase(numbered_key(item_kind, number));
    const auto sent = m_envelopes.find(envelope);
    if (sent == m_envelopes.end()) {
        const auto waiting = std::lower_bound(m_unsigned.begin(), m_unsigned.end(), number);
        if (waiting != m_unsigned.end() && *waiting == number) {
            m_unsigned.erase(waiting);
        }
        return;
    }
    sent->second.open -= 1;
    if (sent->second.open == 0) {
        m_envelopes.erase(sent);
        m_store.erase(numbered_key(envelope_kind, envelope));
    }
}

std::optional<SubmissionOwner> Submitter::take_result(const TransactionId& id) {
    const auto found = m_by_id.find(id);
    if (found == m_by_id.end()) {
        return std::nullopt;
    }
    const std::uint64_t number = found->second;
    const SubmissionOwner owner = m_items.at(number).owner;
    forget(number);
    return owner;
}

std::vector<SubmissionOwner> Submitter::take_given_up(UnixMillis final_time, UnixMillis now,
                                                      UnixMillis lifetime_ms) {
    // A block takes an envelope whole or not at all, so one whose first transaction is out of time
    // carries none of the others any more either.
    std::set<std::uint64_t> dead;
    for (const auto& [number, item] : m_items) {
        if (item.not_after <= final_time && item.envelope != 0) {
            dead.insert(item.envelope);
        }
    }
    std::vector<std::uint64_t> passed;
    for (const auto& [number, item] : m_items) {
        if (item.not_after <= final_time || dead.contains(item.envelope)) {
            passed.push_back(number);
        }
    }
    // All at once: there may be as many as may be pending.
    std::erase_if(m_unsigned, [&passed](std::uint64_t number) {
        return std::binary_search(passed.begin(), passed.end(), number);
    });
    std::vector<SubmissionOwner> given_up;
    for (const std::uint64_t number : passed) {
        const Item item = m_items.at(number);
        forget(number);
        if (item.once) {
            given_up.push_back(item.owner);
            continue;
        }
        auto transaction = decode_transaction(item.transaction);
        ENSURE(transaction.has_value());
        // The ledger's time may be ahead of our clock.
        submit(item.owner, std::move(transaction->action), std::max(now, final_time), lifetime_ms);
    }
    return given_up;
}

}  // namespace tally::node
