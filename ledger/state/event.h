#pragma once

#include "ledger/base/bytes.h"
#include "ledger/model/ids.h"
#include "ledger/model/membership.h"
#include "ledger/model/money.h"
#include "ledger/state/netting.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

/// Items that one block's expiry sweep looks at; the rest waits for the next block.
inline constexpr std::size_t sweep_items_max{1000};
/// Shares of defaults after which one block's sweep ends. The last default may go beyond it, so a
/// block posts fewer than this and `net_positions_max` together.
inline constexpr std::size_t default_shares_max{4096};

/// What the state machine did by itself. Values are in the log.
enum class EventKind : std::uint8_t {
    expired = 1,        ///< something waited too long
    epoch_sealed = 2,   ///< the last thing in the last block of an epoch
    cycle_closed = 3,   ///< a cycle is netted in one currency; before everything else in a block
    leg_defaulted = 4,  ///< a bank leg was not confirmed in time
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
inline constexpr std::size_t event_bytes_max{std::max(
    1 + 8 + 4 + validators_max * (PartyId::size + PublicKey::size) + 4 +
        features_max * sizeof(std::uint32_t),
    1 + 8 + Currency::size + 4 + net_positions_max * (PartyId::size + sizeof(Money)) + Hash::size)};

/// Encoding (fixed-width codec): kind u8; of `expired` then cause u8, ref 19, debtor 3, creditor 3,
/// currency 3, amount i64; of `epoch_sealed` epoch u64, the validators (count u32, then party and
/// key of each) and the features that become active (count u32, then u32 each); of `cycle_closed`
/// cycle u64, currency 3, the net figures (count u32, then party 3, amount i64 each), matrix hash
/// 32; of `leg_defaulted` cycle u64, currency 3, debtor 3, creditor 3, amount i64, the shares (as
/// the net figures). Fields of other kinds keep their defaults. Its hash in the log is
/// tagged_hash("tally/event/v1", encoding).
struct Event {
    EventKind kind{EventKind::expired};
    ExpiryCause cause{ExpiryCause::not_started};
    TransactionRef ref;  ///< the authorization or the half-signed transaction
    PartyId debtor;      ///< zero when no money was pending
    PartyId creditor;
    Currency currency;
    Money amount{0};  ///< released; of `not_arbitrated` what was posted; of a leg what it is
    // Only of epoch_sealed.
    std::uint64_t epoch{0};               ///< that ends
    std::vector<Validator> validators{};  ///< of the next epoch, in index order
    FeatureList features{};               ///< that become active with it
    // Only of cycle_closed and leg_defaulted.
    std::uint64_t cycle{0};
    std::vector<NetPosition> positions{};  ///< net figures, or the others' shares of the default
    Hash matrix{};                         ///< `matrix_hash` of who owed whom

    friend bool operator==(const Event&, const Event&) = default;
    [[nodiscard]] Bytes encode() const;
    /// Nothing on any other length, an unknown kind or cause, or a set that cannot be.
    [[nodiscard]] static std::optional<Event> decode(ByteView bytes);
    [[nodiscard]] Hash hash() const;
};

}  // namespace tally
