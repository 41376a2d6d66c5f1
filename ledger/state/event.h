#pragma once

#include "ledger/base/bytes.h"
#include "ledger/model/ids.h"
#include "ledger/model/money.h"

#include <cstdint>
#include <optional>

namespace tally {

/// Items that one block's expiry sweep handles; the rest waits for the next block.
inline constexpr std::size_t sweep_items_max{1000};

/// What the state machine did by itself. Values are in the log.
enum class EventKind : std::uint8_t { expired = 1 };

/// Why an authorization or half-signed action expired.
enum class ExpiryCause : std::uint8_t {
    not_started = 1,        ///< start_by passed
    not_recorded = 2,       ///< record_by passed
    not_claimed = 3,        ///< claim_until passed
    not_countersigned = 4,  ///< the second signature did not come
};
/// "not_started" and so on.
[[nodiscard]] const char* to_text(ExpiryCause cause);

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
    /// Nothing on any other length or an unknown kind or cause.
    [[nodiscard]] static std::optional<Event> decode(ByteView bytes);
    [[nodiscard]] Hash hash() const;
};

}  // namespace tally
