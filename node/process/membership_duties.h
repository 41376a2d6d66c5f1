#pragma once

#include "consensus/driver/driver.h"
#include "ledger/base/clock.h"
#include "ledger/base/random.h"
#include "ledger/crypto/signer.h"
#include "ledger/state/epochs.h"
#include "ledger/state/state_view.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>

namespace tally::node {

/// What a member's node puts on the ledger about membership by itself: ReportReady when it is in
/// the next validator set, knows every feature that is asked for and is level with the chain,
/// SubmitEvidence for each proof of equivocation
/// that is not there yet.
///
/// Both are looked at anew with every `tick`, against the final state, and submitted again when
/// they have expired and the state does not show them: nothing has to be remembered over a restart.
/// Threads: the loop's. `Parts` outlive it.
class MembershipDuties {
public:
    struct Parts {
        PartyId self;
        Hash chain_id;
        std::function<const StateView&()> state;
        std::function<std::uint64_t()> height;  ///< of the last final block
        std::function<UnixMillis()> time;       ///< of the last final block
        Signer& member_key;
        /// Whether this node holds a consensus key.
        std::function<bool(const PublicKey&)> holds_consensus_key;
        std::function<bool(Bytes envelope)> submit;
        const Clock& clock;
        Random& random;
        FeatureList known_features{};  ///< that the program can execute, rising
    };
    explicit MembershipDuties(Parts parts) : m_parts{std::move(parts)} {}

    /// Once a second.
    void tick();
    /// The driver has found, and its journal holds, a proof of equivocation.
    void on_evidence(const consensus::Evidence& evidence);

    /// Whether the last final block is so recent that this node has all that others have.
    [[nodiscard]] bool is_level() const;
    [[nodiscard]] std::size_t evidence_waiting() const noexcept { return m_evidence.size(); }

private:
    void report_ready(const EpochRecord& epoch);
    [[nodiscard]] bool knows_features(const NextEpoch& wanted);
    void submit_evidence(const EpochRecord& epoch);
    /// The clock's time, or the last block's when the clock is behind it.
    [[nodiscard]] UnixMillis now() const;
    /// The not_after of what was submitted; 0 when it was refused.
    UnixMillis submit(Action action);

    struct Waiting {
        consensus::Evidence evidence;
        UnixMillis expires{0};  ///< of its transaction; 0: nothing is on its way
    };

    Parts m_parts;
    std::deque<Waiting> m_evidence;  ///< `consensus::evidence_max` at most
    Hash m_reported_for;             ///< what the last ReportReady was about
    std::uint64_t m_reported_in{0};  ///< the epoch that it named
    UnixMillis m_report_expires{0};  ///< 0: none is on its way
    Hash m_refused_for;              ///< what was said to be unknown
};

}  // namespace tally::node
