#include "node/roaming/courier.h"

#include <algorithm>

namespace tally::node {
namespace {

// Keys: 'R', 'o', message id. Values: version, expires, encoded message.
constexpr std::uint8_t key_space{'R'};
constexpr std::uint8_t outbox_kind{'o'};
constexpr std::uint8_t record_version{1};

Bytes outbox_key(const MessageId& id) {
    Encoder encoder;
    encoder.u8(key_space).u8(outbox_kind).fixed(id);
    return std::move(encoder).take();
}

}  // namespace

Courier::Courier(const RoamingOptions& options, const PartyId& hub, Parts parts)
    : m_options{options}, m_hub{hub}, m_parts{std::move(parts)} {}

void Courier::load(UnixMillis now) {
    const Bytes prefix{key_space, outbox_kind};
    for (const auto& entry : m_parts.store.scan(prefix, prefix, outbox_messages_max)) {
        Decoder decoder{entry.value};
        ENSURE(decoder.u8() == record_version);
        const UnixMillis expires = decoder.i64();
        const auto message = decode_signed_message(decoder.var_bytes(roaming_message_bytes_max));
        ENSURE(decoder.finished() && message.has_value());
        Outgoing outgoing;
        outgoing.message = *message;
        outgoing.durable = true;
        outgoing.expires = expires;
        outgoing.last = now;
        m_ready.push_back(message->id);
        m_outbox.emplace(message->id, std::move(outgoing));
    }
    sign_again();  // The key may have changed while this node was down.
}

SignedMessage Courier::sign(const PartyId& to, const MessageId& id, Bytes body) {
    SignedMessage message;
    message.from = m_options.self;
    message.to = to;
    message.id = id;
    message.body = std::move(body);
    message.signature = m_parts.key.sign(message.signing_digest(m_parts.ledger.chain_id()));
    return message;
}

MessageId Courier::send(const PartyId& to, const RoamingBody& body, Delivery delivery,
                        UnixMillis expires) {
    const auto id = m_parts.random.fixed<MessageId>();
    keep(sign(to, id, encode_roaming_body(body)), delivery, expires);
    return id;
}

void Courier::send_again(const PartyId& to, const MessageId& id, Bytes body, UnixMillis expires) {
    if (!m_outbox.contains(id)) {
        keep(sign(to, id, std::move(body)), Delivery::acknowledged, expires);
    }
}

void Courier::keep(SignedMessage message, Delivery delivery, UnixMillis expires) {
    if (m_outbox.size() + m_once.size() >= outbox_messages_max) {
        count("roaming_outbox_full");
        return;
    }
    if (delivery == Delivery::once) {
        m_once.push_back(std::move(message));
        return;
    }
    const MessageId id = message.id;
    Outgoing outgoing;
    outgoing.durable = delivery == Delivery::durable;
    outgoing.expires = expires;
    outgoing.message = std::move(message);
    if (outgoing.durable) {
        store(outgoing);
    }
    m_outbox.emplace(id, std::move(outgoing));
    m_ready.push_back(id);
}

void Courier::sign_again() {
    for (auto& [id, outgoing] : m_outbox) {
        SignedMessage& message = outgoing.message;
        message.signature = m_parts.key.sign(message.signing_digest(m_parts.ledger.chain_id()));
        if (outgoing.durable) {
            store(outgoing);
        }
    }
}

void Courier::store(const Outgoing& outgoing) {
    Encoder encoder;
    encoder.u8(record_version).i64(outgoing.expires);
    encoder.var_bytes(encode_signed_message(outgoing.message));
    m_parts.store.put(outbox_key(outgoing.message.id), std::move(encoder).take());
}

void Courier::on_receipt(const HubReceipt& receipt, UnixMillis now) {
    m_hub_distrusted_until = 0;
    const auto found = m_outbox.find(receipt.message);
    if (found == m_outbox.end()) {
        return;
    }
    Outgoing& outgoing = found->second;
    if (receipt.forwarded) {
        outgoing.has_receipt = true;
    } else if (outgoing.awaits_receipt && send_directly(outgoing.message)) {
        outgoing.last = now;  // the hub does not reach the addressee, but we do
    }
    outgoing.awaits_receipt = false;
}

void Courier::on_acknowledgement(const PartyId& from, const MessageId& id) {
    const auto found = m_outbox.find(id);
    if (found != m_outbox.end() && found->second.message.to == from) {
        erase(found);
    }
}

void Courier::on_connected(const PartyId& member) {
    if (member == m_hub) {
        m_hub_distrusted_until = 0;
    }
    for (auto& [id, outgoing] : m_outbox) {
        if (outgoing.message.to == member || member == m_hub) {
            outgoing.last = 0;  // due at the next tick
        }
    }
}

void Courier::cancel(const MessageId& id) {
    const auto found = m_outbox.find(id);
    if (found != m_outbox.end()) {
        erase(found);
    }
}

void Courier::erase(std::map<MessageId, Outgoing>::iterator found) {
    if (found->second.durable) {
        m_parts.store.erase(outbox_key(found->first));
    }
    m_outbox.erase(found);
}

std::vector<MessageId> Courier::send_ready(UnixMillis now) {
    std::vector<MessageId> awaiting;
    for (const MessageId& id : m_ready) {
        const auto found = m_outbox.find(id);
        if (found != m_outbox.end()) {
            transmit(found->second, now, &awaiting);
        }
    }
    m_ready.clear();
    for (SignedMessage& message : m_once) {
        if (!is_hub_usable(message.to, now) || !send_by_hub(message)) {
            send_directly(std::move(message));
        }
    }
    m_once.clear();
    return awaiting;
}

bool Courier::is_hub_usable(const PartyId& to, UnixMillis now) const {
    return to != m_hub && m_hub != m_options.self && m_hub_distrusted_until <= now &&
           m_parts.members.is_connected(m_hub);
}

bool Courier::send_by_hub(const SignedMessage& message) {
    return m_parts.members.send(m_hub, encode_signed_message(message),
                                features_needed(message.body));
}

bool Courier::send_directly(SignedMessage message) {
    const bool past_the_hub = message.to != m_hub && message.from != m_hub;
    if (past_the_hub) {
        message.direct = true;
        count("roaming_message_direct");
    }
    const std::uint64_t needs = features_needed(message.body);
    return m_parts.members.send(message.to, encode_signed_message(message), needs);
}

void Courier::transmit(Outgoing& outgoing, UnixMillis now, std::vector<MessageId>* awaiting) {
    // Repetitions take the two paths in turn: either may be the broken one.
    const bool hubs_turn =
        outgoing.attempts % 2 == 0 || !m_parts.members.is_connected(outgoing.message.to);
    const bool by_hub = hubs_turn && is_hub_usable(outgoing.message.to, now);
    outgoing.attempts += 1;
    outgoing.last = now;
    if (!by_hub || !send_by_hub(outgoing.message)) {
        send_directly(outgoing.message);
        return;
    }
    outgoing.awaits_receipt = awaiting != nullptr && !outgoing.has_receipt;
    if (outgoing.awaits_receipt) {
        awaiting->push_back(outgoing.message.id);
    }
}

void Courier::on_relay_timeout(const MessageId& id, UnixMillis now) {
    const auto found = m_outbox.find(id);
    if (found == m_outbox.end() || !found->second.awaits_receipt) {
        return;
    }
    found->second.awaits_receipt = false;
    m_hub_distrusted_until = now + m_options.hub_distrust.count();
    found->second.last = now;
    count("roaming_hub_silent");
    send_directly(found->second.message);
}

void Courier::tick(UnixMillis now) {
    m_hub_distrusted_until = std::min(m_hub_distrusted_until, now + m_options.hub_distrust.count());
    for (auto it = m_outbox.begin(); it != m_outbox.end();) {
        const auto current = it++;
        Outgoing& outgoing = current->second;
        if (outgoing.expires <= now) {
            count("roaming_message_expired");
            erase(current);
        } else if (outgoing.attempts == 0) {
            continue;  // Not durable yet: `send_ready` sends it first, after the commit.
        } else if (outgoing.last + m_options.resend_interval.count() <= now ||
                   outgoing.last > now) {  // the clock was set back
            transmit(outgoing, now, nullptr);
        }
    }
}

void Courier::count(std::string_view name) const {
    if (m_parts.metrics) {
        m_parts.metrics(name);
    }
}

}  // namespace tally::node
