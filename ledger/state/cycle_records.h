#pragma once

// State records of netting: the open cycle, closed ones with legs that wait for money, and the
// legs. Queries included.

#include "ledger/model/actions.h"
#include "ledger/state/netting.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Which cycle new entries belong to. There is one.
///
/// A cycle's number is its period by the parameters (`period_of`), or the number after the cycle
/// before when a change of parameters would let it fall.
struct CycleRecord {
    std::uint64_t number{0};
    std::uint64_t period{0};  ///< by the parameters of the block that opened it
    UnixMillis opened_at{0};  ///< time of that block
    /// The cycle before, as long as not all of its currencies are netted.
    struct Closing {
        std::uint64_t number{0};
        Currency from;  ///< the first currency that is left
        friend bool operator==(const Closing&, const Closing&) = default;
    };
    std::optional<Closing> closing;
    friend bool operator==(const CycleRecord&, const CycleRecord&) = default;
};

/// A closed cycle in one currency while a leg of it is not confirmed. The key is both.
struct ClosedCycleRecord {
    UnixMillis closed_at{0};
    UnixMillis due_by{0};                ///< last block time before unpaid legs are in default
    std::uint32_t open_legs{0};          ///< not confirmed, 1 or more
    std::vector<NetPosition> creditors;  ///< who was to receive how much, in order of party
    friend bool operator==(const ClosedCycleRecord&, const ClosedCycleRecord&) = default;
};

enum class LegStatus : std::uint8_t {
    pending = 1,
    defaulted = 2,  ///< not confirmed at due_by; still owed
    confirmed = 3,  ///< kept until all legs of the cycle and currency are
};
/// "pending" and so on.
[[nodiscard]] const char* to_text(LegStatus status);

/// A leg as the deadline table refers to it: the debtor, and an id of cycle u64 | currency 3 |
/// creditor 3 | two zero bytes.
[[nodiscard]] TransactionRef leg_ref(const LegKey& key);
[[nodiscard]] LegKey leg_key_of(const TransactionRef& ref);

/// Money that moves between banks: outside of the ledger, confirmed by who receives it.
struct LegRecord {
    Money amount{0};  ///< more than 0
    UnixMillis due_by{0};
    LegStatus status{LegStatus::pending};
    /// What others bear of a default, when the scheme shares it; they have it back when the leg is
    /// paid all the same.
    std::vector<NetPosition> shares;
    std::string reference;  ///< of the confirmation
    friend bool operator==(const LegRecord&, const LegRecord&) = default;
};

/// A closed cycle in one currency as the API shows it: derived, and not known to a node that
/// joined later.
struct CycleHistory {
    UnixMillis closed_at{0};
    UnixMillis due_by{0};
    std::vector<NetPosition> net;
    std::vector<Debt> matrix;
    friend bool operator==(const CycleHistory&, const CycleHistory&) = default;
};

[[nodiscard]] Bytes encode(const CycleRecord& record);
[[nodiscard]] Bytes encode(const ClosedCycleRecord& record);
[[nodiscard]] Bytes encode(const LegRecord& record);
[[nodiscard]] Bytes encode(const CycleHistory& record);

template <>
std::optional<CycleRecord> decode_record(ByteView bytes);
template <>
std::optional<ClosedCycleRecord> decode_record(ByteView bytes);
template <>
std::optional<LegRecord> decode_record(ByteView bytes);
template <>
std::optional<CycleHistory> decode_record(ByteView bytes);

[[nodiscard]] CycleRecord find_cycle(const StateView& view);
[[nodiscard]] std::optional<ClosedCycleRecord> find_closed_cycle(const StateView& view,
                                                                 std::uint64_t cycle,
                                                                 const Currency& currency);
[[nodiscard]] std::optional<LegRecord> find_leg(const StateView& view, const LegKey& key);

struct LegEntry {
    LegKey key;
    LegRecord leg;
};
/// Legs of cycles from `cycle_from` on in order of cycle, currency, debtor and creditor, at most
/// `count_max`.
[[nodiscard]] std::vector<LegEntry> list_legs(const StateView& view, std::uint64_t cycle_from,
                                              std::size_t count_max);
/// Those of one cycle and currency.
[[nodiscard]] std::vector<LegEntry> legs_of(const StateView& view, std::uint64_t cycle,
                                            const Currency& currency);

struct HistoryEntry {
    std::uint64_t cycle{0};
    Currency currency;
    CycleHistory history;
};
/// What this node knows of closed cycles: those from `cycle_from` on in order of cycle and
/// currency, at most `count_max`.
[[nodiscard]] std::vector<HistoryEntry> list_cycle_history(const StateView& view,
                                                           std::uint64_t cycle_from,
                                                           std::size_t count_max);
/// Those of one cycle.
[[nodiscard]] std::vector<HistoryEntry> cycle_history_of(const StateView& view, std::uint64_t cycle,
                                                         std::size_t count_max);

}  // namespace tally
