#include "node/replica/envelope_gate.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tally::node {

const char* to_text(GateResult result) {
    switch (result) {
        case GateResult::added:
            return "added";
        case GateResult::already_known:
            return "already_known";
        case GateResult::malformed:
            return "malformed";
        case GateResult::unknown_signer:
            return "unknown_signer";
        case GateResult::bad_signature:
            return "bad_signature";
        case GateResult::expired:
            return "expired";
        case GateResult::pool_full:
            return "pool_full";
        case GateResult::busy:
            return "busy";
    }
    return "unknown";
}

/// What a pool thread finds out; touches nothing shared.
struct EnvelopeGate::Checked {
    GateResult result{GateResult::malformed};
    Hash hash;
    PartyId signer;
    UnixMillis not_after_first{unix_millis_max};
    UnixMillis not_after_last{0};
};

EnvelopeGate::EnvelopeGate(const Hash& chain_id, Ports ports)
    : m_chain_id{chain_id}, m_ports{std::move(ports)} {}

EnvelopeGate::~EnvelopeGate() { *m_alive = false; }

EnvelopeGate::Checked EnvelopeGate::check(const Bytes& bytes, const Hash& chain_id,
                                          const VerifyKey* key) {
    Checked checked;
    const Expected<Envelope, EnvelopeError> envelope = decode_envelope(bytes);
    if (!envelope) {
        return checked;
    }
    checked.signer = envelope->signer;
    for (const Bytes& encoded : envelope->transactions) {
        const Expected<Transaction, TransactionError> transaction = decode_transaction(encoded);
        if (!transaction) {
            return checked;
        }
        const UnixMillis not_after = transaction->not_after;
        checked.not_after_first = std::min(checked.not_after_first, not_after);
        checked.not_after_last = std::max(checked.not_after_last, not_after);
    }
    checked.hash = envelope_hash(bytes);
    checked.result = GateResult::added;
    if (key != nullptr) {
        const Hash digest =
            envelope_signing_digest(chain_id, envelope->signer, envelope_root(*envelope));
        if (!key->verify(digest, envelope->signature)) {
            checked.result = GateResult::bad_signature;
        }
    }
    return checked;
}

/// The key to verify an envelope with, or why it is not worth verifying; cheap reasons first.
Expected<PublicKey, GateResult> EnvelopeGate::screen(EnvelopeSource source,
                                                     const Bytes& envelope) const {
    const Expected<Envelope, EnvelopeError> decoded = decode_envelope(envelope);
    if (!decoded) {
        return Unexpected{GateResult::malformed};
    }
    if (m_ports.mempool.knows(envelope_hash(envelope))) {
        return Unexpected{GateResult::already_known};
    }
    const std::optional<PublicKey> key = m_ports.member_key(decoded->signer);
    if (!key || m_ports.signatures.parsed(*key) == nullptr) {
        return Unexpected{GateResult::unknown_signer};
    }
    consensus::MemberKey signer;
    signer.data = decoded->signer.data;
    const consensus::Admission room = m_ports.mempool.room_for(signer, envelope.size());
    if (room != consensus::Admission::added) {
        return Unexpected{room == consensus::Admission::too_large ? GateResult::malformed
                                                                  : GateResult::pool_full};
    }
    const auto queue = m_sources.find(source);
    const bool is_full =
        queue != m_sources.end() && (queue->second.waiting.size() >= source_waiting_max ||
                                     queue->second.bytes + envelope.size() > source_bytes_max);
    if (is_full || m_bytes + envelope.size() > verifying_bytes_max) {
        return Unexpected{GateResult::busy};
    }
    return *key;
}

void EnvelopeGate::offer(EnvelopeSource source, Bytes envelope, Done done) {
    const Expected<PublicKey, GateResult> key = screen(source, envelope);
    if (!key) {
        done(key.error());
        return;
    }
    Source& queue = m_sources[source];
    queue.bytes += envelope.size();
    m_bytes += envelope.size();
    auto bytes = std::make_shared<const Bytes>(std::move(envelope));
    queue.waiting.push_back({std::move(bytes), *key, std::move(done)});
    feed_pool();
}

/// Next is the source behind the one served last.
void EnvelopeGate::feed_pool() {
    while (m_in_pool < verifying_max && !m_sources.empty()) {
        auto next = m_sources.upper_bound(m_last_served);
        next = next == m_sources.end() ? m_sources.begin() : next;
        m_last_served = next->first;
        Waiting waiting = std::move(next->second.waiting.front());
        next->second.waiting.pop_front();
        next->second.bytes -= waiting.bytes->size();
        if (next->second.waiting.empty()) {
            m_sources.erase(next);
        }
        verify(std::move(waiting));
    }
}

void EnvelopeGate::verify(Waiting waiting) {
    const VerifyKey* key = m_ports.signatures.parsed(waiting.key);
    auto work = [bytes = waiting.bytes, chain_id = m_chain_id, key = *key] {
        return check(*bytes, chain_id, &key);
    };
    auto finish = [this, alive = m_alive, waiting](Checked checked) {
        if (!*alive) {
            return;
        }
        --m_in_pool;
        m_bytes -= waiting.bytes->size();
        waiting.done(admit(std::move(checked), *waiting.bytes, waiting.key));
        if (*alive) {
            feed_pool();
        }
    };
    if (!m_ports.pool.submit_for<Checked>(std::move(work), std::move(finish))) {
        m_bytes -= waiting.bytes->size();
        waiting.done(GateResult::busy);
        return;
    }
    ++m_in_pool;
}

GateResult EnvelopeGate::admit_own(const Bytes& envelope, const PublicKey& key) {
    return admit(check(envelope, m_chain_id, nullptr), envelope, key);
}

GateResult EnvelopeGate::admit(Checked checked, Bytes bytes, const PublicKey& key) {
    if (checked.result != GateResult::added) {
        return checked.result;
    }
    const UnixMillis now = m_ports.clock.now();
    if (checked.not_after_first <= now || checked.not_after_last > now + not_after_window_ms) {
        return GateResult::expired;
    }
    consensus::VerifiedEnvelope verified;
    verified.hash = checked.hash;
    verified.bytes = std::move(bytes);
    verified.signer.data = checked.signer.data;
    verified.expires_at = checked.not_after_first;
    m_ports.signatures.remember(checked.hash, key);
    switch (m_ports.mempool.add(std::move(verified))) {
        case consensus::Admission::added:
            return GateResult::added;
        case consensus::Admission::already_known:
            return GateResult::already_known;
        case consensus::Admission::expired:
            return GateResult::expired;
        case consensus::Admission::too_large:
            return GateResult::malformed;
        case consensus::Admission::member_full:
        case consensus::Admission::pool_full:
            return GateResult::pool_full;
    }
    return GateResult::pool_full;
}

}  // namespace tally::node
