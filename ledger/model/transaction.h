#pragma once

#include "ledger/base/expected.h"
#include "ledger/model/actions.h"

namespace tally {

/// Largest encoded transaction, in bytes. Larger ones make an envelope undecodable.
inline constexpr std::size_t transaction_bytes_max{16UL * 1024};
/// A transaction's `not_after` lies at most this far after the block that holds it.
inline constexpr UnixMillis not_after_window_ms{120'000};

/// One action with its identity. Transactions are protobuf (ledger.proto); what is hashed and
/// signed are the bytes as received, which are never produced again from this value.
struct Transaction {
    TransactionId id;
    UnixMillis not_after{0};
    Action action;
    friend bool operator==(const Transaction&, const Transaction&) = default;
};

/// Why transaction bytes are not a transaction.
enum class TransactionError : std::uint8_t {
    too_large,
    malformed,       ///< not strict protobuf (wire_check.h), or a field of the wrong length
    unknown_field,   ///< a field number that this version does not know, at any depth
    unknown_action,  ///< no action set, or an enum value out of range
    out_of_range,    ///< a number, list, name or amount outside its documented bounds
};
[[nodiscard]] const char* to_text(TransactionError error);

/// `transaction` must be within the documented bounds, see `is_within_bounds` (else ENSURE).
/// `not_after` is 0 to `unix_millis_max`. The result is at most `transaction_bytes_max` long.
[[nodiscard]] Bytes encode_transaction(const Transaction& transaction);
[[nodiscard]] Expected<Transaction, TransactionError> decode_transaction(ByteView bytes);

/// Hash of a transaction: the RFC 9162 leaf hash of its bytes, SHA-256(0x00 | bytes).
[[nodiscard]] Hash transaction_hash(ByteView bytes);

}  // namespace tally
