#pragma once

// The actions that members put on the ledger, as plain values. Their meaning is in ledger/state;
// their wire form in ledger/model/ledger.proto; who may sign what in docs/protocol/ledger.md.

#include "ledger/crypto/secp256k1.h"
#include "ledger/model/ids.h"
#include "ledger/model/membership.h"
#include "ledger/model/money.h"
#include "ledger/model/parameters.h"
#include "ledger/model/tariff.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tally {

inline constexpr std::size_t tariffs_offered_max{16};   ///< per agreement and per authorization
inline constexpr std::size_t meter_key_bytes_max{256};  ///< DER SubjectPublicKeyInfo of a meter
inline constexpr std::uint32_t rated_power_w_max{10'000'000};

/// This member's half of a partnership. Both halves must be active and of one currency before a
/// new authorization; withdrawing (`active` false) ends new charges only.
struct SetAgreement {
    PartyId partner;
    bool active{true};
    Currency currency;
    /// Which of the signer's tariffs the partner's drivers may be charged by; empty: all of them.
    std::vector<std::string> tariffs_offered;
    /// Most that the partner may owe the signer, and the signer the partner, at once (pending and
    /// not yet paid); each half binds; 0: no cap of this half.
    Money exposure_cap{0};
    friend bool operator==(const SetAgreement&, const SetAgreement&) = default;
};

enum class BridgeKind : std::uint8_t { site = 1, ocpi = 2, tcec = 3 };

/// Names the key that signs what a bridge metered. Registering an id again replaces its key.
struct RegisterBridge {
    std::string bridge_id;
    PublicKey public_key;  ///< a point of the curve
    BridgeKind kind{BridgeKind::site};
    friend bool operator==(const RegisterBridge&, const RegisterBridge&) = default;
};

/// Ends the trust in a bridge's key: nothing more that it signs is recorded, until the id is
/// registered again with a new key.
struct RevokeBridge {
    std::string bridge_id;
    friend bool operator==(const RevokeBridge&, const RevokeBridge&) = default;
};

/// One connector of one charging station, as the meter sees it. Registering an EVSE again replaces
/// it; a new serial or epoch starts a new register.
struct RegisterCharger {
    std::string evse_id;
    std::string station;         ///< OCPP identity of the station
    std::uint16_t connector{1};  ///< OCPP connectorId, 1 or more
    std::string bridge_id;
    std::uint32_t rated_power_w{0};  ///< 1 to `rated_power_w_max`
    std::string meter_serial;
    std::uint32_t meter_epoch{0};  ///< raised when the register of the same meter starts again
    Bytes meter_public_key;        ///< empty when the meter does not sign
    friend bool operator==(const RegisterCharger&, const RegisterCharger&) = default;
};

/// Adds a version of a tariff; `version` is the last one plus 1.
struct PublishTariff {
    TariffRef ref;
    Tariff tariff;
    friend bool operator==(const PublishTariff&, const PublishTariff&) = default;
};

/// The most a member may owe in one currency. One of the actions that need two signers, as are
/// LateCharge, CreditCharge and RebillCharge: they wait for their Countersign. Signed by the hub or
/// the member; in force when the other one countersigns.
struct SetLimit {
    PartyId member;
    Currency currency;
    Money limit{0};
    friend bool operator==(const SetLimit&, const SetLimit&) = default;
};

/// The second signature under a transaction that needs two.
struct Countersign {
    TransactionRef transaction;
    Hash transaction_hash;
    friend bool operator==(const Countersign&, const Countersign&) = default;
};

/// Why a home operator denies. Values are on the ledger.
enum class DenyReason : std::uint8_t {
    unknown_token = 1,
    token_blocked = 2,
    insufficient_balance = 3,
    minimum_approval = 4,
    concurrent_charge = 5,
    currency_mismatch = 6,
    no_agreement = 7,
    limit_exceeded = 8,
    not_allowed = 9,
};
[[nodiscard]] const char* to_text(DenyReason reason);

/// The home operator's answer to one authorization request of the visited operator.
struct DecideAuthorization {
    PartyId visited;
    Hash request_hash;      ///< tagged hash of the request as A signed it
    Hash token_commitment;  ///< HMAC-SHA-256(per-charge random key, token)
    std::string station;
    Currency currency;
    bool approved{false};
    // Only when approved; zero otherwise.
    Money amount{0};                 ///< Mp: the most B will pay, tax included
    std::vector<TariffRef> tariffs;  ///< versions A may charge by
    UnixMillis start_by{0};          ///< StartCharge no later than this block time
    // Only when denied.
    DenyReason reason{};
    friend bool operator==(const DecideAuthorization&, const DecideAuthorization&) = default;
};

struct ReleaseAuthorization {
    AuthorizationRef authorization;
    friend bool operator==(const ReleaseAuthorization&, const ReleaseAuthorization&) = default;
};

struct StartCharge {
    AuthorizationRef authorization;
    std::string evse_id;
    TariffRef tariff;
    friend bool operator==(const StartCharge&, const StartCharge&) = default;
};

/// What a bridge metered, and its signature. The bridge signs
/// tagged_hash("tally/metered-charge/v1", chain_id | `encode_metered`(charge)).
struct MeteredCharge {
    AuthorizationRef authorization;
    std::string evse_id;
    std::string bridge_id;
    std::string meter_serial;
    std::uint32_t meter_epoch{0};
    std::vector<MeterReading> readings;  ///< begin, price changes, end: 2 to `readings_max`
    Hash evidence;                       ///< hash of the signed meter texts and samples; zero: none
    Signature bridge_signature;
    friend bool operator==(const MeteredCharge&, const MeteredCharge&) = default;
};
/// Everything but the signature, fixed-width codec.
[[nodiscard]] Bytes encode_metered(const MeteredCharge& charge);
/// Reads what `encode_metered` wrote, from the front of the decoder; `bridge_signature` stays zero.
/// Marks the decoder failed when a value is out of its bounds.
[[nodiscard]] MeteredCharge decode_metered(Decoder& decoder);
[[nodiscard]] Hash metered_signing_digest(const Hash& chain_id, const MeteredCharge& charge);

struct RecordCharge {
    MeteredCharge metered;
    Money rated_amount{0};  ///< what the tariff gives, tax included
    Money amount{0};        ///< min(rated_amount, Mp)
    friend bool operator==(const RecordCharge&, const RecordCharge&) = default;
};

struct SettleCharge {
    AuthorizationRef authorization;
    Money amount{0};  ///< must be the recorded amount
    friend bool operator==(const SettleCharge&, const SettleCharge&) = default;
};

struct ClaimCharge {
    AuthorizationRef authorization;
    friend bool operator==(const ClaimCharge&, const ClaimCharge&) = default;
};

/// Why a home operator disputes a record. Values are on the ledger.
enum class DisputeReason : std::uint8_t {
    energy = 1,
    price = 2,
    time = 3,
    not_our_customer = 4,
    duplicate = 5,
    other = 6,
};
/// "not_our_customer" and so on.
[[nodiscard]] const char* to_text(DisputeReason reason);
[[nodiscard]] std::optional<DisputeReason> dispute_reason_from_text(std::string_view text);

/// The home operator contests `disputed` of a recorded amount; the rest is posted at once.
struct OpenDispute {
    AuthorizationRef authorization;
    Money disputed{0};  ///< 1 to the recorded amount
    DisputeReason reason{DisputeReason::energy};
    Hash evidence;  ///< hash of what the dispute rests on; zero: none
    friend bool operator==(const OpenDispute&, const OpenDispute&) = default;
};

/// The visited operator gives up the disputed part.
struct AcceptDispute {
    AuthorizationRef authorization;
    friend bool operator==(const AcceptDispute&, const AcceptDispute&) = default;
};

/// The hub decides a dispute: `amount` of the disputed part is owed, the rest is not.
struct Arbitrate {
    AuthorizationRef authorization;
    Money amount{0};  ///< 0 to the disputed part
    Hash reason;      ///< hash of the decision's text; zero: none
    friend bool operator==(const Arbitrate&, const Arbitrate&) = default;
};

/// What a late or corrected charge is made of: a metered charge that no authorization holds money
/// for any more, and how it was rated. The home operator is `metered.authorization.signer`.
struct RatedCharge {
    MeteredCharge metered;
    TariffRef tariff;  ///< of the visited operator
    Currency currency;
    Money rated_amount{0};  ///< what the tariff gives, tax included
    Money amount{0};        ///< what the home operator pays, at most `rated_amount`
    friend bool operator==(const RatedCharge&, const RatedCharge&) = default;
};

/// A record after its authorization has ended without one. Signed by the visited operator; in
/// force when the home operator countersigns.
struct LateCharge {
    RatedCharge charge;
    friend bool operator==(const LateCharge&, const LateCharge&) = default;
};

/// Gives back `amount` of a charge, visited to home operator. Signed by the visited operator; in
/// force when the home operator countersigns.
struct CreditCharge {
    AuthorizationRef authorization;
    TransactionRef record;  ///< the RecordCharge, LateCharge or RebillCharge that it reverses
    Currency currency;
    Money charged{0};  ///< what that one made the home operator pay, as both state it
    Money amount{0};   ///< 1 to what is left of `charged`
    Hash reason;       ///< hash of the reason's text; zero: none
    friend bool operator==(const CreditCharge&, const CreditCharge&) = default;
};

/// The corrected charge after a credit. Signed by the visited operator; in force when the home
/// operator countersigns.
struct RebillCharge {
    TransactionRef credit;  ///< the CreditCharge, by its first transaction
    RatedCharge charge;
    friend bool operator==(const RebillCharge&, const RebillCharge&) = default;
};

/// Longest `ConfirmPayment::reference`, in bytes.
inline constexpr std::size_t payment_reference_bytes_max{64};

/// The creditor of a bank leg has the money. The signer is the creditor.
struct ConfirmPayment {
    std::uint64_t cycle{0};
    Currency currency;
    PartyId debtor;
    std::string reference;  ///< of the bank statement; 1 to the maximum, printable ASCII
    friend bool operator==(const ConfirmPayment&, const ConfirmPayment&) = default;
};

/// Names a bank leg.
struct LegKey {
    std::uint64_t cycle{0};
    Currency currency;
    PartyId debtor;
    PartyId creditor;
    friend auto operator<=>(const LegKey&, const LegKey&) = default;
};

/// The hub admits a new operator: a full member at once, without a vote. No other member may have
/// one of its keys.
struct AdmitFollower {
    Member member;  ///< `validator` false, role operator
    /// The new member's signatures over `key_possession_digest`, in the order of `key_roles`.
    std::array<Signature, key_roles.size()> possessions{};
    friend bool operator==(const AdmitFollower&, const AdmitFollower&) = default;
};

/// Asks the members that decide for a change. The signer's own approval counts as its vote.
struct ProposeChange {
    ChangeKind kind{ChangeKind::promote};
    PartyId member;  ///< whom it is about; zero for parameters, features and bank legs
    // Only for replace_keys, at least one of them; the others stay. Proven by `member`.
    std::optional<ProvenKey> member_key;
    std::optional<ProvenKey> consensus_key;
    std::optional<ProvenKey> link_key;
    std::optional<Parameters> parameters;  ///< only for set_parameters: all of them
    std::uint32_t feature{0};              ///< only to activate or withdraw it, then not 0
    std::optional<LegKey> leg;             ///< only for confirm_leg
    friend bool operator==(const ProposeChange&, const ProposeChange&) = default;
};

struct VoteOnChange {
    TransactionRef proposal;
    bool approve{false};
    friend bool operator==(const VoteOnChange&, const VoteOnChange&) = default;
};

/// A new key for the signer. Member and link key hold at once, a consensus key from the next epoch.
struct RotateKey {
    KeyRole role{KeyRole::member};
    PublicKey new_key;
    Signature possession{};  ///< of the new key over `key_possession_digest`
    friend bool operator==(const RotateKey&, const RotateKey&) = default;
};

/// The signer, a validator of the next set, is synced, its program knows all features that are
/// asked for, and it can take over.
struct ReportReady {
    std::uint64_t epoch{0};   ///< the current one
    Hash next_epoch;          ///< NextEpoch::hash of what it is ready for
    std::uint64_t height{0};  ///< last block that it has executed
    friend bool operator==(const ReportReady&, const ReportReady&) = default;
};

/// Proof that a validator signed two votes that no honest one signs both, see `is_equivocation`.
struct SubmitEvidence {
    std::uint32_t signer{0};  ///< index in the set of the votes' epoch
    VoteStatement first;
    Signature first_signature;
    VoteStatement second;
    Signature second_signature;
    friend bool operator==(const SubmitEvidence&, const SubmitEvidence&) = default;
};

using Action =
    std::variant<SetAgreement, RegisterBridge, RegisterCharger, PublishTariff, SetLimit,
                 Countersign, DecideAuthorization, ReleaseAuthorization, StartCharge, RecordCharge,
                 SettleCharge, ClaimCharge, AdmitFollower, ProposeChange, VoteOnChange, RotateKey,
                 ReportReady, SubmitEvidence, RevokeBridge, OpenDispute, AcceptDispute, Arbitrate,
                 LateCharge, CreditCharge, RebillCharge, ConfirmPayment>;

/// Whether every value is within the bounds that this header and those it includes state: what a
/// transaction must satisfy to be encoded, and what decoding guarantees. Amounts are 0 to
/// `amount_max`, times 0 to `unix_millis_max`; an approval has 1 to `tariffs_offered_max` tariffs
/// and no reason, a denial a reason and nothing of an approval.
[[nodiscard]] bool is_within_bounds(const Action& action);

/// "DecideAuthorization" and so on: the names of design and documents.
[[nodiscard]] const char* action_name(const Action& action);

}  // namespace tally
