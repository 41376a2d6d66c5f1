#pragma once

#include "ledger/base/codec.h"
#include "ledger/crypto/quorum_certificate.h"
#include "ledger/model/block_header.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "ledger/model/result_code.h"
#include "ledger/state/event.h"

#include <optional>
#include <vector>

namespace tally {

inline constexpr std::size_t block_envelopes_max{1024};
/// All envelopes of a block together, encoded, in bytes.
inline constexpr std::size_t block_bytes_max{4UL * 1024 * 1024};

/// A header and the envelopes it commits to, as received.
struct Block {
    BlockHeader header;
    std::vector<Bytes> envelopes;
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

/// A block as it is kept and served for good. Leaves come in this order: expired events, then
/// transactions in the order of envelopes, then the seal of the epoch.
///
/// Encoding (fixed-width codec): header, finalization behind a u32 length, envelope count u32 and
/// each behind a u32 length, result count u32 and each u16, event count u32 and each behind a u32
/// length.
struct FinalizedBlock {
    Block block;
    std::vector<ResultCode> results;  ///< one per transaction
    std::vector<Event> events;
    QuorumCertificate finalization;  ///< its own; a notarization if only a descendant is finalized

    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static std::optional<FinalizedBlock> decode(ByteView bytes);
};

/// Events whose leaves come before those of the transactions: all but the seal.
[[nodiscard]] std::size_t events_before_transactions(const std::vector<Event>& events) noexcept;
/// The seal among a block's events; nothing when there is none. It is the last one.
[[nodiscard]] const Event* find_seal(const std::vector<Event>& events) noexcept;

}  // namespace tally
