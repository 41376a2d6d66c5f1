#pragma once

// What the hub keeps of a charge: a backup that it learns from the messages it relays and from the
// ledger. It decides nothing. Pure, as visited_flow.h.

#include "ledger/chain/block.h"
#include "ledger/model/actions.h"
#include "node/roaming/messages.h"

#include <optional>
#include <string>
#include <variant>

namespace tally::node {

struct HubSession {
    SessionId session;
    PartyId visited;
    PartyId home;
    std::string station;
    std::uint16_t connector{0};
    Currency currency;
    Hash request_hash;  ///< zero when the request went directly
    UnixMillis opened{0};
    std::optional<SessionState> state;  ///< nothing while undecided
    std::string reason;
    std::optional<AuthorizationRef> authorization;
    Money prepaid{0};
    Money amount{0};

    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis progress_time{0};
    std::int64_t reference_power_w{0};
    std::int64_t coefficient_permille{coefficient_permille_default};  ///< b, the visited operator's

    friend bool operator==(const HubSession&, const HubSession&) = default;
    [[nodiscard]] bool is_finished() const noexcept;
};

[[nodiscard]] Bytes encode(const HubSession& session);
[[nodiscard]] std::optional<HubSession> decode_hub_session(ByteView bytes);

namespace hub {

/// The home operator's decision is final and in force.
struct Decided {
    AuthorizationRef authorization;
    DecideAuthorization decision;
};
/// Another step is final on the ledger.
struct Moved {
    SessionState state{SessionState::authorized};
    Money amount{0};
    std::string reason;
};
using Event = std::variant<Decided, Moved, Progress, Notice>;

/// Applies one event. States only go forward; older progress changes nothing. True if anything
/// changed.
bool step(HubSession& session, const Event& event);

}  // namespace hub
}  // namespace tally::node
