#pragma once

#include "ledger/model/ids.h"
#include "ledger/model/money.h"
#include "node/link/bridge_messages.h"
#include "node/link/figures.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tally::node {

/// Where a charge stands, in the words of the HTTP API.
enum class SessionState : std::uint8_t {
    authorized = 1,  ///< approved on the ledger, not started
    charging = 2,    ///< from StartCharge on, the ended charge whose record is not final included
    recorded = 3,    ///< the charge record is final
    settled = 4,     ///< paid by SettleCharge, or taken by ClaimCharge (`reason` is "claimed")
    denied = 5,      ///< refused by charger, home operator, agreement or limit; see `reason`
    released = 6,    ///< approved but given back unused
    disputed = 7,    ///< ended, but the ledger refuses its record; `reason` is the result code
    expired = 8,     ///< a deadline passed; `reason` says which
};
[[nodiscard]] const char* to_text(SessionState state);
/// Whether nothing can follow.
[[nodiscard]] bool is_finished(SessionState state) noexcept;

/// One charge as visited operator, home operator and hub show it. A copy, free to keep.
struct SessionView {
    SessionId id;
    SessionState state{SessionState::authorized};
    PartyId visited;
    PartyId home;
    std::string station;
    std::uint16_t connector{0};  ///< 0: not known yet
    UnixMillis opened{0};        ///< when this node first heard of it, its own clock
    Currency currency;
    std::int64_t elapsed_s{0};          ///< T
    std::int64_t energy_wh{0};          ///< E(T)
    Money amount_so_far{0};             ///< Mc
    Money prepaid{0};                   ///< Mp
    std::int64_t reference_power_w{0};  ///< Pc, 0: not known
    /// b, of the visited operator.
    std::int64_t coefficient_permille{coefficient_permille_default};
    Figures figures;  ///< N and ts
    Money amount{0};  ///< recorded or settled, 0 before
    std::optional<AuthorizationRef> authorization;
    std::string reason;  ///< of a denial, dispute or expiry; empty else

    [[nodiscard]] std::string id_text() const { return to_hex(id); }
};

}  // namespace tally::node
