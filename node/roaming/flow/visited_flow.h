#pragma once

// The visited operator's side of one charge: what has been said, and what follows from each event.
// Pure: no clock, IO or randomness; the service carries the effects out.

#include "ledger/chain/block.h"
#include "ledger/model/actions.h"
#include "ledger/state/records.h"
#include "node/roaming/messages.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally::node {

enum class VisitedStage : std::uint8_t {
    requested = 1,  ///< the home operator is asked
    refused = 2,    ///< answered with a reason; an approval that comes now is released
    approved = 3,   ///< the approval is final and the bridge has it
    starting = 4,   ///< the charge began, StartCharge is on its way
    charging = 5,   ///< StartCharge is final
    recording = 6,  ///< the charge ended, RecordCharge is on its way
    recorded = 7,
    settled = 8,
    releasing = 9,  ///< ReleaseAuthorization is on its way
    released = 10,
    expired = 11,
    disputed = 12,  ///< the charge could not be recorded; the approval is given back
};

/// Which of our own transactions is under way for a session; one at a time.
enum class VisitedAction : std::uint8_t { none = 0, start = 1, record = 2, release = 3, claim = 4 };

/// Everything A keeps about a charge. Stored as it is (visited_session.cpp).
struct VisitedSession {
    SessionId id;
    std::string bridge_id;
    AuthorizationRequest request;  ///< offers and prepaid are in it
    MessageId request_id;          ///< of the message that carried it
    Bytes request_body;            ///< as signed; named on the ledger by its hash
    TokenKey token_key;            ///< with the commitment, recognises a token that comes again
    UnixMillis opened{0};
    std::uint16_t connector{0};

    VisitedStage stage{VisitedStage::requested};
    VisitedAction in_flight{VisitedAction::none};
    bool start_again{false};  ///< the EVSE was busy; StartCharge is tried again
    std::string reason;

    std::optional<AuthorizationRef> authorization;
    Money prepaid{0};  ///< Mp
    UnixMillis start_by{0};
    std::vector<TariffRef> tariffs;  ///< approved
    std::string evse_id;
    TariffRef tariff;
    std::optional<MeteredCharge> metered;
    Money rated_amount{0};
    Money amount{0};
    UnixMillis settle_by{0};
    UnixMillis claim_until{0};

    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis progress_time{0};
    std::int64_t reference_power_w{0};
    /// b of the EVSE in use; as its approval said, whatever is configured since.
    std::int64_t coefficient_permille{coefficient_permille_default};
    std::vector<std::int64_t> offered_coefficients;  ///< of each of `request.evses`

    friend bool operator==(const VisitedSession&, const VisitedSession&) = default;
    [[nodiscard]] bool is_finished() const noexcept;
    /// Nothing while the home operator has not answered.
    [[nodiscard]] std::optional<SessionState> state() const noexcept;
    [[nodiscard]] const OfferedEvse* find_offer(std::string_view evse) const;
    /// b of an EVSE that was offered.
    [[nodiscard]] std::int64_t coefficient_of(std::string_view evse) const;
};

[[nodiscard]] Bytes encode(const VisitedSession& session);
[[nodiscard]] std::optional<VisitedSession> decode_visited_session(ByteView bytes);

namespace visited {

// ---- events
/// B's approval is final.
struct Approved {
    AuthorizationRef authorization;
    DecideAuthorization decision;
};
/// B denied, or the ledger refused its approval.
struct Denied {
    std::string reason;
};
/// The time budget of the request is used up.
struct BudgetElapsed {};
struct Started {
    std::uint16_t connector{0};
    std::string evse_id;
};
/// `tariff` is the one in force for the EVSE; nothing when the ledger does not have it.
struct Ended {
    MeteredCharge metered;
    std::optional<Tariff> tariff;
};
/// The bridge will not use the approval, or has no record of the charge that it can stand for.
struct Unused {};
struct Progressed {
    std::int64_t elapsed_s{0};
    std::int64_t energy_wh{0};
    Money amount_so_far{0};
    UnixMillis time{0};
};
/// Our own transaction is final. `status` is the authorization's on the ledger now.
struct OwnResult {
    VisitedAction action{VisitedAction::none};
    ResultCode code{ResultCode::ok};
    std::optional<AuthorizationStatus> status;
    UnixMillis settle_by{0};
    UnixMillis claim_until{0};
};
/// B settled.
struct Settled {
    Money amount{0};
};
/// B took the approval back before the start.
struct ReleasedByHome {};
struct Expired {
    ExpiryCause cause{};
};
/// Block time went on.
struct TimePassed {
    UnixMillis block_time{0};
};
using Event = std::variant<Approved, Denied, BudgetElapsed, Started, Ended, Unused, Progressed,
                           OwnResult, Settled, ReleasedByHome, Expired, TimePassed>;

// ---- effects, in the order in which they are to be carried out
/// Tell the bridge: accepted with what the session now holds, or refused with its reason.
struct Answer {
    bool accepted{false};
};
struct Submit {
    VisitedAction action{VisitedAction::none};
    Action content;
};
/// An approval that nothing in the session refers to: give it back.
struct ReleaseOther {
    AuthorizationRef authorization;
};
struct StopCharging {
    std::string reason;
};
/// The state as others see it changed.
struct Announce {};
using Effect = std::variant<Answer, Submit, ReleaseOther, StopCharging, Announce>;
using Effects = std::vector<Effect>;

/// Applies one event. Events that do not fit the stage (repeated, late, reordered) change nothing.
[[nodiscard]] Effects step(VisitedSession& session, const Event& event);

}  // namespace visited
}  // namespace tally::node
