#pragma once

// The values of the flat state, as typed records. Each has one encoding (fixed-width codec, first
// byte the record's version); what is in the key is not repeated in the value. The layouts are
// listed in docs/protocol/ledger.md.

#include "ledger/model/actions.h"
#include "ledger/model/genesis.h"
#include "ledger/state/event.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tally {

/// A member as it stands now. Suspended members make no new approvals and start no charges.
struct MemberRecord {
    Member member;
    bool suspended{false};
    friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// What one member owes and is owed in one currency, two-phase: `pending` is promised, `posted` is
/// due. Debits are what the member owes. All fields are 0 or more.
struct Account {
    Money debits_pending{0};
    Money debits_posted{0};
    Money credits_pending{0};
    Money credits_posted{0};
    Money limit{0};      ///< most the member may owe, see `used_of_limit`
    Money legs_owed{0};  ///< of closed cycles and not confirmed
    Money legs_due{0};
    /// Shares of defaults that came in and go back when their legs are paid after all.
    Money shares_held{0};
    friend bool operator==(const Account&, const Account&) = default;
};
/// debits_pending + max(0, debits_posted + shares_held - credits_posted) + legs_owed: what counts
/// against the limit. So a share does not extend what its receiver may owe, and giving it back does
/// not take the receiver beyond its limit. Pending credits and legs that the member is owed do not
/// count, because nobody may spend what may still not come.
[[nodiscard]] Money used_of_limit(const Account& account) noexcept;

/// One member's half of a partnership, as in SetAgreement.
struct AgreementRecord {
    bool active{true};
    Currency currency;
    std::vector<std::string> tariffs_offered;
    Money exposure_cap{0};
    friend bool operator==(const AgreementRecord&, const AgreementRecord&) = default;
};

struct BridgeRecord {
    PublicKey public_key;
    BridgeKind kind{BridgeKind::site};
    bool revoked{false};  ///< what it signs is refused
    friend bool operator==(const BridgeRecord&, const BridgeRecord&) = default;
};

/// An EVSE, and what the next charge record on it is checked against.
struct ChargerRecord {
    std::string station;
    std::uint16_t connector{1};
    std::string bridge_id;
    std::uint32_t rated_power_w{0};
    std::string meter_serial;
    std::uint32_t meter_epoch{0};
    Bytes meter_public_key;
    std::optional<AuthorizationRef> busy;  ///< charge that is started and not yet recorded
    UnixMillis last_end_time{0};           ///< end of the last recorded charge; 0: none
    /// Last end register with the meter it was read from; nothing before the first record.
    struct LastReading {
        std::string meter_serial;
        std::uint32_t meter_epoch{0};
        std::int64_t register_wh{0};
        friend bool operator==(const LastReading&, const LastReading&) = default;
    };
    std::optional<LastReading> last_reading;
    friend bool operator==(const ChargerRecord&, const ChargerRecord&) = default;
};

/// Where an authorization stands. The first three and `disputed` are live; the others are final and
/// only found in the derived table of finished ones. Values are in the state.
enum class AuthorizationStatus : std::uint8_t {
    approved = 1,
    started = 2,
    recorded = 3,
    settled = 4,   ///< posted by the home operator's SettleCharge, or after a dispute
    claimed = 5,   ///< posted by the visited operator's ClaimCharge
    released = 6,  ///< given back unused
    denied = 7,
    expired = 8,   ///< also a dispute that nobody ended: then `End::posted` may be more than 0
    disputed = 9,  ///< recorded, and the home operator contests a part
};
/// "approved" and so on.
[[nodiscard]] const char* to_text(AuthorizationStatus status);
[[nodiscard]] constexpr bool is_live(AuthorizationStatus status) noexcept {
    return status <= AuthorizationStatus::recorded || status == AuthorizationStatus::disputed;
}

/// One promise to pay and the charge under it. Times are block times unless they say otherwise;
/// zero or empty until the step that sets them.
struct Authorization {
    AuthorizationRef ref;  ///< the key; `ref.signer` is the home operator
    AuthorizationStatus status{AuthorizationStatus::approved};
    PartyId visited;
    Currency currency;
    Money amount{0};  ///< Mp
    Hash request_hash;
    Hash token_commitment;
    std::string station;
    std::vector<TariffRef> tariffs;  ///< the visited operator's, one of which may be charged by
    UnixMillis decided_at{0};
    UnixMillis start_by{0};

    struct Start {
        UnixMillis started_at{0};
        UnixMillis record_by{0};
        std::string evse_id;
        TariffRef tariff;
        friend bool operator==(const Start&, const Start&) = default;
    };
    std::optional<Start> start;

    struct Record {
        UnixMillis recorded_at{0};
        UnixMillis settle_by{0};
        UnixMillis claim_until{0};
        UnixMillis begin_time{0};  ///< by the charger's clock
        UnixMillis end_time{0};    ///< by the charger's clock
        std::int64_t energy_wh{0};
        Money rated_amount{0};
        Money amount{0};            ///< to be posted
        TransactionId transaction;  ///< id of the visited operator's RecordCharge
        friend bool operator==(const Record&, const Record&) = default;
    };
    std::optional<Record> record;

    /// What the home operator contests; stays when the dispute has ended.
    struct Dispute {
        UnixMillis opened_at{0};
        UnixMillis arbitrate_by{0};
        Money disputed{0};  ///< 1 to the recorded amount; the rest of it is posted
        DisputeReason reason{DisputeReason::energy};
        Hash evidence;
        friend bool operator==(const Dispute&, const Dispute&) = default;
    };
    std::optional<Dispute> dispute;

    /// How it ended; set exactly when the status is not live.
    struct End {
        UnixMillis ended_at{0};
        Money posted{0};             ///< in all; 0 unless settled, claimed or disputed
        DenyReason deny_reason{};    ///< only when denied
        ExpiryCause expiry_cause{};  ///< only when expired
        friend bool operator==(const End&, const End&) = default;
    };
    std::optional<End> end;

    [[nodiscard]] const PartyId& home() const noexcept { return ref.signer; }
    /// Block time after which it ends by itself: start_by, record_by, claim_until or arbitrate_by.
    /// Only for live ones.
    [[nodiscard]] UnixMillis deadline() const;
    /// What a live one holds pending: Mp, or the disputed part.
    [[nodiscard]] Money reserved() const noexcept { return dispute ? dispute->disputed : amount; }
    /// What a live one has posted already: the undisputed part of a disputed one.
    [[nodiscard]] Money posted_so_far() const noexcept {
        return dispute ? record->amount - dispute->disputed : 0;
    }
    friend bool operator==(const Authorization&, const Authorization&) = default;
};

/// The actions that two members sign.
using TwoSigned = std::variant<SetLimit, LateCharge, CreditCharge, RebillCharge>;

/// An action that waits for its second signature. The key is the first transaction.
struct CountersignRecord {
    Hash transaction_hash;
    UnixMillis expires{0};  ///< last block time at which Countersign is accepted
    TwoSigned action;
    friend bool operator==(const CountersignRecord&, const CountersignRecord&) = default;
};

/// Actions of one member that wait for a second signature at the same time.
inline constexpr std::size_t countersigns_of_member_max{256};
inline constexpr std::size_t corrected_charges_max{8};  ///< of one authorization
inline constexpr std::size_t open_credits_max{8};       ///< of one authorization

/// What was charged and given back after an authorization had ended. The key is the authorization;
/// its home operator paid and got back.
struct CorrectionRecord {
    /// A charge, by the transaction that made it.
    struct Charge {
        TransactionRef record;
        Money charged{0};
        Money credited{0};  ///< 0 to `charged`
        friend bool operator==(const Charge&, const Charge&) = default;
    };
    PartyId visited;
    Currency currency;
    UnixMillis expires{0};  ///< last block time at which it is known
    /// The first is the late or the recorded one, the others are billed again.
    std::vector<Charge> charges;          ///< 1 to `corrected_charges_max`
    std::vector<TransactionRef> credits;  ///< not yet billed again, `open_credits_max` at most
    friend bool operator==(const CorrectionRecord&, const CorrectionRecord&) = default;
};

/// What one member owes one other in one currency, gross: the other direction has its own record.
struct Exposure {
    Money pending{0};
    Money posted{0};  ///< in the open cycle
    Money legs{0};    ///< of closed cycles and not confirmed
    friend bool operator==(const Exposure&, const Exposure&) = default;
};

__extension__ using WideMoney = __int128;

/// Sums over all accounts of one currency. Debits and credits are equal after every block.
struct Totals {
    WideMoney debits_pending{0};
    WideMoney debits_posted{0};
    WideMoney credits_pending{0};
    WideMoney credits_posted{0};
    WideMoney legs_owed{0};
    WideMoney legs_due{0};
    [[nodiscard]] bool balanced() const noexcept {
        return debits_pending == credits_pending && debits_posted == credits_posted &&
               legs_owed == legs_due;
    }
    friend bool operator==(const Totals&, const Totals&) = default;
};

// Encodings. Decoders give nothing on truncated, left-over, oversized or out-of-range input.
[[nodiscard]] Bytes encode(const MemberRecord& record);
[[nodiscard]] Bytes encode(const Account& record);
[[nodiscard]] Bytes encode(const AgreementRecord& record);
[[nodiscard]] Bytes encode(const BridgeRecord& record);
[[nodiscard]] Bytes encode(const ChargerRecord& record);
[[nodiscard]] Bytes encode(const Tariff& record);
[[nodiscard]] Bytes encode(const Authorization& record);
[[nodiscard]] Bytes encode(const CountersignRecord& record);
[[nodiscard]] Bytes encode(const CorrectionRecord& record);
[[nodiscard]] Bytes encode(const Exposure& record);
[[nodiscard]] Bytes encode(const Totals& record);

/// `Record` is one of the types above. For `Authorization` the caller sets `ref` from the key.
template <typename Record>
[[nodiscard]] std::optional<Record> decode_record(ByteView bytes);
template <>
std::optional<MemberRecord> decode_record(ByteView bytes);
template <>
std::optional<Account> decode_record(ByteView bytes);
template <>
std::optional<AgreementRecord> decode_record(ByteView bytes);
template <>
std::optional<BridgeRecord> decode_record(ByteView bytes);
template <>
std::optional<ChargerRecord> decode_record(ByteView bytes);
template <>
std::optional<Tariff> decode_record(ByteView bytes);
template <>
std::optional<Authorization> decode_record(ByteView bytes);
template <>
std::optional<CountersignRecord> decode_record(ByteView bytes);
template <>
std::optional<CorrectionRecord> decode_record(ByteView bytes);
template <>
std::optional<Exposure> decode_record(ByteView bytes);
template <>
std::optional<Totals> decode_record(ByteView bytes);

}  // namespace tally
