#pragma once

#include "ledger/base/expected.h"
#include "ledger/crypto/secp256k1.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/ids.h"
#include "ledger/model/transaction.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t envelope_transactions_max{512};
/// Largest encoded envelope, in bytes.
inline constexpr std::size_t envelope_bytes_max{512UL * 1024};
/// What an encoded envelope adds to its transactions, once and for each of them.
inline constexpr std::size_t envelope_overhead{1 + PartyId::size + 4 + Signature::size};
inline constexpr std::size_t envelope_item_overhead{4};

/// Transactions of one member under one signature.
///
/// Encoding (fixed-width codec): version u8 = 1, signer 3, count u32 (1 to 512), each transaction
/// behind a u32 length, signature 64. The signature is over
/// tagged_hash("tally/envelope/v1", chain_id | signer | root), where root is the RFC 9162 root over
/// the transactions' bytes.
struct Envelope {
    PartyId signer;
    std::vector<Bytes> transactions;
    Signature signature;
    friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// Why bytes are not an envelope.
enum class EnvelopeError : std::uint8_t {
    too_large,
    malformed,        ///< truncated, left-over bytes, unknown version, signer not three letters,
                      ///< no or too many transactions
    bad_transaction,  ///< one of them is empty or longer than `transaction_bytes_max`
};

[[nodiscard]] Bytes encode_envelope(const Envelope& envelope);
/// Splits an envelope. Cheap: transactions stay bytes and are not looked into; the caller decodes
/// them with `decode_transaction` and must refuse the whole envelope when one does not decode.
[[nodiscard]] Expected<Envelope, EnvelopeError> decode_envelope(ByteView bytes);
/// The signer that the bytes name; nothing when they are too short for it. Nothing else is looked
/// at.
[[nodiscard]] std::optional<PartyId> peek_envelope_signer(ByteView bytes);
[[nodiscard]] Hash envelope_root(const Envelope& envelope);
[[nodiscard]] Hash envelope_signing_digest(const Hash& chain_id, const PartyId& signer,
                                           const Hash& root);
/// tagged_hash("tally/envelope-hash/v1", encoded envelope, signature included): its name in
/// proposals and the mempool.
[[nodiscard]] Hash envelope_hash(ByteView encoded);

/// Signs transactions as one envelope: 1 to `envelope_transactions_max` of them, together within
/// `envelope_bytes_max` with the overhead above (else ENSURE).
[[nodiscard]] Bytes sign_envelope(const Hash& chain_id, const PartyId& signer,
                                  std::vector<Bytes> transactions, Signer& key);

}  // namespace tally
