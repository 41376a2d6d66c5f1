#pragma once

// The home operator's side of one charge. Pure, as visited_flow.h.

#include "ledger/chain/block.h"
#include "ledger/model/actions.h"
#include "ledger/state/records.h"
#include "node/roaming/messages.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::node {

enum class HomeStage : std::uint8_t {
    deciding = 1,  ///< the approval is on its way to the ledger, the hold is placed
    denied = 2,
    approved = 3,
    charging = 4,
    recorded = 5,  ///< the settlement is on its way
    settled = 6,
    released = 7,
    expired = 8,
    disputed = 9,  ///< the record is not what was approved, or the ledger refuses to settle
    review = 10,   ///< recorded, and somebody is to look at it before it is settled
};

/// Everything B keeps about a charge of one of its customers (home_session.cpp).
struct HomeSession {
    AuthorizationRef authorization;  ///< also names our decision, approved or not
    SessionId session;
    PartyId visited;
    std::string station;
    std::uint16_t connector{0};
    std::string token;  ///< canonical; never leaves this operator
    Currency currency;
    Hash token_commitment;
    Hash request_hash;
    UnixMillis opened{0};
    HomeStage stage{HomeStage::deciding};
    std::string reason;
    Money prepaid{0};  ///< Mp
    Money amount{0};   ///< recorded, then settled

    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis progress_time{0};
    std::int64_t reference_power_w{0};
    std::int64_t coefficient_permille{coefficient_permille_default};  ///< b, the visited operator's

    friend bool operator==(const HomeSession&, const HomeSession&) = default;
    [[nodiscard]] bool is_finished() const noexcept;
    [[nodiscard]] std::optional<SessionState> state() const noexcept;
};

[[nodiscard]] Bytes encode(const HomeSession& session);
[[nodiscard]] std::optional<HomeSession> decode_home_session(ByteView bytes);

/// What A is told when the ledger refuses our approval.
[[nodiscard]] DenyReason deny_reason_of(ResultCode code);

namespace home {

// ---- events
/// Our decision is final, or can no longer become so (`code` too_late).
struct Decided {
    bool approved{false};
    ResultCode code{ResultCode::ok};
};
/// A's charge began.
struct Started {
    std::uint16_t connector{0};
};
/// A's record is final.
struct Recorded {
    Money amount{0};
    std::int64_t energy_wh{0};
    std::int64_t elapsed_s{0};
    bool review{false};  ///< not to be settled yet
};
/// Nobody settled or disputed it while there was time.
struct Reviewed {};
/// Our settlement was refused. `status` is the authorization's on the ledger now.
struct SettleRefused {
    ResultCode code{ResultCode::ok};
    std::optional<AuthorizationStatus> status;
};
/// Money moved: by our settlement, or by A's claim.
struct Posted {
    Money amount{0};
    bool claimed{false};
};
struct Released {};
struct Expired {
    ExpiryCause cause{};
};
struct Progressed {
    std::uint16_t connector{0};
    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis time{0};
    std::int64_t reference_power_w{0};
    std::int64_t coefficient_permille{coefficient_permille_default};
};
using Event = std::variant<Decided, Started, Recorded, Reviewed, SettleRefused, Posted, Released,
                           Expired, Progressed>;

// ---- effects
struct SendDenial {
    DenyReason reason{};
};
struct SubmitSettle {
    Money amount{0};
};
struct CaptureHold {
    Money amount{0};
};
struct ReleaseHold {};
using Effect = std::variant<SendDenial, SubmitSettle, CaptureHold, ReleaseHold>;
using Effects = std::vector<Effect>;

[[nodiscard]] Effects step(HomeSession& session, const Event& event);

}  // namespace home
}  // namespace tally::node
