#pragma once

#include "ledger/model/actions.h"
#include "ledger/model/result_code.h"
#include "ledger/state/records.h"

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace tally {

/// What can happen to a charge. Values are in checkpoints of audits.
enum class ChargeStep : std::uint8_t {
    approved,              ///< amount: promised
    denied,                ///< no amount
    released,              ///< amount: promised and given back unused
    started,               ///< no amount
    recorded,              ///< amount: to be paid
    settled,               ///< amount: posted by the home operator
    claimed,               ///< amount: posted by the visited operator
    disputed,              ///< amount: contested
    dispute_ended,         ///< amount: posted of what was contested, by agreement or arbitration
    expired_unstarted,     ///< amount: promised
    expired_unrecorded,    ///< amount: promised; energy may have been delivered
    expired_unclaimed,     ///< amount: recorded and not paid
    expired_unarbitrated,  ///< amount: posted of what was contested, by the scheme's default
    late,                  ///< amount: posted by both, after the record's deadline
    credited,              ///< amount: posted back
    rebilled,              ///< amount: posted again
};
inline constexpr std::size_t charge_steps{16};
/// "expired_unclaimed" and so on.
[[nodiscard]] const char* to_text(ChargeStep step);

/// How often, and how much money.
struct StepFigures {
    std::uint64_t count{0};
    WideMoney amount{0};
    friend bool operator==(const StepFigures&, const StepFigures&) = default;
};

/// Everything that happened between two members, or on one day.
struct ChargeFigures {
    std::array<StepFigures, charge_steps> steps{};
    WideMoney posted{0};  ///< home owes visited, credits taken off
    std::uint64_t energy_wh{0};
    WideMoney beyond_approval{0};  ///< rated and not to be paid, because no more was approved

    [[nodiscard]] StepFigures& of(ChargeStep step) { return steps[static_cast<std::size_t>(step)]; }
    [[nodiscard]] const StepFigures& of(ChargeStep step) const {
        return steps[static_cast<std::size_t>(step)];
    }
    void add(ChargeStep step, Money amount) {
        ++of(step).count;
        of(step).amount += amount;
    }
    void add(const ChargeFigures& other);
    friend bool operator==(const ChargeFigures&, const ChargeFigures&) = default;
};

/// Most pairs and days that are told apart, each: everything beyond is added up in one place for
/// each currency (`AuditPair::others`, `AuditDay::others`). Denials cost nothing and may name any
/// currency, so that there must be an end to it.
inline constexpr std::size_t audit_pairs_max{65'536};
inline constexpr std::size_t audit_days_max{65'536};
/// Most combinations of pair and reason that denials are told apart by; the rest is only counted.
inline constexpr std::size_t audit_denials_max{65'536};

/// Whose drivers charged where, in which currency.
struct AuditPair {
    PartyId home;
    PartyId visited;
    Currency currency;
    /// Home and visited operator are "---".
    [[nodiscard]] static AuditPair others(const Currency& currency);
    friend constexpr auto operator<=>(const AuditPair&, const AuditPair&) = default;
};
struct AuditDay {
    std::int64_t day{0};  ///< since 1970-01-01, UTC, of block time; -1: others
    Currency currency;
    [[nodiscard]] static AuditDay others(const Currency& currency) { return {-1, currency}; }
    friend constexpr auto operator<=>(const AuditDay&, const AuditDay&) = default;
};
struct AuditDenial {
    PartyId home;
    PartyId visited;
    DenyReason reason{};
    friend constexpr auto operator<=>(const AuditDenial&, const AuditDenial&) = default;
};
struct AuditAccount {
    PartyId party;
    Currency currency;
    friend constexpr auto operator<=>(const AuditAccount&, const AuditAccount&) = default;
};
/// Posted over the whole audit; `pending` is open at its end.
struct AuditPosition {
    WideMoney debits{0};
    WideMoney credits{0};
    WideMoney debits_pending{0};
    WideMoney credits_pending{0};
    WideMoney legs_owed{0};  ///< only where a balance is compared
    WideMoney legs_due{0};
    WideMoney shares_held{0};
    friend bool operator==(const AuditPosition&, const AuditPosition&) = default;
};

/// What is worth knowing and nobody's fault. Values are in checkpoints.
enum class NoteKind : std::uint8_t {
    delivered_unpaid,    ///< a record that was neither settled nor claimed in time
    not_recorded,        ///< a charge was started and never recorded
    meter_gap,           ///< between two charges the register went on: an operator's own drivers
    meter_changed,       ///< a charger has another meter, or its register began anew
    beyond_approval,     ///< more was used than was approved: the visited operator bears it
    disputed,            ///< the home operator contests a record
    corrected,           ///< a late charge, credit or new bill
    equivocation,        ///< a validator signed two contradicting votes; proven
    sublog,              ///< a member's log is complete
    evidence,            ///< meter evidence that was not supplied
    unpaid,              ///< a payment between banks that is not confirmed
    late_record,         ///< of a meter: a charge before one that was recorded already
    meter_unsigned,      ///< meter data without signed readings, or no key to verify them by
    meter_not_billable,  ///< signed readings that their meter marks as not to be billed
};
inline constexpr std::size_t note_kinds{14};
[[nodiscard]] const char* to_text(NoteKind kind);

struct Note {
    NoteKind kind{NoteKind::delivered_unpaid};
    std::uint64_t height{0};
    std::string message;
    friend bool operator==(const Note&, const Note&) = default;
};

/// A payment between banks that its creditor confirmed.
struct ConfirmedPayment {
    std::uint64_t cycle{0};
    Currency currency;
    PartyId debtor;
    PartyId creditor;
    Money amount{0};
    std::string reference;    ///< of the creditor's bank
    std::uint64_t height{0};  ///< of the confirmation
    UnixMillis confirmed_at{0};
    UnixMillis closed_at{0};  ///< when its cycle was closed; 0: before this audit
    friend bool operator==(const ConfirmedPayment&, const ConfirmedPayment&) = default;
};

/// A step in how the network governs itself.
struct GovernanceEntry {
    std::uint64_t height{0};
    UnixMillis time{0};
    std::string what;
    friend bool operator==(const GovernanceEntry&, const GovernanceEntry&) = default;
};

inline constexpr std::size_t notes_of_kind_max{50};
inline constexpr std::size_t governance_entries_max{1000};
/// 49 payments a week, as 50 members may make in one currency, for 39 years.
inline constexpr std::size_t payments_max{100'000};

/// What the level named business found out about money and people. Sums are over the blocks of this
/// audit and, when it continues an earlier one, over those of that one too.
struct BusinessReport {
    std::map<AuditPair, ChargeFigures> pairs;
    std::map<AuditDay, ChargeFigures> days;
    std::map<AuditDenial, std::uint64_t> denials;
    std::uint64_t denials_beyond{0};               ///< that no place was left for in `denials`
    std::map<ResultCode, std::uint64_t> refusals;  ///< transactions that did not succeed
    std::map<AuditAccount, AuditPosition> positions;
    std::array<std::map<Currency, StepFigures>, 4> open;  ///< at the end; see `open_names`
    std::uint64_t records_rated{0};
    std::uint64_t bridge_signatures{0};
    std::uint64_t evidence_matched{0};  ///< records whose meter data were supplied and fit
    std::uint64_t meter_signatures{0};  ///< records whose registers their meter signed
    std::uint64_t cycles_netted{0};     ///< cycles times currencies
    std::uint64_t payments_confirmed{0};
    std::uint64_t meters{0};
    std::uint64_t meter_gaps{0};
    std::uint64_t meter_gap_wh{0};
    std::array<std::uint64_t, note_kinds> notes_count{};
    std::vector<Note> notes;  ///< the first `notes_of_kind_max` of each kind
    std::uint64_t governance_count{0};
    std::vector<GovernanceEntry> governance;  ///< the first `governance_entries_max`
    /// The first `payments_max` that this audit came across; not in checkpoints.
    std::vector<ConfirmedPayment> payments;

    /// Where a pair's or a day's figures go; that of the others when there are too many.
    [[nodiscard]] ChargeFigures& of_pair(const AuditPair& pair);
    [[nodiscard]] ChargeFigures& of_day(UnixMillis time, const Currency& currency);
    /// Counts a denial.
    void deny(const AuditPair& pair, UnixMillis time, DenyReason reason);
    void note(NoteKind kind, std::uint64_t height, std::string message);
    void govern(std::uint64_t height, UnixMillis time, std::string what);
    friend bool operator==(const BusinessReport&, const BusinessReport&) = default;
};
/// Names of the places of `BusinessReport::open`: approved, started, recorded, disputed.
inline constexpr std::array<const char*, 4> open_names{"approved", "started", "recorded",
                                                       "disputed"};

/// As `money_to_text`.
[[nodiscard]] std::string wide_money_to_text(WideMoney amount);

/// The sums that an audit carries on with, fixed-width codec: pairs, days, denials, refusals,
/// positions, counts, notes and governance. What is open is in the state.
[[nodiscard]] Bytes encode(const BusinessReport& report);
/// Nothing on anything that no audit writes: unknown kinds, names that cannot be, entries that are
/// repeated or out of order, sums so large that adding to them could pass 128 bits.
[[nodiscard]] std::optional<BusinessReport> decode_business_report(ByteView bytes);

}  // namespace tally
