#pragma once

#include "ledger/audit/finding.h"
#include "ledger/base/codec.h"
#include "ledger/state/records.h"
#include "ledger/state/state_view.h"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Late charges, credits and new bills against the charges that they are about: nothing is paid
/// twice, nothing is given back that was not charged, nothing is billed again without a credit.
/// Knows more than the ledger's state: how the charges ended, of which the state keeps nothing.
///
/// Memory: corrections within their window, and the last `ended_max` charges that ended. Of older
/// ones nothing is found; `is_forgetful` tells that there are some. Threads: one owner.
class CorrectionBook {
public:
    static constexpr std::size_t ended_max{1U << 20U};

    explicit CorrectionBook(std::size_t remembered_max = ended_max)
        : m_remembered_max{remembered_max} {}

    /// Called with everything that is wrong.
    using Find = std::function<void(FindingKind kind, std::string message)>;
    /// The first transaction of a correction that has just taken effect, and when.
    struct Taken {
        const TransactionRef& first;
        UnixMillis now{0};
        UnixMillis window{0};  ///< the parameter `correction_window`
        const Find& find;
    };

    /// The corrections of a state.
    void restore(const StateView& state);
    /// A charge left the open ones, with `posted` in all.
    void end(const Authorization& charge, Money posted);
    void late(const Taken& taken, const RatedCharge& charge);
    void credit(const Taken& taken, const CreditCharge& action);
    void rebill(const Taken& taken, const RebillCharge& action);
    /// The corrections of a charge are over.
    void expire(const AuthorizationRef& ref, UnixMillis now, const Find& find);

    [[nodiscard]] const CorrectionRecord* find(const AuthorizationRef& ref) const;
    /// Whether charges that ended were forgotten, so that a correction may be of one of them.
    [[nodiscard]] bool is_forgetful() const noexcept { return m_forgotten > 0; }
    /// Whether the authorization is one that ended and is remembered.
    [[nodiscard]] bool remembers(const AuthorizationRef& ref) const {
        return m_ended.contains(ref);
    }
    /// What a state says otherwise, in words.
    [[nodiscard]] std::vector<std::string> compare(const StateView& state) const;

    /// The charges that ended (fixed-width codec): forgotten u64, count u32, each ref 19, visited
    /// 3, currency 3, recorded u8, corrected u8, record's transaction id 16, posted i64, in the
    /// order they ended.
    void encode_ended(Encoder& encoder) const;
    /// Marks the decoder failed on what `encode_ended` does not write.
    void decode_ended(Decoder& decoder);

private:
    struct Ended {
        PartyId visited;
        Currency currency;
        bool recorded{false};
        bool corrected{false};  ///< and that is over: credits may name other charges than `record`
        TransactionId record;   ///< of the visited operator's RecordCharge
        Money posted{0};
    };

    void remember(const AuthorizationRef& ref, const Ended& ended);
    /// Checks that the corrections of a charge may go on with this one.
    [[nodiscard]] CorrectionRecord* find_open(const Taken& taken, const AuthorizationRef& ref,
                                              const Currency& currency);
    /// The first credit of a charge that was settled says itself what was charged.
    void check_recorded(const Taken& taken, const CreditCharge& action) const;

    std::size_t m_remembered_max;
    std::map<AuthorizationRef, CorrectionRecord> m_corrections;
    std::map<AuthorizationRef, Ended> m_ended;
    std::deque<AuthorizationRef> m_order;  ///< of `m_ended`, oldest first
    std::uint64_t m_forgotten{0};
};

}  // namespace tally
