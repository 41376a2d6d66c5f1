#include "ledger/model/envelope.h"

#include "ledger/base/codec.h"
#include "ledger/crypto/merkle.h"
#include "ledger/crypto/sha256.h"

namespace tally {

namespace {

constexpr std::uint8_t envelope_version{1};
constexpr std::size_t transaction_item_bytes_min{envelope_item_overhead + 1};

}  // namespace

Bytes encode_envelope(const Envelope& envelope) {
    Encoder encoder;
    encoder.u8(envelope_version).fixed(envelope.signer);
    encoder.u32(static_cast<std::uint32_t>(envelope.transactions.size()));
    for (const Bytes& transaction : envelope.transactions) {
        encoder.var_bytes(transaction);
    }
    encoder.fixed(envelope.signature);
    return std::move(encoder).take();
}

Expected<Envelope, EnvelopeError> decode_envelope(ByteView bytes) {
    if (bytes.size() > envelope_bytes_max) {
        return Unexpected{EnvelopeError::too_large};
    }
    Decoder decoder{bytes};
    Envelope envelope;
    const std::uint8_t version = decoder.u8();
    envelope.signer = decoder.fixed<PartyId>();
    const std::uint32_t count =
        decoder.count(envelope_transactions_max, transaction_item_bytes_min);
    if (!decoder.ok() || version != envelope_version || !is_valid(envelope.signer) || count == 0) {
        return Unexpected{EnvelopeError::malformed};
    }
    envelope.transactions.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const ByteView transaction = decoder.var_bytes(envelope_bytes_max);
        if (decoder.ok() && (transaction.empty() || transaction.size() > transaction_bytes_max)) {
            return Unexpected{EnvelopeError::bad_transaction};
        }
        envelope.transactions.emplace_back(transaction.begin(), transaction.end());
    }
    envelope.signature = decoder.fixed<Signature>();
    if (!decoder.finished()) {
        return Unexpected{EnvelopeError::malformed};
    }
    return envelope;
}

std::optional<PartyId> peek_envelope_signer(ByteView bytes) {
    Decoder decoder{bytes};
    decoder.u8();
    const auto signer = decoder.fixed<PartyId>();
    return decoder.ok() ? std::optional{signer} : std::nullopt;
}

Hash envelope_root(const Envelope& envelope) {
    MerkleFrontier tree;
    for (const Bytes& transaction : envelope.transactions) {
        tree.append(merkle_leaf_hash(transaction));
    }
    return tree.root();
}

Hash envelope_signing_digest(const Hash& chain_id, const PartyId& signer, const Hash& root) {
    Encoder encoder;
    encoder.fixed(chain_id).fixed(signer).fixed(root);
    return tagged_hash("tally/envelope/v1", encoder.bytes());
}

Hash envelope_hash(ByteView encoded) { return tagged_hash("tally/envelope-hash/v1", encoded); }

Bytes sign_envelope(const Hash& chain_id, const PartyId& signer, std::vector<Bytes> transactions,
                    Signer& key) {
    ENSURE(!transactions.empty() && transactions.size() <= envelope_transactions_max);
    Envelope envelope;
    envelope.signer = signer;
    envelope.transactions = std::move(transactions);
    for (const Bytes& transaction : envelope.transactions) {
        ENSURE(!transaction.empty() && transaction.size() <= transaction_bytes_max);
    }
    envelope.signature =
        key.sign(envelope_signing_digest(chain_id, signer, envelope_root(envelope)));
    Bytes encoded = encode_envelope(envelope);
    ENSURE(encoded.size() <= envelope_bytes_max);
    return encoded;
}

}  // namespace tally
