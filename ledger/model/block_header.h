#pragma once

#include "ledger/base/bytes.h"
#include "ledger/base/clock.h"

#include <cstdint>
#include <optional>
#include <span>

namespace tally {

inline constexpr std::uint16_t protocol_version{1};

/// What a finality certificate covers. Encoded in field order with the fixed-width codec; the
/// length never varies.
struct BlockHeader {
    std::uint16_t version{protocol_version};
    Hash chain_id;
    std::uint64_t epoch{0};
    std::uint64_t height{0};
    std::uint64_t view{0};
    Hash parent;
    std::uint64_t parent_view{0};
    UnixMillis time{0};
    std::uint32_t proposer{0};  ///< index in the epoch's validator set
    Hash body_root;             ///< RFC 9162 root over envelope hashes
    std::uint64_t log_size{0};  ///< leaves in the log after this block
    Hash log_root;              ///< root of the log after this block
    Hash state_root;            ///< root of the state after this block
    Hash next_validators_hash;
    bool seals_epoch{false};

    friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing when the length is not `encoded_bytes`, the version unknown or a flag not 0 or 1.
    [[nodiscard]] static std::optional<BlockHeader> decode(ByteView bytes);
    /// tagged_hash("tally/block-header/v1", encode()).
    [[nodiscard]] Hash digest() const;

    static constexpr std::size_t encoded_bytes{2 + 32 + 8 + 8 + 8 + 32 + 8 + 8 + 4 + 32 + 8 + 32 +
                                               32 + 32 + 1};
};

[[nodiscard]] Hash body_root(std::span<const Hash> envelope_hashes);

}  // namespace tally
