#pragma once

#include "ledger/base/bytes.h"
#include "ledger/model/ids.h"
#include "ledger/model/membership.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

/// Items that one block's expiry sweep handles; the rest waits for the next block.
inline constexpr std::size_t sweep_items_max{1000};

/// What the state machine did by itself. Values are in the log.
enum class EventKind : std::uint8_t {
    expired = 1,       ///< something waited too long
    epoch_sealed = 2,  ///< the last thing in the last block of an epoch
};

/// Why an authorization, half-signed action or proposal expired.
enum class ExpiryCause : std::uint8_t {
    not_started = 1,        ///< start_by passed
    not_recorded = 2,       ///< record_by passed
    not_claimed = 3,        ///< claim_until passed
    not_countersigned = 4,  ///< the second signature did not come
    not_decided = 5,        ///< too few members voted on a change
    not_arbitrated = 6,     ///< arbitrate_by of a dispute passed
    correction_over = 7,    ///< a corrected charge's correction_window passed
};
/// "not_started" and so on.
[[nodiscard]] const char* to_text(ExpiryCause cause);

/// Longest encoding of an event, in bytes.
inline constexpr std::size_t event_bytes_max{1 + 8 + 4 +
                                             validators_max * (PartyId::size + PublicKey::size) +
                                             4 + features_max * sizeof(std::uint32_t)};

/// Encoding (fixed-width codec): kind u8; of `expired` then cause u8, ref 19, debtor 3, creditor 3,
/// currency 3, amount i64; of `epoch_sealed` epoch u64, the validators (count u32, then party and
/// key of each) and the features that become active (count u32, then u32 each). Fields of other
/// kinds keep their defaults. Its hash in the log is tagged_hash("tally/event/v1", encoding).
struct Event {
    EventKind kind{EventKind::expired};
    ExpiryCause cause{ExpiryCause::not_started};
    TransactionRef ref;  ///< the authorization or the half-signed transaction
    PartyId debtor;      ///< zero when no money was pending
    PartyId creditor;
    Currency currency;
    Money amount{0};  ///< released; of `not_arbitrated` what was posted
    // Only of epoch_sealed.
    std::uint64_t epoch{0};               ///< that ends
    std::vector<Validator> validators{};  ///< of the next epoch, in index order
    FeatureList features{};               ///< that become active with it

    friend bool operator==(const Event&, const Event&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing on any other length, an unknown kind or cause, or a set that cannot be.
    [[nodiscard]] static std::optional<Event> decode(ByteView bytes);
    [[nodiscard]] Hash hash() const;
};

}  // namespace tally
