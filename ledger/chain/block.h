#pragma once

#include "ledger/base/codec.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/model/block_header.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "ledger/model/result_code.h"

#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t block_envelopes_max{1024};
/// All envelopes of a block together, encoded, in bytes.
inline constexpr std::size_t block_bytes_max{4UL * 1024 * 1024};
/// Items that one block's expiry sweep handles; the rest waits for the next block.
inline constexpr std::size_t sweep_items_max{1000};

/// A header and the envelopes it commits to, as received.
struct Block {
    BlockHeader header;
    std::vector<Bytes> envelopes;
};

/// What the state machine did by itself. Values are in the log.
enum class EventKind : std::uint8_t { expired = 1 };

/// Why an authorization or half-signed action expired.
enum class ExpiryCause : std::uint8_t {
    not_started = 1,        ///< start_by passed
    not_recorded = 2,       ///< record_by passed
    not_claimed = 3,        ///< claim_until passed
    not_countersigned = 4,  ///< the second signature did not come
};

/// Encoding (fixed-width codec): kind u8, cause u8, ref 19, debtor 3, creditor 3, currency 3,
/// amount i64. Its hash in the log is tagged_hash("tally/event/v1", encoding).
struct Event {
    EventKind kind{EventKind::expired};
    ExpiryCause cause{ExpiryCause::not_started};
    TransactionRef ref;  ///< the authorization or the half-signed transaction
    PartyId debtor;      ///< zero when no money was pending
    PartyId creditor;
    Currency currency;
    Money amount{0};  ///< released

    friend bool operator==(const Event&, const Event&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<Event> decode(ByteView bytes);
    [[nodiscard]] Hash hash() const;
};

/// One entry of the log. Encoding (fixed-width codec): index u64, height u64, hash 32, signer 3,
/// result u16. Its leaf hash is SHA-256(0x00 | encoding).
struct Leaf {
    std::uint64_t index{0};
    std::uint64_t height{0};
    Hash hash;       ///< of the transaction's bytes, or of the event
    PartyId signer;  ///< zero for events
    ResultCode result{ResultCode::ok};

    friend bool operator==(const Leaf&, const Leaf&) = default;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<Leaf> decode(ByteView bytes);
    [[nodiscard]] Hash leaf_hash() const;
};

/// A block as it is kept and served for good. Leaves come in this order: events, then transactions
/// in the order of envelopes.
///
/// Encoding (fixed-width codec): header, finalization behind a u32 length, envelope count u32 and
/// each behind a u32 length, result count u32 and each u16, event count u32 and each behind a u32
/// length.
struct FinalizedBlock {
    Block block;
    std::vector<ResultCode> results;  ///< one per transaction
    std::vector<Event> events;
    QuorumCertificate finalization;

    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<FinalizedBlock> decode(ByteView bytes);
};

}  // namespace tally
