#pragma once

// What the HTTP API asks of the node. Called on the node's loop thread.

#include "consensus/driver/driver.h"
#include "ledger/store/ledger.h"
#include "node/replica/envelope_gate.h"
#include "node/roaming/evidence_store.h"
#include "node/roaming/session_view.h"
#include "node/roaming/token_parts.h"
#include "node/roaming/unmatched_charges.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tally::node {

struct NodeStatus {
    PartyId member;
    MemberRole role{MemberRole::operator_};
    std::uint64_t height{0};
    Hash digest;
    Hash state_root;
    UnixMillis block_time{0};
    std::uint64_t view{0};
    std::vector<PartyId> peers;  ///< members connected now
    std::vector<PartyId> validators;
    std::vector<std::string> bridges;  ///< bridges connected now
};

class ApiBackend {
public:
    virtual ~ApiBackend() = default;
    [[nodiscard]] virtual NodeStatus status() const = 0;
    /// Why the node should get no traffic now; empty when it is ready.
    [[nodiscard]] virtual std::vector<std::string> not_ready_reasons() const = 0;
    [[nodiscard]] virtual const Ledger& ledger() const = 0;
    /// See Ledger::lease_backup_snapshot.
    [[nodiscard]] virtual Bytes lease_backup_snapshot() = 0;
    [[nodiscard]] virtual consensus::DriverStatus consensus() const = 0;
    /// Newest first, at most `count_max`.
    [[nodiscard]] virtual std::vector<SessionView> sessions(std::size_t count_max) const = 0;
    [[nodiscard]] virtual std::optional<SessionView> session(const SessionId& id) const = 0;
    /// Only `added` and `already_known` mean that it is in the mempool or final; finality is asked
    /// for by transaction id.
    virtual void submit(Bytes envelope, std::function<void(GateResult)> done) = 0;
    [[nodiscard]] virtual std::string metrics_text() = 0;

    /// What meters said of charges; null when this node keeps none.
    [[nodiscard]] virtual const EvidenceStore* evidence() const { return nullptr; }

    /// Ended charges that could not be taken up; null where there is no roaming.
    [[nodiscard]] virtual UnmatchedCharges* unmatched() { return nullptr; }

    // Cards without a prefix; see RoamingService.
    [[nodiscard]] virtual TokenView tokens() const { return {}; }
    virtual void keep_cards(std::vector<std::string> /*cards*/, bool /*forget*/,
                            std::function<void(bool)> done) {
        done(false);
    }
    virtual void drop_tokens(const TokenKeyId& /*key*/, const std::optional<PartyId>& /*member*/,
                             std::function<void(std::optional<std::size_t>)> done) {
        done(std::nullopt);
    }
};

}  // namespace tally::node
