#pragma once

// One swipe and the charge that may follow from it, as the bridge keeps it on disk.

#include "charger_bridge/metering/meter_track.h"
#include "charger_bridge/metering/signed_track.h"
#include "ledger/base/codec.h"
#include "node/link/bridge_messages.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally::bridge {

using node::SessionId;

/// The time of an event: `wall` for what is written down, `mono` for what is waited for.
struct Instant {
    UnixMillis wall{0};
    std::chrono::milliseconds mono{0};
};

/// Printable and readable everywhere, longer texts are cut.
inline constexpr std::size_t reason_bytes_max{64};
inline constexpr std::size_t evses_max{64};  ///< connectors of one station
/// A charger's own name of a transaction.
inline constexpr std::size_t transaction_name_bytes_max{36};

enum class SessionState : std::uint8_t {
    authorizing = 1,  ///< the node was or will be asked
    approved = 2,     ///< approval final, no transaction yet
    charging = 3,
    ended = 4,    ///< metered and handed to the node
    refused = 5,  ///< a transaction without approval: tracked so that its Stop is known, not billed
    held = 6,     ///< ended and not billed: refused before, rejected, or released late
    in_review = 7,  ///< ended; a person has to decide before it is billed
    undecided = 8,  ///< ended; begun while cut off, the home operator has not decided yet
};
[[nodiscard]] const char* to_text(SessionState state);

/// Why and since when a charge waits for a person.
struct Review {
    std::uint64_t number{0};  ///< 0: was never held
    std::vector<std::string> reasons;
    bool is_late{false};  ///< its approval was given back
    UnixMillis held_at{0};
    friend bool operator==(const Review&, const Review&) = default;
};

struct Session {
    SessionId id;
    std::string station;
    std::string token;           ///< upper case
    std::uint16_t connector{0};  ///< 0: not known yet
    SessionState state{SessionState::authorizing};
    std::string reason;  ///< of a refusal or hold
    std::optional<Money> prepaid_asked;
    UnixMillis asked_at{0};
    bool asked_node{false};  ///< the request may have left for the node

    // Approval.
    AuthorizationRef authorization;
    Money prepaid{0};
    UnixMillis start_by{0};
    /// While approved, all EVSEs of the station; from the start on, the one in use.
    std::vector<node::AuthorizeResult::Evse> evses;

    // Transaction; 0 while there is none.
    std::int32_t transaction{0};
    std::string transaction_name;  ///< the charger's own; empty where it goes by our number
    bool offline{false};           ///< the charger said that it started while cut off from us
    bool baseline_missing{false};  ///< no register at the start: the first sample becomes the begin
    Hash start_facts;
    UnixMillis device_begin{0};  ///< what the charger's clock said; 0 when unreadable
    bool clock_replaced{false};  ///< times of receipt are used, the charger's clock is wrong
    MeterTrack meter;
    UnixMillis sampled_at{0};  ///< when the Start or a newer sample came, by our own clock
    Hash evidence;             ///< chain over the raw texts: h = SHA-256(h | SHA-256(text))
    std::uint32_t evidence_count{0};
    std::uint64_t evidence_bytes{0};
    std::uint32_t evidence_left_out{0};  ///< texts for which there was no room any more
    bool stop_requested{false};
    UnixMillis stop_requested_at{0};  ///< in the times of the samples
    std::string stop_reason;          ///< why we asked, then what the charger said
    bool stopped_by_id{false};        ///< its Stop named the id we gave: our answer had come
    Hash stop_facts;                  ///< of a Stop that did not; else zero
    UnixMillis finished_at{0};
    UnixMillis heard_at{0};    ///< when the charger last said something of it, by our clock
    UnixMillis free_since{0};  ///< when its connector was said to be Available; 0: it is in use
    SignedTrack signed_track;
    MeterReading end;          ///< as the charger says it, once the charge ended
    bool stop_missing{false};  ///< ended without a Stop
    bool end_missing{false};  ///< the charger did not say its register at the end; `end` is a guess
    Review review;
    bool warned{false};   ///< the driver was told that the prepaid amount is nearly used
    bool cut_off{false};  ///< begun by the operator's local list, while the node was away
    SessionId asked_as;   ///< under which its approval is asked for afterwards; zero: not yet

    /// Begun while cut off, and the home operator's approval is not there (yet).
    [[nodiscard]] bool is_undecided() const { return cut_off && authorization.id.is_zero(); }
    /// How the node knows the session.
    [[nodiscard]] const SessionId& at_node() const { return asked_as.is_zero() ? id : asked_as; }
    [[nodiscard]] bool is_finished() const {
        return state == SessionState::ended || state == SessionState::held;
    }
    [[nodiscard]] MeterTerms terms() const {
        return MeterTerms{evses.front().tariff, evses.front().rated_power_w};
    }
};

/// One EVSE and what it is charged by.
[[nodiscard]] Bytes encode_terms(const node::AuthorizeResult::Evse& evse);
[[nodiscard]] std::optional<node::AuthorizeResult::Evse> decode_terms(ByteView bytes);

[[nodiscard]] Bytes encode_session(const Session& session);
/// Nothing when the bytes are not a session of this version or one before.
[[nodiscard]] std::optional<Session> decode_session(ByteView bytes);

/// A message or charge that could not be billed and is kept for the operator.
struct Orphan {
    std::uint64_t number{0};
    std::string kind;  ///< "unknown_stop", "not_authorized", "held", "started_too_long_ago", ...
    std::string station;
    std::int64_t transaction{0};
    UnixMillis received_at{0};
    std::string detail;
    Hash facts;        ///< the same facts again are not a new orphan
    std::string text;  ///< what the charger sent, cut to `orphan_text_bytes_max`
};
inline constexpr std::size_t orphan_text_bytes_max{4096};

[[nodiscard]] Bytes encode_orphan(const Orphan& orphan);
[[nodiscard]] std::optional<Orphan> decode_orphan(ByteView bytes);

/// At most `reason_bytes_max` bytes, all printable ASCII: the node takes nothing else as a reason.
[[nodiscard]] std::string printable_reason(std::string_view text);

/// Tokens compare case-insensitively (idTag is CiString): the upper-case form, ASCII only.
[[nodiscard]] std::string upper_case(std::string_view text);
/// 1 to 36 printable characters: "PTY-UID" with the operator in front, or the number of a card.
[[nodiscard]] bool is_token(std::string_view text);
/// Of what a charger says instead of a token no more is kept than shows that it is none.
inline constexpr std::size_t token_kept_bytes_max{node::token_bytes_max + 1};

}  // namespace tally::bridge
