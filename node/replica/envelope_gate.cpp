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

void EnvelopeGate::offer(Bytes envelope, std::function<void(GateResult)> done) {
    const Expected<Envelope, EnvelopeError> decoded = decode_envelope(envelope);
    if (!decoded) {
        done(GateResult::malformed);
        return;
    }
    if (m_ports.mempool.knows(envelope_hash(envelope))) {
        done(GateResult::already_known);
        return;
    }
    const std::optional<PublicKey> public_key = m_ports.member_key(decoded->signer);
    const VerifyKey* parsed = public_key ? m_ports.signatures.parsed(*public_key) : nullptr;
    if (parsed == nullptr) {
        done(GateResult::unknown_signer);
        return;
    }
    if (m_verifying_bytes + envelope.size() > verifying_bytes_max) {
        done(GateResult::busy);
        return;
    }
    auto bytes = std::make_shared<const Bytes>(std::move(envelope));
    auto work = [bytes, chain_id = m_chain_id, key = *parsed] {
        return check(*bytes, chain_id, &key);
    };
    auto finish = [this, bytes, key = *public_key, done](Checked checked) {
        m_verifying_bytes -= bytes->size();
        done(admit(std::move(checked), *bytes, key));
    };
    if (!m_ports.pool.submit_for<Checked>(std::move(work), std::move(finish))) {
        done(GateResult::busy);
        return;
    }
    m_verifying_bytes += bytes->size();
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
